/** Seeded noise for fuzz runs: xorshift32, whole numbers from 0 up to `below`. */
export function noise(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}
