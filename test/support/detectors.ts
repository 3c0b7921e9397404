/** Feeds a detector from the compact lists of `readings` (a number, "<5", ">5", "5?", null), one step a day. */
import { type Judgement, NOT_JUDGED } from "../../alerts/detect/condition.ts";
import type { Detector, SeriesContext } from "../../alerts/detect/detector.ts";
import { FORM_MASK, formOf, marksOf } from "../../alerts/detect/marks.ts";
import { comparisonCode } from "../../core/reading-block.ts";
import { NOW } from "./builders.ts";
import { readings } from "./timeline.ts";

export const DAY = 86_400_000;

/** A laboratory's series. */
export function aContext(overrides: Partial<SeriesContext> = {}): SeriesContext {
  return { quantity: "cd", unit: "mg/L", resolution: null, intervalMs: null, limit: null, ...overrides };
}

export interface Step {
  readonly time: number;
  readonly value: number;
  readonly form: number;
  readonly flag: number;
}

/** @param every ms between the values. */
export function stepsOf(values: readonly (number | string | null | undefined)[], every = DAY, start = NOW): Step[] {
  return readings(values).map(({ time, value, cmp, flag, qualifier }) => {
    const marks = marksOf(comparisonCode(cmp), flag, qualifier.charCodeAt(0), false);
    const index = Math.round((time - NOW) / 60_000);
    return { time: start + index * every, value, form: formOf(value, marks) & FORM_MASK, flag };
  });
}

export function run(detector: Detector, steps: readonly Step[]): Judgement[] {
  return steps.map(({ time, value, form, flag }) => detector.step(time, value, form, flag));
}

/** One letter a step: V violated, k kept, - not judged. */
export function letters(judgements: readonly Judgement[]): string {
  return judgements.map((each) => (each === NOT_JUDGED ? "-" : "kVd"[each])).join("");
}

/** Fails where a detector's creator said that the rule does not fit. */
export function fitting<T>(detector: T | null): T {
  if (detector === null) throw new Error("the rule does not watch this series");
  return detector;
}
