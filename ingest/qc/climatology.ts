/**
 * Climatology test (QARTOD test 5): bands that hold in a part of the year, a range of dates or of depths. Of members that
 * apply the last one decides; none applies → 2. All spans are inclusive.
 */
import { QC, type QcFlag } from "../../core/reading.ts";
import type { Span } from "./gross-range.ts";

export type Period =
  | "year"
  | "quarter"
  | "month"
  | "week"
  | "weekofyear"
  | "dayofyear"
  | "dayofweek"
  | "day"
  | "hour"
  | "minute";

export interface ClimatologyMember {
  /** Ms since 1970 UTC, or numbers of `period` (months 1 to 12, Monday 0, ISO weeks, day of year from 1). */
  readonly time: Span;
  readonly period?: Period | undefined;
  readonly suspect: Span;
  readonly fail?: Span | undefined;
  readonly depth?: Span | undefined;
}

const DAY_MS = 86_400_000;

/** @param depth NaN when not known: members with a depth span do not apply then. */
export function climatology(value: number, time: number, depth: number, members: readonly ClimatologyMember[]): QcFlag {
  if (!Number.isFinite(value)) return QC.missing;
  let flag: QcFlag = QC.notEvaluated;
  for (const member of members) {
    const at = member.period === undefined ? time : periodOf(time, member.period);
    if (!isInside(at, member.time)) continue;
    if (member.depth && !isInside(depth, member.depth)) continue;
    if (member.fail && !isInside(value, member.fail)) flag = QC.fail;
    else flag = isInside(value, member.suspect) ? QC.good : QC.suspect;
  }
  return flag;
}

function isInside(value: number, [low, high]: Span): boolean {
  return value >= low && value <= high;
}

/** In UTC. */
export function periodOf(time: number, period: Period): number {
  const date = new Date(time);
  switch (period) {
    case "year":
      return date.getUTCFullYear();
    case "quarter":
      return Math.floor(date.getUTCMonth() / 3) + 1;
    case "month":
      return date.getUTCMonth() + 1;
    case "week":
    case "weekofyear":
      return isoWeek(time);
    case "dayofyear":
      return Math.floor((time - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1;
    case "dayofweek":
      return (date.getUTCDay() + 6) % 7;
    case "day":
      return date.getUTCDate();
    case "hour":
      return date.getUTCHours();
    case "minute":
      return date.getUTCMinutes();
  }
}

/** The week of its Thursday. */
function isoWeek(time: number): number {
  const day = Math.floor(time / DAY_MS);
  const thursday = day - ((((day + 3) % 7) + 7) % 7) + 3;
  const newYear = Date.UTC(new Date(thursday * DAY_MS).getUTCFullYear(), 0, 1) / DAY_MS;
  return Math.floor((thursday - newYear) / 7) + 1;
}
