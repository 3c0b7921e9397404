/** Sites and stations as pages see them: the registry joined with latest values and open alarms. Pure. */
import { type Alarm, type Level, levelRank } from "../core/alarm.ts";
import { subjectName } from "../core/alarm-words.ts";
import type { Directory, LatestPoint } from "../core/ports.ts";
import { quantitySpec } from "../core/quantity.ts";
import { parseSeriesKey } from "../core/reading.ts";
import type { Device, Site, Station } from "../core/site.ts";
import type { LatestView, PlaceState, SiteView, StationView } from "./schemas.ts";
import { finiteOrNull, iso } from "./times.ts";

export interface Place {
  readonly station: Station;
  readonly site: Site;
}
/** Silent for more than this many of its own intervals, a series is stale. */
const STALE_INTERVALS = 3;

/** Devices of each station, worked out once for each copy of the registry. */
const devicesOf = new WeakMap<Directory, Map<string, Device[]>>();

export function devicesAt(directory: Directory, station: string): readonly Device[] {
  let byStation = devicesOf.get(directory);
  if (!byStation) {
    byStation = new Map();
    for (const device of directory.snapshot.devices) {
      const known = byStation.get(device.station);
      if (known) known.push(device);
      else byStation.set(device.station, [device]);
    }
    devicesOf.set(directory, byStation);
  }
  return byStation.get(station) ?? [];
}

export interface StationFacts {
  readonly directory: Directory;
  readonly place: Place;
  /** Of this station. */
  readonly latest: readonly LatestPoint[];
  /** Open ones of this station that the viewer may see. */
  readonly alarms: readonly Alarm[];
  readonly now: number;
}

export function stationView({ directory, place, latest, alarms, now }: StationFacts): StationView {
  const { station, site } = place;
  const devices = devicesAt(directory, station.id);
  const newest = latest.reduce((time, point) => Math.max(time, point.time), Number.NEGATIVE_INFINITY);
  const intervalMs = devices.length === 0 ? null : Math.min(...devices.map((device) => device.interval));
  const stale = isStale(newest, intervalMs, now);
  return {
    id: station.id,
    site: site.id,
    siteName: site.name,
    tenant: site.tenant,
    name: station.name ?? station.id,
    medium: station.medium,
    type: station.type,
    control: station.control,
    ...(station.land === undefined ? {} : { land: station.land }),
    ...(station.crop === undefined ? {} : { crop: station.crop }),
    ...(station.targetClass === undefined ? {} : { targetClass: station.targetClass }),
    ...(station.ph === undefined ? {} : { ph: station.ph }),
    lat: station.lat ?? site.lat,
    lon: station.lon ?? site.lon,
    state: placeState(alarms, { stale, idle: devices.length === 0 || latest.length === 0 }),
    level: worstLevel(alarms),
    openAlarms: alarms.length,
    stale,
    intervalMs,
    newestAt: latest.length === 0 ? null : iso(newest),
    measures: [...new Set(devices.flatMap((device) => Object.keys(device.quantities)))].sort(),
    latest: latest.map((point) => latestView(point, { place, devices, now })).sort(bySeries),
  };
}

const viewsOf = new WeakMap<readonly LatestPoint[], { readonly facts: StationFacts; readonly view: StationView }>();

/** As `stationView`, made anew only when points, alarms or registry are other objects than last time: its ages are as old as the points. */
export function sharedStationView(facts: StationFacts): StationView {
  const known = viewsOf.get(facts.latest);
  if (known?.facts.alarms === facts.alarms && known.facts.directory === facts.directory) return known.view;
  const view = stationView(facts);
  if (facts.latest.length > 0) viewsOf.set(facts.latest, { facts, view });
  return view;
}

/**
 * Open alarms speak louder than silence, silence louder than an old good value: never green without fresh data. A fault
 * of an instrument and a suspicion are warnings whatever their level; who may not see a suspicion must not give it.
 */
export function placeState(
  alarms: readonly Alarm[],
  { stale, idle }: { readonly stale: boolean; readonly idle: boolean },
): PlaceState {
  const urgent = (alarm: Alarm): boolean => alarm.level === "red" || alarm.level === "orange";
  if (alarms.some((alarm) => alarm.category === "pollution" && urgent(alarm))) return "exceed";
  if (alarms.some((alarm) => alarm.category !== "absence")) return "warning";
  if (stale || alarms.length > 0) return "stale";
  return idle ? "idle" : "normal";
}

function isStale(newest: number, intervalMs: number | null, now: number): boolean {
  if (!Number.isFinite(newest)) return false; // never reported: idle, not silent
  return intervalMs === null || now - newest > STALE_INTERVALS * intervalMs;
}

function latestView(
  point: LatestPoint,
  { place, devices, now }: { place: Place; devices: readonly Device[]; now: number },
): LatestView {
  const { quantity, fraction, aggregate } = parseSeriesKey(point.series);
  const measuring = devices.filter((device) => quantity in device.quantities);
  const intervals = (measuring.length > 0 ? measuring : devices).map((device) => device.interval);
  return {
    series: point.series,
    quantity,
    fraction,
    agg: aggregate,
    value: finiteOrNull(point.value),
    cmp: point.cmp,
    unit: unitOf(quantity, place.station),
    time: iso(point.time),
    ageMs: Math.max(0, now - point.time),
    stale: isStale(point.time, intervals.length === 0 ? null : Math.min(...intervals), now),
    flag: point.flag,
    qualifier: point.qualifier,
  };
}
function bySeries(a: LatestView, b: LatestView): number {
  return a.series < b.series ? -1 : 1;
}

export function unitOf(quantity: string, station: Station): string {
  return quantitySpec(quantity, station.medium)?.unit ?? "";
}

function worstLevel(alarms: readonly Alarm[]): Level | null {
  return alarms.reduce<Level | null>(
    (worst, { level }) => (worst === null || levelRank(level) < levelRank(worst) ? level : worst),
    null,
  );
}

const STATE_RANK: readonly PlaceState[] = ["exceed", "warning", "stale", "normal", "idle"];

export function siteView(
  site: Site,
  stations: readonly Pick<StationView, "state">[],
  alarms: readonly Alarm[],
): SiteView {
  const state = STATE_RANK.find((word) => stations.some((station) => station.state === word)) ?? "idle";
  const { id, tenant, kind, area, name, lat, lon } = site;
  const shown = { id, tenant, kind, area, name, lat, lon };
  return { ...shown, stations: stations.length, state, level: worstLevel(alarms), openAlarms: alarms.length };
}

/** Names of quantities, and of the kinds that stand in their place for groups, in both languages; an unknown id stands for itself. */
export function quantityNames(ids: Iterable<string>): Record<string, { "zh-CN": string; en: string }> {
  const names: Record<string, { "zh-CN": string; en: string }> = Object.create(null);
  for (const id of ids) names[id] ??= quantityName(id);
  return names;
}
export function quantityName(id: string): { "zh-CN": string; en: string } {
  return { ...subjectName(id) };
}
