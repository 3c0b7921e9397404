/** What lies on the map: focusable markers of sites and stations, and the names of counties behind them. */
import * as L from "leaflet";
import { localText, t } from "../locale.ts";
import { stateSvg } from "../parts/glyphs.tsx";
import { type AreaGroup, type SiteGroup, type StationRow, shortName } from "../pure/places.ts";
import { wordFor } from "../texts.ts";

/** Edge of a marker's touch area, px. */
const TOUCH_PX = 44;

export interface MarkerSpec {
  readonly id: string;
  readonly at: L.LatLngTuple;
  readonly html: string;
  readonly className: string;
  readonly name: string;
}

export function add(layer: L.LayerGroup, { id, at, html, className, name }: MarkerSpec, onPress: () => void): void {
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

export function siteMarker({ site, state, stations }: SiteGroup, isSelected: boolean): MarkerSpec {
  const name = localText(site.name);
  return {
    id: site.id,
    at: [site.lat, site.lon],
    html: `${stateSvg(state)}<span class="label">${escapeHtml(name)}</span>`,
    className: `marker state ${state}${isSelected ? " selected" : ""}`,
    name: `${name} · ${t(`state.${state}`)} · ${t("overview.siteCount", { n: stations.length })}`,
  };
}
export function stationMarker({ station, state }: StationRow): MarkerSpec {
  const name = typeof station.name === "string" ? shortName({ ...station, id: station.name }) : localText(station.name);
  return {
    id: station.id,
    at: [station.lat, station.lon],
    html: `${stateSvg(state)}<span class="label">${escapeHtml(name)}</span>`,
    className: `marker small state ${state}`,
    name: `${localText(station.siteName)} ${name} · ${t(`state.${state}`)}`,
  };
}

/** The county's name above or below its sites (map-labels.ts chooses), for orientation only. */
export function areaLabel(map: L.Map, { area, sites }: AreaGroup): L.Marker {
  const bounds = L.latLngBounds(sites.map(({ site }) => L.latLng(site.lat, site.lon)));
  const top = map.latLngToLayerPoint(bounds.getNorthWest()).y;
  const bottom = map.latLngToLayerPoint(bounds.getSouthEast()).y;
  const html = `<span aria-hidden="true" data-half="${(bottom - top) / 2}">${escapeHtml(wordFor(t, "area", area))}</span>`;
  const icon = L.divIcon({ html, className: "area-label", iconSize: [0, 0] });
  return L.marker(bounds.getCenter(), { icon, interactive: false, keyboard: false, zIndexOffset: -10_000 });
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
