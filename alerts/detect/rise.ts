/**
 * Rule kind `rise`: results that rise again and again (HJ 1209-2021: 连续 4 次以上呈上升趋势). Strictly increasing steps
 * are counted, an equal or lower result begins anew; a step counts only where it is certain, as from "<1" to 1.2.
 */
import type { RiseRule } from "../../core/rule-trend.ts";
import { type Judgement, KEPT, NOT_JUDGED, VIOLATED } from "./condition.ts";
import type { Detector, SeriesContext } from "./detector.ts";
import { FORM } from "./marks.ts";
import { highest, isTooFrequent, lowest, onResults, type ResultDetector } from "./results.ts";

/** Null for a sensor's series without a period. */
export function createRise(rule: RiseRule, context: SeriesContext): Detector | null {
  if (isTooFrequent(rule.period, context)) return null;
  return onResults(new Rise(rule), { period: rule.period });
}

class Rise implements ResultDetector {
  excess = 0;
  readonly #rule: RiseRule;
  #previous = Number.NaN;
  #previousForm: number = FORM.plain;
  #rises = 0;
  #start = Number.NaN;
  #startTime = Number.NaN;

  constructor(rule: RiseRule) {
    this.#rule = rule;
  }

  judge(time: number, value: number, form: number): Judgement {
    const [previous, previousForm] = [this.#previous, this.#previousForm];
    this.#previous = value;
    this.#previousForm = form;
    if (Number.isNaN(previous)) {
      this.#begin(time, value);
      return NOT_JUDGED;
    }
    if (lowest(value, form) > highest(previous, previousForm)) {
      this.#rises++;
      const enough = this.#rises >= this.#rule.riseSteps && this.#grown() >= this.#rule.percent / 100;
      this.excess = enough ? this.#rises - this.#rule.riseSteps + 1 : 0;
      return enough ? VIOLATED : KEPT;
    }
    this.#begin(time, value);
    const bothBelow = form === FORM.below && previousForm === FORM.below && value <= previous;
    return bothBelow || highest(value, form) <= lowest(previous, previousForm) ? KEPT : NOT_JUDGED;
  }

  #begin(time: number, value: number): void {
    this.#rises = 0;
    this.#start = value;
    this.#startTime = time;
    this.excess = 0;
  }

  /** Of the first result of the run; infinite from zero. */
  #grown(): number {
    const start = Math.abs(this.#start);
    return start > 0 ? (this.#previous - this.#start) / start : Number.POSITIVE_INFINITY;
  }

  figures(): Readonly<Record<string, number>> {
    const { riseSteps, percent } = this.#rule;
    const grown = this.#grown();
    return {
      rises: this.#rises,
      riseSteps,
      start: this.#start,
      startTime: this.#startTime,
      value: this.#previous,
      leastPercent: percent,
      ...(Number.isFinite(grown) ? { grownPercent: grown * 100 } : {}),
    };
  }

  save() {
    if (Number.isNaN(this.#previous)) return null;
    const [previous, form, rises] = [this.#previous, this.#previousForm, this.#rises];
    return { previous, form, rises, start: this.#start, startTime: this.#startTime };
  }
  load(memory: unknown): void {
    const saved = memory as ReturnType<Rise["save"]>;
    this.#previous = saved?.previous ?? Number.NaN;
    this.#previousForm = saved?.form ?? FORM.plain;
    this.#rises = saved?.rises ?? 0;
    this.#start = saved?.start ?? Number.NaN;
    this.#startTime = saved?.startTime ?? Number.NaN;
    this.excess = 0;
  }
}
