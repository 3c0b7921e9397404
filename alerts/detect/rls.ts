/**
 * Online AR(4) by recursive least squares: how many standard deviations a reading lies from what the channel's own last
 * four readings predict. Stands in for the linear prediction filter of CANARY-EDS, O(1) a reading instead of O(n²).
 *
 * u = (x − m)/q in counts (m: slow exponential mean), prediction w·h over the last four u, error e = u − w·h, scale s =
 * exponential mean of |e| · √(π/2), at least one count and at least the spread of the channel about its level. Errors up
 * to `clip`·s update w (forgetting λ), m and h; larger ones are outliers and enter none, so the prediction stays what it
 * was before the event. After `freeze` outliers in a row all but the scale begins anew at the current value.
 *
 * Two traps, both measured: real channels stand still for hours, then λ inflates the covariance and one count throws the
 * weights to the thousands, so forgetting stops at a trace of 100 and weights beyond Σ|w| = 4 begin anew as a random
 * walk; and without the spread as floor, each slow drift of a quantised channel is an outlier (5 false alarms a day).
 */

export interface RlsOptions {
  /** λ, just below 1. */
  readonly forgetting: number;
  readonly clip: number;
  readonly freeze: number;
}

const ORDER = 4;
const WARM_UP = 30;
const WARM_UP_AFTER_GAP = 10;
const MEAN_WEIGHT = 0.02;
const SCALE_WEIGHT = 0.02;
const SD_OF_MEAN_DEVIATION = Math.sqrt(Math.PI / 2);
const COVARIANCE_START = 10;
const WEIGHTS_MAX = 4;
const TRACE_MAX = 100;

/** Offsets in the state of one channel: weights, history, covariance, then single numbers. */
const [WEIGHTS, HISTORY, COVARIANCE, MEAN, SCALE, COUNT, HELD] = [0, 4, 8, 24, 25, 26, 27];
const SIZE = 28;

export class RlsBank {
  readonly #state: Float64Array;
  readonly #gain = new Float64Array(ORDER);
  readonly #options: RlsOptions;
  readonly #channels: number;

  constructor(channels: number, options: RlsOptions) {
    this.#channels = channels;
    this.#options = options;
    this.#state = new Float64Array(channels * SIZE);
    this.reset();
  }

  reset(): void {
    this.#state.fill(0);
    for (let channel = 0; channel < this.#channels; channel++) this.#spreadOut(channel * SIZE);
  }

  /** After a gap the last readings predict nothing: the history starts at the next reading. */
  gap(channel: number): void {
    const at = channel * SIZE;
    this.#state[at + COUNT] = Math.min(this.#state[at + COUNT] as number, WARM_UP - WARM_UP_AFTER_GAP);
    this.#state.fill(0, at + HISTORY, at + HISTORY + ORDER);
    this.#state[at + HELD] = 0;
  }

  /**
   * The z of the prediction error, then learns from it; 0 while warming up.
   * @param floor one count of the channel; while 0 there is no verdict. @param spread sd of the channel about its level.
   */
  step(channel: number, value: number, floor: number, spread: number): number {
    const state = this.#state;
    const at = channel * SIZE;
    const count = state[at + COUNT] as number;
    if (count === 0) state[at + MEAN] = value;
    const unit = floor > 0 ? floor : 1;
    const u = (value - (state[at + MEAN] as number)) / unit;
    let predicted = 0;
    for (let i = 0; i < ORDER; i++)
      predicted += (state[at + WEIGHTS + i] as number) * (state[at + HISTORY + i] as number);
    const error = u - predicted;
    const size = Math.abs(error);
    const sd = Math.max(SD_OF_MEAN_DEVIATION * (state[at + SCALE] as number), 1, spread / unit);
    const warm = count >= WARM_UP && floor > 0;
    const z = warm ? error / sd : 0;
    state[at + COUNT] = count + 1;
    if (warm && size > this.#options.clip * sd) {
      this.#hold(at, value, sd);
      return z;
    }
    const weight = Math.max(SCALE_WEIGHT, 1 / (count + 1));
    state[at + SCALE] = (state[at + SCALE] as number) + weight * (size - (state[at + SCALE] as number));
    state[at + HELD] = 0;
    this.#learn(at, error);
    for (let i = ORDER - 1; i > 0; i--) state[at + HISTORY + i] = state[at + HISTORY + i - 1] as number;
    state[at + HISTORY] = u;
    this.#moveMean(at, MEAN_WEIGHT * u, unit);
    return z;
  }

  #hold(at: number, value: number, sd: number): void {
    const state = this.#state;
    const scale = state[at + SCALE] as number;
    state[at + SCALE] = scale + 0.2 * SCALE_WEIGHT * (this.#options.clip * sd - scale);
    state[at + HELD] = (state[at + HELD] as number) + 1;
    if ((state[at + HELD] as number) < this.#options.freeze) return;
    state[at + MEAN] = value;
    state.fill(0, at + HISTORY, at + HISTORY + ORDER);
    this.#spreadOut(at);
    state[at + HELD] = 0;
  }

  /** The history holds deviations from the mean, so it moves with it. */
  #moveMean(at: number, by: number, unit: number): void {
    const state = this.#state;
    state[at + MEAN] = (state[at + MEAN] as number) + by * unit;
    for (let i = 0; i < ORDER; i++) state[at + HISTORY + i] = (state[at + HISTORY + i] as number) - by;
  }

  #learn(at: number, error: number): void {
    const state = this.#state;
    const gain = this.#gain;
    const { forgetting } = this.#options;
    let power = 1;
    for (let i = 0; i < ORDER; i++) {
      let sum = 0;
      for (let j = 0; j < ORDER; j++) {
        sum += (state[at + COVARIANCE + i * ORDER + j] as number) * (state[at + HISTORY + j] as number);
      }
      gain[i] = sum;
      power += (state[at + HISTORY + i] as number) * sum;
    }
    let trace = 0;
    for (let i = 0; i < ORDER; i++) trace += state[at + COVARIANCE + i * (ORDER + 1)] as number;
    const forget = trace < TRACE_MAX ? forgetting : 1;
    const growth = 1 / forget;
    power += forget - 1;
    let size = 0;
    for (let i = 0; i < ORDER; i++) {
      const part = (gain[i] as number) / power;
      state[at + WEIGHTS + i] = (state[at + WEIGHTS + i] as number) + part * error;
      size += Math.abs(state[at + WEIGHTS + i] as number);
      for (let j = 0; j < ORDER; j++) {
        const cell = at + COVARIANCE + i * ORDER + j;
        state[cell] = ((state[cell] as number) - part * (gain[j] as number)) * growth;
      }
    }
    // Written so that NaN begins anew as well.
    if (!(size <= WEIGHTS_MAX)) this.#spreadOut(at);
  }

  #spreadOut(at: number): void {
    this.#state.fill(0, at + WEIGHTS, at + WEIGHTS + ORDER);
    this.#state[at + WEIGHTS] = 1;
    this.#state.fill(0, at + COVARIANCE, at + COVARIANCE + ORDER * ORDER);
    for (let i = 0; i < ORDER; i++) this.#state[at + COVARIANCE + i * (ORDER + 1)] = COVARIANCE_START;
  }

  save(): number[] {
    return [...this.#state];
  }
  load(saved: readonly number[]): void {
    this.#state.set(saved);
  }
}
