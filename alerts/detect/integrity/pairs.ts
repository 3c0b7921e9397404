/**
 * F10 physically inconsistent pairs (methods 5): two series of one station at the same time.
 *
 * `ratio`: TDS / EC within 0.5 to 0.9 and within 20 % (at least 5 MAD) of what the pair itself usually is. `order`: a
 * part is not more than the whole (Cr(VI) and total Cr, dissolved and total), beyond twice the uncertainty of 10 % each.
 * `saturation`: dissolved oxygen at most 150 % of saturation in fresh water at sea level (Benson & Krause 1984).
 * Evidence from three violating times in a row: each is a one-in-ten accident at the most, 1.33 of -log10(p).
 */
import type { GroupMember } from "../group.ts";
import { type Evidence, evidence } from "./evidence.ts";
import { median } from "./statistics.ts";

export interface Pair {
  readonly kind: "ratio" | "order" | "saturation";
  /** Members: TDS and EC; part and whole; oxygen and temperature. */
  readonly a: number;
  readonly b: number;
}
export interface PairState {
  run: number;
  most: number;
  worst: number;
  /** Ratios of the open day: every one until 64, then every second, and so on. */
  sample: number[];
  stride: number;
  seen: number;
  /** Median ratio and its median absolute deviation, by day. */
  readonly days: [ratio: number, mad: number][];
  known: number;
  band: number;
}

const SAMPLE = 64;
const ORDER = 1 + 2 * Math.SQRT2 * 0.1;

export function newPair(): PairState {
  return { run: 0, most: 0, worst: 0, sample: [], stride: 1, seen: 0, days: [], known: 0, band: 0 };
}

/** The pairs among a station's series that must agree. */
export function pairsOf(members: readonly GroupMember[]): Pair[] {
  const pairs: Pair[] = [];
  members.forEach((one, a) => {
    members.forEach((two, b) => {
      if (a === b || one.aggregate !== two.aggregate) return;
      const is = (first: string, second: string) => one.quantity === first && two.quantity === second;
      if (is("tds", "ec")) pairs.push({ kind: "ratio", a, b });
      if (is("cr6", "cr")) pairs.push({ kind: "order", a, b });
      if (is("do", "temp")) pairs.push({ kind: "saturation", a, b });
      const fractions = one.fraction === "dissolved" && two.fraction === "total";
      if (one.quantity === two.quantity && fractions) pairs.push({ kind: "order", a, b });
    });
  });
  return pairs;
}

/** Both values plain and at the same time. */
export function addPair(pair: Pair, state: PairState, a: number, b: number): void {
  if (pair.kind !== "saturation" && (a <= 0 || b <= 0)) return;
  const statistic = pair.kind === "saturation" ? a / oxygenSaturation(b) : a / b;
  if (violates(pair, state, statistic)) {
    state.run++;
    if (state.run > state.most) {
      state.most = state.run;
      state.worst = statistic;
    }
  } else {
    state.run = 0;
  }
  if (pair.kind === "ratio") keepRatio(state, statistic);
}

function violates(pair: Pair, state: PairState, statistic: number): boolean {
  if (pair.kind === "saturation") return statistic > 1.5;
  if (pair.kind === "order") return statistic > ORDER;
  const drifted = state.days.length >= 7 && Math.abs(statistic - state.known) > state.band;
  return statistic < 0.5 || statistic > 0.9 || drifted;
}

function keepRatio(state: PairState, ratio: number): void {
  if (state.seen++ % state.stride !== 0) return;
  state.sample.push(ratio);
  if (state.sample.length < SAMPLE) return;
  state.sample = state.sample.filter((_, k) => k % 2 === 0);
  state.stride *= 2;
}

export function closePair(state: PairState, daysMax: number): void {
  if (state.sample.length > 0) {
    const centre = median(state.sample);
    state.days.push([centre, median(state.sample.map((ratio) => Math.abs(ratio - centre)))]);
    if (state.days.length > daysMax) state.days.shift();
    state.known = median(state.days.map(([ratio]) => ratio));
    state.band = Math.max(0.2 * state.known, 5 * median(state.days.map(([, mad]) => mad)));
  }
  state.sample = [];
  state.stride = 1;
  state.seen = 0;
}

export function judgePair(pair: Pair, state: PairState): Evidence | null {
  const { most, worst } = state;
  state.most = state.run;
  if (most < 3) return null;
  const threshold = pair.kind === "saturation" ? 1.5 : pair.kind === "order" ? ORDER : state.band;
  return evidence("inconsistent-pair", {
    statistic: worst,
    threshold,
    window: most,
    weight: 1.34 * most,
    other: pair.b,
  });
}

/**
 * Oxygen at saturation in fresh water at 101.325 kPa, mg/L (Benson & Krause 1984, APHA 4500-O).
 * @param celsius water temperature.
 */
export function oxygenSaturation(celsius: number): number {
  const t = Math.max(0, Math.min(45, celsius)) + 273.15;
  return Math.exp(-139.34411 + 1.575701e5 / t - 6.642308e7 / t ** 2 + 1.2438e10 / t ** 3 - 8.621949e11 / t ** 4);
}
