/**
 * A limit pack as it lies in a file: one standard, its rows, and when each row applies. The schema is the only truth
 * about the format; `load.ts` reads it, README.md tells how to write one.
 */
import { z } from "zod";
import { LocalText } from "../../core/locale.ts";
import { Id, MEDIA, WATER_CLASSES, type WaterClass } from "../../core/site.ts";

/** What a bound is called: a water class, a soil value, or the one limit of drinking and irrigation water. */
export const LEVELS_OF_LIMIT = [...WATER_CLASSES, "screening", "intervention", "limit"] as const;
export type LimitName = (typeof LEVELS_OF_LIMIT)[number];

export function isWaterClass(name: string): name is WaterClass {
  return (WATER_CLASSES as readonly string[]).includes(name);
}

/** `classes` sorts into I to V; the soil schemes compare with screening and intervention; the others pass or fail. */
export const SCHEMES = ["classes", "soil-farmland", "soil-development", "drinking", "irrigation", "guideline"] as const;

/**
 * How a row is known: read in the standard itself; two copies agree; one copy; no copy seen; a proposal of our own.
 * The first two may fire alarms, `one-stored` too but asks to be verified, the last two only after a named person
 * confirmed the row.
 */
export const CONFIDENCES = ["primary", "two-stored", "one-stored", "memory", "engineering"] as const;
export type Confidence = (typeof CONFIDENCES)[number];

/** Values that pass, in the row's unit: all given sides must hold. */
export const Range = z
  .strictObject({
    le: z.number().optional(),
    lt: z.number().optional(),
    ge: z.number().optional(),
    gt: z.number().optional(),
    /** The standard says "not detected"; `le` is 0 then. */
    notDetected: z.literal(true).optional(),
    /** The standard also accepts this saturation; told, not evaluated. */
    orSaturationPercent: z.number().positive().optional(),
  })
  .refine((range) => range.le === undefined || range.lt === undefined, "give le or lt, not both")
  .refine((range) => range.ge === undefined || range.gt === undefined, "give ge or gt, not both")
  .refine((range) => [range.le, range.lt, range.ge, range.gt].some((side) => side !== undefined), "give a bound");
export type Range = z.infer<typeof Range>;

/** Land uses that soil packs tell apart; on `rotation` (paddy and upland in turn) the stricter of both applies. */
export const FARM_LANDS = ["paddy", "upland", "orchard"] as const;
export const DEVELOPMENT_LANDS = ["class1", "class2"] as const;
/** Columns of GB 5084. */
export const CROPS = ["paddy", "dryland", "vegetable_cooked", "vegetable_raw"] as const;

/** When a row applies; no condition means always. `supply` and `area` are exceptions that must be declared. */
export const When = z.strictObject({
  land: z
    .array(z.enum([...FARM_LANDS, ...DEVELOPMENT_LANDS]))
    .min(1)
    .optional(),
  ph: z.strictObject({ gt: z.number().optional(), le: z.number().optional() }).optional(),
  crop: z.array(z.enum(CROPS)).min(1).optional(),
  tolerance: z.enum(["sensitive", "tolerant", "very-tolerant"]).optional(),
  waterBody: z.enum(["river", "lake"]).optional(),
  point: z.enum(["plant-outlet", "network-end"]).optional(),
  supply: z.literal("small").optional(),
  area: z.enum(["saline-alkali", "high-fluoride"]).optional(),
});
export type When = z.infer<typeof When>;

export const PackRow = z.strictObject({
  quantity: z.string().regex(/^[a-z0-9_]{1,40}$/),
  /** Table of the standard, e.g. "1"; texts such as "Annex 3" stand as they are. */
  table: z.string().min(1).max(40),
  item: z.int().positive().optional(),
  unit: z.string().min(1).max(40),
  /** A basic item that every sample should have. */
  routine: z.boolean(),
  /** `secondary` levels are told but never decide. */
  kind: z.enum(["mcl", "action-level", "secondary"]).optional(),
  when: When.optional(),
  bounds: z.partialRecord(z.enum(LEVELS_OF_LIMIT), z.union([Range, z.array(Range).min(2)])),
  /** Limits a change of the weekly mean, not the value: such a row cannot grade a sample. */
  weeklyMeanChange: z.strictObject({ rise: z.number(), drop: z.number() }).optional(),
  confidence: z.enum(CONFIDENCES),
  note: z.string().max(300).optional(),
});
export type PackRow = z.infer<typeof PackRow>;

export const PackFile = z
  .strictObject({
    id: Id,
    /** Grows with every change of the data. */
    version: z.int().positive(),
    standard: z.strictObject({
      number: z.string().min(1).max(60),
      title: LocalText,
      edition: z.string().min(1).max(60),
      effective: z.iso.date().nullable(),
      replaces: z.string().max(120).nullable(),
    }),
    media: z.array(z.enum(MEDIA)).min(1),
    scheme: z.enum(SCHEMES),
    /** What a value beyond every class is called; packs of classes only. */
    beyond: z.enum(["V", ">V"]).optional(),
    rows: z.array(PackRow).min(1),
  })
  .refine((pack) => (pack.scheme === "classes") === (pack.beyond !== undefined), "beyond belongs to scheme classes");
export type PackFile = z.infer<typeof PackFile>;

/** Names a row within its pack, e.g. `1/cd`, `1/cd/screening/paddy/5.5-6.5`; a person enables rows by it. */
export function rowKey(row: PackRow): string {
  const { land, ph, crop, tolerance, waterBody, point, supply, area } = row.when ?? {};
  const soilValue = "screening" in row.bounds || "intervention" in row.bounds ? Object.keys(row.bounds).join("+") : "";
  const band = ph ? `${ph.gt ?? ""}-${ph.le ?? ""}` : "";
  const conditions = [land?.join("+"), band, crop?.join("+"), tolerance, waterBody, point, supply, area];
  return [row.table, row.quantity, soilValue, ...conditions].filter(Boolean).join("/");
}
