/** S3, the overview: a map and, with the same content, a list of sites and stations by county; worst first. */

import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { lazy } from "preact-iso";
import { locale, t } from "../locale.ts";
import { Fault, Loading } from "../parts/notices.tsx";
import { EVERYTHING, groupPlaces, type PlaceFilter } from "../pure/places.ts";
import { isComplete, loadPlaces, rows, sites } from "../store.ts";
import { Filters, StateFilter } from "./filters.tsx";
import { PlaceList } from "./place-list.tsx";
import "../styles/overview.css";

const PlaceMap = lazy(() => import("./place-map.tsx").then(({ PlaceMap: Loaded }) => Loaded));

/** Beside the list there is room for the map; below this it is opened by a button, list first. */
const WIDE = "(min-width: 960px)";
/** Sites and stations change rarely and without an event; this finds new ones. */
const RELOAD_MS = 5 * 60_000;

export function OverviewPage(): VNode {
  const [fault, setFault] = useState<unknown>(null);
  const [filter, setFilter] = useState<PlaceFilter>(EVERYTHING);
  const isWide = useMedia(WIDE);
  const [mapWanted, setMapWanted] = useState(location.pathname === "/map");
  const load = (): void => {
    loadPlaces().then(() => setFault(null), setFault);
  };
  useEffect(() => {
    load();
    const timer = setInterval(load, RELOAD_MS);
    return () => clearInterval(timer);
  }, []);
  document.title = `${t("overview.title")} · ${t("product")}`;

  if (sites.value === null || !isComplete.value)
    return fault === null ? <Loading /> : <Fault fault={fault} onRetry={load} />;
  const groups = groupPlaces(sites.value, rows.value, filter);
  const showMap = isWide || mapWanted;
  return (
    <div class={showMap ? "overview with-map" : "overview"}>
      <section class="summary" aria-label={t("overview.title")}>
        <div class="title-line">
          <h1>{t("overview.title")}</h1>
          <p class="muted">{t("overview.counts", { sites: sites.value.length, stations: rows.value.length })}</p>
          {isWide ? null : (
            <button type="button" class="map-toggle" aria-expanded={mapWanted} onClick={() => setMapWanted(!mapWanted)}>
              {mapWanted ? t("overview.hideMap") : t("overview.showMap")}
            </button>
          )}
        </div>
        <StateFilter filter={filter} onChange={setFilter} />
      </section>
      {showMap ? (
        <PlaceMap
          key={locale.value}
          groups={groups}
          selected={filter.site}
          onSelect={(site: string | null) => setFilter({ ...filter, site })}
        />
      ) : null}
      <div class="list-part">
        <Filters filter={filter} onChange={setFilter} />
        <PlaceList groups={groups} filter={filter} onChange={setFilter} />
      </div>
    </div>
  );
}

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const follow = (): void => setMatches(list.matches);
    follow();
    list.addEventListener("change", follow);
    return () => list.removeEventListener("change", follow);
  }, [query]);
  return matches;
}
