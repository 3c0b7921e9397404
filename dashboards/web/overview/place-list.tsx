/** The list: counties, their sites, their stations; each station with state, what is wrong or newest, and its age. */
import type { VNode } from "preact";
import type { AlarmView, StationView } from "../api-types.ts";
import { alarmWord, localText, quantityName, t, whatText } from "../locale.ts";
import { LevelMark, StateMark } from "../parts/glyphs.tsx";
import { CROSSED } from "../pure/alarms.ts";
import { ageText, exactReading, formatNumber, formatReading, shanghaiSecond, unitSuffix } from "../pure/format.ts";
import {
  type AreaGroup,
  EVERYTHING,
  isSilent,
  type PlaceFilter,
  type SiteGroup,
  type StationRow,
  shortName,
} from "../pure/places.ts";
import { alarmsOf, now, quantities, rows, sites } from "../store.ts";
import { wordFor } from "../texts.ts";

export function PlaceList({
  groups,
  filter,
  onChange,
}: {
  readonly groups: readonly AreaGroup[];
  readonly filter: PlaceFilter;
  readonly onChange: (filter: PlaceFilter) => void;
}): VNode {
  const shown = groups.reduce((sum, area) => sum + area.sites.reduce((n, { stations }) => n + stations.length, 0), 0);
  const isFiltered = shown < rows.value.length || filter.site !== null;
  const site = sites.value?.find(({ id }) => id === filter.site);
  return (
    <section class="places" aria-label={t("overview.list")}>
      {isFiltered ? (
        <p class="filtered">
          <span>
            {site ? `${t("overview.onlySite", { name: localText(site.name) })} · ` : ""}
            {t("overview.shown", { shown, all: rows.value.length })}
          </span>
          <button type="button" onClick={() => onChange(EVERYTHING)}>
            {t("overview.reset")}
          </button>
        </p>
      ) : null}
      {groups.length === 0 ? <p class="empty">{t(isFiltered ? "overview.none" : "overview.empty")}</p> : null}
      {groups.map(({ area, sites: inArea }) => (
        <section key={area} class="area" aria-label={wordFor(t, "area", area)}>
          <h2>{wordFor(t, "area", area)}</h2>
          {inArea.map((group) => (
            <Site key={group.site.id} group={group} />
          ))}
        </section>
      ))}
    </section>
  );
}

function Site({ group: { site, state, stations } }: { group: SiteGroup }): VNode {
  return (
    <article class={`site ${state}`}>
      <header>
        <h3>{localText(site.name)}</h3>
        <StateMark state={state} />
        <p class="muted">
          {wordFor(t, "kind", site.kind)} · {t("overview.siteCount", { n: site.stations })}
        </p>
      </header>
      <ul>
        {stations.map((row) => (
          <StationLink key={row.station.id} row={row} />
        ))}
      </ul>
    </article>
  );
}

function StationLink({ row: { station, state } }: { row: StationRow }): VNode {
  const [alarm] = alarmsOf(station.id);
  const isSilentToo = state !== "stale" && isSilent(station.newestAt, station.intervalMs, now.value);
  const name = typeof station.name === "string" ? shortName({ ...station, id: station.name }) : localText(station.name);
  return (
    <li>
      <a class={`station ${state}`} href={`/s/${encodeURIComponent(station.id)}`} title={station.id}>
        <span class="name">{name}</span>
        <StateMark state={state} />
        {isSilentToo ? <StateMark state="stale" /> : null}
        <span class="what">{alarm ? <AlarmLine alarm={alarm} /> : <NewestLine station={station} />}</span>
        <Age station={station} />
      </a>
    </li>
  );
}

function AlarmLine({ alarm }: { alarm: AlarmView }): VNode {
  const { value, cmp, limit, passes, unit } = alarm;
  const bound = limit === null || passes === null ? "" : ` ${CROSSED[passes]} ${formatNumber(limit)}`;
  // Of an alarm over several series the name says what it is.
  if (alarm.kind === alarm.quantity) {
    return (
      <span title={whatText(alarm)}>
        <LevelMark level={alarm.level} /> {alarmWord(alarm)}
      </span>
    );
  }
  return (
    <>
      <LevelMark level={alarm.level} /> {quantityName(quantities.value, alarm.quantity)}{" "}
      {value === null || alarm.category === "absence" ? (
        alarmWord(alarm)
      ) : (
        <b class="value" title={exactReading(value, cmp, unit)}>
          {formatReading(value, cmp, limit)}
          {bound}
          {unitSuffix(unit)}
        </b>
      )}
    </>
  );
}

/** The first measured quantity stands for the station; the others are on its page. */
function NewestLine({ station }: { station: StationView }): VNode {
  const [first] = station.latest;
  if (!first) return <span class="muted">{t("station.noReading")}</span>;
  return (
    <>
      {quantityName(quantities.value, first.quantity)}{" "}
      <b class="value" title={exactReading(first.value, first.cmp, first.unit)}>
        {formatReading(first.value, first.cmp)}
        {unitSuffix(first.unit)}
      </b>
    </>
  );
}

function Age({ station: { newestAt } }: { station: StationView }): VNode {
  if (newestAt === null) return <span class="age">{t("age.never")}</span>;
  const ms = Date.parse(newestAt);
  return (
    <time class="age" dateTime={newestAt} title={`${shanghaiSecond(ms)} · ${newestAt}`}>
      {ageText(now.value - ms, t)}
    </time>
  );
}
