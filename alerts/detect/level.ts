/** Rule kind `level`: an own number with a strict comparison (CONTRACTS: `above:` and `below:` do not include it). */
import { conversion, convert } from "../../core/quantity.ts";
import type { Deadband, LevelRule } from "../../core/rule.ts";
import type { Medium } from "../../core/site.ts";
import type { Bound } from "./condition.ts";
import { withDeadband } from "./limit.ts";

/** Null when the rule's unit is not known for the quantity in this medium: then the rule does not watch the series. */
export function levelBounds(
  rule: Pick<LevelRule, "above" | "below" | "unit" | "deadband">,
  quantity: string,
  medium: Medium,
): Bound[] | null {
  let toCanonical = (value: number): number => value;
  let deadband: Deadband = rule.deadband;
  if (rule.unit !== undefined) {
    const change = conversion(quantity, medium, rule.unit);
    if (!change) return null;
    toCanonical = (value) => convert(value, change);
    // A deadband given as a number is a width: it is scaled, never shifted.
    if ("value" in deadband) deadband = { value: convert(deadband.value, { ...change, offset: 0 }) };
  }
  const bounds: Bound[] = [];
  if (rule.above !== undefined) bounds.push(withDeadband(toCanonical(rule.above), "<=", deadband));
  if (rule.below !== undefined) bounds.push(withDeadband(toCanonical(rule.below), ">=", deadband));
  return bounds;
}
