/** Shapes of the regulatory answers. Days are civil dates of China (`2026-03-15`); deeds carry ISO 8601 UTC. */
import { z } from "zod";
import { ControlZone, PLAN_OBJECTS } from "../core/plan.ts";
import { type ConfirmedCategory, FARMLAND_CATEGORIES, type FarmlandState } from "../core/regulation.ts";
import { iso } from "./times.ts";

const BothTexts = z.object({ "zh-CN": z.string(), en: z.string() });
const Day = z.string().describe("civil date of China");
const Category = z.enum(FARMLAND_CATEGORIES);

const FindingView = z.object({
  rule: z.enum(["soil-above-limit", "groundwater-above-limit", "groundwater-jump", "groundwater-rise"]),
  quantity: z.string(),
  date: Day,
  value: z.number(),
  cmp: z.enum(["", "<", ">"]),
  unit: z.string(),
  limit: z.number().optional(),
  clause: z.string().optional(),
  previous: z.number().optional(),
  jump: z.number().optional(),
  rises: z.number().optional(),
  exempt: z.string().optional(),
  text: BothTexts,
});

const DueView = z.object({
  plan: z.string(),
  site: z.string(),
  point: z.string(),
  station: z.string(),
  object: z.enum(PLAN_OBJECTS),
  unit: z.string().nullable(),
  unitClass: z.union([z.literal(1), z.literal(2)]),
  baseMonths: z.number(),
  everyMonths: z.number(),
  doubled: z.boolean(),
  doubledSince: Day.nullable(),
  cleanRounds: z.number(),
  rounds: z.number(),
  lastRound: Day.nullable(),
  due: Day,
  status: z.enum(["overdue", "due-soon", "scheduled"]),
  daysOverdue: z.number(),
  analytes: z.array(z.string()).readonly(),
  reason: z.enum(["first-round", "routine", "doubled", "never-measured"]),
  text: BothTexts,
  findings: z.array(FindingView).readonly(),
});

const RemarkView = z.object({ code: z.string(), where: z.string(), text: BothTexts });

export const PlanView = z.object({
  id: z.string(),
  version: z.number(),
  on: Day,
  points: z.array(DueView).readonly(),
  remarks: z.array(RemarkView).readonly(),
});

export const ZoneView = z.object({ zone: ControlZone, version: z.number(), remarks: z.array(RemarkView).readonly() });

const ClassShape = {
  date: Day,
  pack: z.string(),
  inForce: z.boolean(),
  class: z.string(),
  deciding: z.array(z.string()).readonly(),
  missing: z.array(z.string()).readonly(),
  assumed: z.array(z.string()).readonly(),
  provisional: z.boolean(),
};
export const ClassView = z.object(ClassShape);

const FarmlandEntryView = z.object({
  ...ClassShape,
  category: Category,
  bySoil: Category,
  index: z.number().nullable(),
  crop: z.object({ date: Day, samples: z.number(), exceeded: z.number() }).nullable(),
  text: BothTexts,
});
const DecisionView = z.object({
  category: Category,
  reason: z.string(),
  by: z.string(),
  via: z.enum(["cli", "web", "api"]),
  at: z.string(),
  suggested: Category.nullable(),
});
export const FarmlandView = z.object({
  station: z.string(),
  site: z.string(),
  area: z.string(),
  suggestion: FarmlandEntryView.nullable(),
  confirmed: DecisionView.nullable(),
  toConfirm: z.boolean(),
  history: z.array(FarmlandEntryView).readonly(),
  decisions: z.array(DecisionView).readonly(),
});

export function farmlandView(state: FarmlandState): z.infer<typeof FarmlandView> {
  const { confirmed, decisions } = state;
  return { ...state, confirmed: confirmed && decisionView(confirmed), decisions: decisions.map(decisionView) };
}
function decisionView({ at, ...decision }: ConfirmedCategory): z.infer<typeof DecisionView> {
  return { ...decision, at: iso(at) };
}

export const ReminderView = z.object({
  area: z.string(),
  year: z.number(),
  reasons: z.array(z.enum(["points-worsened", "rising-trend"])).readonly(),
  trend: z
    .object({
      of: z.enum(["lost-share", "median-index"]),
      n: z.number(),
      s: z.number(),
      p: z.number(),
      significant: z.boolean(),
    })
    .nullable(),
  years: z
    .array(
      z.object({
        year: z.number(),
        points: z.number(),
        worsened: z.array(z.string()).readonly(),
        worsenedShare: z.number(),
        lostShare: z.number(),
        medianIndex: z.number(),
      }),
    )
    .readonly(),
  text: BothTexts,
});
