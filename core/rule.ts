/**
 * Rules as people write them (YAML) and as the registry keeps them: one union by `kind`, a closed set of kinds in code,
 * no expression language. Conditions, deadbands and delays run on data time.
 */
import { z } from "zod";
import { common, timing } from "./rule-common.ts";
import { EventRule } from "./rule-event.ts";
import { GROUP_RULES } from "./rule-group.ts";
import { IdenticalRule, IntegrityRule } from "./rule-integrity.ts";
import {
  ClassRule,
  EwmaRule,
  JumpRule,
  PredictionRule,
  RateRule,
  RiseRule,
  ShewhartCusumRule,
  TrendRule,
} from "./rule-trend.ts";
import { Duration, Id, LAND_USES, WATER_CLASSES } from "./site.ts";

export { Deadband, Delay, RuleScope } from "./rule-common.ts";

/**
 * Limit from a pack. `above` names the class or kind whose limit must be kept: I to V for water, `screening` or
 * `intervention` for soil, `limit` for drinking and irrigation water. Value, unit, operator and clause come from the
 * pack row that fits the station. `land` overrides the station's land use.
 */
export const LimitRule = z.strictObject({
  kind: z.literal("limit"),
  ...common,
  ...timing,
  pack: Id,
  above: z.enum([...WATER_CLASSES, "screening", "intervention", "limit", "target"]),
  land: z.enum(LAND_USES).optional(),
});

/** Own number in the canonical unit; strict comparison. `unit` may be given to be converted and checked. */
export const LevelRule = z
  .strictObject({
    kind: z.literal("level"),
    ...common,
    ...timing,
    above: z.number().optional(),
    below: z.number().optional(),
    unit: z.string().min(1).max(40).optional(),
  })
  .refine((rule) => (rule.above === undefined) !== (rule.below === undefined), "give exactly one of above, below");

/** Nothing came within `intervals` times the device's own interval (or `after`). */
export const AbsenceRule = z.strictObject({
  kind: z.literal("absence"),
  ...common,
  intervals: z.number().min(1).max(1000).default(3),
  after: Duration.optional(),
});

export const Rule = z.discriminatedUnion("kind", [
  LimitRule,
  LevelRule,
  AbsenceRule,
  EventRule,
  RateRule,
  JumpRule,
  RiseRule,
  TrendRule,
  ShewhartCusumRule,
  EwmaRule,
  PredictionRule,
  ClassRule,
  ...GROUP_RULES,
  IntegrityRule,
  IdenticalRule,
]);
export type Rule = z.infer<typeof Rule>;
export type LimitRule = z.infer<typeof LimitRule>;
export type LevelRule = z.infer<typeof LevelRule>;
export type AbsenceRule = z.infer<typeof AbsenceRule>;

/** A rule as the registry keeps it: `version` grows by one with each change. */
export interface VersionedRule {
  readonly version: number;
  readonly rule: Rule;
  readonly changedAt: number;
  readonly changedBy: string;
}
