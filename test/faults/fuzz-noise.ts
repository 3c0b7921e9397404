/** What all fuzz runs share: noise that repeats by its seed, and messages changed by it. */
export type Noise = (below: number) => number;

/** xorshift32: whole numbers from 0 up to `below`. */
export function noise(seed: number): Noise {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

const BYTES_MAX = 8_000;

/** One to four changes. @param change one of them; by default as `changeOnce`. */
export function mutate(
  seed: Uint8Array,
  random: Noise,
  spices: readonly Uint8Array[],
  change: (bytes: Buffer) => Buffer = (bytes) => changeOnce(bytes, random, spices),
): Buffer {
  let bytes = Buffer.from(seed);
  for (let times = 1 + random(4); times > 0; times--) bytes = Buffer.from(change(bytes));
  return bytes.subarray(0, BYTES_MAX);
}

/** A byte, a bit or a digit changed, a piece left out, a spice or noise put in, a piece doubled, or cut off. */
export function changeOnce(bytes: Buffer, random: Noise, spices: readonly Uint8Array[]): Buffer {
  const at = random(bytes.length + 1);
  const put = (middle: Uint8Array, from = at): Buffer =>
    Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(from)]);
  const set = (value: number): Buffer => (at < bytes.length ? put(Buffer.of(value), at + 1) : bytes);
  switch (random(8)) {
    case 0:
      return set(random(256));
    case 1:
      return set((bytes[at] ?? 0) ^ (1 << random(8)));
    case 2:
      return set(48 + random(10));
    case 3:
      return put(Buffer.alloc(0), at + 1 + random(20));
    case 4:
      return put(spices[random(spices.length)] ?? Buffer.alloc(0));
    case 5:
      return put(Buffer.from(Array.from({ length: random(12) }, () => random(256))));
    case 6:
      return put(bytes.subarray(random(at + 1), at));
    default:
      return bytes.subarray(0, at);
  }
}
