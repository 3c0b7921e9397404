/**
 * A front on its way from well to well: remembers a bounded past of each well, times the half rise, and fits the
 * velocity through the wells that have seen it.
 *
 * A well keeps one reading (the first) in each 128th of the span, in rings that never grow. The half rise lies between
 * base (the lowest that is kept) and peak: the last upward crossing before the peak, linear between two points.
 */
const POINTS = 128;

interface FrontMemory {
  readonly times: readonly number[];
  readonly values: readonly number[];
}

export interface HalfRise {
  /** Data time, ms. */
  readonly time: number;
  /** Between the two readings around it, ms: what the timing cannot resolve. */
  readonly slack: number;
  /** Peak minus base, canonical unit. */
  readonly rise: number;
}

export class Front {
  readonly #spacing: number;
  readonly #times = new Float64Array(POINTS);
  readonly #values = new Float64Array(POINTS);
  #count = 0;
  #next = 0;
  #slot = Number.NaN;

  constructor(spanMs: number) {
    this.#spacing = spanMs / POINTS;
  }

  take(time: number, value: number): void {
    const slot = Math.floor(time / this.#spacing);
    if (slot === this.#slot) return;
    this.#slot = slot;
    this.#times[this.#next] = time;
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % POINTS;
    if (this.#count < POINTS) this.#count++;
  }

  /** Null with fewer than four points, without a rise, or when the rise began before what is kept. */
  halfRise(now: number): HalfRise | null {
    const { times, values } = this.save();
    const from = times.findIndex((time) => now - time <= this.#spacing * POINTS);
    const seen = from < 0 ? [] : values.slice(from);
    if (seen.length < 4) return null;
    const base = Math.min(...seen);
    let peak = 0;
    for (let at = 1; at < seen.length; at++) if ((seen[at] ?? 0) > (seen[peak] ?? 0)) peak = at;
    const rise = (seen[peak] ?? base) - base;
    const level = base + rise / 2;
    let first = peak;
    while (first > 0 && (seen[first - 1] ?? 0) >= level) first--;
    if (!(rise > 0) || first === 0) return null;
    const [lower, upper] = [seen[first - 1] ?? 0, seen[first] ?? 0];
    const [before, after] = [times[from + first - 1] ?? 0, times[from + first] ?? 0];
    return { time: before + ((level - lower) / (upper - lower)) * (after - before), slack: after - before, rise };
  }

  save(): FrontMemory {
    const order = Array.from({ length: this.#count }, (_, at) => (this.#next - this.#count + at + POINTS) % POINTS);
    return { times: order.map((at) => this.#times[at] ?? 0), values: order.map((at) => this.#values[at] ?? 0) };
  }
  load(memory: unknown): void {
    const { times, values } = (memory as FrontMemory | null) ?? { times: [], values: [] };
    this.#times.set(times);
    this.#values.set(values);
    this.#count = times.length;
    this.#next = times.length % POINTS;
    const last = times.at(-1);
    this.#slot = last === undefined ? Number.NaN : Math.floor(last / this.#spacing);
  }
}

export interface Timed {
  /** Metres along the flow path. */
  readonly along: number;
  readonly half: HalfRise;
}

export interface FrontVelocity {
  /** Metres a day; null when the front does not move down the path. */
  readonly velocity: number | null;
  /** By what factor it may be wrong either way, from the slack of the two outermost wells; at least 1.15. */
  readonly factor: number;
  readonly wells: number;
}

const DAY_MS = 86_400_000;

/** Least squares of time on distance; null with fewer than two wells at different places. */
export function frontVelocity(wells: readonly Timed[]): FrontVelocity | null {
  const timed = [...wells].sort((a, b) => a.along - b.along || a.half.time - b.half.time);
  const count = timed.length;
  const meanAlong = timed.reduce((sum, { along }) => sum + along, 0) / count;
  const meanTime = timed.reduce((sum, { half }) => sum + half.time, 0) / count;
  let [square, product] = [0, 0];
  for (const { along, half } of timed) {
    square += (along - meanAlong) ** 2;
    product += (along - meanAlong) * (half.time - meanTime);
  }
  if (count < 2 || !(square > 0)) return null;
  if (!(product > 0)) return { velocity: null, factor: 1, wells: count };
  const [first, last] = [timed[0] as Timed, timed.at(-1) as Timed];
  const took = (product / square) * (last.along - first.along);
  const unsure = (first.half.slack + last.half.slack) / 2 / took;
  return { velocity: (square / product) * DAY_MS, factor: 1 + Math.min(Math.max(0.15, unsure), 9), wells: count };
}
