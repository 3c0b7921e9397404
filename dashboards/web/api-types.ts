/**
 * Shapes of the answers as the UI reads them; the server's schemas (dashboards/schemas.ts) are the truth, and a test
 * holds the two against one another. Types only: nothing here costs a byte.
 */
import type { AlarmCategory, AlarmEventKind, AlarmState, Level } from "../../core/alarm.ts";
import type { LocalText } from "../../core/locale.ts";
import type { PresenceProtocol, PresenceState } from "../../core/presence.ts";
import type { Comparison } from "../../core/reading.ts";
import type { LandUse, Medium, Role, Site, Station, WaterClass } from "../../core/site.ts";

/** ISO 8601 UTC. */
export type Time = string;
export type Names = Readonly<Record<string, { readonly "zh-CN": string; readonly en: string }>>;
export type Passes = "<=" | ">=" | "<" | ">";
export type PlaceState = "exceed" | "warning" | "stale" | "normal" | "idle";

export interface SessionView {
  name: string;
  role: Role | "public";
  tenant: string | null;
  via: "session" | "token" | "none";
  csrf: string | null;
  expiresAt: Time;
  idleMs: number;
  version: string;
  may: string[];
}

export interface SiteView {
  id: string;
  tenant: string;
  kind: Site["kind"];
  area: string;
  name: LocalText;
  lat: number;
  lon: number;
  stations: number;
  state: PlaceState;
  level: Level | null;
  openAlarms: number;
}

export interface LatestView {
  series: string;
  quantity: string;
  fraction: string;
  agg: string;
  value: number | null;
  cmp: Comparison;
  unit: string;
  time: Time;
  ageMs: number;
  stale: boolean;
  flag: number;
  qualifier: string;
}

export interface StationView {
  id: string;
  site: string;
  siteName: LocalText;
  tenant: string;
  name: LocalText;
  medium: Medium;
  type: Station["type"];
  control: Station["control"];
  land?: LandUse | undefined;
  crop?: string | undefined;
  targetClass?: WaterClass | undefined;
  ph?: number | undefined;
  lat: number;
  lon: number;
  state: PlaceState;
  level: Level | null;
  openAlarms: number;
  stale: boolean;
  intervalMs: number | null;
  newestAt: Time | null;
  measures: string[];
  latest: LatestView[];
}

export interface LimitView {
  pack: string;
  /** Class I to V, `screening`, `intervention` or `limit`. */
  above: string;
  value: number;
  unit: string;
  passes: Passes;
  standard: string;
  clause: string;
  confidence: string;
  enforceable: boolean;
}

export interface RawColumns {
  times: number[];
  values: (number | null)[];
  cmp: Comparison[];
  flag: number[];
  qualifier: string[];
}
export interface BucketColumns {
  times: number[];
  count: number[];
  min: (number | null)[];
  max: (number | null)[];
  mean: (number | null)[];
  censored: number[];
  flag: number[];
}
export interface ReadingsView {
  series: string;
  unit: string;
  from: Time;
  to: Time;
  /** "raw" or the step, e.g. "1h". */
  bucket: string;
  next: number | null;
  columns: RawColumns | BucketColumns;
}

export interface AlarmView {
  id: string;
  rule: string;
  category: AlarmCategory;
  level: Level;
  state: AlarmState;
  verified: boolean;
  tenant: string;
  site: string;
  siteName: LocalText;
  station: string;
  stationName: LocalText;
  series: string;
  quantity: string;
  fraction: string;
  agg: string;
  kind: string;
  what: { "zh-CN": string; en: string } | null;
  members: string[];
  value: number | null;
  cmp: Comparison;
  unit: string;
  valueTime: Time;
  limit: number | null;
  passes: Passes | null;
  pack: string | null;
  clause: string | null;
  start: Time;
  end: Time | null;
  lateMs: number;
  backfill: boolean;
  raisedAt: Time;
  updatedAt: Time;
  acknowledgedAt: Time | null;
  acknowledgedBy: string | null;
  acknowledgedVia: string | null;
  supersededBy: string | null;
  advice: LocalText | null;
}

export interface AlarmCounts {
  active: number;
  acknowledged: number;
  cleared: number;
}
export interface AlarmPage {
  alarms: AlarmView[];
  cursor: string | null;
  counts: AlarmCounts;
  quantities: Names;
}

/** `[series, timeMs, value, cmp, flag, qualifier]`, the newest reading of a series. */
export type LiveValue = readonly [string, number, number | null, Comparison, number, string];
export interface AlarmMessage {
  event: { id: string; kind: AlarmEventKind; at: Time; by: string | null; via: string | null; note: string | null };
  alarm: AlarmView;
}
export interface Beat {
  at: Time;
  newestReceivedAt: Time | null;
  lag: { raw: number; readings: number; alarms: number };
  version: string;
}

export interface FleetView {
  id: string;
  station: string;
  stationName: LocalText;
  site: string;
  siteName: LocalText;
  tenant: string;
  state: PresenceState | "unknown";
  since: Time | null;
  reason: string | null;
  until: Time | null;
  protocol: PresenceProtocol | null;
  address: string | null;
  lastTime: Time | null;
  lastReceivedAt: Time | null;
  intervalMs: number;
  overdue: boolean;
  offsetMs: number | null;
  driftMsPerDay: number | null;
  rssi: number | null;
  snr: number | null;
  batteryVolts: number | null;
  batteryPercent: number | null;
  signsAt: Time | null;
  missingMessages: number;
  dataHoles: number;
  equipment: { name: string; value: string; text: LocalText | null; time: Time; receivedAt: Time }[];
  today: { day: string; expected: number; received: number; valid: number; completeness: number };
}
