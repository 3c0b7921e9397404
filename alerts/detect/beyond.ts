/**
 * Which of several series are beyond their bound or their own past, and since when: the common memory of rules over
 * several stations. Pure arithmetic on data time, no allocation while stepping.
 *
 * A reading that cannot be judged changes nothing. One inside the deadband keeps the state it finds. A finding that has
 * grown old is neither held nor over: missing data never clears. What was calm and fell silent counts as calm.
 */
import type { OwnBaseline } from "../../core/rule-group.ts";
import { type Bound, IN_DEADBAND, judge, KEPT, NOT_JUDGED, VIOLATED } from "./condition.ts";
import type { GroupMember, GroupStep } from "./group.ts";
import { relativeExcess } from "./group-scope.ts";
import { FORM } from "./marks.ts";
import { Baseline, type BaselineMemory } from "./own-baseline.ts";

/** One thing to watch: a member against bounds and, or, its own past. */
export interface Watched {
  readonly member: GroupMember;
  /** Index of the member in the group. */
  readonly index: number;
  readonly bounds: readonly Bound[];
  readonly baseline: OwnBaseline | null;
}

export const UNHEARD = 0;
export const CALM = 1;
export const BEYOND = 2;

interface OneMemory {
  readonly state: number;
  readonly heard: number | null;
  readonly since: number | null;
  readonly over: number | null;
  readonly excess: number;
  readonly value: number | null;
  readonly baseline: BaselineMemory | null;
}
export type BeyondMemory = readonly OneMemory[];

export class Beyond {
  readonly watched: readonly Watched[];
  readonly state: Uint8Array;
  /** Data time of the newest judged reading; -Infinity before. */
  readonly heard: Float64Array;
  /** Data time of the first reading of the running finding; NaN while calm. */
  readonly since: Float64Array;
  /** Data time of the reading that ended the last finding; NaN when none has ended. */
  readonly over: Float64Array;
  /** Share of the bound by which the newest reading lies beyond it; 0 while calm. */
  readonly excess: Float64Array;
  /** Newest judged value, canonical unit. */
  readonly value: Float64Array;
  readonly baselines: readonly (Baseline | null)[];

  constructor(watched: readonly Watched[]) {
    const count = watched.length;
    this.watched = watched;
    this.state = new Uint8Array(count);
    this.heard = new Float64Array(count);
    this.since = new Float64Array(count);
    this.over = new Float64Array(count);
    this.excess = new Float64Array(count);
    this.value = new Float64Array(count);
    this.baselines = watched.map(({ baseline, member }) => baseline && new Baseline(baseline, member.resolution));
    this.load(null);
  }

  /** True when at least one of the series was judged at this time. */
  take({ time, values, forms, flags }: GroupStep): boolean {
    let judged = false;
    for (let at = 0; at < this.watched.length; at++) {
      const { index, bounds } = this.watched[at] as Watched;
      const [value, form] = [values[index] ?? Number.NaN, forms[index] ?? FORM.unfit];
      if (form === FORM.unfit || Number.isNaN(value)) continue;
      if (this.#takeOne(at, time, value, form, flags[index] ?? 9, bounds)) judged = true;
    }
    return judged;
  }

  /** A finding whose newest reading lies within the tolerance. */
  holds(at: number, time: number, withinMs: number): boolean {
    return this.state[at] === BEYOND && time - (this.heard[at] as number) <= withinMs;
  }
  /** A finding that has grown old: it may hold still. */
  mayHold(at: number, time: number, withinMs: number): boolean {
    return this.state[at] === BEYOND && time - (this.heard[at] as number) > withinMs;
  }

  save(): BeyondMemory {
    return this.watched.map((_, at) => ({
      state: this.state[at] ?? UNHEARD,
      heard: finite(this.heard[at]),
      since: finite(this.since[at]),
      over: finite(this.over[at]),
      excess: this.excess[at] ?? 0,
      value: finite(this.value[at]),
      baseline: this.baselines[at]?.save() ?? null,
    }));
  }

  load(memory: BeyondMemory | null): void {
    for (let at = 0; at < this.watched.length; at++) {
      const one = memory?.[at];
      this.state[at] = one?.state ?? UNHEARD;
      this.heard[at] = one?.heard ?? Number.NEGATIVE_INFINITY;
      this.since[at] = one?.since ?? Number.NaN;
      this.over[at] = one?.over ?? Number.NaN;
      this.excess[at] = one?.excess ?? 0;
      this.value[at] = one?.value ?? Number.NaN;
      this.baselines[at]?.load(one?.baseline ?? null);
    }
  }

  #takeOne(at: number, time: number, value: number, form: number, flag: number, bounds: readonly Bound[]): boolean {
    const baseline = this.baselines[at] ?? null;
    const byBound = bounds.length === 0 ? NOT_JUDGED : judge(bounds, value, form);
    const byPast = baseline?.ready ? judgePast(baseline.threshold, value, form) : NOT_JUDGED;
    const isBeyond = byBound === VIOLATED || byPast === VIOLATED;
    if (baseline && !isBeyond && (form === FORM.plain || form === FORM.below) && flag !== 4 && flag !== 9) {
      baseline.learn(value);
    }
    if (!isBeyond && byBound === NOT_JUDGED && byPast === NOT_JUDGED) return false;
    this.heard[at] = time;
    this.value[at] = value;
    const wasBeyond = this.state[at] === BEYOND;
    if (isBeyond || (byBound === IN_DEADBAND && wasBeyond)) {
      if (!wasBeyond) this.since[at] = time;
      this.state[at] = BEYOND;
      const past = byPast === VIOLATED ? value / Math.max(Math.abs(baseline?.threshold ?? 1), 1e-12) - 1 : 0;
      this.excess[at] = Math.max(byBound === VIOLATED ? relativeExcess(bounds, value) : 0, past, 1e-9);
      return true;
    }
    if (wasBeyond) this.over[at] = time;
    this.state[at] = CALM;
    this.since[at] = Number.NaN;
    this.excess[at] = 0;
    return true;
  }
}

/** A censored value counts only where it is certain. */
function judgePast(threshold: number, value: number, form: number): typeof VIOLATED | typeof KEPT | typeof NOT_JUDGED {
  if (form === FORM.below) return value <= threshold ? KEPT : NOT_JUDGED;
  if (value > threshold) return VIOLATED;
  return form === FORM.plain ? KEPT : NOT_JUDGED;
}

export function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
