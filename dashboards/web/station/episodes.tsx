/** Alarm episodes of the shown range as a list: the readable twin of the bars in the chart. */
import type { VNode } from "preact";
import { hasOwnName } from "../../../core/rule-kind-names.ts";
import type { AlarmView } from "../api-types.ts";
import { alarmWord, locale, t } from "../locale.ts";
import { LevelMark } from "../parts/glyphs.tsx";
import { durationText, formatReading, shanghaiShort, unitSuffix } from "../pure/format.ts";
import { now } from "../store.ts";

export function Episodes({ episodes }: { episodes: readonly AlarmView[] }): VNode | null {
  if (episodes.length === 0) return null;
  return (
    <section class="episodes" aria-label={t("episodes.title")}>
      <h3>{t("episodes.title")}</h3>
      <ul>
        {[...episodes].reverse().map((alarm) => (
          <li key={alarm.id}>
            <a href={`/a/${encodeURIComponent(alarm.id)}?lang=${locale.value}`}>
              <LevelMark level={alarm.level} /> {timesOf(alarm)}
              {alarm.category === "pollution" ? (
                <>
                  {" "}
                  · {t("alarms.worst")} {formatReading(alarm.value, alarm.cmp, alarm.limit)}
                  {unitSuffix(alarm.unit)}
                </>
              ) : null}
              {alarm.category !== "pollution" || hasOwnName(alarm.kind) ? <> · {alarmWord(alarm)}</> : null} ·{" "}
              {t(`alarms.state.${alarm.state}`)}
              {alarm.verified ? null : ` · ${t("alarms.unverified")}`}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function timesOf({ start, end }: AlarmView): string {
  const from = Date.parse(start);
  const until = end === null ? now.value : Date.parse(end);
  const span =
    end === null
      ? t("alarms.since", { start: shanghaiShort(from, now.value) })
      : t("alarms.span", { start: shanghaiShort(from, now.value), end: shanghaiShort(until, now.value) });
  return `${span} · ${t("alarms.lasting", { duration: durationText(until - from, t) })}`;
}
