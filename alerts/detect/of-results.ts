/** Which detector serves a rule that judges a series by its own past; `class`, over several series, as a plan. */
import type { Rule } from "../../core/rule.ts";
import type { ClassRule, Direction } from "../../core/rule-trend.ts";
import type { GroupPlan } from "./book.ts";
import { createClass, type RankOf } from "./class.ts";
import type { Detector, SeriesContext } from "./detector.ts";
import { createEwma } from "./ewma.ts";
import type { GroupMember } from "./group.ts";
import { createJump } from "./jump.ts";
import { createPrediction } from "./prediction.ts";
import { createRate } from "./rate.ts";
import { createRise } from "./rise.ts";
import { createShewhartCusum } from "./shewhart-cusum.ts";
import { createTrend } from "./trend.ts";

/** Null for rules of other families, and where the rule does not fit the series. */
export function detectorOfResults(rule: Rule, context: SeriesContext): Detector | null {
  if (rule.kind === "rate") return createRate(rule, context);
  if (rule.kind === "jump") return createJump(rule, context);
  if (rule.kind === "rise") return createRise(rule, context);
  if (rule.kind === "trend") return createTrend(rule, context);
  if (rule.kind === "shewhart-cusum") return createShewhartCusum(rule, context, usualDirection(rule));
  if (rule.kind === "ewma") return createEwma(rule, context, usualDirection(rule));
  if (rule.kind === "prediction") return createPrediction(rule, context);
  return null;
}

/** pH is bad on both sides. */
function usualDirection({ on }: Rule): Direction {
  return on.quantity?.every((quantity) => quantity === "ph") ? "either" : "rising";
}

/** @param rankOf classes of the rule's pack: `createClassRank`. */
export function classPlan(rule: ClassRule, rankOf: RankOf): GroupPlan {
  return {
    scope: "station",
    groups: (members: readonly GroupMember[]) => {
      const station = members[0]?.station.id;
      return station === undefined ? [] : [{ station, members }];
    },
    create: ({ members }) => createClass(rule, members, rankOf),
  };
}
