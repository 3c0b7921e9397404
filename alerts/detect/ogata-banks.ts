/**
 * One-dimensional advection and dispersion from a source of constant concentration (Ogata & Banks 1961, USGS PP 411-A),
 * with linear retardation, first-order decay (van Genuchten & Alves 1982) and a pulse of finite length.
 *
 * v' = v/R, D' = D/R, u = v'·√(1 + 4λD'/v'²):
 * C/C0 = ½ [exp((v'−u)L/2D')·erfc((L−ut)/2√(D't)) + exp((v'+u)L/2D')·erfc((L+ut)/2√(D't))].
 * Without decay u = v'. The second product overflows for v'L/D' > 700, so both are written with erfcx(x) = exp(x²)·erfc(x):
 * the exponent of the second is then that of the first minus a², which is never positive.
 */

/** Metres and days. */
export interface Transport {
  /** Distance from the source, m, > 0. */
  readonly distance: number;
  /** Seepage velocity v = K·i/n, m/d, before retardation. */
  readonly velocity: number;
  /** D = α·v + Dm, m²/d, before retardation. */
  readonly dispersion: number;
  /** R = 1 + ρ·Kd/n, ≥ 1. */
  readonly retardation: number;
  /** λ = ln 2 / half-life, 1/d; of both phases, so it is not divided by R. */
  readonly decay?: number;
  /** Length of the pulse, d; left out: the source never ends. */
  readonly pulse?: number;
}

/** C/C0 at `days` after the source began, 0 to 1. */
export function relativeConcentration(transport: Transport, days: number): number {
  const { pulse } = transport;
  const begun = continuous(transport, days);
  return pulse === undefined || days <= pulse ? begun : Math.max(0, begun - continuous(transport, days - pulse));
}

function continuous(transport: Transport, days: number): number {
  if (!(days > 0)) return 0;
  const { distance, retardation, decay = 0 } = transport;
  const velocity = transport.velocity / retardation;
  const dispersion = transport.dispersion / retardation;
  const u = decay === 0 ? velocity : velocity * Math.sqrt(1 + (4 * decay * dispersion) / (velocity * velocity));
  const spread = 2 * Math.sqrt(dispersion * days);
  const a = (distance - u * days) / spread;
  const b = (distance + u * days) / spread;
  const first = (velocity - u) * (distance / (2 * dispersion)); // ≤ 0
  // (v'+u)L/2D' − b² = first − a², since uL/D' = b² − a².
  return Math.min(1, 0.5 * (Math.exp(first) * erfc(a) + Math.exp(first - a * a) * erfcx(b)));
}

/** Beyond this many advective travel times a front counts as never coming. */
const HORIZON = 20;

/**
 * Days until C/C0 first reaches `fraction`; Infinity when it never does (decay, or a pulse too short). A continuous
 * front only rises; of a pulse the rising limb is searched.
 */
export function arrivalDays(transport: Transport, fraction: number): number {
  const { distance, retardation, velocity, pulse } = transport;
  if (!(velocity > 0)) return Number.POSITIVE_INFINITY;
  const advective = (distance * retardation) / velocity;
  const continues = pulse === undefined;
  // Half of a front without decay has passed after the advective time: the usual, much nearer end.
  const near = continues && relativeConcentration(transport, advective) >= fraction;
  const far = HORIZON * advective;
  const high = near ? advective : continues ? far : firstAbove(transport, fraction, advective);
  if (!Number.isFinite(high)) return high;
  if (continues && !near && relativeConcentration(transport, far) < fraction) return Number.POSITIVE_INFINITY;
  return crossing((days) => relativeConcentration(transport, days) - fraction, high);
}

/** Root of a rising function between 0 and `high` to 1e-5 of itself: bisection until it is near, then Illinois steps. */
function crossing(beyond: (days: number) => number, high: number): number {
  let [low, atLow, atHigh] = [0, 0, 0];
  let side = 0;
  for (let step = 0; step < 100 && high - low > 1e-5 * high; step++) {
    const isNear = low > 0.7 * high && atLow < 0 && atHigh > 0;
    const middle = isNear ? (low * atHigh - high * atLow) / (atHigh - atLow) : (low + high) / 2;
    const found = beyond(middle);
    if (found < 0) {
      // The same end moved twice: halving the other's value pulls it along (Dowell & Jarratt 1971).
      if (side < 0) atHigh /= 2;
      [low, atLow, side] = [middle, found, -1];
    } else {
      if (found <= 1e-9) return middle;
      if (side > 0) atLow /= 2;
      [high, atHigh, side] = [middle, found, 1];
    }
  }
  return high;
}

/** The first of 400 times, each 2 % later than the one before, at which a pulse is above the fraction. */
function firstAbove(transport: Transport, fraction: number, advective: number): number {
  let days = advective * 0.01;
  for (let step = 0; step < 400 && days <= HORIZON * advective; step++, days *= 1.02) {
    if (relativeConcentration(transport, days) >= fraction) return days;
  }
  return Number.POSITIVE_INFINITY;
}

/** exp(x²)·erfc(x). For x < −26 the true value exceeds the largest double: Infinity. */
export function erfcx(x: number): number {
  if (x < 0) return 2 * Math.exp(x * x) - erfcx(-x);
  return x < 2 ? Math.exp(x * x) * erfc(x) : byFraction(x);
}

/** Complementary error function, relative error below 1e-13 for x < 26; 0 beyond. */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  return x < 2 ? 1 - bySeries(x) : Math.exp(-x * x) * byFraction(x);
}

const TWO_BY_ROOT_PI = 2 / Math.sqrt(Math.PI);

/** erf as e^(−x²)·(2/√π)·Σ 2ⁿ x^(2n+1)/(2n+1)!! (Abramowitz & Stegun 7.1.6): all terms positive, no cancellation. */
function bySeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > 1e-17 * sum; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return TWO_BY_ROOT_PI * Math.exp(-x * x) * sum;
}

/** erfcx for x ≥ 2: continued fraction x + ½/(x + 1/(x + 3⁄2/(x + …))) (Abramowitz & Stegun 7.1.14), from the inside. */
function byFraction(x: number): number {
  const terms = Math.ceil(8 + 180 / (x * x)); // enough for the last digit
  let tail = x;
  for (let n = terms; n >= 1; n--) tail = x + n / 2 / tail;
  return 1 / (Math.sqrt(Math.PI) * tail);
}
