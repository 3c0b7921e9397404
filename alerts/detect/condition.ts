/**
 * What one reading says about a condition: violated, inside the deadband, kept, or not to be judged.
 *
 * A censored value is an interval, and only what is certain counts: "<0.5" is at most 0.5, ">200" and qualifier T
 * ("over range") are at least what they say. So a non-detect never exceeds an upper limit; where its reporting limit
 * lies above the limit it neither raises nor clears.
 */
import { FORM } from "./marks.ts";

export const KEPT = 0;
export const VIOLATED = 1;
export const IN_DEADBAND = 2;
export const NOT_JUDGED = 3;
export type Judgement = typeof KEPT | typeof VIOLATED | typeof IN_DEADBAND | typeof NOT_JUDGED;

/** One side of a condition, in the canonical unit. */
export interface Bound {
  readonly limit: number;
  /** How a value passes: "<=" means at or below the limit is fine. */
  readonly passes: "<=" | ">=" | "<" | ">";
  /** Beyond this, on the good side, the condition is over; equals `limit` without a deadband. */
  readonly clear: number;
}

/** @param form of `formOf`, without the suspect bit. */
export function judge(bounds: readonly Bound[], value: number, form: number): Judgement {
  if (form === FORM.unfit) return NOT_JUDGED;
  let worst: Judgement = KEPT;
  for (const bound of bounds) {
    const found = judgeOne(bound, value, form);
    if (found === VIOLATED) return VIOLATED;
    if (found > worst) worst = found; // not judged outweighs the deadband, the deadband outweighs kept
  }
  return worst;
}

function judgeOne(bound: Bound, value: number, form: number): Judgement {
  const { limit, passes, clear } = bound;
  if (passes === "<=" || passes === "<") {
    const violated = passes === "<=" ? value > limit : value >= limit;
    if (form === FORM.plain) return violated ? VIOLATED : value <= clear ? KEPT : IN_DEADBAND;
    if (form === FORM.below) return value > limit ? NOT_JUDGED : value <= clear ? KEPT : IN_DEADBAND;
    // Truly above `value`, so a value at the limit is already beyond it.
    if (form === FORM.above) return value >= limit ? VIOLATED : NOT_JUDGED;
    return violated ? VIOLATED : NOT_JUDGED;
  }
  const violated = passes === ">=" ? value < limit : value <= limit;
  if (form === FORM.plain) return violated ? VIOLATED : value >= clear ? KEPT : IN_DEADBAND;
  if (form === FORM.below) return value <= limit ? VIOLATED : NOT_JUDGED;
  if (form === FORM.above) return value < limit ? NOT_JUDGED : value >= clear ? KEPT : IN_DEADBAND;
  return violated ? NOT_JUDGED : value >= clear ? KEPT : IN_DEADBAND;
}

/** A plain value strictly between these is kept by all bounds, deadband included. */
export function keptRange(bounds: readonly Bound[]): { readonly low: number; readonly high: number } {
  let [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const { passes, clear } of bounds) {
    if (passes === "<=" || passes === "<") high = Math.min(high, clear);
    else low = Math.max(low, clear);
  }
  return { low, high };
}

/** How far a value lies beyond the bounds it violates; 0 when it violates none. */
export function excess(bounds: readonly Bound[], value: number): number {
  let most = 0;
  for (const { limit, passes } of bounds) {
    const beyond = passes === "<=" || passes === "<" ? value - limit : limit - value;
    if (beyond > most) most = beyond;
  }
  return most;
}

/** The bound that `value` violates most; the first when it violates none. */
export function violatedBound(bounds: readonly Bound[], value: number): Bound | null {
  let found = bounds[0] ?? null;
  for (const bound of bounds) {
    if (excess([bound], value) > (found ? excess([found], value) : 0)) found = bound;
  }
  return found;
}
