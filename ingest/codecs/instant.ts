/** Times as the formats write them → ms since 1970 UTC, or the named fault. */
import { parseWireTime, WireTime } from "../../core/wire.ts";
import { type Fault, fault } from "./codec.ts";
import { written } from "./json-fields.ts";

/** Times before 1700 are no record of any instrument, and time-series servers refuse them (their clock starts in 1677). */
export const TIME_MS_MIN = Date.UTC(1700, 0, 1);
export const TIME_MS_MAX = 8.64e15;
/** Below it a number of Unix time is in seconds. */
const SECONDS_MAX = 1e11;

/** What `checkedMs` lets pass. */
export function isInstant(ms: number): boolean {
  return ms >= TIME_MS_MIN && ms <= TIME_MS_MAX;
}

/** Reasons: TIME_NOT_A_DATE, TIME_OUT_OF_RANGE. @param where names the field. */
export function checkedMs(ms: number | null, where: string, sent: unknown): number | Fault {
  if (ms === null || !Number.isFinite(ms))
    return fault("TIME_NOT_A_DATE", `at ${where}: ${written(sent)} names no instant`);
  if (!isInstant(ms))
    return fault("TIME_OUT_OF_RANGE", `at ${where}: ${written(sent)} is outside the years from 1700 on`);
  return ms;
}

/** RFC 3339 with an offset, to any fraction of a second; anything else is a fault. */
export function rfc3339Ms(sent: unknown, where: string): number | Fault {
  const time = typeof sent === "string" ? WireTime.safeParse(sent) : null;
  return checkedMs(time?.success ? parseWireTime(time.data) : null, where, sent);
}

/** RFC 3339 with an offset, or a number of Unix seconds or milliseconds. */
export function anyTimeMs(sent: unknown, where: string): number | Fault {
  if (typeof sent !== "number") return rfc3339Ms(sent, where);
  return checkedMs(Math.round(Math.abs(sent) < SECONDS_MAX ? sent * 1_000 : sent), where, sent);
}
