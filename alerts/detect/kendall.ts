/**
 * Mann–Kendall trend test, seasonal Kendall test, Theil–Sen slope with confidence limits, and the variance correction of
 * Hamed and Rao for autocorrelation.
 *
 * Sources: Mann 1945; Kendall 1975 (variance with ties in both variables, exact null distribution); Hirsch, Slack and
 * Smith 1982 (seasonal); Sen 1968 and Gilbert 1987 chapter 16 (limits of the slope); Hamed and Rao 1998; USEPA Unified
 * Guidance 2009 sections 14.3 and 17.3. Results only: on minute data neighbours depend on each other and the test lies.
 */
import { chiSquareTail, medianOfSorted, normalQuantile, normalTail } from "./statistics.ts";

/** The exact null distribution serves up to this many results without ties. */
export const EXACT_RESULTS_MAX = 10;

export interface Kendall {
  readonly n: number;
  readonly s: number;
  readonly varS: number;
  readonly z: number;
  readonly tau: number;
  /** One-sided: the probability of so large an S without a trend; exact where possible. */
  readonly pRising: number;
  readonly pFalling: number;
  /** Two-sided, normal approximation. */
  readonly pTwoSided: number;
  readonly exact: boolean;
}

/** @param t times, any unit. @param y results; equal ones are tied. Both of the same length. */
export function mannKendall(t: ArrayLike<number>, y: ArrayLike<number>): Kendall {
  const n = y.length;
  let s = 0;
  for (let j = 1; j < n; j++) {
    for (let i = 0; i < j; i++) s += Math.sign(at(y, j) - at(y, i)) * Math.sign(at(t, j) - at(t, i));
  }
  const y2 = tieSums(y);
  const t2 = tieSums(t);
  return tested(n, s, kendallVariance(n, y2, t2), y2.pairs === 0 && t2.pairs === 0);
}

/** The test with another variance (Hamed–Rao): never exact. */
export function withVariance(test: Kendall, varS: number): Kendall {
  return tested(test.n, test.s, varS, false);
}

function tested(n: number, s: number, varS: number, untied: boolean): Kendall {
  const z = varS > 0 ? zOf(s, varS) : 0;
  const exact = untied && n <= EXACT_RESULTS_MAX;
  const pairs = (n * (n - 1)) / 2;
  return {
    n,
    s,
    varS,
    z,
    tau: pairs > 0 ? s / pairs : 0,
    pRising: exact ? exactTail(n, s) : normalTail(z),
    pFalling: exact ? exactTail(n, -s) : normalTail(-z),
    pTwoSided: Math.min(1, 2 * normalTail(Math.abs(z))),
    exact,
  };
}

/** With the correction for continuity. */
function zOf(s: number, varS: number): number {
  return (s - Math.sign(s)) / Math.sqrt(varS);
}

interface TieSums {
  /** Σ t(t−1), Σ t(t−1)(t−2) and Σ t(t−1)(2t+5) over groups of equal values. */
  readonly pairs: number;
  readonly triples: number;
  readonly spread: number;
}

function tieSums(values: ArrayLike<number>): TieSums {
  const sorted = Float64Array.from(values).sort();
  let [pairs, triples, spread] = [0, 0, 0];
  for (let from = 0; from < sorted.length; ) {
    let to = from + 1;
    while (to < sorted.length && sorted[to] === sorted[from]) to++;
    const size = to - from;
    pairs += size * (size - 1);
    triples += size * (size - 1) * (size - 2);
    spread += size * (size - 1) * (2 * size + 5);
    from = to;
  }
  return { pairs, triples, spread };
}

function kendallVariance(n: number, y: TieSums, t: TieSums): number {
  if (n < 2) return 0;
  const plain = (n * (n - 1) * (2 * n + 5) - y.spread - t.spread) / 18;
  const triples = n > 2 ? (y.triples * t.triples) / (9 * n * (n - 1) * (n - 2)) : 0;
  return plain + triples + (y.pairs * t.pairs) / (2 * n * (n - 1));
}

/** P(S ≥ s) without a trend and without ties, from the numbers of permutations with k inversions: S = n(n−1)/2 − 2k. */
export function exactTail(n: number, s: number): number {
  const pairs = (n * (n - 1)) / 2;
  let counts = [1];
  let all = 1;
  for (let size = 2; size <= n; size++) {
    const next = new Array<number>(counts.length + size - 1).fill(0);
    for (const [k, count] of counts.entries()) {
      for (let more = 0; more < size; more++) next[k + more] = (next[k + more] as number) + count;
    }
    counts = next;
    all *= size;
  }
  const most = Math.floor((pairs - s) / 2);
  let sum = 0;
  for (let k = 0; k <= Math.min(most, pairs); k++) sum += counts[k] as number;
  return sum / all;
}

export interface Slope {
  /** Per unit of time. */
  readonly slope: number;
  /** median(y) − slope · median(t) (Conover). */
  readonly intercept: number;
  readonly low: number;
  readonly high: number;
}

/** Median of the slopes of all pairs, with limits by Gilbert's ranks (N ∓ z·√Var S)/2. @param confidence two-sided. */
export function theilSen(t: ArrayLike<number>, y: ArrayLike<number>, varS: number, confidence = 0.95): Slope {
  const slopes = pairSlopes(t, y);
  const slope = medianOfSorted(slopes);
  const intercept = medianOfSorted(Float64Array.from(y).sort()) - slope * medianOfSorted(Float64Array.from(t).sort());
  return { slope, intercept, ...limitsOf(slopes, varS, confidence) };
}

function limitsOf(slopes: Float64Array, varS: number, confidence: number): { low: number; high: number } {
  const c = normalQuantile(0.5 + confidence / 2) * Math.sqrt(Math.max(0, varS));
  return { low: atRank(slopes, (slopes.length - c) / 2), high: atRank(slopes, (slopes.length + c) / 2 + 1) };
}

/** Number at a rank from 1, linear between ranks. */
function atRank(sorted: Float64Array, rank: number): number {
  if (sorted.length === 0) return Number.NaN;
  const within = Math.min(Math.max(rank, 1), sorted.length);
  const below = Math.floor(within);
  const low = sorted[below - 1] as number;
  const high = sorted[Math.min(below, sorted.length - 1)] as number;
  return low + (within - below) * (high - low);
}

function pairSlopes(t: ArrayLike<number>, y: ArrayLike<number>, sameSeason?: readonly unknown[]): Float64Array {
  const slopes: number[] = [];
  for (let j = 1; j < y.length; j++) {
    for (let i = 0; i < j; i++) {
      if (sameSeason && sameSeason[i] !== sameSeason[j]) continue;
      const span = at(t, j) - at(t, i);
      if (span !== 0) slopes.push((at(y, j) - at(y, i)) / span + 0); // + 0: no negative zero
    }
  }
  return Float64Array.from(slopes).sort();
}

export interface SeasonalKendall extends Kendall, Slope {
  /** Do the seasons differ in their trends? Van Belle and Hughes' chi-square. */
  readonly heterogeneity: number;
  readonly seasons: number;
  readonly pHeterogeneity: number;
}

/** Trends within each season, summed: a yearly cycle neither makes nor hides a trend. */
export function seasonalKendall(
  season: readonly (number | string)[],
  t: ArrayLike<number>,
  y: ArrayLike<number>,
  confidence = 0.95,
): SeasonalKendall {
  const rows = new Map<number | string, number[]>();
  for (const [index, name] of season.entries()) {
    const group = rows.get(name);
    if (group) group.push(index);
    else rows.set(name, [index]);
  }
  let [s, varS, pairs, squares, sum, seasons] = [0, 0, 0, 0, 0, 0];
  for (const indexes of rows.values()) {
    const one = mannKendall(
      indexes.map((index) => at(t, index)),
      indexes.map((index) => at(y, index)),
    );
    s += one.s;
    varS += one.varS;
    pairs += (one.n * (one.n - 1)) / 2;
    if (one.varS <= 0) continue;
    const z = one.s / Math.sqrt(one.varS);
    squares += z * z;
    sum += z;
    seasons++;
  }
  const slopes = pairSlopes(t, y, season);
  const slope = medianOfSorted(slopes);
  const heterogeneity = seasons > 0 ? Math.max(0, squares - (sum * sum) / seasons) : 0;
  return {
    ...tested(season.length, s, varS, false),
    tau: pairs > 0 ? s / pairs : 0,
    slope,
    intercept: medianOfSorted(Float64Array.from(y).sort()) - slope * medianOfSorted(Float64Array.from(t).sort()),
    ...limitsOf(slopes, varS, confidence),
    heterogeneity,
    seasons,
    pHeterogeneity: seasons > 1 ? chiSquareTail(heterogeneity, seasons - 1) : 1,
  };
}

/**
 * By how much autocorrelation widens the variance of S: 1 + 2/[n(n−1)(n−2)] Σ (n−i)(n−i−1)(n−i−2) ρ(i), with ρ the
 * autocorrelations of the ranks of the detrended results that are significant at 5 %. At least 1: what would make the
 * test bolder is left out.
 */
export function hamedRaoFactor(t: ArrayLike<number>, y: ArrayLike<number>, slope: number): number {
  const n = y.length;
  if (n < 4) return 1;
  const ranks = ranksOf(Float64Array.from({ length: n }, (_, index) => at(y, index) - slope * at(t, index)));
  const mean = (n + 1) / 2;
  let square = 0;
  for (const rank of ranks) square += (rank - mean) ** 2;
  if (square === 0) return 1;
  const significant = 1.959963984540054 / Math.sqrt(n);
  let sum = 0;
  for (let lag = 1; lag < n - 2; lag++) {
    let product = 0;
    for (let index = lag; index < n; index++) product += (at(ranks, index) - mean) * (at(ranks, index - lag) - mean);
    const correlation = product / square;
    if (Math.abs(correlation) > significant) sum += (n - lag) * (n - lag - 1) * (n - lag - 2) * correlation;
  }
  return Math.max(1, 1 + (2 * sum) / (n * (n - 1) * (n - 2)));
}

/** Ranks from 1; equal values share the mean of theirs. */
function ranksOf(values: Float64Array): Float64Array {
  const order = Array.from(values.keys()).sort((a, b) => at(values, a) - at(values, b));
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && at(values, at(order, to)) === at(values, at(order, from))) to++;
    for (let index = from; index < to; index++) ranks[at(order, index)] = (from + 1 + to) / 2;
    from = to;
  }
  return ranks;
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}
