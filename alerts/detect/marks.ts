/**
 * The marks of one reading (censoring, QC flag, qualifier, back-fill) packed into one small integer, and the form in
 * which a condition reads the value.
 */
import { isInstrumentQualifier } from "../../core/reading.ts";

/** How a value is to be read. `unfit`: the device itself declares it unusable, or there is no value. */
export const FORM = { plain: 0, below: 1, above: 2, atLeast: 3, unfit: 4 } as const;
export const FORM_MASK = 7;
/** Set beside the form when statistics doubt the value (QARTOD 3 and 4). */
export const SUSPECT_BIT = 8;

/** Bits that marks use; a window keeps the source of the row above them. */
export const MARKS_BITS = 14;
const BACKFILL_BIT = 1 << 13;
/** What a reading says beside its value: censoring, flag and qualifier, not how it came. */
export const SAID_MASK = BACKFILL_BIT - 1;

/** @param cmp 0 plain, 1 `<`, 2 `>`. @param qualifier character code of its letter. */
export function marksOf(cmp: number, flag: number, qualifier: number, backfill: boolean): number {
  return cmp | (flag << 2) | ((qualifier & 127) << 6) | (backfill ? BACKFILL_BIT : 0);
}
export function cmpOf(marks: number): number {
  return marks & 3;
}
export function flagOf(marks: number): number {
  return (marks >> 2) & 15;
}
export function qualifierOf(marks: number): number {
  return (marks >> 6) & 127;
}
export function isBackfill(marks: number): boolean {
  return (marks & BACKFILL_BIT) !== 0;
}

/** The form of a value, with `SUSPECT_BIT`; bits above the marks are ignored. */
export function formOf(value: number, marks: number): number {
  return Number.isNaN(value) ? FORM.unfit : (FORMS[marks & SAID_MASK] as number);
}

const FORMS = new Uint8Array(BACKFILL_BIT);
for (let marks = 0; marks < FORMS.length; marks++) {
  const qualifier = String.fromCharCode(qualifierOf(marks));
  const flag = flagOf(marks);
  const form = qualifier === "T" ? FORM.atLeast : Math.min(cmpOf(marks), FORM.above); // forms 0 to 2 equal the codes of cmp
  FORMS[marks] = isInstrumentQualifier(qualifier) ? FORM.unfit : form | (flag === 3 || flag === 4 ? SUSPECT_BIT : 0);
}
