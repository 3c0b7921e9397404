/**
 * The map: positions on a plain ground with a faint degree grid, no tiles and no request. Sites when far, stations when
 * near; every marker is a focusable button named like its row in the list.
 */
import * as L from "leaflet";
import "leaflet/dist/leaflet.css";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useLocation } from "preact-iso";
import { t } from "../locale.ts";
import type { AreaGroup, SiteGroup } from "../pure/places.ts";
import { STATES } from "../pure/places.ts";
import { drawGrid } from "./map-grid.ts";
import { hideCrowdedLabels } from "./map-labels.ts";
import { add, areaLabel, siteMarker, stationMarker } from "./map-markers.ts";
import "../styles/map.css";

const STATIONS_FROM_ZOOM = 14;
/** A phone has no room to spare around the outermost sites. */
const NARROW_PX = 600;
/** One site is shown no nearer than this. */
const ZOOM_ONE_SITE = 16;
const ZOOM_MIN = 6;
const ZOOM_MAX = 18;

interface Props {
  readonly groups: readonly AreaGroup[];
  readonly selected: string | null;
  readonly onSelect: (site: string | null) => void;
}

interface Drawn {
  readonly map: L.Map;
  readonly markers: L.LayerGroup;
}

export function PlaceMap({ groups, selected, onSelect }: Props): VNode {
  const box = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn | null>(null);
  const { route } = useLocation();
  const shown = groups.flatMap(({ sites }) => sites);
  const newest = useRef({ groups, selected, onSelect, route });
  newest.current = { groups, selected, onSelect, route };

  useEffect(() => {
    const { map, markers } = openMap(box.current as HTMLDivElement);
    drawn.current = { map, markers };
    const redraw = (): void => draw({ map, markers }, newest.current);
    map.on("zoomend", redraw);
    fitTo(map, shown);
    redraw();
    const watch = new ResizeObserver(() => map.invalidateSize({ pan: false, debounceMoveend: false }));
    watch.observe(box.current as HTMLDivElement);
    return () => {
      watch.disconnect();
      map.remove();
      drawn.current = null;
    };
  }, []);

  // What a marker says: only a change of it redraws, so that focus survives the ticking of ages.
  const content = JSON.stringify([
    selected,
    shown.map(({ site, state, stations }) => [site.id, state, stations.map((row) => [row.station.id, row.state])]),
  ]);
  useEffect(() => {
    if (drawn.current) draw(drawn.current, newest.current);
  }, [content]);
  const ids = shown.map(({ site }) => site.id).join();
  useEffect(() => {
    if (drawn.current)
      fitTo(
        drawn.current.map,
        newest.current.groups.flatMap(({ sites }) => sites),
      );
  }, [ids]);

  return (
    <section class="map" aria-label={t("map.label")}>
      <div ref={box} class="map-box" />
      <p class="map-note">
        {t("map.plain")} · {t("map.hint")}
      </p>
    </section>
  );
}

function openMap(box: HTMLDivElement): Drawn {
  const map = L.map(box, {
    zoomControl: false,
    attributionControl: false,
    minZoom: ZOOM_MIN,
    maxZoom: ZOOM_MAX,
    zoomSnap: 0.25,
    fadeAnimation: false,
    // Leaflet 1.9 ends a zoom animation and a change of the window from timers that fail once the map is removed.
    zoomAnimation: false,
    trackResize: false, // the box is watched instead
  });
  L.control.zoom({ zoomInTitle: t("map.zoomIn"), zoomOutTitle: t("map.zoomOut"), position: "topright" }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", t("map.label"));
  map.setView([30.13, 104.95], 10);
  drawGrid(map);
  const markers = L.layerGroup().addTo(map);
  return { map, markers };
}

function fitTo(map: L.Map, groups: readonly SiteGroup[]): void {
  const [only] = groups;
  const isOne = groups.length === 1 && only !== undefined && only.stations.length > 0;
  const places = isOne ? only.stations.map(({ station }) => station) : groups.map(({ site }) => site);
  if (places.length === 0) return;
  const bounds = L.latLngBounds(places.map(({ lat, lon }) => L.latLng(lat, lon)));
  map.fitBounds(bounds, {
    padding: map.getSize().x < NARROW_PX ? [44, 36] : [64, 56],
    maxZoom: isOne ? ZOOM_ONE_SITE : STATIONS_FROM_ZOOM,
    animate: false,
  });
}

function draw(
  { map, markers }: Drawn,
  { groups, selected, onSelect, route }: Props & { route: (url: string) => void },
): void {
  const focused = (document.activeElement as HTMLElement | null)?.dataset?.["place"];
  markers.clearLayers();
  const isNear = map.getZoom() >= STATIONS_FROM_ZOOM;
  // The worst last, so that it lies on top and its label wins.
  const sites = groups
    .flatMap(({ sites: inArea }) => inArea)
    .sort((a, b) => STATES.indexOf(b.state) - STATES.indexOf(a.state));
  if (!isNear) for (const group of groups) areaLabel(map, group).addTo(markers);
  for (const group of sites) {
    const isSelected = group.site.id === selected;
    if (isNear && group.stations.length > 0) {
      for (const row of group.stations)
        add(markers, stationMarker(row), () => route(`/s/${encodeURIComponent(row.station.id)}`));
    } else {
      add(markers, siteMarker(group, isSelected), () => onSelect(isSelected ? null : group.site.id));
    }
  }
  hideCrowdedLabels(map.getContainer());
  if (focused)
    map
      .getContainer()
      .querySelector<HTMLElement>(`[data-place="${CSS.escape(focused)}"]`)
      ?.focus();
}
