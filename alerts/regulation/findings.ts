/**
 * What HJ 1209-2021 chapter 7 asks of each round: above the limit, more than 30 % over the previous result, rising again
 * and again; and the doubled frequency that follows, until two rounds in a row are clean. Pure.
 *
 * The wording of chapter 7 is known from memory only (see README.md): "above by more than 30 %" is strict here.
 */

import type { PlanExemption, PlanObject } from "../../core/plan.ts";
import { findQuantity } from "../../core/quantity.ts";
import type { Finding } from "../../core/regulation.ts";
import { nextUp, passesSide, type Side } from "../packs/range.ts";
import type { Round, RoundValue } from "./rounds.ts";
import { findingText } from "./texts.ts";

/** More than 30 % over the previous result (item c). */
const JUMP_RATIO = 1.3;
/** Clean rounds in a row after which the base frequency returns. */
export const CLEAN_ROUNDS = 2;

export interface PointLimit {
  readonly bounds: readonly Side[];
  readonly unit: string;
  readonly clause: string;
}

export interface FindingContext {
  readonly object: PlanObject;
  readonly riseSteps: number;
  /** The limit in force on a day; undefined where nothing is limited. */
  limitOf(quantity: string, date: string): PointLimit | undefined;
  unitOf(quantity: string): string;
  readonly background: Readonly<Record<string, number>>;
  readonly exemptions: readonly PlanExemption[];
}

/** Findings of each round, in the order of `rounds`. */
export function findingsOf(rounds: readonly Round[], context: FindingContext): readonly (readonly Finding[])[] {
  const before = new Map<string, { readonly value: RoundValue; readonly rises: number }>();
  return rounds.map(({ date, values }) => {
    const findings: Finding[] = [];
    for (const [quantity, value] of [...values].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const previous = before.get(quantity);
      const rises = previous && isRise(previous.value, value) ? previous.rises + 1 : 0;
      before.set(quantity, { value, rises });
      const at = { quantity, date, ...value, unit: context.unitOf(quantity) };
      const above = aboveLimit(at, context);
      if (above) findings.push(above);
      if (context.object !== "groundwater" || !isPollutant(quantity)) continue;
      const jump = previous ? jumpOver(previous.value, value) : null;
      if (jump !== null && previous) {
        findings.push(finished({ ...at, rule: "groundwater-jump", previous: previous.value.value, jump }, context));
      }
      if (rises >= context.riseSteps) findings.push(finished({ ...at, rule: "groundwater-rise", rises }, context));
    }
    return findings;
  });
}

type Draft = Omit<Finding, "text" | "exempt">;

function aboveLimit(at: Omit<Draft, "rule">, context: FindingContext): Finding | null {
  if (at.cmp === "<") return null; // a non-detect is no finding, however coarse its reporting limit
  const limit = context.limitOf(at.quantity, at.date);
  const value = at.cmp === ">" ? nextUp(at.value) : at.value;
  const failed = limit?.bounds.find((side) => !passesSide(value, side));
  if (!limit || !failed) return null;
  const background = context.background[at.quantity];
  if (background !== undefined && value <= background) return null;
  const rule = context.object === "groundwater" ? "groundwater-above-limit" : "soil-above-limit";
  return finished({ ...at, rule, limit: failed.value, clause: limit.clause }, context);
}

function finished(draft: Draft, { exemptions }: FindingContext): Finding {
  const { quantity, date } = draft;
  const exempt = exemptions.find((one) => {
    return one.quantity === quantity && one.from <= date && (one.until === undefined || date <= one.until);
  });
  return { ...draft, ...(exempt ? { exempt: `${exempt.reason} (${exempt.by})` } : {}), text: findingText(draft) };
}

/** Strictly more; equality, and a non-detect after whatever, end a run of rises. */
export function isRise(before: RoundValue, after: RoundValue): boolean {
  return after.cmp !== "<" && after.value > before.value;
}

/**
 * How much the value is over the previous one (0.31 = 31 %), or null when that is at most 30 % or cannot be said:
 * a previous zero, a non-detect now. After a non-detect its reporting limit counts.
 */
export function jumpOver(before: RoundValue, after: RoundValue): number | null {
  if (after.cmp === "<" || before.value <= 0) return null;
  // Fifteen digits would keep the dust of division: 0.91 over 0.7 is 1.3 and not more.
  const ratio = Number((after.value / before.value).toPrecision(12));
  return ratio > JUMP_RATIO ? Number((ratio - 1).toPrecision(6)) : null;
}

/** Field parameters rise and fall with the season; the guideline speaks of pollutants. */
const FIELD_PARAMETERS: readonly string[] = ["ph", "temp", "do", "do_sat", "orp", "ec", "turbidity"];

function isPollutant(quantity: string): boolean {
  return !FIELD_PARAMETERS.includes(quantity) && findQuantity(quantity)?.group !== "physical";
}

export interface Frequency {
  readonly doubled: boolean;
  /** Date of the round since which it is doubled. */
  readonly since: string | null;
  /** Clean rounds in a row while doubled. */
  readonly cleanRounds: number;
}

/**
 * Exempted findings are told and change nothing. A round is clean only when it measured again everything that was found
 * since the frequency was doubled: leaving the pollutant out does not end it.
 */
export function frequencyOf(rounds: readonly Round[], findings: readonly (readonly Finding[])[]): Frequency {
  let state: Frequency = { doubled: false, since: null, cleanRounds: 0 };
  const found = new Set<string>();
  for (const [index, { date, values }] of rounds.entries()) {
    const counting = (findings[index] ?? []).filter(({ exempt }) => exempt === undefined);
    for (const { quantity } of counting) found.add(quantity);
    if (counting.length > 0) state = { doubled: true, since: state.since ?? date, cleanRounds: 0 };
    else if (state.doubled && [...found].every((quantity) => values.has(quantity))) {
      state = { ...state, cleanRounds: state.cleanRounds + 1 };
      if (state.cleanRounds < CLEAN_ROUNDS) continue;
      state = { doubled: false, since: null, cleanRounds: 0 };
      found.clear();
    }
  }
  return state;
}
