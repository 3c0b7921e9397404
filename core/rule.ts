/**
 * Rules as people write them (YAML) and as the registry keeps them: one union by `kind`, a closed set of kinds in code,
 * no expression language. Conditions, deadbands and delays run on data time.
 */
import { z } from "zod";
import { LEVELS } from "./alarm.ts";
import { LocalText } from "./locale.ts";
import { AGGREGATES, FRACTIONS } from "./reading.ts";
import { Duration, Id, LAND_USES, MEDIA, SITE_KINDS, STATION_TYPES, WATER_CLASSES } from "./site.ts";

const oneOrMore = <T extends z.ZodType>(item: T) =>
  z.union([item, z.array(item).min(1)]).transform((value) => (Array.isArray(value) ? value : [value]) as z.infer<T>[]);

/** Which series a rule watches; every field that is given must match. */
export const RuleScope = z.strictObject({
  quantity: oneOrMore(z.string().regex(/^[a-z0-9_]{1,40}$/)).optional(),
  medium: oneOrMore(z.enum(MEDIA)).optional(),
  stationType: oneOrMore(z.enum(STATION_TYPES)).optional(),
  siteKind: oneOrMore(z.enum(SITE_KINDS)).optional(),
  site: oneOrMore(Id).optional(),
  station: oneOrMore(Id).optional(),
  fraction: oneOrMore(z.enum(FRACTIONS)).optional(),
  aggregate: oneOrMore(z.enum(AGGREGATES)).optional(),
});
export type RuleScope = z.infer<typeof RuleScope>;

/** "2 readings" or a duration in data time such as "10m". */
export const Delay = z.union([
  z
    .string()
    .regex(/^\d+ readings?$/)
    .transform((text) => ({ readings: Number.parseInt(text, 10) })),
  Duration.transform((ms) => ({ ms })),
]);
export type Delay = z.infer<typeof Delay>;

/** "5 %" of the limit, or a number in the canonical unit. */
export const Deadband = z.union([
  z
    .string()
    .regex(/^\d+(\.\d+)? ?%$/, 'a percentage such as "5 %" or a number')
    .transform((text) => ({ percent: Number.parseFloat(text) })),
  z
    .number()
    .nonnegative()
    .transform((value) => ({ value })),
]);
export type Deadband = z.infer<typeof Deadband>;

const common = {
  id: Id,
  enabled: z.boolean().default(true),
  on: RuleScope,
  level: z.enum(LEVELS),
  advice: LocalText.optional(),
};
const timing = {
  deadband: Deadband.default({ percent: 0 }),
  onDelay: Delay.default({ readings: 1 }),
  offDelay: Delay.default({ readings: 1 }),
};

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

export const Rule = z.discriminatedUnion("kind", [LimitRule, LevelRule, AbsenceRule]);
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
