/** Codes of HJ 212 as a device sends them → the name and unit that the normaliser understands. */
import { COLOUR_UNIT, findHj212Code } from "../../core/hj212-codes.ts";
import { findQuantity } from "../../core/quantity.ts";
import type { Aggregate } from "../../core/reading.ts";
import type { SenderProfile } from "./codec.ts";

/** Codes remembered for a device; beyond it a code is looked up anew each time. */
const CODES_MAX = 500;

export interface ResolvedCode {
  readonly quantity: string;
  /** Undefined: the profile's map or the registry names it. */
  readonly unit: string | undefined;
}
const remembered = new WeakMap<SenderProfile, Map<string, ResolvedCode | null>>();

/**
 * The profile's map comes first, with the code as sent; then table B.1 by its codes of 2017 and 2005; then own ids. Null
 * for all others. A unit given for the very code, in the map or as key of the registry's quantities, beats the table.
 */
export function resolveCode(code: string, aggregate: Aggregate, sender: SenderProfile): ResolvedCode | null {
  let known = remembered.get(sender);
  if (known === undefined) {
    known = new Map();
    remembered.set(sender, known);
  }
  const key = aggregate === "sum" ? `${code}-Cou` : code;
  let found = known.get(key);
  if (found === undefined) {
    found = lookUp(code, aggregate, sender);
    if (known.size < CODES_MAX) known.set(key, found);
  }
  return found;
}

function lookUp(code: string, aggregate: Aggregate, { profile, quantities }: SenderProfile): ResolvedCode | null {
  const isTotal = aggregate === "sum";
  const total = `${code}-Cou`;
  if (isTotal && own(profile?.map, total)) return { quantity: total, unit: undefined };
  const row = findHj212Code(code);
  const name = own(profile?.map, code) || row === undefined ? code : findQuantity(row.code) ? row.code : row.quantity;
  const mapped = own(profile?.map, name) ? profile?.map?.[name] : undefined;
  if (mapped === undefined && findQuantity(name) === undefined) return null;
  // A total is in kg where the value is in mg/L: only the map's own name for it may say otherwise.
  if (isTotal && row !== undefined && row.totalUnit !== "") return { quantity: name, unit: row.totalUnit };
  const isStated = mapped?.unit !== undefined || own(quantities, code);
  const unit = isStated || row === undefined || row.unit === COLOUR_UNIT ? undefined : row.unit;
  return { quantity: name, unit };
}

function own(record: Readonly<Record<string, unknown>> | undefined, key: string): boolean {
  return record !== undefined && Object.hasOwn(record, key);
}
