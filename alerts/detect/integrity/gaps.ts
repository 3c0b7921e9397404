/**
 * F9 sampling only when compliant and F13 maintenance cover (methods 5): do gaps, or readings that the device declares
 * as maintenance, calibration or fault, begin just when the value is high?
 *
 * A 2 x 2 table over the kept days: the last good reading before was high or not, an interruption followed or not.
 * High is above 80 % of the limit, or within half the series' own spread of it where that is narrower (80 % of a pH limit is
 * every pH); without a limit above the usual median by half the spread. Fisher's exact test,
 * odds ratio > 3, p < 1e-3, at least ten interruptions. A gap counts when it outlasts 2.5 intervals and no more than 3
 * days: longer ones are outages. Times are the series' own, so a station that sends nothing at all while it is high
 * is met too.
 */
import type { Usual } from "./channel.ts";
import { type Evidence, evidence } from "./evidence.ts";
import { fisherTail } from "./statistics.ts";

const LONGEST_MS = 3 * 86_400_000;

export interface GapDay {
  readonly gapHigh: number;
  readonly gapLow: number;
  readonly coverHigh: number;
  readonly coverLow: number;
  readonly high: number;
  readonly low: number;
}
export interface Gaps {
  gapHigh: number;
  gapLow: number;
  coverHigh: number;
  coverLow: number;
  high: number;
  low: number;
  readonly days: GapDay[];
  lastTime: number | null;
  lastValue: number;
  /** The device has declared its readings unusable since the last good one. */
  covered: boolean;
  /** High beyond this; null until a day has closed. */
  bar: number | null;
  below: boolean;
}

const ZERO = { gapHigh: 0, gapLow: 0, coverHigh: 0, coverLow: 0, high: 0, low: 0 };
/** @param below the limit is a least value, so that low values are what one would hide. */
export function newGaps(below: boolean): Gaps {
  return { ...ZERO, days: [], lastTime: null, lastValue: 0, covered: false, bar: null, below };
}

export function highBar(usual: Usual, limit: number | null, below: boolean): number {
  if (limit === null) return usual.median + usual.spread / 2;
  const margin = Math.max(4 * usual.q, Math.min(0.2 * Math.abs(limit), usual.spread / 2));
  return below ? limit + margin : limit - margin;
}

/** A usable reading. @param interval usual time between readings, ms; 0 while unknown. */
export function addToGaps(gaps: Gaps, time: number, value: number, interval: number): void {
  if (gaps.bar !== null && gaps.lastTime !== null && interval > 0) {
    const wasHigh = isHigh(gaps, gaps.lastValue);
    const pause = time - gaps.lastTime;
    if (wasHigh) gaps.high++;
    else gaps.low++;
    if (!gaps.covered && pause > 2.5 * interval && pause <= LONGEST_MS) {
      if (wasHigh) gaps.gapHigh++;
      else gaps.gapLow++;
    }
  }
  gaps.lastTime = time;
  gaps.lastValue = value;
  gaps.covered = false;
}

/** The device sent a reading that it declares unusable. */
export function declareUnusable(gaps: Gaps): void {
  if (!gaps.covered && gaps.bar !== null && gaps.lastTime !== null) {
    if (isHigh(gaps, gaps.lastValue)) gaps.coverHigh++;
    else gaps.coverLow++;
  }
  gaps.covered = true;
}

function isHigh(gaps: Gaps, value: number): boolean {
  const bar = gaps.bar as number;
  return gaps.below ? value < bar : value > bar;
}

export function closeGaps(gaps: Gaps, daysMax: number, bar: number): void {
  const { gapHigh, gapLow, coverHigh, coverLow, high, low } = gaps;
  gaps.days.push({ gapHigh, gapLow, coverHigh, coverLow, high, low });
  if (gaps.days.length > daysMax) gaps.days.shift();
  Object.assign(gaps, ZERO);
  gaps.bar = bar;
}

export function judgeGaps(gaps: Gaps): Evidence[] {
  const sums = { ...ZERO };
  for (const day of gaps.days) {
    for (const key of Object.keys(ZERO) as (keyof typeof ZERO)[]) sums[key] += day[key];
  }
  const found: Evidence[] = [];
  const gap = table(sums.gapHigh, sums.gapLow, sums);
  if (gap) found.push(evidence("gaps-when-high", gap));
  const cover = table(sums.coverHigh, sums.coverLow, sums);
  if (cover) found.push(evidence("maintenance-cover", cover));
  return found;
}

function table(afterHigh: number, afterLow: number, { high, low }: { high: number; low: number }) {
  const drawn = afterHigh + afterLow;
  if (drawn < 10 || high === 0 || low === 0) return null;
  const odds = (afterHigh * Math.max(1, low - afterLow)) / (Math.max(0.5, afterLow) * Math.max(1, high - afterHigh));
  const weight = fisherTail(afterHigh, drawn, high, high + low);
  return odds > 3 && weight > 3 ? { statistic: odds, threshold: 3, window: drawn, weight } : null;
}
