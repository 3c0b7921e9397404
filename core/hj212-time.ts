/**
 * Times of HJ 212: digits without a zone, in the zone of the device (its profile, normally Asia/Shanghai).
 *
 * Zone rules are asked once a quarter of an hour of data time, since no zone changes in between.
 */
import { DateTime, IANAZone } from "luxon";

const QUARTER_MS = 15 * 60_000;
const MINUTE_MS = 60_000;
/** Quarters remembered for each zone before it is begun anew, and zones; names come from the registry. */
const QUARTERS_MAX = 4_096;
const ZONES_MAX = 64;

interface ZoneMemory {
  readonly zone: IANAZone;
  /** Quarter of wall time → ms to take off for UTC. */
  readonly offsets: Map<number, number>;
}
const zones = new Map<string, ZoneMemory>();

/**
 * YYYYMMDDhhmmss, with up to three digits of a second after it → ms since 1970 UTC. Null when the digits name no instant
 * (31 February, 24 o'clock) or the zone is unknown. An hour that occurs twice is taken as the first.
 */
export function parseHj212Time(text: string, zoneName: string): number | null {
  if (text.length !== 14 && text.length !== 17) return null;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x30 || code > 0x39) return null;
  }
  const month = number(text, 4, 6);
  const day = number(text, 6, 8);
  const hour = number(text, 8, 10);
  const minute = number(text, 10, 12);
  const second = number(text, 12, 14);
  if (hour > 23 || minute > 59 || second > 59) return null;
  const ms = text.length === 17 ? number(text, 14, 17) : 0;
  const year = number(text, 0, 4);
  if (year < 1700) return null; // and Date.UTC takes years below 100 for 1900 and on
  const wall = Date.UTC(year, month - 1, day, hour, minute, second, ms);
  if (month < 1 || month > 12 || day < 1 || new Date(wall).getUTCDate() !== day) return null;
  const memory = zoneMemory(zoneName);
  return memory === null ? null : wall - offsetOf(memory, wall);
}

/** An instant as YYYYMMDDhhmmss in the zone, for DataTime, SystemTime, BeginTime and EndTime. */
export function hj212Time(ms: number, zone: string): string {
  return DateTime.fromMillis(ms, { zone }).toFormat("yyyyMMddHHmmss");
}
/** An instant as YYYYMMDDhhmmsszzz in the zone: the number of an exchange. */
export function hj212Qn(ms: number, zone: string): string {
  return DateTime.fromMillis(ms, { zone }).toFormat("yyyyMMddHHmmssSSS");
}

/** The longest averages that 2051 may hold are over half an hour (MinInterval). */
const MINUTES_MAX = 30;

/**
 * From when on the averages must be asked for that hold `ms`: their DataTime is the start of what they are over. Of minutes
 * the longest are assumed, counted from the hour.
 */
export function averageStart(kind: "minute" | "hour" | "day", ms: number, zone: string): number {
  const time = DateTime.fromMillis(ms, { zone });
  if (kind !== "minute") return time.startOf(kind).toMillis();
  return time
    .startOf("minute")
    .minus({ minutes: time.minute % MINUTES_MAX })
    .toMillis();
}

function number(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + text.charCodeAt(at) - 0x30;
  return value;
}

function zoneMemory(name: string): ZoneMemory | null {
  const known = zones.get(name);
  if (known) return known;
  const zone = IANAZone.create(name);
  if (!zone.isValid) return null;
  const memory = { zone, offsets: new Map<number, number>() };
  if (zones.size >= ZONES_MAX) zones.clear();
  zones.set(name, memory);
  return memory;
}

function offsetOf({ zone, offsets }: ZoneMemory, wall: number): number {
  const quarter = Math.floor(wall / QUARTER_MS);
  const known = offsets.get(quarter);
  if (known !== undefined) return known;
  // The offset at the wall time taken as UTC is right but near a change; asked again at what it gives, it is right.
  const start = quarter * QUARTER_MS;
  const guess = zone.offset(start) * MINUTE_MS;
  const offset = Math.max(zone.offset(start - guess), earlier(zone, start, guess)) * MINUTE_MS;
  if (offsets.size >= QUARTERS_MAX) offsets.clear();
  offsets.set(quarter, offset);
  return offset;
}

/** The larger offset makes the earlier instant; it counts when the wall clock shows this time under it. */
function earlier(zone: IANAZone, wall: number, guess: number): number {
  const before = zone.offset(wall - guess - 3 * 60 * MINUTE_MS);
  return zone.offset(wall - before * MINUTE_MS) === before ? before : Number.NEGATIVE_INFINITY;
}
