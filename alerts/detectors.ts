/** Which detector serves a rule: the only list of the kinds that have a memory, and what they need of the limit packs. */
import type { Rule } from "../core/rule.ts";
import { type BindLimit, createLimitBinder } from "./bind.ts";
import type { DetectorBook, GroupPlan } from "./detect/book.ts";
import { createClass, type RankOf } from "./detect/class.ts";
import type { Detector, SeriesContext } from "./detect/detector.ts";
import { createEwma } from "./detect/ewma.ts";
import { createJump } from "./detect/jump.ts";
import { createPrediction } from "./detect/prediction.ts";
import { createRate } from "./detect/rate.ts";
import { createRise } from "./detect/rise.ts";
import { createShewhartCusum } from "./detect/shewhart-cusum.ts";
import { createTrend } from "./detect/trend.ts";
import { createClassRank } from "./packs/class-rank.ts";
import type { Packs } from "./packs/load.ts";

/** Kinds of rules over several series; none of them is the id of a quantity. */
export const GROUP_KINDS: ReadonlySet<string> = new Set(["class", "event"]);

export interface DetectorParts {
  readonly bindLimit: BindLimit;
  /** Class of a value by a pack; see `createRanker`. */
  readonly rankOf: (pack: string) => RankOf | null;
}

/** What the engine needs of the packs. */
export function engineOf(packs: Packs): { readonly bindLimit: BindLimit; readonly detectors: DetectorBook } {
  const bindLimit = createLimitBinder(packs);
  return { bindLimit, detectors: createDetectors({ bindLimit, rankOf: createRanker(packs) }) };
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

function ofGroup(rule: Rule, { rankOf }: DetectorParts): GroupPlan | null {
  if (rule.kind === "class") {
    const rank = rankOf(rule.pack) ?? (() => null);
    return {
      scope: "station",
      groups: (members) => [{ station: members[0]?.station.id ?? "", members }],
      create: ({ members }) => createClass(rule, members, rank),
    };
  }
  return null;
}

/** Classes by the packs' ladders; what a pack does not grade, or grades by unconfirmed rows, has none. */
export function createRanker(packs: Packs): DetectorParts["rankOf"] {
  return (id) => {
    const pack = packs.get(id);
    return pack?.scheme === "classes" ? createClassRank(pack) : null;
  };
}
