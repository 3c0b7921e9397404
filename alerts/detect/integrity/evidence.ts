/**
 * What a signal hands on: evidence to be checked, never a finding. Each signal's part of the sum is capped, so that one
 * signal alone can ask for a check and never reach "strong" by itself.
 *
 * `honestRate` is the share of station-days on which the signal alone reached "check" on the clean public series that
 * test/score/integrity.ts runs: 1,057 station-days of the sets with several readings a day, each series with its own
 * 95 % quantile as limit. Where none was seen it is 3 / 1,057 (the 95 % upper bound), clocks by simulation only.
 */
import type { StationSignal } from "../../../core/rule-integrity.ts";

export type Signal = StationSignal | "identical-stations" | "clock";

export interface Evidence {
  readonly signal: Signal;
  /** The named number that was compared; its meaning is the signal's file. */
  readonly statistic: number;
  readonly threshold: number;
  /** Readings or days that the statistic covers, as the signal's file says. */
  readonly window: number;
  readonly honestRate: number;
  /** -log10(p), capped at `CAP`. */
  readonly weight: number;
  /** Index of another member that the evidence names; -1 without one. */
  readonly other: number;
}

/** methods: sum of -log10(p), at most 6 a signal. */
export const CAP = 6;

/** Share of clean station-days with this signal. */
export const HONEST_RATES: Readonly<Record<Signal, number>> = {
  constant: 0.007,
  "limit-heap": 0.017,
  clipped: 0.022,
  digits: 0.056,
  benford: 0.003,
  copy: 0.003,
  "affine-copy": 0.003,
  "noise-drop": 0.02,
  "gaps-when-high": 0.003,
  "inconsistent-pair": 0.003,
  "maintenance-cover": 0.003,
  "standard-solution": 0.003,
  "identical-stations": 0.003,
  clock: 0.003,
};

export function evidence(
  signal: Signal,
  found: { statistic: number; threshold: number; window: number; weight: number; other?: number; cap?: number },
): Evidence {
  return {
    signal,
    statistic: found.statistic,
    threshold: found.threshold,
    window: found.window,
    honestRate: HONEST_RATES[signal],
    weight: Math.max(0, Math.min(found.weight, found.cap ?? CAP)),
    other: found.other ?? -1,
  };
}

/** The sum over one series; of several pieces of one signal only the heaviest counts. */
export function combine(pieces: readonly Evidence[]): number {
  const heaviest = new Map<Signal, number>();
  for (const { signal, weight } of pieces) heaviest.set(signal, Math.max(weight, heaviest.get(signal) ?? 0));
  let sum = 0;
  for (const weight of heaviest.values()) sum += weight;
  return sum;
}

/** "check" from 4, "strong" from 8, by default; null below. */
export function classOf(score: number, check = 4, strong = 8): "check" | "strong" | null {
  return score >= strong ? "strong" : score >= check ? "check" : null;
}
