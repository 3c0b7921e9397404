/**
 * Rule kind `ewma`: exponentially weighted moving average chart (Roberts 1959; Lucas and Saccucci 1990).
 *
 * E = λx + (1 − λ)E, from the background's mean m; limits m ± L·s·√{λ/(2 − λ)·[1 − (1 − λ)^2i]} at the i-th result after
 * the background. λ = 0.2 and L = 2.7: about 400 results between false alarms. Results only, or medians of periods.
 */
import type { Direction, EwmaRule } from "../../core/rule-trend.ts";
import { Background, leastSdOf, logScale, plainScale, unscaled } from "./background.ts";
import { type Judgement, KEPT, NOT_JUDGED, VIOLATED } from "./condition.ts";
import type { Detector, SeriesContext } from "./detector.ts";
import { FORM } from "./marks.ts";
import { isTooFrequent, onResults, type ResultDetector } from "./results.ts";

/** Null for a sensor's series without a period. @param direction of the quantity where the rule names none. */
export function createEwma(rule: EwmaRule, context: SeriesContext, direction: Direction = "rising"): Detector | null {
  if (isTooFrequent(rule.period, context)) return null;
  const chart = new Ewma(rule, rule.direction ?? direction, leastSdOf(rule.log, context.resolution));
  return onResults(chart, { period: rule.period });
}

class Ewma implements ResultDetector {
  excess = 0;
  readonly #rule: EwmaRule;
  readonly #direction: Direction;
  readonly #scale: (value: number) => number;
  readonly #background: Background;
  #average = 0;
  #before = 0;
  #results = 0;
  #x = Number.NaN;

  constructor(rule: EwmaRule, direction: Direction, leastSd: number) {
    this.#rule = rule;
    this.#direction = direction;
    this.#scale = rule.log ? logScale : plainScale;
    this.#background = new Background(rule.background, leastSd);
  }

  judge(_time: number, value: number, form: number): Judgement {
    const background = this.#background;
    if (!background.complete) {
      background.learn(value, form, this.#scale);
      this.#average = background.mean;
      return NOT_JUDGED;
    }
    const { lambda } = this.#rule;
    const x = this.#scale(form === FORM.below ? value / 2 : value);
    if (!background.usable || !Number.isFinite(x)) return NOT_JUDGED;
    // A non-detect with a high reporting limit must not lift the average.
    this.#x = form === FORM.below ? Math.min(x, Math.max(this.#average, background.mean)) : x;
    this.#before = this.#average;
    this.#average = lambda * this.#x + (1 - lambda) * this.#average;
    this.#results++;
    const width = this.#width();
    const off = this.#average - background.mean;
    const up = this.#direction === "falling" ? Number.NEGATIVE_INFINITY : off - width;
    const down = this.#direction === "rising" ? Number.NEGATIVE_INFINITY : -off - width;
    const beyond = Math.max(up, down);
    this.excess = beyond > 0 ? beyond / background.sd : 0;
    return beyond > 0 ? VIOLATED : KEPT;
  }

  #width(): number {
    const { lambda, width } = this.#rule;
    const settled = 1 - (1 - lambda) ** (2 * this.#results);
    return width * this.#background.sd * Math.sqrt((lambda / (2 - lambda)) * settled);
  }

  figures(): Readonly<Record<string, number>> {
    const { lambda, width, log } = this.#rule;
    const background = this.#background;
    const { mean } = background;
    if (!background.complete) return { ...background.figures(), log: log ? 1 : 0 };
    return {
      ...background.figures(),
      log: log ? 1 : 0,
      lambda,
      width,
      results: this.#results,
      value: unscaled(log, this.#x),
      before: unscaled(log, this.#before),
      ewma: unscaled(log, this.#average),
      ...(this.#direction === "falling" ? {} : { ucl: unscaled(log, mean + this.#width()) }),
      ...(this.#direction === "rising" ? {} : { lcl: unscaled(log, mean - this.#width()) }),
    };
  }

  save() {
    return { background: this.#background.save(), average: this.#average, results: this.#results };
  }
  load(memory: unknown): void {
    const saved = memory as ReturnType<Ewma["save"]> | null;
    this.#background.load(saved?.background ?? null);
    this.#average = saved?.average ?? 0;
    this.#results = saved?.results ?? 0;
    this.#x = Number.NaN;
    this.#before = this.excess = 0;
  }
}
