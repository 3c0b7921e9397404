/** What all kinds of rules share: scope, delays in data time, deadband, level, advice. */
import { z } from "zod";
import { LEVELS } from "./alarm.ts";
import { LocalText } from "./locale.ts";
import { AGGREGATES, FRACTIONS } from "./reading.ts";
import { Duration, Id, MEDIA, SITE_KINDS, STATION_TYPES } from "./site.ts";

export const oneOrMore = <T extends z.ZodType>(item: T) =>
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

/** What every kind of rule has. */
export const common = {
  id: Id,
  enabled: z.boolean().default(true),
  on: RuleScope,
  level: z.enum(LEVELS),
  advice: LocalText.optional(),
};
/** Delays and deadband of kinds that judge reading by reading. */
export const timing = {
  deadband: Deadband.default({ percent: 0 }),
  onDelay: Delay.default({ readings: 1 }),
  offDelay: Delay.default({ readings: 1 }),
};
