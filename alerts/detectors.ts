/** Which detector serves a rule: the only list of the kinds that have a memory, and what they need of the limit packs. */
import type { Rule } from "../core/rule.ts";
import { type BindLimit, createLimitBinder } from "./bind.ts";
import type { DetectorBook, GroupPlan } from "./detect/book.ts";
import { createClass, type RankOf } from "./detect/class.ts";
import { compositeGroups, createComposite } from "./detect/composite.ts";
import { createCrossMedium, crossMediumGroups } from "./detect/cross-medium.ts";
import type { Detector, SeriesContext } from "./detect/detector.ts";
import { eventPlan } from "./detect/event.ts";
import { createEwma } from "./detect/ewma.ts";
import type { LimitOf } from "./detect/group-scope.ts";
import { createIdentical, identicalGroups } from "./detect/integrity/identical.ts";
import { createIntegrity, integrityGroups } from "./detect/integrity/station.ts";
import { createJump } from "./detect/jump.ts";
import { createPlume, plumeGroups } from "./detect/plume.ts";
import { createPrediction } from "./detect/prediction.ts";
import { createRate } from "./detect/rate.ts";
import { createRise } from "./detect/rise.ts";
import { createShewhartCusum } from "./detect/shewhart-cusum.ts";
import { createSpread, spreadGroups } from "./detect/spread.ts";
import { createTailings, levelOfScore, tailingsGroups } from "./detect/tailings.ts";
import { createTrend } from "./detect/trend.ts";
import { createClassRank } from "./packs/class-rank.ts";
import { NEWEST_EDITION, packNamed } from "./packs/editions.ts";
import type { Packs } from "./packs/load.ts";

/** Kinds of rules over several series; none of them is the id of a quantity. */
export const GROUP_KINDS: ReadonlySet<string> = new Set([
  "class",
  "event",
  "composite",
  "cross-medium",
  "spread",
  "plume",
  "tailings",
  "integrity",
  "identical-stations",
]);

export interface DetectorParts {
  readonly bindLimit: BindLimit;
  /** Class of a value by a pack; see `createRanker`. */
  readonly rankOf: (pack: string) => RankOf | null;
}

/** What the engine needs of the packs. @param at names of families mean the edition in force then; see the binder. */
export function engineOf(
  packs: Packs,
  at: number = NEWEST_EDITION,
): { readonly bindLimit: BindLimit; readonly detectors: DetectorBook } {
  const bindLimit = createLimitBinder(packs, at);
  return { bindLimit, detectors: createDetectors({ bindLimit, rankOf: createRanker(packs, at) }) };
}

export function createDetectors(parts: DetectorParts): DetectorBook {
  return { ofSeries, ofGroup: (rule) => ofGroup(rule, parts) };
}

/** The quantity's own direction where a chart's rule names none: pH may fail on both sides. */
const directionOf = ({ quantity }: SeriesContext) => (quantity === "ph" ? "either" : "rising");

function ofSeries(rule: Rule, context: SeriesContext): Detector | null {
  switch (rule.kind) {
    case "rate":
      return createRate(rule, context);
    case "jump":
      return createJump(rule, context);
    case "rise":
      return createRise(rule, context);
    case "trend":
      return createTrend(rule, context);
    case "shewhart-cusum":
      return createShewhartCusum(rule, context, directionOf(context));
    case "ewma":
      return createEwma(rule, context, directionOf(context));
    case "prediction":
      return createPrediction(rule, context);
    default:
      return null;
  }
}

function ofGroup(rule: Rule, parts: DetectorParts): GroupPlan | null {
  const limitOf = limitsBy(parts.bindLimit);
  switch (rule.kind) {
    case "class":
      return {
        scope: "station",
        groups: (members) => [{ station: members[0]?.station.id ?? "", members }],
        create: ({ members }) => createClass(rule, members, parts.rankOf(rule.pack) ?? (() => null)),
      };
    case "event":
      return eventPlan(rule);
    case "composite":
      return {
        scope: "site",
        groups: (members) => compositeGroups(rule, members),
        create: ({ members }) => createComposite(rule, members, limitOf),
      };
    case "cross-medium":
      return {
        scope: "site",
        groups: (members) => crossMediumGroups(rule, members),
        create: ({ members }) => createCrossMedium(rule, members, limitOf),
      };
    case "spread":
      return {
        scope: "site",
        groups: (members) => spreadGroups(rule, members),
        create: ({ members }) => createSpread(rule, members, limitOf),
      };
    case "plume":
      return {
        scope: "site",
        groups: (members) => plumeGroups(rule, members),
        create: ({ members }) => createPlume(rule, members, limitOf),
      };
    case "tailings":
      return {
        scope: "site",
        groups: (members) => tailingsGroups(rule, members),
        create: ({ members }) => createTailings(rule, members),
        levelOfScore,
      };
    default:
      return integrityPlan(rule);
  }
}

function integrityPlan(rule: Rule): GroupPlan | null {
  if (rule.kind === "integrity") {
    return {
      scope: "station",
      groups: integrityGroups,
      create: ({ members }) => createIntegrity(rule, members),
      category: "integrity",
      daily: true,
    };
  }
  if (rule.kind !== "identical-stations") return null;
  return {
    scope: "site",
    groups: identicalGroups,
    create: ({ members }) => createIdentical(rule, members),
    category: "integrity",
    daily: true,
  };
}

/** Limits of packs for the members of a group; a level that a rule cannot ask for has none. */
function limitsBy(bindLimit: BindLimit): LimitOf {
  return ({ station, site, quantity }, { pack, above }) => {
    const found = bindLimit({ pack, above } as Parameters<BindLimit>[0], { station, site }, quantity);
    return "reason" in found ? [] : found.bounds;
  };
}

/** Classes by the packs' ladders; what a pack does not grade, or grades by unconfirmed rows, has none. */
export function createRanker(packs: Packs, at: number = NEWEST_EDITION): DetectorParts["rankOf"] {
  return (id) => {
    const edition = packNamed(packs, id, at);
    return edition.found && edition.pack.scheme === "classes" ? createClassRank(edition.pack) : null;
  };
}
