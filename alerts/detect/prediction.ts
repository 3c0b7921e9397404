/**
 * Rule kind `prediction`: upper prediction limit for the next results from the background (USEPA Unified Guidance 2009,
 * chapters 18 and 19).
 *
 * Parametric: m + t(1 − α/k, n − 1)·s·√(1 + 1/n), Bonferroni over k future results. Non-parametric: the largest
 * background result, confidence n/(n + k). With retests (1-of-2) an exceedance waits until as many further results have
 * exceeded too; one that does not ends the wait. The limit is that of a single result, so retesting only makes it surer
 * than `confidence` says: the smaller multipliers of the guidance's tables are not used.
 */
import type { PredictionRule } from "../../core/rule-trend.ts";
import { Background, leastSdOf, logScale, plainScale, unscaled } from "./background.ts";
import { type Judgement, KEPT, NOT_JUDGED, VIOLATED } from "./condition.ts";
import type { Detector, SeriesContext } from "./detector.ts";
import { highest, isTooFrequent, lowest, onResults, type ResultDetector } from "./results.ts";
import { tQuantile } from "./statistics.ts";

/** The multiplier K of m + K·s. @param k future results. */
export function predictionMultiplier(n: number, k: number, confidence: number): number {
  return tQuantile(1 - (1 - confidence) / k, n - 1) * Math.sqrt(1 + 1 / n);
}

/** Null for a sensor's series without a period. */
export function createPrediction(rule: PredictionRule, context: SeriesContext): Detector | null {
  if (isTooFrequent(rule.period, context)) return null;
  return onResults(new Prediction(rule, leastSdOf(rule.log, context.resolution)), { period: rule.period });
}

class Prediction implements ResultDetector {
  excess = 0;
  readonly #rule: PredictionRule;
  readonly #scale: (value: number) => number;
  readonly #background: Background;
  /** In the unit of the results; NaN while there is none. */
  #limit = Number.NaN;
  #multiplier = Number.NaN;
  /** Exceedances in a row. */
  #run = 0;
  #value = Number.NaN;

  constructor(rule: PredictionRule, leastSd: number) {
    this.#rule = rule;
    this.#scale = rule.log ? logScale : plainScale;
    this.#background = new Background(rule.background, leastSd);
  }

  judge(_time: number, value: number, form: number): Judgement {
    const background = this.#background;
    if (!background.complete) {
      background.learn(value, form, this.#scale);
      if (background.complete) this.#freeze();
      return NOT_JUDGED;
    }
    if (Number.isNaN(this.#limit)) return NOT_JUDGED;
    this.#value = value;
    this.excess = 0;
    if (lowest(value, form) > this.#limit) {
      this.#run++;
      if (this.#run <= this.#rule.retests) return NOT_JUDGED;
      this.excess = value - this.#limit;
      return VIOLATED;
    }
    if (highest(value, form) > this.#limit) return NOT_JUDGED;
    this.#run = 0;
    return KEPT;
  }

  /** The non-parametric limit asks nothing of the distribution, only that most results are not hidden by censoring. */
  #freeze(): void {
    const { method, future, confidence, log } = this.#rule;
    const { n, censored, mean, sd, maximum, usable } = this.#background;
    const takesMaximum = method === "maximum" || (method === "auto" && censored * 4 > n);
    if (takesMaximum) this.#limit = unscaled(log, maximum);
    else if (usable) {
      this.#multiplier = predictionMultiplier(n, future, confidence);
      this.#limit = unscaled(log, mean + this.#multiplier * sd);
    }
  }

  figures(): Readonly<Record<string, number>> {
    const { future, confidence, retests, log } = this.#rule;
    const background = this.#background;
    const { n } = background;
    const parametric = !Number.isNaN(this.#multiplier);
    return {
      ...background.figures(),
      log: log ? 1 : 0,
      ...(Number.isNaN(this.#limit) ? {} : { limit: this.#limit, future, retests, exceeded: this.#run }),
      ...(parametric ? { multiplier: this.#multiplier, confidence } : { confidence: n / (n + future) }),
      ...(Number.isNaN(this.#value) ? {} : { value: this.#value }),
    };
  }

  save() {
    return { background: this.#background.save(), run: this.#run };
  }
  load(memory: unknown): void {
    const saved = memory as ReturnType<Prediction["save"]> | null;
    this.#background.load(saved?.background ?? null);
    this.#run = saved?.run ?? 0;
    this.#limit = this.#multiplier = this.#value = Number.NaN;
    this.excess = 0;
    if (this.#background.complete) this.#freeze();
  }
}
