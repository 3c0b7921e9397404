/**
 * Rules that judge a series by its own past: rate, jump, consecutive rises, trend, control charts, prediction limit, and
 * the class of a water. They are made for results days or months apart; `period` makes such results out of a sensor's
 * readings (the median of each day, month or quarter), without it a sensor's series is not watched by them.
 */
import { z } from "zod";
import { common, timing } from "./rule-common.ts";
import { Duration, Id, WATER_CLASSES } from "./site.ts";

export const PERIODS = ["day", "month", "quarter"] as const;
export type Period = (typeof PERIODS)[number];
export const DIRECTIONS = ["rising", "falling", "either"] as const;
export type Direction = (typeof DIRECTIONS)[number];

const { onDelay, offDelay } = timing;
/** Delays count results or periods; a deadband has no meaning here. */
const shared = { ...common, onDelay, offDelay };
const period = z.enum(PERIODS).optional();
const direction = z.enum(DIRECTIONS);

/** Change per `per` of more than `above` (canonical unit), measured over at least `over`. */
export const RateRule = z.strictObject({
  kind: z.literal("rate"),
  ...shared,
  above: z.number().positive(),
  per: Duration.default(3_600_000),
  over: Duration.default(3_600_000),
  direction: direction.default("either"),
});

/** More than `percent` above the previous result (HJ 1209-2021: 30 %). */
export const JumpRule = z.strictObject({
  kind: z.literal("jump"),
  ...shared,
  percent: z.number().positive().default(30),
  period,
});

/**
 * `riseSteps` rises in a row: n rises are n + 1 results. HJ 1209-2021 says "four or more in a row", which is four rises
 * read literally and three when it means four results; 3 warns earlier. `percent`: the rises together are at least this.
 */
export const RiseRule = z.strictObject({
  kind: z.literal("rise"),
  ...shared,
  riseSteps: z.int().min(2).max(20).default(3),
  percent: z.number().nonnegative().default(0),
  period,
});

/**
 * A significant trend of the last results; with `within`, only if its line reaches the limit in that time. The limit is
 * the pack's (`pack` and `above`) or a number in the canonical unit (`limit`).
 */
export const TrendRule = z
  .strictObject({
    kind: z.literal("trend"),
    ...shared,
    direction: direction.default("rising"),
    /** How many of the newest results are used. */
    results: z.int().min(4).max(40).default(40),
    /** No verdict with fewer. */
    least: z.int().min(4).max(40).default(8),
    significance: z.number().positive().max(0.2).default(0.05),
    within: Duration.optional(),
    pack: Id.optional(),
    above: z.enum([...WATER_CLASSES, "screening", "intervention", "limit", "target"]).optional(),
    limit: z.number().optional(),
    period,
    /** Compares each month or quarter of the year with itself only. */
    seasonal: z.enum(["month", "quarter"]).optional(),
  })
  .refine((rule) => (rule.pack === undefined) === (rule.above === undefined), "pack and above belong together")
  .refine((rule) => rule.pack === undefined || rule.limit === undefined, "give a pack or a limit of its own, not both")
  .refine(
    (rule) => rule.within === undefined || rule.pack !== undefined || rule.limit !== undefined,
    "within needs a limit: give pack and above, or limit",
  )
  .refine((rule) => rule.least <= rule.results, "least is at most results");

const background = z.int().min(8).max(400).default(8);
const log = z.boolean().default(false);

/** Combined Shewhart–CUSUM control chart against the first `background` results. */
export const ShewhartCusumRule = z.strictObject({
  kind: z.literal("shewhart-cusum"),
  ...shared,
  /** pH is watched on both sides, all else on the rising one, unless this says otherwise. */
  direction: direction.optional(),
  background,
  k: z.number().positive().default(1),
  h: z.number().positive().default(5),
  scl: z.number().positive().default(4.5),
  log,
  /** After so many results in a row within k standard deviations the sums begin anew; 0: never. */
  resetAfter: z.int().nonnegative().max(100).default(4),
  period,
});

/** Exponentially weighted moving average chart against the first `background` results. */
export const EwmaRule = z.strictObject({
  kind: z.literal("ewma"),
  ...shared,
  direction: direction.optional(),
  background,
  lambda: z.number().positive().max(1).default(0.2),
  width: z.number().positive().default(2.7),
  log,
  period,
});

/** Upper prediction limit for the next `future` results from the first `background` results. */
export const PredictionRule = z.strictObject({
  kind: z.literal("prediction"),
  ...shared,
  background,
  future: z.int().min(1).max(100).default(1),
  confidence: z.number().min(0.5).max(0.9999).default(0.95),
  /** `maximum` of the background needs no distribution; `auto` takes it when over a quarter of the background is censored. */
  method: z.enum(["auto", "parametric", "maximum"]).default("auto"),
  /** Results after the first exceedance that must exceed as well (1-of-2: one). */
  retests: z.int().min(0).max(3).default(1),
  log,
  period,
});

/**
 * The class of a station's water by a pack: got worse than in the sample before, or, with `worseThan`, is worse than
 * that class. `samples`: in so many samples in a row.
 */
export const ClassRule = z.strictObject({
  kind: z.literal("class"),
  ...shared,
  pack: Id,
  worseThan: z.enum(WATER_CLASSES).optional(),
  samples: z.int().min(1).max(100).default(1),
  /** After so many samples the worse class is the one to compare with. */
  settleAfter: z.int().min(1).max(1000).default(4),
  /** A quantity that the newest samples lack keeps its class for so long. */
  hold: Duration.default(366 * 86_400_000),
});

export type RateRule = z.infer<typeof RateRule>;
export type JumpRule = z.infer<typeof JumpRule>;
export type RiseRule = z.infer<typeof RiseRule>;
export type TrendRule = z.infer<typeof TrendRule>;
export type ShewhartCusumRule = z.infer<typeof ShewhartCusumRule>;
export type EwmaRule = z.infer<typeof EwmaRule>;
export type PredictionRule = z.infer<typeof PredictionRule>;
export type ClassRule = z.infer<typeof ClassRule>;

/** Kinds of this family, as they stand in `kind`. */
export const TREND_KINDS = ["rate", "jump", "rise", "trend", "shewhart-cusum", "ewma", "prediction", "class"] as const;
export type TrendKind = (typeof TREND_KINDS)[number];
