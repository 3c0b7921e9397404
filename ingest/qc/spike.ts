/**
 * Spike test (QARTOD test 6). It looks at both neighbours, so the verdict on a reading comes with the next one.
 *
 * Average, as in the manuals: distance from the neighbours' mean; the neighbours of a large spike are hit as well.
 * Differential: the smaller of the steps to both neighbours where they point opposite ways, else 0; a step is no spike.
 */
import { QC, type QcFlag } from "../../core/reading.ts";

export type SpikeMethod = "average" | "differential";

/** How far `value` sticks out of its neighbours; NaN when one is missing. */
export function spikeSize(before: number, value: number, after: number, method: SpikeMethod): number {
  if (method === "average") return Math.abs(value - (before + after) / 2);
  const [rise, fall] = [value - before, value - after];
  if (Number.isNaN(rise) || Number.isNaN(fall)) return Number.NaN;
  // Steps in and out have opposite signs when both differences from the neighbours have the same.
  return (rise > 0 && fall > 0) || (rise < 0 && fall < 0) ? Math.min(Math.abs(rise), Math.abs(fall)) : 0;
}

/** A threshold of 0 or null switches that level off. Strict comparison. */
export function spike(
  before: number,
  value: number,
  after: number,
  thresholds: { readonly suspect: number | null; readonly fail: number | null; readonly method: SpikeMethod },
): QcFlag {
  if (!Number.isFinite(value)) return QC.missing;
  if (!Number.isFinite(before) || !Number.isFinite(after)) return QC.notEvaluated;
  const size = spikeSize(before, value, after, thresholds.method);
  if (thresholds.fail && size > thresholds.fail) return QC.fail;
  if (thresholds.suspect && size > thresholds.suspect) return QC.suspect;
  return QC.good;
}
