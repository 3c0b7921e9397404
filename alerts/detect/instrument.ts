/**
 * The built-in instrument alarm: a value that the device itself declares unfit (HJ 212 flags F, M, S, D, C, B) or that
 * is missing. One such reading raises it, the next usable one clears it.
 */
import { type Judgement, KEPT, VIOLATED } from "./condition.ts";
import { FORM, FORM_MASK } from "./marks.ts";

export const INSTRUMENT_RULE = { kind: "instrument", id: "instrument", level: "blue" } as const;
export const INSTRUMENT_DELAYS = { onReadings: 1, onMs: 0, offReadings: 1, offMs: 0 };

export function judgeInstrument(form: number): Judgement {
  return (form & FORM_MASK) === FORM.unfit ? VIOLATED : KEPT;
}
