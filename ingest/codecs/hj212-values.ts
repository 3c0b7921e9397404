/** Values and data flags of HJ 212 (HJ 212-2017 tables 4 and 8) → value, comparison and qualifier. */
import { type Comparison, QUALIFIERS, type Qualifier } from "../../core/reading.ts";
import { type Fault, fault } from "./codec.ts";

/** Also with an exponent, as some programs print small numbers. */
const NUMBER = /^[+-]?(?:\d{1,15}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][+-]?\d{1,2})?$/;
const CENSORED = /^([<>])\s*((?:\d{1,15}(?:\.\d{0,20})?|\.\d{1,20}))$/;
/** "Cannot be computed" (HJ 212-2025 8.1.1 d, at second hand): the largest number of the type, never a measured one. */
const NOT_COMPUTED = "9999.99";
const LETTERS: ReadonlySet<string> = new Set(QUALIFIERS);

/**
 * A flag as qualifier; none is normal. The flags may be extended: one that is not known is doubtful and becomes S, the
 * qualifier that stays listed and raises no pollution alarm without claiming a fault of the instrument.
 */
export function qualifierOf(flag: string | undefined): Qualifier {
  if (flag === undefined || flag === "" || flag === "N") return "N";
  const letter = flag.toUpperCase();
  return LETTERS.has(letter) ? (letter as Qualifier) : "S";
}

/**
 * `<0.01` is a censored value, never a plain one. What is no number (`--`, empty, NaN, 9999.99) is null with a qualifier
 * other than N, the device's own word that it has none; with N it is a fault that keeps the text.
 */
export function readValue(
  name: string,
  text: string,
  qualifier: Qualifier,
): { readonly value: number | null; readonly cmp: Comparison } | Fault {
  if (text === NOT_COMPUTED) {
    return qualifier === "N"
      ? fault("VALUE_NOT_COMPUTED", `${name}=${text} marks a value that cannot be computed`)
      : { value: null, cmp: "" };
  }
  if (NUMBER.test(text)) return { value: Number(text), cmp: "" };
  const censored = CENSORED.exec(text);
  if (censored) return { value: Number(censored[2]), cmp: censored[1] as Comparison };
  return qualifier === "N"
    ? fault("VALUE_NOT_A_NUMBER", `${name}=${text === "" ? "(empty)" : text} with flag N`)
    : { value: null, cmp: "" };
}
