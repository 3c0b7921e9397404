/**
 * Readings as a chart draws them: a line of plain good values only, gaps as gaps, and everything doubtful as marks of
 * their own: censored, over range, suspect, failed, flagged by the instrument.
 */
import { isInstrumentQualifier } from "../../../core/reading.ts";
import type { BucketColumns, LiveValue, RawColumns } from "../api-types.ts";

/** Shapes differ, not only colours. `none` is a reading without a value. */
export type MarkKind = "censored" | "over" | "suspect" | "fail" | "instrument" | "none";
export interface Mark {
  /** Index into `x`. */
  readonly at: number;
  readonly kind: MarkKind;
  readonly value: number | null;
}

export interface ChartData {
  /** Seconds since 1970 UTC, ascending; with one more entry inside every gap. */
  readonly x: number[];
  /** Plain good values (raw) or means (buckets); null breaks the line. */
  readonly line: (number | null)[];
  /** Of buckets; empty for raw readings. */
  readonly min: (number | null)[];
  readonly max: (number | null)[];
  readonly marks: readonly Mark[];
  /** Row of the columns for each entry of `x`; -1 inside gaps. */
  readonly rows: number[];
  /** Of all that is drawn; null when nothing is. */
  readonly span: { readonly low: number; readonly high: number } | null;
}

/** More than this many steps without a reading is a gap. */
const GAP_STEPS = 3;
const SUSPECT = 3;
const FAIL = 4;
const MISSING = 9;

class Builder {
  readonly x: number[] = [];
  readonly line: (number | null)[] = [];
  readonly min: (number | null)[] = [];
  readonly max: (number | null)[] = [];
  readonly rows: number[] = [];
  readonly marks: Mark[] = [];
  #low = Number.POSITIVE_INFINITY;
  #high = Number.NEGATIVE_INFINITY;
  readonly #gapMs: number;

  constructor(gapMs: number) {
    this.#gapMs = gapMs;
  }
  push(ms: number, row: number, line: number | null, min: number | null, max: number | null): void {
    const before = this.x.at(-1);
    if (before !== undefined && ms / 1_000 - before > this.#gapMs / 1_000) this.#add((ms / 1_000 + before) / 2, -1);
    this.#add(ms / 1_000, row, line, min, max);
  }
  #add(x: number, row: number, line: number | null = null, min: number | null = null, max: number | null = null): void {
    this.x.push(x);
    this.rows.push(row);
    this.line.push(line);
    this.min.push(min);
    this.max.push(max);
    for (const value of [line, min, max]) this.#widen(value);
  }
  mark(kind: MarkKind, value: number | null): void {
    this.marks.push({ at: this.x.length - 1, kind, value });
    this.#widen(value);
  }
  #widen(value: number | null): void {
    if (value === null) return;
    this.#low = Math.min(this.#low, value);
    this.#high = Math.max(this.#high, value);
  }
  done(): ChartData {
    const { x, line, min, max, rows, marks } = this;
    const span = this.#low <= this.#high ? { low: this.#low, high: this.#high } : null;
    return { x, line, min, max, rows, marks, span };
  }
}

/** What a reading is to be drawn as; null for a plain good value, which belongs to the line. */
export function markOf(value: number | null, cmp: string, flag: number, qualifier: string): MarkKind | null {
  if (value === null || flag === MISSING) return "none";
  if (flag === FAIL) return "fail";
  if (flag === SUSPECT) return "suspect";
  if (isInstrumentQualifier(qualifier)) return "instrument";
  if (cmp === "<") return "censored";
  return cmp === ">" || qualifier === "T" ? "over" : null;
}

/** @param intervalMs expected time between readings; null takes the median of the times themselves. */
export function rawChart(columns: RawColumns, intervalMs: number | null): ChartData {
  const { times, values, cmp, flag, qualifier } = columns;
  const step = Math.max(intervalMs ?? 0, medianStep(times));
  const chart = new Builder(GAP_STEPS * step);
  for (let row = 0; row < times.length; row++) {
    const value = values[row] ?? null;
    const kind = markOf(value, cmp[row] ?? "", flag[row] ?? 2, qualifier[row] ?? "N");
    chart.push(times[row] as number, row, kind === null ? value : null, null, null);
    if (kind !== null) chart.mark(kind, value);
  }
  return chart.done();
}

/**
 * The mean of a bucket with suspect or failed readings is no part of the line, and neither is one of censored readings
 * only: both are marks, at the bucket's highest value, so that a single exceedance stays visible at every zoom.
 */
export function bucketChart(columns: BucketColumns, stepMs: number): ChartData {
  const { times, count, min, max, mean, censored, flag } = columns;
  const chart = new Builder(1.5 * stepMs);
  for (let row = 0; row < times.length; row++) {
    const all = (count[row] ?? 0) > 0 && censored[row] === count[row];
    const worst = flag[row] ?? 2;
    const isBad = worst === SUSPECT || worst === FAIL;
    const inLine = !all && !isBad;
    const value = mean[row] ?? null;
    chart.push(
      times[row] as number,
      row,
      inLine ? value : null,
      inLine ? (min[row] ?? null) : null,
      inLine ? (max[row] ?? null) : null,
    );
    if (value === null) continue;
    if (isBad) chart.mark(worst === FAIL ? "fail" : "suspect", max[row] ?? value);
    else if (all) chart.mark("censored", max[row] ?? value);
  }
  return chart.done();
}

function medianStep(times: readonly number[]): number {
  const steps = times.slice(1).map((time, index) => time - (times[index] as number));
  steps.sort((a, b) => a - b);
  return steps[(steps.length - 1) >> 1] ?? 0;
}

const STEP_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "1h" as ms; 0 for "raw". */
export function stepOf(bucket: string): number {
  const [, amount = "0", unit = "ms"] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(bucket) ?? [];
  return Number(amount) * (STEP_MS[unit] ?? 0);
}

/** Columns with a live reading at their end; the same columns when it is late or already there. */
export function appendLive(columns: RawColumns, [, time, value, cmp, flag, qualifier]: LiveValue): RawColumns {
  if (time <= (columns.times.at(-1) ?? Number.NEGATIVE_INFINITY)) return columns;
  return {
    times: [...columns.times, time],
    values: [...columns.values, value],
    cmp: [...columns.cmp, cmp],
    flag: [...columns.flag, flag],
    qualifier: [...columns.qualifier, qualifier],
  };
}
