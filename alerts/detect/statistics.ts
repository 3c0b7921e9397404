/**
 * Distribution functions that the trend detectors need: normal, Student t, chi-square, and small sample figures.
 *
 * Incomplete gamma and beta functions by series and Lentz's continued fraction, log-gamma by Lanczos (g = 7, n = 9), as
 * in Press et al., Numerical Recipes, chapter 6; quantiles start from Acklam's rational approximation of the normal one
 * and are polished by Newton steps on the exact function. Relative error below 1e-12 where the tests compare.
 */

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];
const STEPS_MAX = 500;
const TINY = 1e-300;
const ENOUGH = 1e-16;

/** ln Γ(x), x > 0. */
export function lnGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - lnGamma(1 - x);
  const z = x - 1;
  let sum = LANCZOS[0] as number;
  for (let index = 1; index < LANCZOS.length; index++) sum += (LANCZOS[index] as number) / (z + index);
  const t = z + LANCZOS.length - 1.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Upper regularised incomplete gamma function Q(a, x), a > 0. */
export function gammaQ(a: number, x: number): number {
  if (x <= 0) return 1;
  const front = Math.exp(a * Math.log(x) - x - lnGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let step = 1; step <= STEPS_MAX && Math.abs(term) > Math.abs(sum) * ENOUGH; step++) {
      term *= x / (a + step);
      sum += term;
    }
    return 1 - front * sum;
  }
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let fraction = d;
  for (let step = 1; step <= STEPS_MAX; step++) {
    const factor = -step * (step - a);
    b += 2;
    d = 1 / orTiny(factor * d + b);
    c = orTiny(b + factor / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < ENOUGH) break;
  }
  return front * fraction;
}

/** P(Z > z) of the standard normal distribution, exact in the far tail too. */
export function normalTail(z: number): number {
  if (Number.isNaN(z)) return Number.NaN;
  const half = 0.5 * gammaQ(0.5, (z * z) / 2);
  return z >= 0 ? half : 1 - half;
}

const ACKLAM = {
  a: [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ],
  b: [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572],
  c: [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ],
  d: [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416],
} as const;

/** z with P(Z ≤ z) = p, 0 < p < 1. */
export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) return p === 0 ? -Infinity : p === 1 ? Infinity : Number.NaN;
  if (p > 0.5) return -normalQuantile(1 - p);
  let z: number;
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    z = horner(ACKLAM.c, q) / (horner(ACKLAM.d, q) * q + 1);
  } else {
    const q = p - 0.5;
    z = (horner(ACKLAM.a, q * q) * q) / (horner(ACKLAM.b, q * q) * q * q + 1);
  }
  for (let step = 0; step < 2; step++) {
    const off = normalTail(-z) - p;
    z -= off * Math.sqrt(2 * Math.PI) * Math.exp((z * z) / 2);
  }
  return z;
}

/** Regularised incomplete beta function I_x(a, b). */
export function betaI(a: number, b: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(lnGamma(a + b) - lnGamma(a) - lnGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  if (x > (a + 1) / (a + b + 2)) return 1 - (front * betaFraction(b, a, 1 - x)) / b;
  return (front * betaFraction(a, b, x)) / a;
}

function betaFraction(a: number, b: number, x: number): number {
  let c = 1;
  let d = 1 / orTiny(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= STEPS_MAX; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / orTiny(1 + even * d);
    c = orTiny(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / orTiny(1 + odd * d);
    c = orTiny(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < ENOUGH) break;
  }
  return fraction;
}

/** P(T > t) of Student's t with `df` degrees of freedom. */
export function tTail(t: number, df: number): number {
  const half = 0.5 * betaI(df / 2, 0.5, df / (df + t * t));
  return t >= 0 ? half : 1 - half;
}

/** t with P(T ≤ t) = p. Bisection from a bracket around the normal quantile: df 1 has heavy tails. */
export function tQuantile(p: number, df: number): number {
  if (!(p > 0 && p < 1) || !(df > 0)) return Number.NaN;
  if (p < 0.5) return -tQuantile(1 - p, df);
  if (p === 0.5) return 0;
  let low = 0;
  let high = Math.max(1, normalQuantile(p));
  while (tTail(high, df) > 1 - p && high < 1e12) high *= 2;
  for (let step = 0; step < 200 && high - low > 1e-14 * high; step++) {
    const middle = (low + high) / 2;
    if (tTail(middle, df) > 1 - p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(X > x) of chi-square. */
export function chiSquareTail(x: number, df: number): number {
  return gammaQ(df / 2, x / 2);
}

/** Median of ascending numbers; NaN of none. */
export function medianOfSorted(sorted: ArrayLike<number>, count = sorted.length): number {
  if (count === 0) return Number.NaN;
  const high = sorted[count >> 1] as number;
  return count % 2 === 1 ? high : ((sorted[(count >> 1) - 1] as number) + high) / 2;
}
export function median(values: ArrayLike<number>): number {
  return medianOfSorted(Float64Array.from(values).sort());
}

function horner(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (const coefficient of coefficients) sum = sum * x + coefficient;
  return sum;
}
function orTiny(x: number): number {
  return Math.abs(x) < TINY ? TINY : x;
}
