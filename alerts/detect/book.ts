/** The form in which the engine asks for the detector of a rule; `alerts/detectors.ts` lists them all. */
import type { AlarmCategory, Level } from "../../core/alarm.ts";
import type { Rule } from "../../core/rule.ts";
import type { Detector, SeriesContext } from "./detector.ts";
import type { Group, GroupDetector, GroupMember } from "./group.ts";

/** A rule over several series, ready to be applied. */
export interface GroupPlan {
  /** Whose series are members together. */
  readonly scope: "station" | "site";
  /** @param members the series of one station or site that are in the rule's scope, sorted by key. */
  readonly groups: (members: readonly GroupMember[]) => readonly Group[];
  readonly create: (group: Group) => GroupDetector;
  /** For rules whose score is a grade; else the rule's own level counts. */
  readonly levelOfScore?: (score: number) => Level;
  /** The detector judges whole days and keeps much: it is stepped once a day, when a reading of a later day comes. */
  readonly daily?: true;
  /** `pollution` when left out. */
  readonly category?: AlarmCategory;
}

export interface DetectorBook {
  /** Null when the kind judges each reading by itself, or is not about single series. */
  readonly ofSeries: (rule: Rule, context: SeriesContext) => Detector | null;
  /** Null when the kind is not about several series. */
  readonly ofGroup: (rule: Rule) => GroupPlan | null;
}
