/**
 * The background of control charts and prediction limits: the first results of a series, frozen once they are enough.
 *
 * USEPA Unified Guidance 2009: at least 8 independent results, mean and standard deviation (n − 1). A non-detect counts
 * as half its reporting limit; when more than half are non-detects mean and spread mean nothing and charts stay silent.
 */
import { FORM } from "./marks.ts";

export class Background {
  n = 0;
  censored = 0;
  mean = 0;
  /** Largest result or reporting limit; in the scale that is learned. */
  maximum = Number.NEGATIVE_INFINITY;
  #squares = 0;
  readonly #size: number;
  readonly #leastSd: number;

  /** @param leastSd floor of the spread: equal results, as of a coarse instrument, have none of their own. */
  constructor(size: number, leastSd: number) {
    this.#size = size;
    this.#leastSd = leastSd;
  }

  get complete(): boolean {
    return this.n >= this.#size;
  }
  /** False when the results cannot bear a mean and a spread. */
  get usable(): boolean {
    return this.sd > 0 && this.censored * 2 <= this.n;
  }
  /** Zero for fewer than two results, or equal ones without a floor. */
  get sd(): number {
    return Math.max(this.n > 1 ? Math.sqrt(this.#squares / (this.n - 1)) : 0, this.#leastSd);
  }

  /** A value above a range is no measurement: left out. @param scale to the scale of the chart. */
  learn(value: number, form: number, scale: (value: number) => number): void {
    if (form === FORM.above || form === FORM.atLeast) return;
    const below = form === FORM.below;
    const x = scale(below ? value / 2 : value);
    if (!Number.isFinite(x)) return;
    this.n++;
    if (below) this.censored++;
    const change = x - this.mean;
    this.mean += change / this.n;
    this.#squares += change * (x - this.mean);
    this.maximum = Math.max(this.maximum, scale(value));
  }

  figures(): Record<string, number> {
    const { n, censored, mean, sd } = this;
    return { backgroundNeeded: this.#size, backgroundN: n, backgroundCensored: censored, mean, sd };
  }

  save() {
    const { n, censored, mean, maximum } = this;
    return { n, censored, mean, squares: this.#squares, maximum: n > 0 ? maximum : null };
  }
  load(memory: ReturnType<Background["save"]> | null): void {
    this.n = memory?.n ?? 0;
    this.censored = memory?.censored ?? 0;
    this.mean = memory?.mean ?? 0;
    this.maximum = memory?.maximum ?? Number.NEGATIVE_INFINITY;
    this.#squares = memory?.squares ?? 0;
  }
}

export const plainScale = (value: number): number => value;
/** NaN for what has no logarithm. */
export const logScale = (value: number): number => (value > 0 ? Math.log(value) : Number.NaN);
/** Back from the scale of the chart. */
export function unscaled(isLog: boolean, x: number): number {
  return isLog ? Math.exp(x) : x;
}
/** Half a count, since equal results of an instrument differ by up to that; unknown on a logarithmic scale. */
export function leastSdOf(isLog: boolean, resolution: number | null): number {
  return isLog ? 0 : (resolution ?? 0) / 2;
}
