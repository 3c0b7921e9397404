/** Tests of times alone: gap, order, reception, impossible date. Times are ms since 1970 UTC, NaN when missing. */
import { QC, type QcFlag } from "../../core/reading.ts";

/** @param before NaN when missing: 2. The first of a series takes the flag of the second. */
export function timeGap(before: number, time: number, failMs: number): QcFlag {
  if (Number.isNaN(time)) return QC.missing;
  if (Number.isNaN(before)) return QC.notEvaluated;
  return time - before > failMs ? QC.fail : QC.good;
}

/** A time that does not follow the one before fails; the first reading is good. @param before NaN when there is none. */
export function timeOrder(before: number, time: number): QcFlag {
  if (Number.isNaN(time)) return QC.missing;
  return time <= before ? QC.fail : QC.good;
}

/** Timing of QARTOD test 1: last heard of longer than `failMs` before `now` → 4. */
export function dataReception(time: number, now: number, failMs: number): QcFlag {
  if (Number.isNaN(time)) return QC.missing;
  return now - time > failMs ? QC.fail : QC.good;
}

/** After `now`, or outside the span → 4. */
export function impossibleDate(time: number, now: number, span: readonly [number, number] | null = null): QcFlag {
  if (Number.isNaN(time)) return QC.missing;
  if (time > now) return QC.fail;
  return span && (time < span[0] || time > span[1]) ? QC.fail : QC.good;
}
