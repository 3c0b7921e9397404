/**
 * Rule kind `shewhart-cusum`: combined Shewhart–CUSUM control chart (USEPA Unified Guidance 2009, chapter 20).
 *
 * z = (x − m)/s; S = max(0, S + z − k), from 0. Out of control when z > SCL (a jump) or S > h (a small lasting shift);
 * k = 1, h = 5, SCL = 4.5. Two-sided charts run the mirror image too. The background is frozen once it is complete.
 * A non-detect never pushes a sum upwards. After `resetAfter` results in a row within k the sums begin anew: otherwise a
 * long contamination keeps its alarm for as long again.
 */
import type { Direction, ShewhartCusumRule } from "../../core/rule-trend.ts";
import { Background, leastSdOf, logScale, plainScale, unscaled } from "./background.ts";
import { type Judgement, KEPT, NOT_JUDGED, VIOLATED } from "./condition.ts";
import type { Detector, SeriesContext } from "./detector.ts";
import { FORM } from "./marks.ts";
import { isTooFrequent, onResults, type ResultDetector } from "./results.ts";

/** Null for a sensor's series without a period. @param direction of the quantity where the rule names none. */
export function createShewhartCusum(
  rule: ShewhartCusumRule,
  context: SeriesContext,
  direction: Direction = "rising",
): Detector | null {
  if (isTooFrequent(rule.period, context)) return null;
  const chart = new ShewhartCusum(rule, rule.direction ?? direction, leastSdOf(rule.log, context.resolution));
  return onResults(chart, { period: rule.period });
}

class ShewhartCusum implements ResultDetector {
  excess = 0;
  readonly #rule: ShewhartCusumRule;
  readonly #direction: Direction;
  readonly #scale: (value: number) => number;
  readonly #background: Background;
  #high = 0;
  #low = 0;
  /** Results in a row within k. */
  #calm = 0;
  #x = Number.NaN;
  #z = Number.NaN;
  #before = 0;
  #lowBefore = 0;

  constructor(rule: ShewhartCusumRule, direction: Direction, leastSd: number) {
    this.#rule = rule;
    this.#direction = direction;
    this.#scale = rule.log ? logScale : plainScale;
    this.#background = new Background(rule.background, leastSd);
  }

  judge(_time: number, value: number, form: number): Judgement {
    const background = this.#background;
    if (!background.complete) {
      background.learn(value, form, this.#scale);
      return NOT_JUDGED;
    }
    this.#x = this.#scale(form === FORM.below ? value / 2 : value);
    if (!background.usable || !Number.isFinite(this.#x)) return NOT_JUDGED;
    const z = (this.#x - background.mean) / background.sd;
    this.#z = z;
    if (form === FORM.plain) return this.#advance(z, -z);
    // Above a range: at least so high, never low.
    if (form !== FORM.below) return this.#advance(z, 0);
    // Below a reporting limit: at most so high, and low only as far as that limit is.
    const atMost = (this.#scale(value) - background.mean) / background.sd;
    return this.#advance(Math.min(z, 0), Math.max(-atMost, 0));
  }

  /** @param up evidence of a rise, in standard deviations. @param down of a fall. */
  #advance(up: number, down: number): Judgement {
    const { k, h, scl, resetAfter } = this.#rule;
    this.#before = this.#high;
    this.#lowBefore = this.#low;
    this.#calm = Math.abs(this.#z) <= k ? this.#calm + 1 : 0;
    this.#high = Math.max(0, this.#high + up - k);
    this.#low = Math.max(0, this.#low + down - k);
    if (resetAfter > 0 && this.#calm >= resetAfter) this.#high = this.#low = 0;
    this.excess = 0;
    if (this.#direction !== "falling") this.excess = Math.max(up - scl, this.#high - h);
    if (this.#direction !== "rising") this.excess = Math.max(this.excess, down - scl, this.#low - h);
    if (this.excess > 0) return VIOLATED;
    this.excess = 0;
    return KEPT;
  }

  figures(): Readonly<Record<string, number>> {
    const { k, h, scl, log } = this.#rule;
    const background = this.#background;
    const { mean, sd } = background;
    if (!background.complete) return { ...background.figures(), log: log ? 1 : 0 };
    return {
      ...background.figures(),
      log: log ? 1 : 0,
      k,
      h,
      scl,
      value: unscaled(log, this.#x),
      z: this.#z,
      ...(this.#direction === "falling" ? {} : { cusumBefore: this.#before, cusum: this.#high }),
      ...(this.#direction === "rising" ? {} : { lowCusumBefore: this.#lowBefore, lowCusum: this.#low }),
      shewhartLimit: unscaled(log, mean + scl * sd),
      cusumLimit: unscaled(log, mean + h * sd),
      cusumInUnits: unscaled(log, mean + this.#high * sd),
    };
  }

  save() {
    return { background: this.#background.save(), high: this.#high, low: this.#low, calm: this.#calm };
  }
  load(memory: unknown): void {
    const saved = memory as ReturnType<ShewhartCusum["save"]> | null;
    this.#background.load(saved?.background ?? null);
    this.#high = saved?.high ?? 0;
    this.#low = saved?.low ?? 0;
    this.#calm = saved?.calm ?? 0;
    this.#x = this.#z = Number.NaN;
    this.#before = this.#lowBefore = this.excess = 0;
  }
}
