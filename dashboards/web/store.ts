/** What the pages share, as signals: who is signed in, places with their newest values, open alarms, the connection. */
import { computed, signal } from "@preact/signals";
import { groupKindName } from "../../core/rule-kind-names.ts";
import { get } from "./api.ts";
import type {
  AlarmCounts,
  AlarmMessage,
  AlarmPage,
  AlarmView,
  Beat,
  LiveValue,
  Names,
  PlaceState,
  SessionView,
  SiteView,
  StationView,
} from "./api-types.ts";
import { byStation, type StationRow, stateNow, withLive } from "./pure/places.ts";

export const session = signal<SessionView | null>(null);
export const sites = signal<readonly SiteView[] | null>(null);
export const tenants = signal<readonly { readonly id: string; readonly name: SiteView["name"] }[]>([]);
/** True once `stations` holds all that may be seen, not only those that a page asked for. */
export const isComplete = signal(false);
export const stations = signal<ReadonlyMap<string, StationView>>(new Map());
export const quantities = signal<Names>({});
/** Active and acknowledged ones, at most 200 of each page; for the overview and the number in the header. */
export const openAlarms = signal<ReadonlyMap<string, AlarmView>>(new Map());
export const counts = signal<AlarmCounts | null>(null);

export interface Connection {
  /** False when nothing was heard for 30 s: values are then history, not the present. */
  readonly ok: boolean;
  /** Server time at which the newest data arrived, ms. */
  readonly newestAt: number | null;
  /** Messages that were accepted and not looked at yet; further on, readers that only hold a copy count too. */
  readonly lag: number;
  readonly version: string | null;
}
export const connection = signal<Connection>({ ok: true, newestAt: null, lag: 0, version: null });

/** Server time minus this machine's, ms: ages are right on a phone whose clock is not. */
let clockOffsetMs = 0;
export function serverNow(): number {
  return Date.now() + clockOffsetMs;
}
/** Moves on by itself so that ages and silence show without any event. */
export const now = signal(Date.now());
const TICK_MS = 5_000;
export function keepTime(): void {
  setInterval(() => {
    now.value = serverNow();
  }, TICK_MS);
}
export function setServerTime(iso: string): void {
  clockOffsetMs = Date.parse(iso) - Date.now();
  now.value = serverNow();
}

export function may(action: string): boolean {
  return session.value?.may.includes(action) ?? false;
}

export function shownState(station: StationView): PlaceState {
  return stateNow(station, { now: now.value, connected: connection.value.ok });
}
export const rows = computed<readonly StationRow[]>(() =>
  [...stations.value.values()].map((station) => ({ station, state: shownState(station) })),
);

export function addNames(names: Names): void {
  quantities.value = { ...quantities.value, ...names };
}

interface StationsAnswer {
  at: string;
  stations: StationView[];
  quantities: Names;
}

/** @throws ApiFault */
export async function loadPlaces(): Promise<void> {
  const [answer] = await Promise.all([get<StationsAnswer>("stations"), loadSites(), loadOpenAlarms()]);
  setServerTime(answer.at);
  addNames(answer.quantities);
  stations.value = new Map(answer.stations.map((station) => [station.id, withHeard(station, 0)]));
  isComplete.value = true;
}

/** Names of sites and owners alone, for pages that show few stations. @throws ApiFault */
export async function loadSites(): Promise<void> {
  const places = await get<{ sites: SiteView[]; tenants: { id: string; name: SiteView["name"] }[] }>("sites");
  tenants.value = places.tenants;
  sites.value = places.sites;
}

/** @throws ApiFault 404 for a station that is not there or not theirs. */
export async function loadStation(id: string, tries = 0): Promise<StationView> {
  const answer = await get<{ at: string; station: StationView; quantities: Names }>(
    `stations/${encodeURIComponent(id)}`,
  );
  setServerTime(answer.at);
  addNames(answer.quantities);
  stations.value = new Map(stations.value).set(id, withHeard(answer.station, tries));
  return answer.station;
}

const OPEN_ALARMS_MAX = 200;
export async function loadOpenAlarms(): Promise<void> {
  const meanwhile: AlarmView[] = [];
  const stop = onAlarm(({ alarm }) => meanwhile.push(alarm));
  const page = await get<AlarmPage>(`alarms?state=active,acknowledged&limit=${OPEN_ALARMS_MAX}`).finally(stop);
  addNames(page.quantities);
  const open = new Map(page.alarms.map((alarm) => [alarm.id, alarm]));
  for (const alarm of meanwhile) takeOpen(open, alarm); // the page may be older than the stream
  openAlarms.value = open;
  counts.value = page.counts;
}

/** Open alarms of one station, the worst first. */
export function alarmsOf(station: string): AlarmView[] {
  const order = ["red", "orange", "yellow", "blue"];
  return [...openAlarms.value.values()]
    .filter((alarm) => alarm.station === station)
    .sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

/** Asks again at most once in this time, however many events ask for it. */
const RELOAD_WAIT_MS = 400;
const waiting = new Map<string, () => Promise<unknown>>();
function soon(key: string, load: () => Promise<unknown>): void {
  if (waiting.size === 0) {
    setTimeout(() => {
      const loads = [...waiting.values()];
      waiting.clear();
      for (const start of loads) start().catch(() => {}); // the next event or reconnection asks again
    }, RELOAD_WAIT_MS);
  }
  waiting.set(key, load);
}

/** Newest live value of every series by station: what is loaded later may be older than what was heard. */
const heard = new Map<string, Map<string, LiveValue>>();
const STATIONS_ASKED_MAX = 5;
/** The store gets a new series a moment after the stream tells of it; a station is asked for again so many times. */
const TRIES_MAX = 8;

/** A loaded station with what was heard of it; asks again while a series that was heard is not in it. */
function withHeard(station: StationView, tries: number): StationView {
  const values = [...(heard.get(station.id)?.values() ?? [])];
  const known = values.filter(([series]) => station.latest.some((latest) => latest.series === series));
  if (known.length < values.length && tries < TRIES_MAX) soon(station.id, () => loadStation(station.id, tries + 1));
  return (known.length > 0 && withLive(station, known, serverNow())) || station;
}

export function applyReadings(values: readonly LiveValue[]): void {
  const time = serverNow();
  const next = new Map(stations.value);
  const unknown: string[] = [];
  for (const [id, live] of byStation(values)) {
    const station = next.get(id);
    if (!station) continue;
    const ofStation = heard.get(id) ?? new Map<string, LiveValue>();
    for (const value of live) ofStation.set(value[0], value);
    heard.set(id, ofStation);
    const moved = withLive(station, live, time);
    if (moved) next.set(id, moved);
    else unknown.push(id);
  }
  stations.value = next;
  if (unknown.length > STATIONS_ASKED_MAX) soon("places", loadPlaces);
  else for (const id of unknown) soon(id, () => loadStation(id));
  connection.value = { ...connection.value, newestAt: time };
}

type AlarmListener = (message: AlarmMessage) => void;
const listeners = new Set<AlarmListener>();
/** @returns what stops it. */
export function onAlarm(listener: AlarmListener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function applyAlarm(message: AlarmMessage): void {
  const { alarm } = message;
  const next = new Map(openAlarms.value);
  takeOpen(next, alarm);
  openAlarms.value = next;
  // The station also brings the name of a quantity that was not seen before.
  const isNamed = alarm.quantity in quantities.value || groupKindName(alarm.quantity) !== null;
  if (stations.value.has(alarm.station) || !isNamed) soon(alarm.station, () => loadStation(alarm.station));
  soon("counts", loadCounts);
  for (const listener of listeners) listener(message);
}
function takeOpen(open: Map<string, AlarmView>, alarm: AlarmView): void {
  if (alarm.state === "cleared" || alarm.supersededBy !== null) open.delete(alarm.id);
  else if (Date.parse(open.get(alarm.id)?.updatedAt ?? alarm.updatedAt) <= Date.parse(alarm.updatedAt)) {
    open.set(alarm.id, alarm);
  }
}
async function loadCounts(): Promise<void> {
  counts.value = (await get<AlarmPage>("alarms?state=active&limit=1")).counts;
}

export function applyBeat(beat: Beat): void {
  setServerTime(beat.at);
  const heard = beat.newestReceivedAt === null ? null : Date.parse(beat.newestReceivedAt);
  const { newestAt } = connection.value;
  connection.value = {
    ...connection.value,
    newestAt: heard === null || (newestAt !== null && newestAt > heard) ? newestAt : heard,
    lag: beat.lag.raw,
    version: beat.version,
  };
}

/** Grows when lists must be loaded again: after a gap, or after the connection was lost. */
export const reloads = signal(0);
export function reloadAll(): void {
  reloads.value++;
  soon("open", loadOpenAlarms);
  if (isComplete.value) soon("places", loadPlaces);
  else for (const id of stations.value.keys()) soon(id, () => loadStation(id));
}
