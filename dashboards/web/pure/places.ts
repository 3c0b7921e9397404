/** Sites and stations as the overview shows them: state at this moment, live values, groups, filters, order. */
import type { LocalText } from "../../../core/locale.ts";
import { parseSeriesKey } from "../../../core/reading.ts";
import type { LatestView, LiveValue, PlaceState, SiteView, StationView } from "../api-types.ts";

/** Worst first. */
export const STATES: readonly PlaceState[] = ["exceed", "warning", "stale", "normal", "idle"];
/** Silent for more than this many of its own intervals, a station is stale; the server counts the same. */
const STALE_INTERVALS = 3;

/**
 * The server's word at the time it answered, moved on to now: silence turns normal into stale, and without a
 * connection nothing is normal.
 */
export function stateNow(
  station: Pick<StationView, "state" | "newestAt" | "intervalMs" | "openAlarms">,
  { now, connected }: { readonly now: number; readonly connected: boolean },
): PlaceState {
  const { state, newestAt, intervalMs, openAlarms } = station;
  if (state === "exceed" || state === "warning") return state;
  if (newestAt === null) return state === "normal" ? "idle" : state;
  if (isSilent(newestAt, intervalMs, now)) return "stale";
  if (state === "stale" && (openAlarms > 0 || intervalMs === null)) return "stale";
  return connected ? "normal" : "stale";
}

/** True beside an open alarm too: then both are shown. */
export function isSilent(newestAt: string | null, intervalMs: number | null, now: number): boolean {
  return newestAt !== null && intervalMs !== null && now - Date.parse(newestAt) > STALE_INTERVALS * intervalMs;
}

export function worstState(states: Iterable<PlaceState>): PlaceState {
  const present = new Set(states);
  return STATES.find((state) => present.has(state)) ?? "idle";
}

/** A station with newer values in place, or null when a series is not known yet and must be asked for. */
export function withLive(station: StationView, values: readonly LiveValue[], now: number): StationView | null {
  const latest = [...station.latest];
  let newest = station.newestAt === null ? Number.NEGATIVE_INFINITY : Date.parse(station.newestAt);
  for (const live of values) {
    const index = latest.findIndex(({ series }) => series === live[0]);
    const known = latest[index];
    if (!known) return null;
    latest[index] = fresher(known, live, now);
    newest = Math.max(newest, live[1]);
  }
  return { ...station, latest, newestAt: new Date(newest).toISOString(), stale: false };
}
function fresher(known: LatestView, [, time, value, cmp, flag, qualifier]: LiveValue, now: number): LatestView {
  if (time < Date.parse(known.time)) return known;
  const ageMs = Math.max(0, now - time);
  return { ...known, value, cmp, flag, qualifier, time: new Date(time).toISOString(), ageMs, stale: false };
}

export function byStation(values: readonly LiveValue[]): ReadonlyMap<string, LiveValue[]> {
  const groups = new Map<string, LiveValue[]>();
  for (const value of values) {
    const { station } = parseSeriesKey(value[0]);
    const known = groups.get(station);
    if (known) known.push(value);
    else groups.set(station, [value]);
  }
  return groups;
}

export interface PlaceFilter {
  readonly area: string | null;
  readonly kind: string | null;
  readonly site: string | null;
  readonly states: ReadonlySet<PlaceState>;
  readonly text: string;
}
export const EVERYTHING: PlaceFilter = { area: null, kind: null, site: null, states: new Set(), text: "" };

export interface StationRow {
  readonly station: StationView;
  readonly state: PlaceState;
}
export interface SiteGroup {
  readonly site: SiteView;
  readonly state: PlaceState;
  readonly stations: readonly StationRow[];
}
export interface AreaGroup {
  readonly area: string;
  readonly sites: readonly SiteGroup[];
}

/** Areas with something wrong before the others, then by code; inside them the worst first; sites without a fitting station are left out unless they have none. */
export function groupPlaces(
  sites: readonly SiteView[],
  rows: readonly StationRow[],
  filter: PlaceFilter,
): readonly AreaGroup[] {
  const bySite = new Map<string, StationRow[]>();
  for (const row of rows) bySite.set(row.station.site, [...(bySite.get(row.station.site) ?? []), row]);
  const areas = new Map<string, SiteGroup[]>();
  for (const site of sites) {
    if ((filter.area ?? site.area) !== site.area || (filter.kind ?? site.kind) !== site.kind) continue;
    if ((filter.site ?? site.id) !== site.id) continue;
    const all = bySite.get(site.id) ?? [];
    const stations = all.filter((row) => fits(row, site, filter)).sort(worstFirst);
    const isBare = all.length === 0 && filter.states.size === 0 && mentions(filter.text, [site.id, site.name]);
    if (stations.length === 0 && !isBare) continue;
    const group = { site, state: worstState(all.map(({ state }) => state)), stations };
    areas.set(site.area, [...(areas.get(site.area) ?? []), group]);
  }
  return [...areas]
    .map(([area, groups]) => ({
      area,
      sites: groups.sort((a, b) => rank(a.state) - rank(b.state) || natural(a.site.id, b.site.id)),
    }))
    .sort((a, b) => urgency(a) - urgency(b) || (a.area < b.area ? -1 : 1));
}

/** Normal and idle are alike: a quiet county keeps its place. */
function urgency({ sites }: AreaGroup): number {
  return Math.min(rank("normal"), ...sites.map(({ state }) => rank(state)));
}

function fits({ station, state }: StationRow, site: SiteView, { states, text }: PlaceFilter): boolean {
  if (states.size > 0 && !states.has(state)) return false;
  return mentions(text, [station.id, station.name, site.id, site.name, ...station.measures]);
}
function mentions(text: string, names: readonly LocalText[]): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const all = names.flatMap((name) => (typeof name === "string" ? [name] : [name["zh-CN"], name.en]));
  const hay = all.join("\n").toLowerCase();
  return words.every((word) => hay.includes(word));
}
function worstFirst(a: StationRow, b: StationRow): number {
  return rank(a.state) - rank(b.state) || natural(a.station.id, b.station.id);
}
function rank(state: PlaceState): number {
  return STATES.indexOf(state);
}
/** well-2 before well-10. */
function natural(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

export function countStates(rows: readonly StationRow[]): Readonly<Record<PlaceState, number>> {
  const counts = { exceed: 0, warning: 0, stale: 0, normal: 0, idle: 0 };
  for (const { state } of rows) counts[state]++;
  return counts;
}

/**
 * Names of a site's stations without what they all begin with, where there are several: "tailings-1-well-2" is
 * "well-2" below its site. The whole id stays in the link's title.
 */
export function shortName(station: Pick<StationView, "id" | "site">): string {
  const prefix = `${station.site}-`;
  return station.id.startsWith(prefix) && station.id.length > prefix.length
    ? station.id.slice(prefix.length)
    : station.id;
}
