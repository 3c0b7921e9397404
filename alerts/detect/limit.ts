/** Rule kind `limit`: the bound comes from a limit pack, two-sided where the standard is (pH), with the row's operator. */
import type { Deadband, LimitRule } from "../../core/rule.ts";
import type { Bound } from "./condition.ts";

/** What a pack says for one rule at one place. */
export interface PackLimit {
  /** The edition that says it. */
  readonly pack: string;
  readonly packVersion: number;
  readonly bounds: readonly { readonly value: number; readonly passes: Bound["passes"] }[];
  readonly clause: string;
  readonly confidence: string;
}

export function limitBounds(rule: Pick<LimitRule, "deadband">, limit: PackLimit): Bound[] {
  return limit.bounds.map(({ value, passes }) => withDeadband(value, passes, rule.deadband));
}

/** A percentage is of the limit's magnitude; a number is in the canonical unit. */
export function withDeadband(limit: number, passes: Bound["passes"], deadband: Deadband): Bound {
  const width = "percent" in deadband ? (Math.abs(limit) * deadband.percent) / 100 : deadband.value;
  return { limit, passes, clear: passes === "<=" || passes === "<" ? limit - width : limit + width };
}
