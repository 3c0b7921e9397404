/** Valid-range test of AXDS: outside → 4. By default the lower end belongs to the range and the upper one does not. */
import { QC, type QcFlag } from "../../core/reading.ts";

/** A null end is open. @param value NaN when missing; times as ms. */
export function validRange(
  value: number,
  [low, high]: readonly [number | null, number | null],
  { startInclusive = true, endInclusive = false } = {},
): QcFlag {
  if (!Number.isFinite(value)) return QC.missing;
  if (low !== null && (startInclusive ? value < low : value <= low)) return QC.fail;
  if (high !== null && (endInclusive ? value > high : value >= high)) return QC.fail;
  return QC.good;
}
