/**
 * Folds judged readings of one series, in data time, into episodes: from the first reading of the run that fulfilled
 * the on-delay to the first reading of the run that fulfilled the off-delay. Pure arithmetic, no allocation while calm.
 *
 * A run is broken by any judged reading of another kind: a value inside the deadband ends an on-run and an off-run
 * alike. A reading that cannot be judged neither breaks nor lengthens a run, so missing data never clears.
 */
import type { Delay } from "../../core/rule.ts";
import { IN_DEADBAND, type Judgement, KEPT, NOT_JUDGED, VIOLATED } from "./condition.ts";

/** Times are data time, ms since 1970 UTC. */
export interface Episode {
  start: number;
  /** When the reading that fulfilled the on-delay was measured. */
  decided: number;
  end: number | null;
  /** When the reading that fulfilled the off-delay was measured. */
  cleared: number | null;
  /** At least one reading without statistical doubt violated the condition. */
  verified: boolean;
  /** Worst value and how far it lay beyond the limit. */
  worst: number;
  worstTime: number;
  worstForm: number;
  excess: number;
}

/** On- and off-delay as readings in the run and ms of data time from its first to its latest reading; both must hold. */
export interface Delays {
  readonly onReadings: number;
  readonly onMs: number;
  readonly offReadings: number;
  readonly offMs: number;
}

export function delaysOf({ onDelay, offDelay }: { readonly onDelay: Delay; readonly offDelay: Delay }): Delays {
  const [onReadings, onMs] = "readings" in onDelay ? [onDelay.readings, 0] : [1, onDelay.ms];
  const [offReadings, offMs] = "readings" in offDelay ? [offDelay.readings, 0] : [1, offDelay.ms];
  return { onReadings, onMs, offReadings, offMs };
}

export const UNCHANGED = 0;
export const RAISED = 1;
export const CLEARED = 2;
/** The running episode became worse or verified. */
export const CHANGED = 3;
export type Change = typeof UNCHANGED | typeof RAISED | typeof CLEARED | typeof CHANGED;

/** State between two readings. `copyFrom` makes it cheap to start again from an earlier point. */
export class Fold {
  /** The running episode; null while calm. */
  episode: Episode | null = null;
  /** Readings in the run towards the other state, and when it began. */
  runCount = 0;
  runStart = 0;
  /** What the on-run has seen so far; becomes the episode. */
  runVerified = false;
  runWorst = 0;
  runWorstTime = 0;
  runWorstForm = 0;
  runExcess = 0;

  /** Outside of an episode and of a run: a value that keeps the condition changes nothing. */
  get atRest(): boolean {
    return this.episode === null && this.runCount === 0;
  }

  copyFrom(other: Fold): void {
    this.episode = other.episode === null ? null : { ...other.episode };
    this.runCount = other.runCount;
    this.runStart = other.runStart;
    this.runVerified = other.runVerified;
    this.runWorst = other.runWorst;
    this.runWorstTime = other.runWorstTime;
    this.runWorstForm = other.runWorstForm;
    this.runExcess = other.runExcess;
  }

  /** @param form `formOf` of the reading. @param excess how far a violating value lies beyond the limit. */
  step(
    delays: Delays,
    judgement: Judgement,
    time: number,
    value: number,
    form: number,
    suspect: boolean,
    excess: number,
  ): Change {
    if (judgement === NOT_JUDGED) return UNCHANGED;
    const episode = this.episode;
    if (episode === null) {
      if (judgement !== VIOLATED) {
        this.runCount = 0;
        return UNCHANGED;
      }
      return this.#lengthenOnRun(delays, time, value, form, suspect, excess);
    }
    if (judgement === KEPT) {
      if (this.runCount++ === 0) this.runStart = time;
      if (this.runCount < delays.offReadings || time - this.runStart < delays.offMs) return UNCHANGED;
      episode.end = this.runStart;
      episode.cleared = time;
      this.episode = null;
      this.runCount = 0;
      return CLEARED;
    }
    this.runCount = 0;
    if (judgement === IN_DEADBAND) return UNCHANGED;
    let change: Change = UNCHANGED;
    if (!suspect && !episode.verified) {
      episode.verified = true;
      change = CHANGED;
    }
    if (excess > episode.excess) {
      episode.worst = value;
      episode.worstTime = time;
      episode.worstForm = form;
      episode.excess = excess;
      change = CHANGED;
    }
    return change;
  }

  #lengthenOnRun(delays: Delays, time: number, value: number, form: number, suspect: boolean, excess: number): Change {
    if (this.runCount++ === 0) {
      this.runStart = time;
      this.runVerified = false;
      this.runExcess = -1;
    }
    if (!suspect) this.runVerified = true;
    if (excess > this.runExcess) {
      this.runWorst = value;
      this.runWorstTime = time;
      this.runWorstForm = form;
      this.runExcess = excess;
    }
    if (this.runCount < delays.onReadings || time - this.runStart < delays.onMs) return UNCHANGED;
    this.episode = {
      start: this.runStart,
      decided: time,
      end: null,
      cleared: null,
      verified: this.runVerified,
      worst: this.runWorst,
      worstTime: this.runWorstTime,
      worstForm: this.runWorstForm,
      excess: this.runExcess,
    };
    this.runCount = 0;
    return RAISED;
  }
}
