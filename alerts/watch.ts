/**
 * One rule on one series: the fold up to the newest reading, the fold up to the window's left edge, and the episodes
 * between them, each with the alarm that was told of it.
 *
 * In order, a reading steps `tail`. Late data and corrections fold again, from the last calm reading before the change
 * to the first calm one after it, so the episodes are those of the readings, whatever order they came in; `match` then
 * hands the told alarms to the new episodes.
 */
import type { Binding } from "./bind.ts";
import { excess, IN_DEADBAND, type Judgement, judge, KEPT, VIOLATED } from "./detect/condition.ts";
import { type Change, type Episode, Fold, RAISED, UNCHANGED } from "./detect/episode.ts";
import { judgeInstrument } from "./detect/instrument.ts";
import { FORM_MASK, formOf, SUSPECT_BIT } from "./detect/marks.ts";
import type { Told } from "./ledger.ts";
import type { Carry } from "./old.ts";
import type { Window } from "./window.ts";

export interface Judged {
  readonly episode: Episode;
  /** Null until the alarm is told. */
  told: Told | null;
}

/** An alarm whose episode is gone: joined to another one, or null when the readings no longer show it. */
export interface Orphan {
  readonly told: Told;
  readonly joined: Told | null;
}

/** The moment of a change: an episode that was over then is told only if readings of it come later. */
export interface RuleChange {
  /** Data time of the newest reading. */
  readonly time: number;
  /** Wall time of the last arrival. */
  readonly arrival: number;
}

export class Watch {
  binding: Binding;
  /** Rules are not retroactive: an episode that was over at this data time, when the rule came, is not told. */
  since: number;
  /** When the rule last changed, or its bounds with the station; null while they are as they came. */
  readonly changed: RuleChange | null;
  readonly edge = new Fold();
  readonly tail = new Fold();
  /** Ascending; from the window's left edge on. */
  judged: Judged[] = [];
  /** How many leading episodes are told and closed; only a fold over the window can change those. */
  settled = 0;
  /** Found by `match`, told and removed by the next reconciliation. */
  orphans: Orphan[] = [];
  /** Something is to be told. */
  touched = false;
  /** Only once readings older than the window have come. */
  carry: Carry | null = null;
  /** True when what a reading means depends on those before it. */
  readonly learns: boolean = false;
  readonly #instrument: boolean;

  constructor(binding: Binding, since: number, changed: RuleChange | null = null) {
    this.binding = binding;
    this.since = since;
    this.changed = changed;
    this.#instrument = binding.category === "instrument";
  }

  /** True for what the rule does not tell: it was over, and known, when the rule came or changed. */
  isBefore({ start, end }: Episode, window: Window): boolean {
    const { since, changed } = this;
    if (end === null) return false;
    if (end <= since) return true;
    return changed !== null && end <= changed.time && !window.hasArrival(start, end, changed.arrival);
  }

  judge(value: number, form: number): Judgement {
    return this.#instrument ? judgeInstrument(form) : judge(this.binding.bounds, value, form & FORM_MASK);
  }

  /** The next reading in order. True when there is something to tell. @param _flag for watches that learn. */
  step(time: number, value: number, form: number, _flag: number): boolean {
    return this.note(this.#advance(this.tail, this.judge(value, form), time, value, form));
  }

  /** Takes in what a step of `tail` changed. True when there is something to tell. */
  protected note(change: Change): boolean {
    if (change === UNCHANGED) return false;
    if (change === RAISED && this.tail.episode) this.judged.push({ episode: this.tail.episode, told: null });
    this.touched = true;
    return true;
  }

  /** The edge moves over one of the oldest rows before the window drops it. */
  passEdge(time: number, value: number, form: number, _flag: number): void {
    this.#advance(this.edge, this.judge(value, form), time, value, form);
  }

  /** Episodes that ended before the edge can no longer change. @returns the alarms told of them. */
  forget(edge: number): Told[] {
    const gone = this.judged.splice(0, this.pastEdge(edge));
    this.settled = Math.max(0, this.settled - gone.length);
    return gone.flatMap(({ told }) => (told ? [told] : []));
  }

  /** How many leading episodes lie before the edge; the one that the edge itself is inside of does not. */
  protected pastEdge(edge: number): number {
    const running = this.edge.episode?.start;
    const first = this.judged.findIndex(
      ({ episode }) => episode.end === null || episode.end > edge || episode.start === running,
    );
    return first < 0 ? this.judged.length : first;
  }

  /**
   * Folds again what a change of the rows from `from` to `to` (data time) may have touched: after a reading that keeps
   * the condition, outside of an episode, the fold is at rest, so nothing before or after such readings can differ.
   */
  refold(window: Window, from: number, to: number): void {
    const old = this.judged;
    const rest = this.#restBefore(window, window.find(from));
    const fold = new Fold();
    const found: Judged[] = [];
    let kept = this.pastEdge(window.edge);
    if (rest >= 0) kept = countDecided(old, window.time(rest), kept);
    else {
      fold.copyFrom(this.edge);
      if (fold.episode) found.push({ episode: fold.episode, told: null });
    }
    let next = kept;
    let atRest = false;
    for (let index = rest + 1, { count } = window; index < count && !atRest; index++) {
      const time = window.time(index);
      const value = window.value(index);
      const form = formOf(value, window.marks(index));
      const judgement = this.judge(value, form);
      const change = this.#advance(fold, judgement, time, value, form);
      if (change === RAISED && fold.episode) found.push({ episode: fold.episode, told: null });
      if (time <= to) continue;
      next = countDecided(old, time, next);
      atRest = fold.episode === null && isRest(judgement) && !isRunning(old[next - 1], time);
    }
    if (!atRest) {
      next = old.length;
      this.goOn(fold, found);
    }
    this.replace(kept, next, found);
  }

  /** `tail` goes on from `fold`, with the very object that the list holds. */
  protected goOn(fold: Fold, found: readonly Judged[]): void {
    this.tail.copyFrom(fold);
    const running = found.at(-1);
    if (fold.episode && running) this.tail.episode = running.episode;
  }

  /** Folds the whole window. @param told what was told of it; what the list holds when left out. */
  refoldAll(window: Window, told?: readonly Told[]): void {
    if (told) this.judged = [...this.judged.slice(0, this.pastEdge(window.edge)), ...told.map(placeholder)];
    this.refold(window, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    this.touched = true;
  }

  /** Puts newly found episodes in the place of old ones, which hand over what was told of them. */
  protected replace(from: number, to: number, found: readonly Judged[]): void {
    if (found.length === 0 && from === to) return;
    const gone = this.judged.splice(from, to - from, ...found);
    this.orphans.push(
      ...match(
        found,
        gone.flatMap(({ told }) => (told ? [told] : [])),
      ),
    );
    this.settled = Math.min(this.settled, from);
    this.touched = true;
  }

  /** Index of the last row before `index` after which the fold is at rest; -1 when there is none in the window. */
  #restBefore(window: Window, index: number): number {
    let decided = this.judged.length;
    for (let row = index - 1; row >= 0; row--) {
      const time = window.time(row);
      while (decided > 0 && (this.judged[decided - 1] as Judged).episode.decided > time) decided--;
      if (isRunning(this.judged[decided - 1], time)) continue;
      const value = window.value(row);
      if (isRest(this.judge(value, formOf(value, window.marks(row))))) return row;
    }
    return -1;
  }

  toldAlarms(): Told[] {
    return this.judged.flatMap(({ told }) => (told ? [told] : []));
  }

  /** One reading into any fold of this watch. */
  advance(fold: Fold, time: number, value: number, form: number): number {
    return this.#advance(fold, this.judge(value, form), time, value, form);
  }

  #advance(fold: Fold, judgement: Judgement, time: number, value: number, form: number): Change {
    const beyond = judgement === VIOLATED ? excess(this.binding.bounds, value) : 0;
    return fold.step(this.binding.delays, judgement, time, value, form & FORM_MASK, (form & SUSPECT_BIT) !== 0, beyond);
  }
}

/** Outside of an episode such a reading leaves nothing behind: no run is under way after it. */
function isRest(judgement: Judgement): boolean {
  return judgement === KEPT || judgement === IN_DEADBAND;
}
/** True when the episode is still running after the reading at `time`, off-delay included. */
function isRunning(judged: Judged | undefined, time: number): boolean {
  return judged !== undefined && (judged.episode.cleared === null || judged.episode.cleared > time);
}
/** How many leading episodes had been decided by `time`; at least `from`. */
export function countDecided(judged: readonly Judged[], time: number, from: number): number {
  let count = from;
  while (count < judged.length && (judged[count] as Judged).episode.decided <= time) count++;
  return count;
}
/** Stands for an alarm of before a restart until the window has been folded. */
function placeholder(told: Told): Judged {
  const { start, end, valueTime } = told.alarm;
  const nothing = { verified: false, worst: 0, worstTime: valueTime, worstForm: 0, excess: 0 };
  return { told, episode: { start, decided: start, end, cleared: end, ...nothing } };
}

/**
 * Hands told alarms to the episodes they overlap: each episode takes the earliest raised of those that are free; what is
 * left was joined to the episode it overlaps, or shows in the readings no more. Both lists ascend in time.
 */
export function match(judged: readonly Judged[], told: readonly Told[]): Orphan[] {
  const free = new Set(told);
  let from = 0;
  for (const found of judged) {
    while (from < told.length && endOf(told[from]?.alarm.end) <= found.episode.start) from++;
    for (let index = from; index < told.length; index++) {
      const candidate = told[index] as Told;
      if (candidate.alarm.start >= endOf(found.episode.end)) break;
      if (free.has(candidate) && overlaps(candidate, found) && candidate.order < (found.told?.order ?? Infinity)) {
        if (found.told) free.add(found.told);
        found.told = candidate;
        free.delete(candidate);
      }
    }
  }
  return [...free].map((orphan) => ({
    told: orphan,
    joined: judged.find((found) => overlaps(orphan, found))?.told ?? null,
  }));
}

function overlaps({ alarm }: Told, { episode }: Judged): boolean {
  return alarm.start < endOf(episode.end) && episode.start < endOf(alarm.end);
}
function endOf(end: number | null | undefined): number {
  return end ?? Number.POSITIVE_INFINITY;
}
