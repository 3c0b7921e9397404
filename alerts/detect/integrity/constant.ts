/**
 * F1 constant value: the current run of equal raw values against the series' own runs (methods 5, F1).
 *
 * p99.9 comes from a histogram of finished runs with quarter-octave bins (32 numbers, error 19 %). Fires only where the
 * series usually spreads over 10 counts and a sibling is alive; a station that stands still as a whole is a fault, not
 * a cheat, and the flat-line test says so.
 */
import type { Channel } from "./channel.ts";
import { type Evidence, evidence } from "./evidence.ts";

const BINS = 64;
const RUNS_MIN = 200;

export interface Runs {
  readonly finished: number[];
  total: number;
  value: number | null;
  length: number;
  /** Longest run seen open in this day. */
  longest: number;
}

export function newRuns(): Runs {
  return { finished: [], total: 0, value: null, length: 0, longest: 0 };
}

export function addRun(runs: Runs, value: number): void {
  if (value === runs.value) {
    runs.length++;
  } else {
    if (runs.value !== null) finish(runs);
    runs.value = value;
    runs.length = 1;
  }
  if (runs.length > runs.longest) runs.longest = runs.length;
}

/** A censored value or one that the device declares unusable ends a run without counting it. */
export function breakRun(runs: Runs): void {
  runs.value = null;
  runs.length = 0;
}

function finish(runs: Runs): void {
  const bin = Math.min(BINS - 1, Math.floor(4 * Math.log2(runs.length)));
  while (runs.finished.length <= bin) runs.finished.push(0);
  // A run that was evidence does not become the new normal.
  const known = p999(runs);
  if (runs.total >= RUNS_MIN && runs.length > 3 * known && runs.length > 24) return;
  runs.finished[bin] = (runs.finished[bin] as number) + 1;
  runs.total++;
}

/** Upper edge of the bin that holds the 99.9 % quantile of finished runs. */
export function p999(runs: Runs): number {
  let above = 0.001 * runs.total;
  for (let bin = runs.finished.length - 1; bin >= 0; bin--) {
    above -= runs.finished[bin] as number;
    if (above < 0) return 2 ** ((bin + 1) / 4);
  }
  return 1;
}

/** @param siblingAlive another channel of the station changed today. */
export function judgeConstant(runs: Runs, channel: Channel, siblingAlive: boolean): Evidence | null {
  const { longest } = runs;
  runs.longest = runs.length;
  const { usual } = channel;
  if (runs.total < RUNS_MIN || !siblingAlive || runs.value === 0 || usual.iqr < 10 * usual.q) return null;
  const known = p999(runs);
  const threshold = Math.max(3 * known, 24);
  if (longest <= threshold) return null;
  // Exponential tail through (p99.9, 1e-3): conservative for the short-tailed runs of a fine series.
  return evidence("constant", {
    statistic: longest,
    threshold,
    window: longest,
    weight: 3 * (longest / Math.max(known, 6)),
  });
}
