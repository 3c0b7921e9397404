/** One alarm: lateness before all else, then how bad, where, what against which limit, since when, and one button. */

import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { groupKindName } from "../../../core/rule-kind-names.ts";
import type { AlarmView } from "../api-types.ts";
import { alarmWord, locale, localText, quantityName, t, whatText } from "../locale.ts";
import { LevelMark } from "../parts/glyphs.tsx";
import { say } from "../parts/notices.tsx";
import { CROSSED } from "../pure/alarms.ts";
import { clauseText } from "../pure/clause.ts";
import {
  durationText,
  exactReading,
  formatNumber,
  formatReading,
  shanghaiSecond,
  shanghaiShort,
  unitSuffix,
} from "../pure/format.ts";
import { shortName } from "../pure/places.ts";
import { may, now, quantities } from "../store.ts";
import { acknowledge, isUndecided } from "./acknowledge.ts";

interface Props {
  readonly alarm: AlarmView;
  readonly onChange: (alarm: AlarmView) => void;
}

export function AlarmRow({ alarm, onChange }: Props): VNode {
  return (
    <li class={`alarm ${alarm.state} ${alarm.level}`}>
      <article aria-label={summaryOf(alarm)}>
        <p class="marks">
          {alarm.lateMs > 0 ? (
            <span class="badge late">{t("alarms.late", { duration: durationText(alarm.lateMs, t) })}</span>
          ) : null}
          <LevelMark level={alarm.level} />
          <span class={`badge ${alarm.state}`}>{t(`alarms.state.${alarm.state}`)}</span>
          <Badges alarm={alarm} />
          <span class="muted">{alarmWord(alarm)}</span>
        </p>
        <h2>
          <a href={stationUrl(alarm)}>
            {localText(alarm.siteName)} · {stationName(alarm)}
          </a>
        </h2>
        <Explanation alarm={alarm} />
        <Times alarm={alarm} />
        <Acknowledged alarm={alarm} />
        <Actions alarm={alarm} onChange={onChange} />
      </article>
    </li>
  );
}

function stationName({ station, site, stationName: name }: AlarmView): string {
  return typeof name === "string" ? shortName({ id: name === station ? station : name, site }) : localText(name);
}
/** The station's page at the alarm's series; at the first that contributes where the alarm is about several. */
function stationUrl({ series, station, quantity, members }: AlarmView): string {
  const own = groupKindName(quantity) ? members.find((key) => key.startsWith(`${station}/`)) : series;
  const tail = own === undefined ? "" : `?series=${encodeURIComponent(own.slice(station.length + 1))}`;
  return `/s/${encodeURIComponent(station)}${tail}`;
}
function summaryOf(alarm: AlarmView): string {
  const quantity = quantityName(quantities.value, alarm.quantity);
  return `${t(`level.${alarm.level}`)} ${localText(alarm.siteName)} ${stationName(alarm)} ${quantity}`;
}

function Badges({ alarm: { verified, backfill, supersededBy } }: { alarm: AlarmView }): VNode {
  return (
    <>
      {verified ? null : (
        <span class="badge doubtful" title={t("alarms.unverifiedWhy")}>
          {t("alarms.unverified")}
        </span>
      )}
      {backfill ? <span class="badge">{t("alarms.backfill")}</span> : null}
      {supersededBy === null ? null : (
        <span class="badge doubtful">{t(supersededBy === "retracted" ? "alarms.retracted" : "alarms.merged")}</span>
      )}
    </>
  );
}

/** Value, unit, limit, clause: what an officer needs to believe it. */
function Explanation({ alarm }: { alarm: AlarmView }): VNode {
  const { value, cmp, unit, limit, passes, clause, quantity } = alarm;
  const what = whatText(alarm);
  return (
    <p class="why">
      {quantityName(quantities.value, quantity)}{" "}
      {value === null ? null : (
        <b class="value" title={exactReading(value, cmp, unit)}>
          {formatReading(value, cmp, limit)}
          <small>{unitSuffix(unit)}</small>
        </b>
      )}{" "}
      {limit !== null && passes !== null ? (
        <span>
          {CROSSED[passes]} {t("alarms.limit")} {formatNumber(limit)}
          {unitSuffix(unit)}
        </span>
      ) : null}
      {what === "" ? null : <span> · {what}</span>}
      {clause === null ? null : <span class="muted"> · {clauseText(clause, t)}</span>}
    </p>
  );
}

function Times({ alarm: { start, end } }: { alarm: AlarmView }): VNode {
  const from = Date.parse(start);
  const until = end === null ? now.value : Date.parse(end);
  const span =
    end === null
      ? t("alarms.since", { start: shanghaiShort(from, now.value) })
      : t("alarms.span", { start: shanghaiShort(from, now.value), end: shanghaiShort(until, now.value) });
  return (
    <p class="muted times" title={`${shanghaiSecond(from)} · ${start}`}>
      {span} · {t("alarms.lasting", { duration: durationText(until - from, t) })}
    </p>
  );
}

function Acknowledged({ alarm: { acknowledgedAt, acknowledgedBy } }: { alarm: AlarmView }): VNode | null {
  if (acknowledgedAt === null) return null;
  const time = shanghaiShort(Date.parse(acknowledgedAt), now.value);
  return <p class="acked">✓ {t("alarms.acked", { name: acknowledgedBy ?? "", time })}</p>;
}

function Actions({ alarm, onChange }: Props): VNode {
  const [note, setNote] = useState<string | null>(null);
  const [isSending, setSending] = useState(false);
  const mayAcknowledge = may("alarm.acknowledge") && alarm.state === "active";
  const send = (event: Event): void => {
    event.preventDefault();
    setSending(true);
    acknowledge(alarm.id, note ?? "")
      .then(
        (changed) => {
          onChange(changed);
          say(t("alarms.ackedToast", { what: summaryOf(changed) }));
        },
        (error: Error) =>
          say(isUndecided(error) ? t("alarms.ackPending") : t("alarms.ackFailed", { what: error.message })),
      )
      .finally(() => setSending(false));
  };
  return (
    <form class="actions" onSubmit={send}>
      {mayAcknowledge && note !== null ? (
        <label class="note">
          <span class="unseen">{t("alarms.noteHint")}</span>
          <input
            value={note}
            maxLength={2000}
            placeholder={t("alarms.noteHint")}
            onInput={(event) => setNote(event.currentTarget.value)}
          />
        </label>
      ) : null}
      {mayAcknowledge ? (
        <button type="submit" class="primary" disabled={isSending}>
          {isSending ? t("alarms.acking") : t("alarms.ack")}
        </button>
      ) : null}
      {mayAcknowledge && note === null ? (
        <button type="button" onClick={() => setNote("")}>
          {t("alarms.note")}
        </button>
      ) : null}
      <a class="button" href={`/a/${encodeURIComponent(alarm.id)}?lang=${locale.value}`}>
        {t("alarms.detail")}
      </a>
    </form>
  );
}
