/**
 * How fast something moves: change a day over a span by least squares, and days to failure by inverse velocity
 * (Fukuzono 1985): before a slope fails, 1/velocity falls on a straight line to zero.
 *
 * Keeps the first reading of each step of the span (a 24th of it), at most 25 of them, so memory does not grow.
 */
const DAY_MS = 86_400_000;
const STEPS = 24;
/** Inverse velocities that a line is fitted through. */
const FIT_MIN = 5;
const FIT_MAX = 20;

export interface MovementMemory {
  readonly times: readonly number[];
  readonly values: readonly number[];
}

export class Movement {
  readonly #spanMs: number;
  readonly #stepMs: number;
  #times: number[] = [];
  #values: number[] = [];

  /** @param spanMs of the rate; for days to failure the spacing of velocities is a 24th of it. */
  constructor(spanMs: number) {
    this.#spanMs = spanMs;
    this.#stepMs = spanMs / STEPS;
  }

  take(time: number, value: number): void {
    const last = this.#times.at(-1);
    if (last !== undefined && Math.floor(time / this.#stepMs) === Math.floor(last / this.#stepMs)) return;
    this.#times.push(time);
    this.#values.push(value);
    if (this.#times.length > STEPS + 1) {
      this.#times.shift();
      this.#values.shift();
    }
  }

  /** Change a day at the newest reading; NaN before half of the span is covered. */
  rate(time: number, value: number): number {
    const from = this.#times.findIndex((kept) => time - kept <= this.#spanMs);
    if (from < 0 || time - (this.#times[from] ?? time) < this.#spanMs / 2) return Number.NaN;
    const times = [...this.#times.slice(from), time];
    const values = [...this.#values.slice(from), value];
    return slopeOf(times, values).slope * DAY_MS;
  }

  /**
   * Days from `time` until the fitted line reaches zero; Infinity while nothing accelerates. Velocities must pass five
   * times the noise, or 1/velocity is noise itself: with fewer than 5 such in a row up to now there is no answer (Infinity).
   * @param noise of one reading, in its unit.
   */
  daysToFailure(time: number, noise: number): number {
    const at: number[] = [];
    const inverse: number[] = [];
    for (let index = this.#times.length - 1; index > 0 && at.length < FIT_MAX; index--) {
      const took = ((this.#times[index] ?? 0) - (this.#times[index - 1] ?? 0)) / DAY_MS;
      const moved = Math.abs((this.#values[index] ?? 0) - (this.#values[index - 1] ?? 0));
      if (moved <= 5 * noise || moved === 0) break;
      at.push(((this.#times[index] ?? 0) + (this.#times[index - 1] ?? 0)) / 2);
      inverse.push(took / moved);
    }
    if (at.length < FIT_MIN) return Number.POSITIVE_INFINITY;
    const { slope, meanX, meanY } = slopeOf(at, inverse);
    if (!(slope < 0)) return Number.POSITIVE_INFINITY;
    return Math.max(0, (meanX - meanY / slope - time) / DAY_MS);
  }

  save(): MovementMemory {
    return { times: [...this.#times], values: [...this.#values] };
  }
  load(memory: MovementMemory | null): void {
    this.#times = [...(memory?.times ?? [])];
    this.#values = [...(memory?.values ?? [])];
  }
}

/** Least squares; the mean is taken off first, since times are large. */
function slopeOf(x: readonly number[], y: readonly number[]) {
  const meanX = x.reduce((sum, value) => sum + (value - (x[0] ?? 0)), 0) / x.length + (x[0] ?? 0);
  const meanY = y.reduce((sum, value) => sum + value, 0) / y.length;
  let [square, product] = [0, 0];
  for (const [at, value] of x.entries()) {
    square += (value - meanX) ** 2;
    product += (value - meanX) * ((y[at] ?? 0) - meanY);
  }
  return { slope: product / square, meanX, meanY };
}
