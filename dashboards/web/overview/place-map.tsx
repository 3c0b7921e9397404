/**
 * The map: positions on a plain ground with a faint degree grid, no tiles and no request. Sites when far, stations when
 * near; every marker is a focusable button named like its row in the list.
 */
import * as L from "leaflet";
import "leaflet/dist/leaflet.css";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useLocation } from "preact-iso";
import { localText, t } from "../locale.ts";
import { stateSvg } from "../parts/glyphs.tsx";
import type { AreaGroup, SiteGroup, StationRow } from "../pure/places.ts";
import { STATES, shortName } from "../pure/places.ts";
import { wordFor } from "../texts.ts";
import { drawGrid } from "./map-grid.ts";
import { hideCrowdedLabels } from "./map-labels.ts";

const STATIONS_FROM_ZOOM = 14;
const ZOOM_MIN = 6;
const ZOOM_MAX = 18;
/** Edge of a marker's touch area, px. */
const TOUCH_PX = 44;

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
    fit(map, shown);
    redraw();
    const watch = new ResizeObserver(() => map.invalidateSize());
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
      fit(
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
    zoomSnap: 0.5,
    fadeAnimation: false,
    zoomAnimation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
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

function fit(map: L.Map, groups: readonly SiteGroup[]): void {
  const points = groups.map(({ site }) => L.latLng(site.lat, site.lon));
  if (points.length === 0) return;
  map.fitBounds(L.latLngBounds(points), { padding: [56, 56], maxZoom: STATIONS_FROM_ZOOM, animate: false });
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
  if (!isNear) for (const group of groups) if (group.sites.length > 1) areaLabel(group).addTo(markers);
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

interface MarkerSpec {
  readonly id: string;
  readonly at: L.LatLngTuple;
  readonly html: string;
  readonly className: string;
  readonly name: string;
}

function add(layer: L.LayerGroup, { id, at, html, className, name }: MarkerSpec, onPress: () => void): void {
  const icon = L.divIcon({ html, className, iconSize: [TOUCH_PX, TOUCH_PX] });
  const marker = L.marker(at, { icon, keyboard: true, riseOnHover: true, title: name }).addTo(layer);
  const element = marker.getElement();
  element?.setAttribute("aria-label", name);
  element?.setAttribute("role", "button");
  if (element) element.dataset["place"] = id;
  marker.on("click", onPress);
  marker.on("keydown", ({ originalEvent }: L.LeafletKeyboardEvent) => {
    if (originalEvent.key !== " ") return; // Leaflet itself takes Enter
    originalEvent.preventDefault();
    onPress();
  });
}

function siteMarker({ site, state, stations }: SiteGroup, isSelected: boolean): MarkerSpec {
  const name = localText(site.name);
  return {
    id: site.id,
    at: [site.lat, site.lon],
    html: `${stateSvg(state)}<span class="label">${escapeHtml(name)}</span>`,
    className: `marker state ${state}${isSelected ? " selected" : ""}`,
    name: `${name} · ${t(`state.${state}`)} · ${t("overview.siteCount", { n: stations.length })}`,
  };
}
function stationMarker({ station, state }: StationRow): MarkerSpec {
  const name = typeof station.name === "string" ? shortName({ ...station, id: station.name }) : localText(station.name);
  return {
    id: station.id,
    at: [station.lat, station.lon],
    html: `${stateSvg(state)}<span class="label">${escapeHtml(name)}</span>`,
    className: `marker small state ${state}`,
    name: `${localText(station.siteName)} ${name} · ${t(`state.${state}`)}`,
  };
}

/** The county's name behind its sites, for orientation only. */
function areaLabel({ area, sites }: AreaGroup): L.Marker {
  const mean = (of: (group: SiteGroup) => number): number =>
    sites.reduce((sum, group) => sum + of(group), 0) / sites.length;
  const html = `<span aria-hidden="true">${escapeHtml(wordFor(t, "area", area))}</span>`;
  const icon = L.divIcon({ html, className: "area-label", iconSize: [0, 0] });
  return L.marker([mean(({ site }) => site.lat), mean(({ site }) => site.lon)], {
    icon,
    interactive: false,
    keyboard: false,
    zIndexOffset: -10_000,
  });
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}
