/**
 * The form of a detector over several series (the channels of a station, the wells of a site). The engine merges the
 * members' readings by data time and calls `step` once for each distinct time; what the detector answers becomes a
 * reading of a derived series, which is then watched, folded again and told like any other.
 */
import type { Site, Station } from "../../core/site.ts";
import type { Judgement } from "./condition.ts";
import type { DetectorMemory, SeriesContext } from "./detector.ts";

/** One series that a group rule watches; members are sorted by `key`. */
export interface GroupMember extends SeriesContext {
  /** `seriesKey`. */
  readonly key: string;
  readonly fraction: string;
  readonly aggregate: string;
  readonly station: Station;
  readonly site: Site;
}

/** The readings at one time; arrays are reused between steps and hold one entry a member. */
export interface GroupStep {
  readonly time: number;
  /** Canonical unit; NaN where the member has no reading at this time. */
  readonly values: Float64Array;
  /** `formOf` without the suspect bit; `unfit` where there is no reading. */
  readonly forms: Uint8Array;
  /** QARTOD flags; 9 where there is no reading. */
  readonly flags: Uint8Array;
}

export interface GroupDetector {
  /** VIOLATED while the condition holds, KEPT while it does not, NOT_JUDGED when this time says nothing. */
  step(step: GroupStep): Judgement;
  /** After a step that was judged: how severe, > 0 when VIOLATED; becomes the value of the derived series. */
  readonly score: number;
  /** After VIOLATED: indexes of the members that contribute, most first. */
  contributors(): readonly number[];
  figures(): Readonly<Record<string, number>>;
  save(): DetectorMemory;
  load(memory: DetectorMemory | null): void;
}

/** The members that one alarm of a group rule is about, and the station that it is told at. */
export interface Group {
  readonly station: string;
  /** What sets it apart from the rule's other groups at this station, as an id; left out when there is one a station. */
  readonly about?: string;
  readonly members: readonly GroupMember[];
}
