/** Tail probabilities as -log10(p): sums of evidence neither underflow nor need the smallest doubles. */

/** log10 of x! by Stirling's series; relative error below 1e-9 from 0 on. */
function logFactorial(x: number): number {
  if (x < 2) return 0;
  const n = x + 1;
  const ln =
    n < 12 ? lnProduct(x) : (n - 0.5) * Math.log(n) - n + 0.9189385332046727 + 1 / (12 * n) - 1 / (360 * n ** 3);
  return ln / Math.LN10;
}
function lnProduct(x: number): number {
  let ln = 0;
  for (let k = 2; k <= x; k++) ln += Math.log(k);
  return ln;
}

/** Upper tail of the standard normal, -log10: Mills' ratio beyond z = 5 (error < 2 %), Abramowitz–Stegun 26.2.17 below. */
export function normalTail(z: number): number {
  if (z <= 0) return 0.301;
  const density = (-z * z) / 2 / Math.LN10 - 0.3990899;
  if (z > 5) return -(density - Math.log10(z) + Math.log10(1 - 1 / (z * z)));
  const t = 1 / (1 + 0.2316419 * z);
  const sum = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return -(density + Math.log10(sum));
}

/** Upper tail of chi-square, -log10, by Wilson–Hilferty (1931): good to a few per cent of the exponent for df >= 3. */
export function chiSquareTail(chi2: number, df: number): number {
  const v = 2 / (9 * df);
  return normalTail((Math.cbrt(chi2 / df) - (1 - v)) / Math.sqrt(v));
}

/** P(X >= k) of a binomial(n, p), -log10. */
export function binomialTail(k: number, n: number, p: number): number {
  if (k <= n * p) return 0;
  let sum = 0;
  const first = term(k);
  for (let i = k; i <= n; i++) {
    const part = 10 ** (term(i) - first);
    sum += part;
    if (part < 1e-6) break;
  }
  return Math.max(0, -(first + Math.log10(sum)));
  function term(i: number): number {
    return logFactorial(n) - logFactorial(i) - logFactorial(n - i) + i * Math.log10(p) + (n - i) * Math.log10(1 - p);
  }
}

/**
 * Fisher's exact test, one-sided: P(at least `hit` of the `drawn` fall into the `marked` of `total`), -log10.
 */
export function fisherTail(hit: number, drawn: number, marked: number, total: number): number {
  if (hit * total <= drawn * marked) return 0;
  const most = Math.min(drawn, marked);
  let sum = 0;
  const first = term(hit);
  for (let i = hit; i <= most; i++) {
    const part = 10 ** (term(i) - first);
    sum += part;
    if (part < 1e-6) break;
  }
  return Math.max(0, -(first + Math.log10(sum)));
  function term(i: number): number {
    return choose(marked, i) + choose(total - marked, drawn - i) - choose(total, drawn);
  }
}
function choose(n: number, k: number): number {
  return k < 0 || k > n ? -400 : logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

/** Quantile of ascending numbers by linear interpolation (type 7); 0 of nothing. */
export function quantile(sorted: readonly number[], p: number): number {
  if (sorted.length === 0) return 0;
  const at = p * (sorted.length - 1);
  const low = Math.floor(at);
  const a = sorted[low] as number;
  return a + (at - low) * ((sorted[Math.min(low + 1, sorted.length - 1)] as number) - a);
}
export function median(values: readonly number[]): number {
  return quantile([...values].sort(ascending), 0.5);
}
export function ascending(a: number, b: number): number {
  return a - b;
}
