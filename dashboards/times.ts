/** Times and numbers at the border of the interface: ISO 8601 UTC out, RFC 3339 or ms in. */
import { z } from "zod";
import { parseWireTime, WireTime } from "../core/wire.ts";

/** Beyond this a date cannot be written. ECMA-262, Time Values and Time Range. */
const TIME_MS_MAX = 8.64e15;

export function iso(ms: number): string {
  const time = Number.isFinite(ms) ? Math.max(-TIME_MS_MAX, Math.min(TIME_MS_MAX, ms)) : 0;
  return new Date(time).toISOString();
}
export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}
/** JSON knows no NaN; a device that reported none has no value. */
export function finiteOrNull(value: number | null | undefined): number | null {
  return value !== null && value !== undefined && Number.isFinite(value) ? value : null;
}

/** Query parameter: RFC 3339 with offset, or Unix milliseconds; gives ms. */
export const QueryTime = z
  .string()
  .max(40)
  .transform((text, context) => {
    const wire = WireTime.safeParse(/^-?\d+$/.test(text) ? Number(text) : text);
    const ms = wire.success ? parseWireTime(wire.data) : null;
    if (ms !== null && Math.abs(ms) <= TIME_MS_MAX) return ms;
    context.addIssue({ code: "custom", message: "RFC 3339 with an offset, or Unix milliseconds" });
    return z.NEVER;
  });

const SHANGHAI = "Asia/Shanghai";
const dayAndTime = new Intl.DateTimeFormat("sv-SE", { timeZone: SHANGHAI, dateStyle: "short", timeStyle: "short" });

/** "2026-03-15 08:30", always in Asia/Shanghai: reports and pages show one clock wherever they are read. */
export function shanghaiTime(ms: number): string {
  return dayAndTime.format(ms);
}
