/**
 * Rule kind `jump`: a result more than 30 % above the previous one of the same well (HJ 1209-2021, doubled frequency).
 *
 * (x − previous)/previous > 0.30, strictly. Previous zero, or both censored: undefined, no trigger. Previous "<RL" and
 * now detected: x > 1.3 RL. A doubted result (flag 4) is judged but not taken as the next one's base.
 */
import type { JumpRule } from "../../core/rule-trend.ts";
import { type Judgement, KEPT, NOT_JUDGED, VIOLATED } from "./condition.ts";
import type { Detector, SeriesContext } from "./detector.ts";
import { FORM } from "./marks.ts";
import { highest, isTooFrequent, lowest, onResults, type ResultDetector } from "./results.ts";

/** 1.3 · 0.7 is 0.9099999999999999 in binary: a result at the bound is not above it. */
const BINARY_SLACK = 1 + 1e-12;

/** (x − previous)/previous; null where it is undefined. */
export function jumpOf(previous: number, value: number): number | null {
  return previous > 0 ? (value - previous) / previous : null;
}

/** Null for a sensor's series without a period. */
export function createJump(rule: JumpRule, context: SeriesContext): Detector | null {
  if (isTooFrequent(rule.period, context)) return null;
  return onResults(new Jump(1 + rule.percent / 100), { period: rule.period, takesSuspect: true });
}

class Jump implements ResultDetector {
  excess = 0;
  readonly #factor: number;
  #previous: readonly [time: number, value: number, form: number] | null = null;
  #base: readonly [time: number, value: number, form: number] | null = null;
  #value = Number.NaN;

  constructor(factor: number) {
    this.#factor = factor;
  }

  judge(time: number, value: number, form: number, flag: number): Judgement {
    this.#base = this.#previous;
    this.#value = value;
    if (flag !== 4) this.#previous = [time, value, form];
    return this.#base ? this.#compare(this.#base[1], this.#base[2], value, form) : NOT_JUDGED;
  }

  #compare(previous: number, previousForm: number, value: number, form: number): Judgement {
    this.excess = 0;
    if (form === FORM.below && previousForm === FORM.below) return value <= previous ? KEPT : NOT_JUDGED;
    if (previous < 0 || (previous === 0 && value !== 0)) return NOT_JUDGED;
    const bound = highest(previous, previousForm) * this.#factor;
    if (lowest(value, form) > bound * BINARY_SLACK) {
      this.excess = value / bound - 1;
      return VIOLATED;
    }
    const leastBound = lowest(previous, previousForm) * this.#factor;
    // A detected value that does not pass 1.3 RL is no trigger, although the one before may have been nearly nothing.
    if (previousForm === FORM.below && form === FORM.plain) return KEPT;
    return highest(value, form) <= leastBound * BINARY_SLACK ? KEPT : NOT_JUDGED;
  }

  figures(): Readonly<Record<string, number>> {
    const value = this.#value;
    const threshold = this.#factor - 1;
    if (!this.#base) return { value, threshold };
    const [previousTime, previous, previousForm] = this.#base;
    const figures = { previousTime, previous, value, threshold, bound: previous * this.#factor };
    const change = jumpOf(previous, value);
    return {
      ...figures,
      ...(change === null ? {} : { change }),
      ...(previousForm === FORM.below ? { previousBelow: 1 } : {}),
    };
  }

  save() {
    return { previous: this.#previous && [...this.#previous] };
  }
  load(memory: unknown): void {
    const saved = memory as { previous: [number, number, number] | null } | null;
    this.#previous = saved?.previous ?? null;
    this.#base = null;
    this.#value = Number.NaN;
    this.excess = 0;
  }
}
