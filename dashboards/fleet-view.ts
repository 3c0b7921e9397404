/** Devices as pages see them: the registry joined with presence and health. Pure. */
import { z } from "zod";
import { COMMAND_STATES, type DeviceCommand, type DeviceConfig } from "../core/command.ts";
import { COMMAND_OPS } from "../core/command-ops.ts";
import type { FactSeen, FleetDevice } from "../core/fleet.ts";
import { LocalText } from "../core/locale.ts";
import { PRESENCE_PROTOCOLS, PRESENCE_STATES, type PresenceRecord } from "../core/presence.ts";
import type { Audience, Device } from "../core/site.ts";
import { shownPresence } from "./fleet-presence.ts";
import type { Place } from "./places.ts";
import { SiteView } from "./schemas.ts";
import { iso, isoOrNull } from "./times.ts";

/** `unknown`: neither a connection of its own nor a message was ever seen. */
export const FLEET_STATES = [...PRESENCE_STATES, "unknown"] as const;

const Time = z.string().describe("ISO 8601 UTC");
const Name = SiteView.shape.name;
const Day = z.object({
  day: z.string().describe("Asia/Shanghai"),
  expected: z.number(),
  received: z.number(),
  valid: z.number(),
  completeness: z.number().describe("received of expected, 0 to 1"),
});

const Fact = z.object({
  name: z.string().describe("as the device names it, e.g. SB1-RS, w01018/i11001-Info"),
  value: z.string(),
  text: LocalText.nullable().describe("what the value means, where a standard says so"),
  time: Time,
  receivedAt: Time,
});

export const FleetView = z.object({
  id: z.string(),
  station: z.string(),
  stationName: Name,
  site: z.string(),
  siteName: Name,
  tenant: z.string(),
  state: z.enum(FLEET_STATES),
  since: Time.nullable(),
  reason: z
    .string()
    .nullable()
    .describe("messages, silent, carrier-…: read off, the device has no connection of its own"),
  until: Time.nullable(),
  protocol: z.enum(PRESENCE_PROTOCOLS).nullable(),
  address: z.string().nullable().describe("for staff only"),
  lastTime: Time.nullable().describe("newest data time"),
  lastReceivedAt: Time.nullable().describe("newest arrival"),
  intervalMs: z.number(),
  overdue: z.boolean(),
  offsetMs: z.number().nullable().describe("smallest arrival minus data time of the newest hour: clock and transport"),
  driftMsPerDay: z.number().nullable(),
  rssi: z.number().nullable().describe("dBm"),
  snr: z.number().nullable().describe("dB"),
  batteryVolts: z.number().nullable(),
  batteryPercent: z.number().nullable(),
  signsAt: Time.nullable(),
  missingMessages: z.number(),
  dataHoles: z.number(),
  equipment: z.array(Fact).describe("states of facilities, as the device says"),
  today: Day,
});
export type FleetView = z.infer<typeof FleetView>;

export const HealthView = z.object({
  at: Time,
  device: FleetView,
  series: z.array(z.object({ series: z.string(), lastTime: Time, intervalMs: z.number(), overdue: z.boolean() })),
  missing: z.array(z.object({ boot: z.string(), from: z.number(), to: z.number(), since: Time, text: z.string() })),
  holes: z.array(z.object({ from: Time, to: Time, since: Time })),
  arrivedLate: z.number().describe("messages of gaps that came after all"),
  gapsForgotten: z.number(),
  messages: z.number(),
  refusedReadings: z.number(),
  facts: z.array(Fact).describe("what the device says of its equipment, newest of each name"),
  changes: z.array(Fact).describe("what has changed in that and entries of logs, newest first"),
  days: z.array(Day),
});

export const CommandView = z.object({
  id: z.string(),
  device: z.string(),
  op: z.enum(COMMAND_OPS),
  args: z.record(z.string(), z.union([z.number(), z.string()])),
  state: z.enum(COMMAND_STATES),
  detail: z.string(),
  by: z.string(),
  via: z.string(),
  createdAt: Time,
  expiresAt: Time,
  sentAt: Time.nullable(),
  tries: z.number(),
  updatedAt: Time,
});

export const ConfigView = z.object({
  device: z.string(),
  desired: z
    .object({ version: z.number(), values: z.record(z.string(), z.unknown()), by: z.string(), at: Time })
    .nullable(),
  reported: z.object({ version: z.number(), at: Time.nullable() }).nullable(),
  inForce: z.boolean().describe("the device works by the desired version"),
});

export interface FleetFacts {
  readonly device: Device;
  readonly place: Place;
  readonly presence: PresenceRecord | undefined;
  /** Presence of the account that carries the device. */
  readonly carrier: PresenceRecord | undefined;
  readonly health: FleetDevice;
  /** Wall clock, ms. */
  readonly now: number;
}

export function fleetView(facts: FleetFacts, audience: Audience): FleetView {
  const { device, place, health, carrier, now } = facts;
  const { station, site } = place;
  const presence = shownPresence(device, { ...health, own: facts.presence, carrier, now });
  const { signs } = health;
  const today = health.days[0] ?? { day: "", expected: 0, received: 0, valid: 0, completeness: 1 };
  return {
    id: device.id,
    station: station.id,
    stationName: station.name ?? station.id,
    site: site.id,
    siteName: site.name,
    tenant: site.tenant,
    state: presence?.state ?? "unknown",
    since: isoOrNull(presence?.since ?? null),
    reason: presence?.reason ?? null,
    until: isoOrNull(presence?.until ?? null),
    protocol: presence?.protocol ?? null,
    address: audience.role === "enterprise" ? null : (presence?.address ?? null),
    lastTime: isoOrNull(health.lastTime),
    lastReceivedAt: isoOrNull(health.lastReceivedAt),
    intervalMs: health.intervalMs,
    overdue: health.overdue,
    offsetMs: health.offsetMs,
    driftMsPerDay: health.driftMsPerDay,
    rssi: signs?.rssi ?? null,
    snr: signs?.snr ?? null,
    batteryVolts: signs?.batteryVolts ?? null,
    batteryPercent: signs?.batteryPercent ?? null,
    signsAt: isoOrNull(signs?.at ?? null),
    missingMessages: health.seqGaps.reduce((sum, { from, to }) => sum + to - from + 1, 0),
    dataHoles: health.timeGaps.length,
    equipment: health.facts.map(factView).filter(({ text }) => text !== null),
    today,
  };
}

export function healthView(facts: FleetFacts, audience: Audience): z.infer<typeof HealthView> {
  const { health, now } = facts;
  return {
    at: iso(now),
    device: fleetView(facts, audience),
    series: health.series.map((series) => ({ ...series, lastTime: iso(series.lastTime) })),
    missing: health.seqGaps.map((gap) => ({ ...gap, since: iso(gap.since), text: gapText(gap) })),
    holes: health.timeGaps.map(({ from, to, since }) => ({ from: iso(from), to: iso(to), since: iso(since) })),
    arrivedLate: health.arrivedLate,
    gapsForgotten: health.gapsForgotten,
    messages: health.messages,
    refusedReadings: health.refusedReadings,
    facts: health.facts.map(factView),
    changes: health.changes.map(factView),
    days: [...health.days],
  };
}

/** HJ 212-2017 table 4: SBn-RS, the state of a facility. */
const FACILITY_STATES: readonly LocalText[] = [
  { "zh-CN": "停止", en: "off" },
  { "zh-CN": "运行", en: "running" },
  { "zh-CN": "校准", en: "calibrating" },
  { "zh-CN": "维护", en: "maintenance" },
  { "zh-CN": "报警", en: "alarm" },
  { "zh-CN": "反吹", en: "blow-back" },
];

function factView({ name, value, time, receivedAt }: FactSeen): z.infer<typeof Fact> {
  const text = name.endsWith("-RS") && /^\d$/.test(value) ? (FACILITY_STATES[Number(value)] ?? null) : null;
  return { name, value, text, time: iso(time), receivedAt: iso(receivedAt) };
}

/** For machines' logs; pages say it in the reader's language. */
function gapText({ boot, from, to }: { readonly boot: string; readonly from: number; readonly to: number }): string {
  return from === to
    ? `message ${from} of boot ${boot} is missing`
    : `messages ${from}–${to} of boot ${boot} are missing`;
}

export function commandView(command: DeviceCommand): z.infer<typeof CommandView> {
  const { createdAt, expiresAt, sentAt, updatedAt, ...rest } = command;
  return {
    ...rest,
    args: { ...rest.args },
    createdAt: iso(createdAt),
    expiresAt: iso(expiresAt),
    sentAt: isoOrNull(sentAt),
    updatedAt: iso(updatedAt),
  };
}

export function configView(device: string, config: DeviceConfig | null): z.infer<typeof ConfigView> {
  if (config === null) return { device, desired: null, reported: null, inForce: false };
  const { version, values, by, at, reported, reportedAt } = config;
  return {
    device,
    desired: { version, values: { ...values }, by, at: iso(at) },
    reported: reported === null ? null : { version: reported, at: isoOrNull(reportedAt) },
    inForce: reported === version,
  };
}
