/** S4, one station: what it is, its newest values beside their limits, and a chart of the chosen quantity. */

import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useLocation, useRoute } from "preact-iso";
import { ApiFault, get } from "../api.ts";
import type { LimitView, StationView } from "../api-types.ts";
import { localText, t } from "../locale.ts";
import { Fault, Loading } from "../parts/notices.tsx";
import { type SeriesName, seriesOf } from "../pure/series.ts";
import { alarmsOf, loadSites, loadStation, reloads, sites, stations } from "../store.ts";
import { History } from "./history.tsx";
import { seriesLabel } from "./series-label.ts";
import { StationHead } from "./station-head.tsx";
import { ValuesTable } from "./values-table.tsx";
import "../styles/station.css";

export function StationPage(): VNode {
  const { params } = useRoute();
  const { query, route, path } = useLocation();
  const id = params["id"] ?? "";
  const fault = useLoading(id);
  const station = stations.value.get(id);
  const limits = useLimits(station);
  if (station) document.title = `${localText(station.siteName)} ${localText(station.name)} · ${t("product")}`;
  if (fault !== null) return <Fault fault={fault} onRetry={() => location.reload()} />;
  if (!station) return <Loading />;

  const all = seriesOf(station);
  const chosen = all.find(({ series }) => series === `${id}/${query["series"] ?? ""}`) ?? firstSeries(all, station);
  const choose = (series: string): void => {
    const next = new URLSearchParams(query);
    next.set("series", series.slice(id.length + 1));
    route(`${path}?${next}`, true);
  };
  return (
    <div class="page station-page">
      <StationHead station={station} />
      {all.length === 0 ? <p class="empty">{t("station.noSeries")}</p> : null}
      <ValuesTable station={station} series={all} limits={limits} chosen={chosen?.series} onChoose={choose} />
      {chosen ? (
        <section class="chart-part" aria-label={t("station.chart")}>
          <h2>{t("station.chart")}</h2>
          <div class="tabs" role="tablist" aria-label={t("station.quantity")}>
            {all.map((series) => (
              <Tab key={series.series} series={series} isChosen={series === chosen} onChoose={choose} />
            ))}
          </div>
          <History key={chosen.series} station={station} series={chosen} limits={limits.get(chosen.quantity) ?? []} />
        </section>
      ) : null}
    </div>
  );
}

/** With an open alarm its quantity is what people come for. */
function firstSeries(all: readonly SeriesName[], station: StationView): SeriesName | undefined {
  const [alarm] = alarmsOf(station.id);
  const measured = station.latest.map(({ series }) => series);
  return (
    all.find(({ series }) => series === alarm?.series) ?? all.find(({ series }) => measured.includes(series)) ?? all[0]
  );
}

function Tab({
  series,
  isChosen,
  onChoose,
}: {
  series: SeriesName;
  isChosen: boolean;
  onChoose: (series: string) => void;
}): VNode {
  const walk = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const tabs = [...((event.currentTarget as HTMLElement).parentElement?.children ?? [])] as HTMLElement[];
    const next = tabs[(tabs.indexOf(event.currentTarget as HTMLElement) + step + tabs.length) % tabs.length];
    if (step === 0 || !next) return;
    event.preventDefault();
    next.focus();
    next.click();
  };
  return (
    <button
      type="button"
      role="tab"
      aria-selected={isChosen}
      tabIndex={isChosen ? 0 : -1}
      onClick={() => onChoose(series.series)}
      onKeyDown={walk}
    >
      {seriesLabel(series)}
    </button>
  );
}

function useLoading(id: string): unknown {
  const [fault, setFault] = useState<unknown>(null);
  const again = reloads.value;
  useEffect(() => {
    let isLeft = false;
    const keep = (error: unknown): void => {
      // While the connection is lost the old values stay, greyed; only a first load has nothing to show.
      if (!isLeft && error instanceof ApiFault && error.status !== 0) setFault(error);
    };
    setFault(null);
    loadStation(id).catch(keep);
    if (sites.value === null) loadSites().catch(() => {}); // county and owner are then not shown
    return () => {
      isLeft = true;
    };
  }, [id, again]);
  return fault;
}

/** Limits of every measured quantity; they change with the registry only. */
function useLimits(station: StationView | undefined): ReadonlyMap<string, readonly LimitView[]> {
  const [limits, setLimits] = useState<ReadonlyMap<string, readonly LimitView[]>>(new Map());
  const ids = [...new Set(station ? seriesOf(station).map(({ quantity }) => quantity) : [])].join();
  const id = station?.id;
  useEffect(() => {
    if (id === undefined || ids === "") return;
    const leaving = new AbortController();
    const load = async (quantity: string): Promise<readonly [string, readonly LimitView[]]> => {
      const path = `stations/${encodeURIComponent(id)}/limits?quantity=${encodeURIComponent(quantity)}`;
      const { lines } = await get<{ lines: LimitView[] }>(path, leaving.signal);
      return [quantity, lines];
    };
    Promise.all(ids.split(",").map(load)).then(
      (found) => setLimits(new Map(found)),
      () => {}, // without limits the values still stand; the next visit asks again
    );
    return () => leaving.abort();
  }, [id, ids]);
  return limits;
}
