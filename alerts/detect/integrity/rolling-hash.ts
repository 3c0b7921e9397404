/**
 * Rolling polynomial hash over the last W symbols (Karp–Rabin; base 1,000,003), exact in doubles: the modulus is the
 * greatest prime below 2^26, so that no product passes 2^53. Whoever finds an equal hash compares the readings too.
 */
export const MODULUS = 67_108_859;
const BASE = 1_000_003;
const words = new Uint32Array(2);
const double = new Float64Array(words.buffer);

/** A symbol for a raw value: equal for equal doubles (and for 0 and -0). */
export function symbolOf(value: number): number {
  double[0] = value + 0;
  return (((words[0] as number) % MODULUS) * 31 + (words[1] as number)) % MODULUS;
}

/** BASE^width mod MODULUS: the weight of the symbol that leaves. */
export function leavingWeight(width: number): number {
  let weight = 1;
  for (let k = 0; k < width; k++) weight = (weight * BASE) % MODULUS;
  return weight;
}

/** @param leaving the symbol `width` readings ago; 0 while fewer were seen. */
export function roll(hash: number, entering: number, leaving: number, weight: number): number {
  const grown = (((hash * BASE) % MODULUS) + entering) % MODULUS;
  return (grown - ((leaving * weight) % MODULUS) + MODULUS) % MODULUS;
}
