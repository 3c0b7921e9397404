/**
 * Rate-of-change test (QARTOD test 7), in units a second against the reading before. The first reading, and one whose
 * predecessor is missing, is good. Whole seconds as in ioos_qc: another value within the same second is infinitely fast.
 */
import { QC, type QcFlag } from "../../core/reading.ts";

/** @param elapsedMs since the reading before; NaN when there is none. */
export function rateOfChange(
  before: number,
  value: number,
  elapsedMs: number,
  { suspect, fail = null }: { readonly suspect: number; readonly fail?: number | null },
): QcFlag {
  if (!Number.isFinite(value)) return QC.missing;
  const rate = Math.abs(value - before) / Math.trunc(elapsedMs / 1_000);
  if (fail !== null && rate > fail) return QC.fail;
  return rate > suspect ? QC.suspect : QC.good;
}
