/**
 * Seeded noise that is a function of (seed, name, step), not a sequence. Values of a series can be asked in every
 * order, so that history, live values and re-runs agree.
 */

/** 32-bit mix of a text (FNV-1a) and a number (finaliser of MurmurHash3). */
function hash(seed: number, name: string, step: number): number {
  let h = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (step | 0), 0x85ebca6b);
  h = Math.imul(h ^ Math.floor(step / 0x1_0000_0000), 0xc2b2ae35);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Uniform in (0, 1). */
export function uniform(seed: number, name: string, step: number): number {
  return (hash(seed, name, step) + 0.5) / 0x1_0000_0000;
}

/** Standard normal, by Box and Muller (1958). */
export function normal(seed: number, name: string, step: number): number {
  const radius = Math.sqrt(-2 * Math.log(uniform(seed, `${name}#r`, step)));
  return radius * Math.cos(2 * Math.PI * uniform(seed, `${name}#a`, step));
}
