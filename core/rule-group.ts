/**
 * Rules over several stations: composite, cross-medium, spread between wells, plume arrival, tailings ponds. `on` says
 * which series a rule may use at all; the kind's own fields say which of them it needs.
 */
import { z } from "zod";
import { LEVELS } from "./alarm.ts";
import { AGGREGATES, FRACTIONS } from "./reading.ts";
import { common, oneOrMore, timing } from "./rule-common.ts";
import { Duration, Id, MEDIA, STATION_TYPES, WATER_CLASSES } from "./site.ts";

const Quantity = z.string().regex(/^[a-z0-9_]{1,40}$/);
/** Classes and kinds of the limits in packs, as in rules of kind `limit`. */
const PACK_LEVELS = [...WATER_CLASSES, "screening", "intervention", "limit", "target"] as const;
const Unit = z.string().min(1).max(40);

/** The station that the alarm is told at; by default the kind chooses. */
const told = { at: Id.optional() };

/** A bound: a number (strict, canonical unit or `unit`), or a level of a pack. */
const bound = {
  above: z.union([z.number(), z.enum(PACK_LEVELS)]).optional(),
  below: z.number().optional(),
  unit: Unit.optional(),
  pack: Id.optional(),
};
interface BoundFields {
  readonly above?: number | string | undefined;
  readonly below?: number | undefined;
  readonly pack?: string | undefined;
}
const boundFits = ({ above, below, pack }: BoundFields): boolean =>
  pack === undefined
    ? typeof above !== "string" && (above !== undefined || below !== undefined)
    : typeof above === "string" && below === undefined;
const BOUND_WRONG = "give a number (above, below), or a pack and above: a level of it";

/**
 * Beyond a well's own past: above the median of its last `readings` calm readings by more than `sds` robust standard
 * deviations (1.4826 MAD) and by more than `rise` (a share of the median).
 */
export const OwnBaseline = z.strictObject({
  readings: z.int().min(4).max(64).default(8),
  sds: z.number().positive().default(4),
  rise: z.number().nonnegative().default(0.3),
});
export type OwnBaseline = z.infer<typeof OwnBaseline>;

/** One condition of a composite: holds while at least `stations` stations have a newest reading within the tolerance beyond it. */
export const Condition = z
  .strictObject({
    quantity: Quantity,
    station: oneOrMore(Id).optional(),
    stationType: oneOrMore(z.enum(STATION_TYPES)).optional(),
    medium: oneOrMore(z.enum(MEDIA)).optional(),
    fraction: oneOrMore(z.enum(FRACTIONS)).optional(),
    aggregate: oneOrMore(z.enum(AGGREGATES)).optional(),
    ...bound,
    stations: z.int().min(1).max(100).default(1),
    /** Overrides the rule's tolerance. */
    within: Duration.optional(),
  })
  .refine(boundFits, BOUND_WRONG);
export type Condition = z.infer<typeof Condition>;

export const CompositeRule = z
  .strictObject({
    kind: z.literal("composite"),
    ...common,
    ...timing,
    ...told,
    combine: z.union([z.enum(["and", "or"]), z.strictObject({ atLeast: z.int().min(1).max(16) })]).default("and"),
    within: Duration,
    conditions: z.array(Condition).min(1).max(16),
  })
  .refine(
    ({ combine, conditions }) => typeof combine === "string" || combine.atLeast <= conditions.length,
    "combine.atLeast asks for more conditions than there are",
  );

/** How long a finding in one medium counts, and what is beyond there. */
const MediumPart = z
  .strictObject({
    medium: z.enum(MEDIA),
    within: Duration,
    pack: Id.optional(),
    above: z.enum(PACK_LEVELS).optional(),
    baseline: OwnBaseline.optional(),
  })
  .refine(({ pack, above }) => (pack === undefined) === (above === undefined), "pack and above belong together")
  .refine(({ pack, baseline }) => pack !== undefined || baseline !== undefined, "give pack and above, or baseline");

export const CrossMediumRule = z
  .strictObject({
    kind: z.literal("cross-medium"),
    ...common,
    ...timing,
    ...told,
    /** The quantities that betray one source, e.g. cd, pb and zn of a smelter. */
    family: z.array(Quantity).min(1).max(32),
    media: z.array(MediumPart).min(2).max(MEDIA.length),
    atLeast: z.int().min(2).max(MEDIA.length).default(2),
    /** Where groundwater and surface runoff flow to, degrees clockwise from north; else from the up- and down-gradient stations. */
    flowTowards: z.number().min(0).max(360).optional(),
  })
  .refine(({ media }) => new Set(media.map(({ medium }) => medium)).size === media.length, "a medium stands twice")
  .refine(({ media, atLeast }) => atLeast <= media.length, "atLeast asks for more media than there are");

/** A number, or the range within which the truth lies. */
const range = (low: number) =>
  z
    .union([z.number(), z.tuple([z.number(), z.number()])])
    .transform((value): readonly [number, number] => (typeof value === "number" ? [value, value] : value))
    .refine(([from, to]) => from >= low && from <= to, "a range is [low, high], both physical");

/** What is known of the ground between source and receptor. Ranges, not best guesses: the band follows from them. */
export const Aquifer = z.strictObject({
  /** Hydraulic conductivity, m/d; log-uniform. */
  conductivity: range(1e-9),
  /** Hydraulic gradient, 1; uniform. Left out: from the heads. */
  gradient: range(0).optional(),
  /** Effective porosity, 1; uniform. */
  porosity: range(1e-4).default([0.15, 0.35]),
  /** Dry bulk density, kg/m³; uniform. */
  density: range(1).default([1600, 1800]),
  /** Distribution coefficient by quantity, L/kg; log-uniform above 0. Left out: the built-in ranges. */
  kd: z.record(Quantity, range(0)).default({}),
  /** Longitudinal dispersivity as a share of the distance; uniform. */
  dispersivity: range(1e-4).default([0.05, 0.2]),
  /** Molecular diffusion, m²/d. */
  diffusion: z.number().nonnegative().default(8.64e-5),
  /** First-order decay. */
  halfLife: Duration.optional(),
});
export type Aquifer = z.infer<typeof Aquifer>;

/** Metres along the flow path, by station; stations left out are placed by their coordinates. */
const along = {
  along: z.record(Id, z.number()).optional(),
  /** How far back the front is remembered: 128 points, so it is timed to a 128th of this. */
  frontSpan: Duration.default(730 * 86_400_000),
};

export const SpreadRule = z
  .strictObject({
    kind: z.literal("spread"),
    ...common,
    ...timing,
    ...told,
    ...bound,
    ...along,
    baseline: OwnBaseline.optional(),
    upGradient: z.array(z.enum(STATION_TYPES)).min(1).default(["upgradient", "background"]),
    downGradient: z.array(z.enum(STATION_TYPES)).min(1).default(["source", "risk", "downgradient", "intake"]),
    /** A reading older than this says nothing about today. */
    within: Duration,
    /** What came from outside the site first: leave it to limit rules, or tell it as well. */
    offSite: z.enum(["quiet", "tell"]).default("quiet"),
    aquifer: Aquifer.optional(),
  })
  .refine((rule) => rule.baseline !== undefined || boundFits(rule), BOUND_WRONG)
  .refine((rule) => (rule.pack === undefined) === (typeof rule.above !== "string"), BOUND_WRONG);

export const PlumeRule = z
  .strictObject({
    kind: z.literal("plume"),
    ...common,
    ...timing,
    ...told,
    ...bound,
    ...along,
    /** The water source that must be warned. */
    receptor: Id,
    sourceTypes: z.array(z.enum(STATION_TYPES)).min(1).default(["source", "risk", "downgradient"]),
    /** The part of the source's concentration whose arrival counts. */
    fraction: z.number().min(1e-4).max(0.99).default(0.1),
    /** How long the source lasts; left out: for ever. */
    pulse: Duration.optional(),
    /** Raise when the earliest (P5) arrival is nearer than this. */
    within: Duration,
    /** Draws of the Monte Carlo. */
    draws: z.int().min(50).max(1000).default(200),
    aquifer: Aquifer,
    /** Elevation of the wells' tops, m: heads are these minus the depth to groundwater (gw_level). */
    wellheads: z.record(Id, z.number()).optional(),
  })
  .refine(boundFits, BOUND_WRONG)
  .refine(
    ({ aquifer, wellheads }) => aquifer.gradient !== undefined || Object.keys(wellheads ?? {}).length >= 3,
    "give aquifer.gradient, or the wellheads of at least 3 wells",
  );

/** The grades of GB 39496-2020 5.5.4, lowest first. */
export const GRADES = ["blue", "yellow", "orange", "red"] as const;
export type Grade = (typeof GRADES)[number];

/** Strictly up or strictly down, whichever side is worse. */
function gradesAscend(item: Readonly<Partial<Record<Grade, number | undefined>>>): boolean {
  const given = GRADES.map((grade) => item[grade]).filter((value) => value !== undefined);
  const steps = given.slice(1).map((value, index) => Math.sign(value - (given[index] ?? value)));
  return steps.every((step) => step !== 0 && step === steps[0]);
}

/** Design values of one monitored parameter. A grade without a design value does not run (GB 39496-2020 5.5.4). */
const TailingsItem = z
  .strictObject({
    quantity: Quantity,
    /** Parts with the same name are one item of the standard; default the quantity. */
    item: Id.optional(),
    station: oneOrMore(Id).optional(),
    /** `rate`: change a day over `over`; `failure`: days to failure by inverse velocity; `freeboard`: crest minus level. */
    measure: z.enum(["value", "rate", "failure", "freeboard"]).default("value"),
    over: Duration.default(86_400_000),
    /** Of the dam crest, m. */
    crest: z.number().optional(),
    unit: Unit.optional(),
    blue: z.number().optional(),
    yellow: z.number().optional(),
    orange: z.number().optional(),
    red: z.number().optional(),
    /** Orange from red, where the design gives red only: 1.1 phreatic line, 0.8 landslide (GB 51108-2015, commentary to 8.3). */
    orangeFactor: z.number().positive().optional(),
    /** Which side is worse; default by the quantity and measure. */
    worse: z.enum(["above", "below"]).optional(),
  })
  .refine((item) => GRADES.some((grade) => item[grade] !== undefined), "give the design value of at least one grade")
  .refine(gradesAscend, "from blue to red the design values must become worse step by step")
  .refine((item) => (item.measure === "freeboard") === (item.crest !== undefined), "freeboard needs crest, and only it")
  .refine(
    ({ red, orangeFactor }) => orangeFactor === undefined || red !== undefined,
    "orangeFactor is of red: give red",
  );
export type TailingsItem = z.infer<typeof TailingsItem>;

export const TailingsRule = z.strictObject({
  kind: z.literal("tailings"),
  ...common,
  ...timing,
  ...told,
  /** The grade decides; this is the highest that the rule may tell. */
  level: z.enum(LEVELS).default("red"),
  items: z.array(TailingsItem).min(1).max(32),
});

export type CompositeRule = z.infer<typeof CompositeRule>;
export type CrossMediumRule = z.infer<typeof CrossMediumRule>;
export type SpreadRule = z.infer<typeof SpreadRule>;
export type PlumeRule = z.infer<typeof PlumeRule>;
export type TailingsRule = z.infer<typeof TailingsRule>;
export const GROUP_RULES = [CompositeRule, CrossMediumRule, SpreadRule, PlumeRule, TailingsRule] as const;
