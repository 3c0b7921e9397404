/** Head of a station's page: name, state, open alarms, and what kind of point it is. */
import type { VNode } from "preact";
import type { AlarmView, StationView } from "../api-types.ts";
import { alarmWord, locale, localText, quantityName, t } from "../locale.ts";
import { LevelMark, StateMark } from "../parts/glyphs.tsx";
import { durationText } from "../pure/format.ts";
import { romanClass } from "../pure/limits.ts";
import { isSilent } from "../pure/places.ts";
import { alarmsOf, now, quantities, shownState, sites, tenants } from "../store.ts";
import { wordFor } from "../texts.ts";

export function StationHead({ station }: { station: StationView }): VNode {
  const state = shownState(station);
  const isSilentToo = state !== "stale" && isSilent(station.newestAt, station.intervalMs, now.value);
  const alarms = alarmsOf(station.id);
  return (
    <section class="station-head">
      <p class="crumbs">
        <a href="/">{t("station.back")}</a> <span aria-hidden="true">/</span> {localText(station.siteName)}
      </p>
      <h1>
        {localText(station.name)} <StateMark state={state} /> {isSilentToo ? <StateMark state="stale" /> : null}
      </h1>
      {alarms.length === 0 ? null : (
        <ul class="open-alarms" aria-label={t("station.openAlarms", { n: alarms.length })}>
          {alarms.map((alarm) => (
            <li key={alarm.id}>
              <AlarmLink alarm={alarm} />
            </li>
          ))}
        </ul>
      )}
      <Facts station={station} />
    </section>
  );
}

function AlarmLink({ alarm }: { alarm: AlarmView }): VNode {
  return (
    <a href={`/a/${encodeURIComponent(alarm.id)}?lang=${locale.value}`}>
      <LevelMark level={alarm.level} />{" "}
      {alarm.kind === alarm.quantity ? "" : `${quantityName(quantities.value, alarm.quantity)} · `}
      {alarmWord(alarm)} · {t(`alarms.state.${alarm.state}`)}
    </a>
  );
}

function Facts({ station }: { station: StationView }): VNode {
  const owner = tenants.value.find(({ id }) => id === station.tenant)?.name;
  const site = sites.value?.find(({ id }) => id === station.site);
  const facts: [string, string | null][] = [
    [t("station.site"), site ? `${localText(station.siteName)} · ${wordFor(t, "area", site.area)}` : null],
    [t("station.medium"), wordFor(t, "medium", station.medium)],
    [t("station.type"), wordFor(t, "type", station.type)],
    [t("station.targetClass"), station.targetClass ? romanClass(station.targetClass) : null],
    [t("station.land"), station.land ? wordFor(t, "land", station.land) : null],
    [t("station.crop"), station.crop ? wordFor(t, "crop", station.crop) : null],
    [t("station.ph"), station.ph === undefined ? null : String(station.ph)],
    [t("station.control"), wordFor(t, "control", station.control)],
    [t("station.owner"), owner === undefined ? null : localText(owner)],
    [t("station.interval"), station.intervalMs === null ? null : durationText(station.intervalMs, t)],
    [t("station.position"), `${station.lat.toFixed(5)}, ${station.lon.toFixed(5)}`],
    [t("station.id"), station.id],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) =>
        value === null ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
