/**
 * One-sided Mann–Kendall test for a rise over equally spaced years: exact without ties up to ten values, else the normal
 * approximation with continuity and tie corrections. Gilbert (1987), Statistical Methods for Environmental Pollution
 * Monitoring, chapter 16. Pure.
 */
export const YEARS_MIN = 4;
const EXACT_MAX = 10;

/** `p`: probability of an S at least as high without any trend. Null for fewer than four values. */
export function risingTrend(
  values: readonly number[],
): { readonly n: number; readonly s: number; readonly p: number } | null {
  const n = values.length;
  if (n < YEARS_MIN) return null;
  let s = 0;
  for (const [index, value] of values.entries()) {
    for (const later of values.slice(index + 1)) s += Math.sign(later - value);
  }
  const groups = new Map<number, number>();
  for (const value of values) groups.set(value, (groups.get(value) ?? 0) + 1);
  if (groups.size === n && n <= EXACT_MAX) return { n, s, p: exactTail(n, s) };
  const ties = [...groups.values()].reduce((sum, t) => sum + t * (t - 1) * (2 * t + 5), 0);
  const variance = (n * (n - 1) * (2 * n + 5) - ties) / 18;
  if (variance === 0) return { n, s, p: 1 };
  return { n, s, p: 1 - normal((s - Math.sign(s)) / Math.sqrt(variance)) };
}

/** P(S ≥ s): orders of n values by their number of inversions. */
function exactTail(n: number, s: number): number {
  let counts = [1];
  for (let size = 2; size <= n; size++) {
    const next = new Array<number>(counts.length + size - 1).fill(0);
    for (const [inversions, count] of counts.entries()) {
      for (let more = 0; more < size; more++) next[inversions + more] = (next[inversions + more] ?? 0) + count;
    }
    counts = next;
  }
  const total = counts.reduce((sum, count) => sum + count, 0);
  const inversionsMax = (n * (n - 1)) / 2;
  // S = pairs in order minus inversions.
  const tail = counts.filter((_, inversions) => inversionsMax - 2 * inversions >= s);
  return tail.reduce((sum, count) => sum + count, 0) / total;
}

/** Standard normal distribution; Abramowitz and Stegun (1964) 7.1.26 by erf, absolute error below 1.5e-7. */
function normal(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = 1 - poly * Math.exp(-x * x);
  return z >= 0 ? (1 + erf) / 2 : (1 - erf) / 2;
}
