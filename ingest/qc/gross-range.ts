/**
 * Gross-range test, required in every IOOS QARTOD manual: outside what the sensor can report → 4, outside what is
 * plausible → 3, else 1. Bounds are inclusive. A missing value → 9. The value stays stored whatever the flag.
 */
import { QC, type QcFlag } from "../../core/reading.ts";

/** `[low, high]` in the canonical unit; null when not stated, and then never exceeded. */
export interface Spans {
  readonly failSpan: readonly [number, number] | null;
  readonly suspectSpan: readonly [number, number] | null;
}

/** @param value NaN when missing; infinities count as missing too. */
export function grossRange(value: number, { failSpan, suspectSpan }: Spans): QcFlag {
  if (!Number.isFinite(value)) return QC.missing;
  if (failSpan !== null && (value < failSpan[0] || value > failSpan[1])) return QC.fail;
  if (suspectSpan !== null && (value < suspectSpan[0] || value > suspectSpan[1])) return QC.suspect;
  return QC.good;
}
