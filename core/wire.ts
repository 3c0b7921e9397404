/** MQTT topics (root `ews/1/`) and the telemetry v1 payload, as published in docs and used by both directions. */
import { z } from "zod";
import { AGGREGATES, FRACTIONS, QUALIFIERS } from "./reading.ts";
import type { Device, Site, Station } from "./site.ts";

export const TOPIC_ROOT = "ews/1";
export const PAYLOAD_BYTES_MAX = 128 * 1024;
/** Before a connection has authenticated nothing larger is read. */
export const PREAUTH_BYTES_MAX = 4 * 1024;
export const READINGS_MAX = 500;
/** Further ahead than this a timestamp is a clock fault and goes to quarantine. */
export const FUTURE_MS_MAX = 10 * 60_000;

export const DEVICE_CHANNELS = ["telemetry", "event", "state", "info", "cmd/ack", "senml", "hj212", "cayenne"] as const;
export const DEVICE_SUBSCRIPTIONS = ["cmd", "cfg", "ack"] as const;
export type DeviceChannel = (typeof DEVICE_CHANNELS)[number];

/** Ends with "/": without it, device well-1 could publish as well-10. */
export function devicePrefix(
  site: Pick<Site, "tenant" | "id">,
  station: Pick<Station, "id">,
  device: Pick<Device, "id">,
): string {
  return `${TOPIC_ROOT}/${site.tenant}/${site.id}/${station.id}/${device.id}/`;
}

export interface AlarmTopicParts {
  tenant: string;
  site: string;
  station: string;
  rule: string;
  quantity: string;
}
/** Retained current state of one alarm condition. */
export function alarmTopic({ tenant, site, station, rule, quantity }: AlarmTopicParts): string {
  return `${TOPIC_ROOT}/${tenant}/alerts/${site}/${station}/${rule}/${quantity}`;
}
/** Every transition, not retained. */
export function alarmLogTopic({ tenant, site, station, rule, quantity }: AlarmTopicParts): string {
  return `${TOPIC_ROOT}/${tenant}/alerts-log/${site}/${station}/${rule}/${quantity}`;
}

/** Retained newest values of one device, for consumers. */
export function currentTopic(
  site: Pick<Site, "tenant" | "id">,
  station: Pick<Station, "id">,
  device: Pick<Device, "id">,
): string {
  return `${TOPIC_ROOT}/${site.tenant}/current/${site.id}/${station.id}/${device.id}`;
}

const OFFSET_TIME = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** RFC 3339 with an offset, by its looks: it may still name no real day. */
export function isOffsetTime(text: string): boolean {
  return OFFSET_TIME.test(text);
}

/**
 * RFC 3339 with offset, or integer Unix milliseconds. Small integers are refused (they would be seconds); negative
 * ones are accepted, since records older than 1970 exist only as milliseconds.
 */
export const WireTime = z.union([
  z.string().regex(OFFSET_TIME, "RFC 3339 with an offset, e.g. 2026-03-15T08:30:00+08:00"),
  z.int().refine((ms) => Math.abs(ms) >= 1e11 || ms < 0, "Unix milliseconds, not seconds"),
]);

/** Null when the text names no real instant, such as 31 February. */
export function parseWireTime(time: z.infer<typeof WireTime>): number | null {
  if (typeof time === "number") return time;
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) return null;
  // Date.parse accepts 2026-02-31 as 3 March; a day that rolls over is a fault, not a date.
  const day = Number(time.slice(8, 10));
  return day <= daysInMonth(Number(time.slice(0, 4)), Number(time.slice(5, 7))) ? ms : null;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

const Boot = z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/);
const Seq = z.int().min(0);

/** One reading inside telemetry v1. `p` quantity id or HJ code, `u` unit, `v` null only with `q` other than N. */
export const WireReading = z
  .strictObject({
    p: z.string().min(1).max(40),
    v: z.number().nullable(),
    u: z.string().min(1).max(40).optional(),
    cmp: z.enum(["<", ">"]).optional(),
    q: z.enum(QUALIFIERS).optional(),
    t: WireTime.optional(),
    from: WireTime.optional(),
    agg: z.enum(AGGREGATES).optional(),
    fraction: z.enum(FRACTIONS).optional(),
    /** Laboratory results: method, and detection limit in the unit of `v`. Kept with the message, not with the reading. */
    method: z.string().min(1).max(80).optional(),
    dl: z.number().positive().optional(),
  })
  .refine((reading) => reading.v !== null || (reading.q ?? "N") !== "N", "v may be null only with q other than N");
export type WireReading = z.infer<typeof WireReading>;

/** Telemetry v1. Message key is (device, boot, seq); a time without offset is refused, never guessed. */
export const Telemetry = z.strictObject({
  v: z.literal(1),
  boot: Boot.optional(),
  seq: Seq.optional(),
  ts: WireTime.optional(),
  r: z.array(WireReading).min(1).max(READINGS_MAX),
  backfill: z.boolean().optional(),
  lab: z.strictObject({ sample: z.string().max(80).optional(), name: z.string().max(80).optional() }).optional(),
  sig: z.strictObject({ rssi: z.number().optional(), bat: z.number().optional() }).optional(),
});
export type Telemetry = z.infer<typeof Telemetry>;

/** Short form for tiny devices: units come from the registry. Without `boot` it is de-duplicated only by explicit time. */
export const ShortTelemetry = z.strictObject({
  seq: Seq.optional(),
  boot: Boot.optional(),
  ts: WireTime.optional(),
  m: z
    .record(z.string().min(1).max(40), z.number().nullable())
    .refine(
      (values) => Object.keys(values).length > 0 && Object.keys(values).length <= READINGS_MAX,
      `1 to ${READINGS_MAX} values`,
    ),
});
export type ShortTelemetry = z.infer<typeof ShortTelemetry>;

/** Payload of topic `current`: newest value of each series of a device, in canonical units. */
export const CurrentValues = z.strictObject({
  v: z.literal(1),
  device: z.string(),
  station: z.string(),
  r: z.array(
    z.strictObject({
      p: z.string(),
      v: z.number().nullable(),
      u: z.string(),
      t: z.string().describe("RFC 3339, UTC"),
      cmp: z.enum(["<", ">"]).optional(),
      q: z.string().optional(),
      fraction: z.string().optional(),
      agg: z.string().optional(),
      flag: z.int(),
    }),
  ),
});
export type CurrentValues = z.infer<typeof CurrentValues>;
