/**
 * The self-monitoring plan of an enterprise (HJ 1209-2021) and the control zones of contaminated plots, as people write
 * them and as the ledger keeps them. `jingtu plan import FILE.yaml` reads sections `plans` and `zones`.
 *
 * Source: HJ 1209-2021 chapters 5 and 7; what each rule rests on stands in alerts/regulation/README.md.
 */
import { z } from "zod";
import { isDate } from "./china-day.ts";
import { LocalText } from "./locale.ts";
import { Id, MEDIA } from "./site.ts";

/** A civil date of China. */
export const Day = z.string().refine(isDate, "a day such as 2026-03-15");
const Quantity = z.string().regex(/^[a-z0-9_]{1,40}$/, "a quantity id");

export const PLAN_OBJECTS = ["groundwater", "surface-soil", "deep-soil"] as const;
export type PlanObject = (typeof PLAN_OBJECTS)[number];

/** 重点监测单元. Class 1 holds a concealed facility, whose leak cannot be seen in time; class 2 is every other one. */
export const PlanUnit = z.strictObject({
  id: Id,
  name: LocalText.optional(),
  class: z.union([z.literal(1), z.literal(2)]),
  /** 关注污染物: measured in every round. */
  concerns: z.array(Quantity).min(1),
  areaM2: z.number().positive().optional(),
});
export type PlanUnit = z.infer<typeof PlanUnit>;

/** An analysis showed that the enterprise is not the cause of a finding: it is told, and does not double the frequency. */
export const PlanExemption = z.strictObject({
  quantity: Quantity,
  from: Day,
  until: Day.optional(),
  by: z.string().trim().min(1).max(100),
  reason: z.string().trim().min(1).max(500),
});

export type PlanExemption = z.infer<typeof PlanExemption>;

export const PlanPoint = z.strictObject({
  id: Id,
  /** Where its results are stored; of the plan's site. */
  station: Id,
  object: z.enum(PLAN_OBJECTS),
  /** Left out for a control well (地下水对照点) of the whole site. */
  unit: Id.optional(),
  /** `lab`: each sampling is a result; `online`: the means of calendar months are. */
  source: z.enum(["lab", "online"]).default("lab"),
  /** Measured beside the unit's concerns in every round. */
  analytes: z.array(Quantity).default([]),
  /** Shorter than the guideline asks, e.g. by the discharge permit; in months. */
  everyMonths: z.number().positive().max(36).multipleOf(0.5).optional(),
  /** Background recognised by the authority, canonical unit; a value below it is not taken as above the limit. */
  background: z.record(Quantity, z.number().positive()).default({}),
  exemptions: z.array(PlanExemption).default([]),
});
export type PlanPoint = z.infer<typeof PlanPoint>;

export const Plan = z.strictObject({
  id: Id,
  site: Id,
  from: Day,
  /** Day by which the first round, which covers every point and all initial items, is due; 12 months after `from`. */
  firstRoundBy: Day.optional(),
  /** A groundwater-sensitive area (as in HJ 610) lies within 1 km: the higher groundwater frequency. */
  sensitive: z.boolean().default(false),
  /** Rises in a row that call for more: 3 when 连续 4 次 means four results, 4 when it means rises. As rule kind `rise`. */
  riseSteps: z.int().min(2).max(10).default(3),
  units: z.array(PlanUnit).min(1).max(200),
  points: z.array(PlanPoint).min(1).max(1_000),
});
export type Plan = z.infer<typeof Plan>;

export const ZONE_STATES = ["planned", "in-force", "lifted"] as const;
export const ZONE_MEDIA = ["soil", "surface-water", "groundwater", "air"] as const;

/** 风险管控区域 of a contaminated plot: where, what must be watched there, which signs and notices stand. */
export const ControlZone = z.strictObject({
  id: Id,
  site: Id,
  name: LocalText,
  state: z.enum(ZONE_STATES),
  /** Since when the state holds. */
  since: Day,
  /** Ring of [lon, lat], WGS-84; the last corner joins the first. */
  polygon: z
    .array(z.tuple([z.number().min(-180).max(180), z.number().min(-90).max(90)]))
    .min(3)
    .max(1_000)
    .optional(),
  stations: z.array(Id).default([]),
  /** Media that the zone's own points must cover; of all four unless the plan of the plot says less. */
  media: z
    .array(z.enum(MEDIA))
    .min(1)
    .default([...ZONE_MEDIA]),
  quantities: z.array(Quantity).default([]),
  /** 标识: put up on that day. */
  sign: Day.optional(),
  /** 公告: published on that day. */
  notice: Day.optional(),
  note: z.string().max(500).optional(),
});
export type ControlZone = z.infer<typeof ControlZone>;

export const PlanFile = z.strictObject({
  plans: z.array(Plan).default([]),
  zones: z.array(ControlZone).default([]),
});
export type PlanFile = z.infer<typeof PlanFile>;

/** A plan or zone as the ledger keeps it: `version` grows by one with each change. */
export interface Versioned<T> {
  readonly version: number;
  readonly body: T;
  readonly changedAt: number;
  readonly changedBy: string;
}
