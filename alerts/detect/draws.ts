/**
 * Seeded draws for Monte Carlo: the same seed gives the same draws on every machine, so that a verdict can be computed
 * again. Latin hypercube (McKay 1979): each parameter takes every n-th of its range once, which steadies quantiles.
 */

/** 32-bit FNV-1a. */
export function seedOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

/** Uniform on [0, 1), 32 bits (mulberry32); not for secrets. */
export function uniforms(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** `count` draws on [0, 1), one in each `count`-th, in shuffled order. */
export function strata(next: () => number, count: number): Float64Array {
  const found = Float64Array.from({ length: count }, (_, index) => (index + next()) / count);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(next() * (last + 1));
    const kept = found[last] as number;
    found[last] = found[other] as number;
    found[other] = kept;
  }
  return found;
}

/** From [0, 1) into a range. */
export function uniformIn([low, high]: readonly [number, number], share: number): number {
  return low + (high - low) * share;
}
/** Log-uniform; uniform where the range begins at 0. */
export function logUniformIn([low, high]: readonly [number, number], share: number): number {
  return low > 0 ? low * (high / low) ** share : high * share;
}

/** Quantile at position p·(n+1) of sorted numbers (Weibull), which errs to the outer side at both ends. */
export function quantile(sorted: Float64Array, p: number): number {
  const place = Math.min(Math.max(p * (sorted.length + 1) - 1, 0), sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return Number.isFinite(above) ? below + (above - below) * (place % 1) : place % 1 === 0 ? below : above;
}
