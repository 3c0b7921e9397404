/**
 * Robust baseline z with event hold: how many standard deviations a reading lies from the slow level of its channel.
 *
 * Level m and mean absolute deviation s follow by exponential weights (a, a/4), each deviation clipped at `clip` sd, so
 * that one wild value moves neither. Deviations beyond `clip` are held out of the level (CANARY-EDS: outliers stay out of
 * the history), otherwise an alarm would end as the level follows the event. Meanwhile the scale grows, with the defaults
 * by 4 % a reading; after `freeze` held readings in a row the new level is accepted.
 *
 * sd = √(π/2)·s (exact for a normal distribution), floored at one count q of the channel: quantised real channels stand
 * still for hours and their s is exactly 0. q is given, or the smallest step among the first 200.
 *
 * A bank holds all channels of a station in one typed array; a step allocates nothing.
 */

export interface RbzOptions {
  /** Weight of a new reading in the level, 0 to 1; the scale takes a quarter of it. */
  readonly weight: number;
  /** Deviation in sd beyond which a reading is held out of the level. */
  readonly clip: number;
  /** So many held readings in a row are a new level. */
  readonly freeze: number;
}

const WARM_UP = 30;
/** Readings without a verdict after a gap. */
const WARM_UP_AFTER_GAP = 10;
const QUANTUM_LEARNING = 200;
const SD_OF_MEAN_DEVIATION = Math.sqrt(Math.PI / 2);

/** Offsets in the state of one channel. */
const [LEVEL, SPREAD, COUNT, HELD, ALTERNATIVE, QUANTUM, LAST, SEEN] = [0, 1, 2, 3, 4, 5, 6, 7];
const SIZE = 8;

export class RbzBank {
  readonly #state: Float64Array;
  readonly #options: RbzOptions;
  readonly #known: readonly (number | null)[];

  /** @param resolutions one entry a channel: its count in canonical units; null when not known, then it is learnt. */
  constructor(resolutions: readonly (number | null)[], options: RbzOptions) {
    this.#known = resolutions;
    this.#options = options;
    this.#state = new Float64Array(resolutions.length * SIZE);
    this.reset();
  }

  reset(): void {
    this.#state.fill(0);
    this.#known.forEach((resolution, channel) => {
      this.#state[channel * SIZE + QUANTUM] = resolution ?? 0;
    });
  }

  /** Resolution of the channel as known or learnt so far; 0 before the first step. */
  quantum(channel: number): number {
    return this.#state[channel * SIZE + QUANTUM] as number;
  }
  /** False while z says nothing yet. */
  isWarm(channel: number): boolean {
    return (this.#state[channel * SIZE + COUNT] as number) > WARM_UP;
  }
  level(channel: number): number {
    return this.#state[channel * SIZE + LEVEL] as number;
  }
  /** Standard deviation of the channel about its level, canonical unit, at least one count. */
  spread(channel: number): number {
    const at = channel * SIZE;
    return Math.max(SD_OF_MEAN_DEVIATION * (this.#state[at + SPREAD] as number), this.#state[at + QUANTUM] as number);
  }

  /** After a gap the level is kept, but the next readings are only learnt from. */
  gap(channel: number): void {
    const at = channel * SIZE;
    this.#state[at + COUNT] = Math.min(this.#state[at + COUNT] as number, WARM_UP - WARM_UP_AFTER_GAP);
    this.#state[at + HELD] = 0;
  }

  /** The z of `value`, then learns from it; 0 while warming up. */
  step(channel: number, value: number): number {
    const state = this.#state;
    const at = channel * SIZE;
    if (state[at + SEEN] === 0) {
      state[at + LEVEL] = value;
      state[at + SPREAD] = 2 * (state[at + QUANTUM] as number);
    }
    this.#learnQuantum(at, value);
    const quantum = state[at + QUANTUM] as number;
    const count = state[at + COUNT] as number;
    const spread = state[at + SPREAD] as number;
    const deviation = value - (state[at + LEVEL] as number);
    const size = Math.abs(deviation);
    const sd = Math.max(SD_OF_MEAN_DEVIATION * spread, quantum);
    const { weight, clip } = this.#options;
    const spreadWeight = weight / 4;
    const z = count >= WARM_UP && sd > 0 ? deviation / sd : 0;
    if (size <= clip * sd || count < WARM_UP) {
      const learning = 1 / (count + 1);
      const scale = Math.max(spreadWeight, learning);
      state[at + LEVEL] = (state[at + LEVEL] as number) + Math.max(weight, learning) * deviation;
      state[at + SPREAD] = spread + scale * ((sd > 0 ? Math.min(size, clip * sd) : size) - spread);
      state[at + HELD] = 0;
    } else this.#hold(at, value, spread + 0.2 * spreadWeight * (clip * sd - spread));
    state[at + COUNT] = count + 1;
    return z;
  }

  #hold(at: number, value: number, spread: number): void {
    const state = this.#state;
    const held = (state[at + HELD] as number) + 1;
    const other = state[at + ALTERNATIVE] as number;
    state[at + ALTERNATIVE] = held === 1 ? value : other + 0.2 * (value - other);
    state[at + SPREAD] = spread;
    state[at + HELD] = held;
    if (held < this.#options.freeze) return;
    state[at + LEVEL] = state[at + ALTERNATIVE] as number;
    state[at + HELD] = 0;
  }

  #learnQuantum(at: number, value: number): void {
    const state = this.#state;
    const seen = state[at + SEEN] as number;
    if (seen >= QUANTUM_LEARNING) return;
    const step = Math.abs(value - (state[at + LAST] as number));
    const known = this.#known[at / SIZE] ?? null;
    // Less than a billionth of the value is the dust of conversions, not a step.
    if (seen > 0 && known === null && step > Math.abs(value) * 1e-9) {
      const quantum = state[at + QUANTUM] as number;
      if (quantum === 0 || step < quantum) state[at + QUANTUM] = step;
    }
    state[at + LAST] = value;
    state[at + SEEN] = seen + 1;
  }

  save(): number[] {
    return [...this.#state];
  }
  load(saved: readonly number[]): void {
    this.#state.set(saved);
  }
}
