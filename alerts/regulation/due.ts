/**
 * The due list of a self-monitoring plan (HJ 1209-2021): for each point when the next round is due, what it must
 * measure, whether it is overdue, and why. Pure: a function of plan, results and day.
 */
import { addMonths, chinaDate, chinaMidnight, daysBetween } from "../../core/china-day.ts";
import type { Plan, PlanObject, PlanPoint, PlanUnit } from "../../core/plan.ts";
import { findQuantity, quantitySpec } from "../../core/quantity.ts";
import type { DuePoint, DueReason, DueStatus, Finding } from "../../core/regulation.ts";
import type { Medium, Station } from "../../core/site.ts";
import { packFor } from "../packs/editions.ts";
import type { Packs } from "../packs/load.ts";
import { strictestLimit } from "../packs/strictest.ts";
import { type FindingContext, findingsOf, frequencyOf, type PointLimit } from "./findings.ts";
import { labRounds, monthlyRounds, type Result, type Round } from "./rounds.ts";
import { dueText } from "./texts.ts";

/** Due within so many days is told as such. */
const SOON_DAYS = 30;
/** What is due within so many days of the earliest item is sampled together with it. */
const TOGETHER_DAYS = 15;

export interface PlanQuestion {
  readonly plan: Plan;
  readonly packs: Packs;
  /** By id; the plan was checked against the registry when it was imported. */
  station(id: string): Station | undefined;
  /** By id of the point; results after `on` are left out here. */
  readonly results: ReadonlyMap<string, readonly Result[]>;
  readonly on: string;
}

export function dueList(question: PlanQuestion): readonly DuePoint[] {
  const judged = question.plan.points.map((point) => judgePoint(question, point));
  return judged.map((point) => duePoint(question, point, judged));
}

interface JudgedPoint {
  readonly point: PlanPoint;
  readonly unit: PlanUnit | undefined;
  readonly rounds: readonly Round[];
  readonly findings: readonly (readonly Finding[])[];
}

function judgePoint(question: PlanQuestion, point: PlanPoint): JudgedPoint {
  const { plan, results, on } = question;
  const unit = plan.units.find(({ id }) => id === point.unit);
  const known = (results.get(point.id) ?? []).filter(({ time }) => chinaDate(time) <= on);
  const rounds = point.source === "lab" ? labRounds(known) : monthlyRounds(known, on);
  return { point, unit, rounds, findings: findingsOf(rounds, contextOf(question, point)) };
}

function contextOf({ plan, packs, station }: PlanQuestion, point: PlanPoint): FindingContext {
  const place = station(point.station);
  const medium = mediumOf(point.object);
  const cache = new Map<string, PointLimit | undefined>();
  return {
    object: point.object,
    riseSteps: plan.riseSteps,
    background: point.background,
    exemptions: point.exemptions,
    unitOf: (quantity) => quantitySpec(quantity, medium)?.unit ?? "",
    limitOf: (quantity, date) => {
      const key = `${quantity} ${date}`;
      if (!cache.has(key)) cache.set(key, limitAt(packs, { quantity, date, medium, place }));
      return cache.get(key);
    },
  };
}

/**
 * The strictest limit of all standards of the kind that were in force on the day: GB/T 14848 with the target class of
 * the well (III when none is set), GB 36600 screening values of the land (class 2 when none is set), and what a province
 * adds.
 */
function limitAt(
  packs: Packs,
  {
    quantity,
    date,
    medium,
    place,
  }: { readonly quantity: string; readonly date: string; readonly medium: Medium; readonly place: Station | undefined },
): PointLimit | undefined {
  const scheme = medium === "soil" ? "soil-development" : "classes";
  const families = new Set(
    packs.list.filter((pack) => pack.scheme === scheme && pack.media.includes(medium)).map(({ family }) => family),
  );
  const editions = [...families].flatMap((family) => {
    const answer = packFor(packs, family, chinaMidnight(date));
    return answer.found ? [answer.pack] : [];
  });
  const isDevelopment = place?.land === "class1" || place?.land === "class2";
  const station = medium === "soil" ? { land: isDevelopment ? place.land : ("class2" as const) } : {};
  const above = medium === "soil" ? "screening" : (place?.targetClass ?? "III");
  return strictestLimit(editions, { quantity, medium, station, above });
}

export function mediumOf(object: PlanObject): "soil" | "groundwater" {
  return object === "groundwater" ? "groundwater" : "soil";
}

/** Minimum frequencies of clause 5.3.2, months; a control well follows the strictest unit. */
export function baseMonths(plan: Plan, point: PlanPoint): { readonly months: number; readonly unitClass: 1 | 2 } {
  const own = plan.units.find(({ id }) => id === point.unit)?.class;
  const unitClass = own ?? (plan.units.some((unit) => unit.class === 1) ? 1 : 2);
  const wells = unitClass === 1 ? 6 : 12;
  const months = { "surface-soil": 12, "deep-soil": 36, groundwater: plan.sensitive ? wells / 2 : wells }[point.object];
  return { months: Math.min(months, point.everyMonths ?? months), unitClass };
}

/** Items of the first round (clause 5.3.1): the basic items of the pack, without microbes and radioactivity. */
export function initialItems(packs: Packs, object: PlanObject, on: string): readonly string[] {
  const answer = packFor(packs, object === "groundwater" ? "gbt14848" : "gb36600", chinaMidnight(on));
  const routine = answer.found ? answer.pack.routine.map(({ quantity }) => quantity) : [];
  return routine.filter((quantity) => !["microbe", "radiation"].includes(findQuantity(quantity)?.group ?? ""));
}

function concernsOf(plan: Plan, { point, unit }: JudgedPoint): readonly string[] {
  const concerns = unit ? unit.concerns : plan.units.flatMap((one) => one.concerns);
  const medium = mediumOf(point.object);
  return [...new Set([...concerns, ...point.analytes])].filter((quantity) => quantitySpec(quantity, medium));
}

/** Clause 5.3.1: what has exceeded before in any point of the unit (and of the same medium) stays in every round. */
function exceededIn(judged: readonly JudgedPoint[], { point }: JudgedPoint): readonly string[] {
  const medium = mediumOf(point.object);
  const peers = judged.filter((one) => one.point.unit === point.unit && mediumOf(one.point.object) === medium);
  const above = peers.flatMap(({ findings }) => findings.flat()).filter(({ rule }) => rule.endsWith("above-limit"));
  return above.map(({ quantity }) => quantity);
}

interface DueItem {
  readonly quantity: string;
  readonly due: string;
  readonly reason: DueReason;
}

function duePoint(question: PlanQuestion, own: JudgedPoint, judged: readonly JudgedPoint[]): DuePoint {
  const { plan, on } = question;
  const { point, rounds, findings } = own;
  const { months, unitClass } = baseMonths(plan, point);
  const { doubled, since, cleanRounds } = frequencyOf(rounds, findings);
  const everyMonths = doubled ? months / 2 : months;
  const items = dueItems(question, own, { judged, everyMonths, doubled });
  const first = items.reduce((best, item) => (item.due < best.due ? item : best));
  const status: DueStatus =
    first.due < on ? "overdue" : daysBetween(on, first.due) <= SOON_DAYS ? "due-soon" : "scheduled";
  const daysOverdue = status === "overdue" ? daysBetween(first.due, on) : 0;
  const newest = findings.findLast((some) => some.length > 0) ?? [];
  const cause = newest.find(({ exempt }) => exempt === undefined)?.text;
  const together = items.filter(({ due }) => daysBetween(first.due, due) <= TOGETHER_DAYS);
  const told = { due: first.due, status, daysOverdue, reason: first.reason, everyMonths, cleanRounds };
  return {
    ...{ plan: plan.id, site: plan.site, point: point.id, station: point.station, object: point.object },
    ...{
      unit: point.unit ?? null,
      unitClass,
      baseMonths: months,
      everyMonths,
      doubled,
      doubledSince: since,
      cleanRounds,
    },
    ...{ rounds: rounds.length, lastRound: rounds.at(-1)?.date ?? null, due: first.due, status, daysOverdue },
    analytes: together.map(({ quantity }) => quantity).sort(),
    reason: first.reason,
    text: dueText({ ...told, ...(cause ? { cause } : {}) }),
    findings: newest,
  };
}

/** Never empty. Results older than the plan serve for comparison only: its first round is still to be done. */
function dueItems(
  { plan, packs }: PlanQuestion,
  own: JudgedPoint,
  facts: { readonly judged: readonly JudgedPoint[]; readonly everyMonths: number; readonly doubled: boolean },
): readonly DueItem[] {
  const rounds = own.rounds.filter(({ date }) => date >= plan.from);
  const firstBy = plan.firstRoundBy ?? addMonths(plan.from, 12);
  const lastOf = (quantity: string) => rounds.findLast(({ values }) => values.has(quantity))?.date;
  const required = new Set([...concernsOf(plan, own), ...exceededIn(facts.judged, own)]);
  const initial = initialItems(packs, own.point.object, plan.from);
  if (required.size === 0) for (const quantity of initial) required.add(quantity);
  const next = (last: string): string => addMonths(last, facts.everyMonths);
  const reason: DueReason = facts.doubled ? "doubled" : "routine";
  return [...new Set([...required, ...initial])].flatMap((quantity): DueItem[] => {
    const last = lastOf(quantity);
    if (last !== undefined) return required.has(quantity) ? [{ quantity, due: next(last), reason }] : [];
    return [{ quantity, due: firstBy, reason: rounds.length === 0 ? "first-round" : "never-measured" }];
  });
}
