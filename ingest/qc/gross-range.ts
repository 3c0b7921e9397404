/**
 * Gross-range test, required in every IOOS QARTOD manual: outside what the sensor can report → 4, outside what is
 * plausible → 3, else 1. Bounds are inclusive. A missing value → 9. The value stays stored whatever the flag.
 */
import { Misconfigured } from "../../core/errors.ts";
import { QC, type QcFlag } from "../../core/reading.ts";

export type Span = readonly [number, number];

/** `[low, high]` in the canonical unit; null when not stated, and then never exceeded. */
export interface Spans {
  readonly failSpan: Span | null;
  readonly suspectSpan: Span | null;
}

/** @param value NaN when missing; infinities count as missing too. */
export function grossRange(value: number, { failSpan, suspectSpan }: Spans): QcFlag {
  if (!Number.isFinite(value)) return QC.missing;
  if (failSpan !== null && (value < failSpan[0] || value > failSpan[1])) return QC.fail;
  if (suspectSpan !== null && (value < suspectSpan[0] || value > suspectSpan[1])) return QC.suspect;
  return QC.good;
}

/** Ends in either order. @throws Misconfigured `QC_SPANS` when the suspect span leaves the fail span. */
export function spansOf(fail: Span | null, suspect: Span | null): Spans {
  const [failSpan, suspectSpan] = [sorted(fail), sorted(suspect)];
  if (failSpan && suspectSpan && (suspectSpan[0] < failSpan[0] || suspectSpan[1] > failSpan[1]))
    throw new Misconfigured("QC_SPANS", {
      what: `the suspect span ${suspectSpan.join("…")} leaves the fail span ${failSpan.join("…")}`,
      where: "quality control",
      mend: "widen the fail span or narrow the suspect span",
    });
  return { failSpan, suspectSpan };
}

export function sorted(span: Span | null): Span | null {
  return span && (span[0] <= span[1] ? span : [span[1], span[0]]);
}
