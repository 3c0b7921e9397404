/**
 * What the regulatory engine answers, and the ports between it, the ledger and the interface: due lists, classes with
 * their history, farmland categories with a person's confirmation, the yearly county reminder, control zones.
 */
import { z } from "zod";
import { type ControlZone, Day, type Plan, type PlanFile, type PlanObject, type Versioned } from "./plan.ts";
import type { AuditEntry } from "./ports.ts";
import type { Comparison } from "./reading.ts";
import type { Site } from "./site.ts";

/** HJ 1209-2021 chapter 7, items a to d. */
export type FindingRule = "soil-above-limit" | "groundwater-above-limit" | "groundwater-jump" | "groundwater-rise";

/** Why a round called for a doubled frequency. Values in the canonical unit. */
export interface Finding {
  readonly rule: FindingRule;
  readonly quantity: string;
  /** Date of the round. */
  readonly date: string;
  readonly value: number;
  readonly cmp: Comparison;
  readonly unit: string;
  readonly limit?: number;
  readonly clause?: string;
  readonly previous?: number;
  /** `value / previous - 1`. */
  readonly jump?: number;
  readonly rises?: number;
  /** Told, but without consequence: the reason that a named person gave. */
  readonly exempt?: string;
  readonly text: { readonly "zh-CN": string; readonly en: string };
}

export type DueStatus = "overdue" | "due-soon" | "scheduled";
export type DueReason = "first-round" | "routine" | "doubled" | "never-measured";

export interface DuePoint {
  readonly plan: string;
  readonly site: string;
  readonly point: string;
  readonly station: string;
  readonly object: PlanObject;
  /** Null for a control well. */
  readonly unit: string | null;
  readonly unitClass: 1 | 2;
  readonly baseMonths: number;
  /** What holds now: half of `baseMonths` while doubled. */
  readonly everyMonths: number;
  readonly doubled: boolean;
  /** Date of the round since which it is doubled, and clean rounds in a row since the last finding. */
  readonly doubledSince: string | null;
  readonly cleanRounds: number;
  readonly rounds: number;
  readonly lastRound: string | null;
  readonly due: string;
  readonly status: DueStatus;
  /** Days from due to today; 0 unless overdue. */
  readonly daysOverdue: number;
  /** What the round that is due must measure. */
  readonly analytes: readonly string[];
  readonly reason: DueReason;
  readonly text: { readonly "zh-CN": string; readonly en: string };
  /** Of the newest round that had any; empty when there was none. */
  readonly findings: readonly Finding[];
}

/** A shape of the plan that the guideline would not accept; it does not stop anything. */
export interface PlanRemark {
  readonly code: string;
  readonly where: string;
  readonly text: { readonly "zh-CN": string; readonly en: string };
}

export interface PlanState {
  readonly plan: Plan;
  readonly version: number;
  readonly on: string;
  readonly points: readonly DuePoint[];
  readonly remarks: readonly PlanRemark[];
}

export const FARMLAND_CATEGORIES = ["priority-protection", "safe-use", "strict-control"] as const;
export type FarmlandCategory = (typeof FARMLAND_CATEGORIES)[number];

/** One grading of a place at a time, by the edition in force then. */
export interface ClassEntry {
  readonly date: string;
  readonly pack: string;
  readonly inForce: boolean;
  readonly class: string;
  readonly deciding: readonly string[];
  readonly missing: readonly string[];
  readonly assumed: readonly string[];
  readonly provisional: boolean;
}

export interface FarmlandEntry extends ClassEntry {
  readonly category: FarmlandCategory;
  /** Category by soil alone, before crops. */
  readonly bySoil: FarmlandCategory;
  /** Highest ratio of a value to its screening value (单项污染指数); null when none has one. */
  readonly index: number | null;
  readonly crop: { readonly date: string; readonly samples: number; readonly exceeded: number } | null;
  readonly text: { readonly "zh-CN": string; readonly en: string };
}

export const FarmlandDecision = z.strictObject({
  category: z.enum(FARMLAND_CATEGORIES),
  reason: z.string().trim().min(1).max(1_000),
});
/** Results of farm produce at a plot, judged elsewhere by GB 2762: how many samples exceeded. */
export const CropResult = z
  .strictObject({ on: Day, samples: z.int().min(1).max(100_000), exceeded: z.int().min(0) })
  .refine(({ samples, exceeded }) => exceeded <= samples, "more exceeded than were taken");
export type CropResult = z.infer<typeof CropResult>;

export interface Deed {
  readonly by: string;
  readonly via: "cli" | "web" | "api";
  /** Wall clock, ms. */
  readonly at: number;
}
export interface ConfirmedCategory extends z.infer<typeof FarmlandDecision>, Deed {
  readonly station: string;
  /** What the system suggested at that time; null when it had no results. */
  readonly suggested: FarmlandCategory | null;
}

export interface FarmlandState {
  readonly station: string;
  readonly site: string;
  readonly area: string;
  readonly suggestion: FarmlandEntry | null;
  /** Newest word of a person. */
  readonly confirmed: ConfirmedCategory | null;
  /** True when a person has not spoken yet, or new results suggest another category than the one confirmed. */
  readonly toConfirm: boolean;
  readonly history: readonly FarmlandEntry[];
  readonly decisions: readonly ConfirmedCategory[];
}

/** A year of the priority-protection points of one county. */
export interface CountyYear {
  readonly year: number;
  readonly points: number;
  /** Graded worse than the year before, and in all worse than priority protection. */
  readonly worsened: readonly string[];
  readonly worsenedShare: number;
  readonly lostShare: number;
  /** Median over the points of the highest ratio of a value to its screening value. */
  readonly medianIndex: number;
}
export interface CountyReminder {
  readonly area: string;
  readonly year: number;
  readonly years: readonly CountyYear[];
  readonly trend: {
    readonly of: "lost-share" | "median-index";
    readonly n: number;
    readonly s: number;
    readonly p: number;
    readonly significant: boolean;
  } | null;
  /** Why the county is reminded; empty when it is not. */
  readonly reasons: readonly ("points-worsened" | "rising-trend")[];
  readonly text: { readonly "zh-CN": string; readonly en: string };
}

export interface ZoneState {
  readonly zone: ControlZone;
  readonly version: number;
  /** What the zone lacks: media without a point, sign, notice, … */
  readonly remarks: readonly PlanRemark[];
}

/** What the ledger keeps for regulation. Every change is versioned and audited in its own transaction. */
export interface RegulationStore {
  plans(): Promise<readonly Versioned<Plan>[]>;
  zones(): Promise<readonly Versioned<ControlZone>[]>;
  /** Equal ones stay as they are. @returns how many changed. */
  putPlans(file: PlanFile, by: string): Promise<number>;
  confirmations(): Promise<readonly ConfirmedCategory[]>;
  confirm(entry: ConfirmedCategory, audit: AuditEntry): Promise<void>;
  crops(): Promise<readonly (CropResult & Deed & { readonly station: string })[]>;
  addCrop(station: string, result: CropResult, deed: Deed, audit: AuditEntry): Promise<void>;
}

/** Who may see a site decides what is answered; the desk of alerts/regulation does it, the web and the command line ask. */
export interface RegulationDesk {
  /** Plans of a site, worked out from the results stored up to the end of `on`. */
  plan(site: string, on: string): Promise<readonly PlanState[]>;
  zones(site?: string): Promise<readonly ZoneState[]>;
  /** Classes of a water station by date, oldest first. */
  classes(station: string): Promise<readonly ClassEntry[]>;
  farmland(station: string): Promise<FarmlandState | null>;
  /** Points of the sites that are asked for, or of all. */
  farmlands(isAsked?: (site: Site) => boolean): Promise<readonly FarmlandState[]>;
  /** @throws Refused `FARMLAND_UNKNOWN`. */
  confirm(station: string, decision: z.infer<typeof FarmlandDecision>, deed: Deed): Promise<FarmlandState>;
  /** @throws Refused `FARMLAND_UNKNOWN`. */
  addCrop(station: string, result: CropResult, deed: Deed): Promise<FarmlandState>;
  trend(year: number, isAsked?: (site: Site) => boolean): Promise<readonly CountyReminder[]>;
}
