/**
 * F4 terminal digit and F5 Benford's first digit (methods 5).
 *
 * F4: counts of the last digit over the kept days, chi-square with 9 degrees of freedom and effect size
 * V = sqrt(chi2 / 9N). Exempt: converted series and those stored finer than resolved (the least steps are coarser than
 * the last decimal), a single value above 5 % of N, a spread below 100 counts. Readings that repeat the one before
 * count once: a plateau is one statement of the instrument.
 * F5: mean absolute deviation from log10(1 + 1/d), only over 2 decades and 1,000 readings, and only where the series
 * conformed before: natural series need not follow Benford. Weighs 2 at most, so it never asks for a check alone.
 */
import type { Usual } from "./channel.ts";
import { type Evidence, evidence } from "./evidence.ts";
import { chiSquareTail } from "./statistics.ts";

export interface DigitDay {
  readonly last: number[];
  readonly first: number[];
  least: number;
  greatest: number;
  /** Most frequent value of the day by a majority vote (Misra–Gries, 8 counters): value, count. */
  readonly common: [value: number, count: number][];
}
export interface Digits {
  open: DigitDay;
  readonly days: DigitDay[];
  /** The last digit was counted for this many places; other places begin anew. */
  places: number;
  previous: number | null;
  /** Longest time of conforming to Benford, in days, before now. */
  conforming: number;
}

function newDay(): DigitDay {
  return {
    last: new Array<number>(10).fill(0),
    first: new Array<number>(10).fill(0),
    least: 0,
    greatest: 0,
    common: [],
  };
}
export function newDigits(): Digits {
  return { open: newDay(), days: [], places: -1, previous: null, conforming: 0 };
}

export function addDigits(digits: Digits, value: number, usual: Usual): void {
  if (value === digits.previous) return;
  digits.previous = value;
  const { open } = digits;
  if (usual.places !== digits.places) {
    digits.places = usual.places;
    for (const day of [open, ...digits.days]) day.last.fill(0);
  }
  if (digits.places >= 0) {
    const digit = Math.abs(Math.round(value * 10 ** digits.places)) % 10;
    open.last[digit] = (open.last[digit] as number) + 1;
  }
  const size = Math.abs(value);
  if (size > 0) {
    const first = Math.floor(size / 10 ** Math.floor(Math.log10(size) + 1e-12));
    open.first[first] = (open.first[first] ?? 0) + 1;
    if (open.least === 0 || size < open.least) open.least = size;
    if (size > open.greatest) open.greatest = size;
  }
  countCommon(open.common, value);
}

function countCommon(common: [number, number][], value: number): void {
  for (const entry of common) {
    if (entry[0] === value) {
      entry[1]++;
      return;
    }
  }
  if (common.length < 8) {
    common.push([value, 1]);
    return;
  }
  for (let k = common.length - 1; k >= 0; k--) {
    const entry = common[k] as [number, number];
    if (--entry[1] === 0) common.splice(k, 1);
  }
}

export function closeDigits(digits: Digits, daysMax: number): void {
  digits.days.push(digits.open);
  if (digits.days.length > daysMax) digits.days.shift();
  digits.open = newDay();
}

export function judgeDigits(digits: Digits, usual: Usual): Evidence | null {
  const counts = sumOf(digits.days, "last");
  const n = counts.reduce((sum, count) => sum + count, 0);
  const unit = 10 ** -digits.places;
  if (n < 500 || digits.places < 0 || usual.spread < 100 * unit || usual.coarse) return null;
  if (commonest(digits.days) > 0.05 * n) return null;
  let chi2 = 0;
  for (const count of counts) chi2 += (count - n / 10) ** 2 / (n / 10);
  const effect = Math.sqrt(chi2 / (9 * n));
  const tail = chiSquareTail(chi2, 9);
  if (effect <= 0.1 || tail < 6) return null;
  return evidence("digits", { statistic: effect, threshold: 0.1, window: n, weight: tail });
}

function commonest(days: readonly DigitDay[]): number {
  const counts = new Map<number, number>();
  for (const day of days) for (const [value, n] of day.common) counts.set(value, (counts.get(value) ?? 0) + n);
  let most = 0;
  for (const n of counts.values()) most = Math.max(most, n);
  return most;
}

export function judgeBenford(digits: Digits): Evidence | null {
  const counts = sumOf(digits.days, "first");
  const n = counts.reduce((sum, count) => sum + count, 0);
  const least = Math.min(...digits.days.map((day) => (day.least === 0 ? Number.POSITIVE_INFINITY : day.least)));
  const greatest = Math.max(...digits.days.map((day) => day.greatest));
  if (n < 1_000 || greatest < 100 * least) return null;
  let deviation = 0;
  for (let d = 1; d <= 9; d++) deviation += Math.abs((counts[d] as number) / n - Math.log10(1 + 1 / d)) / 9;
  if (deviation <= 0.015) {
    digits.conforming++;
    return null;
  }
  if (digits.conforming < digits.days.length) return null;
  return evidence("benford", { statistic: deviation, threshold: 0.015, window: n, weight: 2, cap: 2 });
}

function sumOf(days: readonly DigitDay[], which: "last" | "first"): number[] {
  const sums = new Array<number>(10).fill(0);
  for (const day of days) for (let d = 0; d < 10; d++) sums[d] = (sums[d] as number) + (day[which][d] as number);
  return sums;
}
