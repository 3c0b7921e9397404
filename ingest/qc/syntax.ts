/** Syntax test (QARTOD test 2): a message of the wrong length, or of the wrong number of fields, fails. */
import { QC, type QcFlag } from "../../core/reading.ts";

/** `byte`: the text is hexadecimal, two digits a byte; an odd number of digits fails. */
export function syntax(
  text: string | null,
  { count, unit, delimiter = null }: { count: number; unit: "char" | "byte"; delimiter?: string | null },
): QcFlag {
  if (text === null) return QC.missing;
  if (delimiter !== null) return text.split(delimiter).length === count ? QC.good : QC.fail;
  const length = unit === "byte" ? text.length / 2 : text.length;
  return length === count ? QC.good : QC.fail;
}
