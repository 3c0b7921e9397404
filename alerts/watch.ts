/**
 * One rule on one series: the fold up to the newest reading, the fold up to the window's left edge, and the episodes
 * between them, each with the alarm that was told of it.
 *
 * In order, a reading steps `tail`. Late data and corrections fold the window again from `edge`, so the episodes are
 * those of the readings, whatever order they came in; `match` then hands the told alarms to the new episodes.
 */
import type { Binding } from "./bind.ts";
import { excess, type Judgement, judge, KEPT, NOT_JUDGED, VIOLATED } from "./detect/condition.ts";
import { type Episode, Fold, RAISED, UNCHANGED } from "./detect/episode.ts";
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

export class Watch {
  binding: Binding;
  /** Rules are not retroactive: an episode that was over at this data time, when the rule came, is not told. */
  since: number;
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
  readonly #instrument: boolean;

  constructor(binding: Binding, since: number) {
    this.binding = binding;
    this.since = since;
    this.#instrument = binding.category === "instrument";
  }

  judge(value: number, form: number): Judgement {
    return this.#instrument ? judgeInstrument(form) : judge(this.binding.bounds, value, form & FORM_MASK);
  }

  /** The next reading in order. True when there is something to tell. */
  step(time: number, value: number, form: number): boolean {
    const judgement = this.judge(value, form);
    const { tail } = this;
    // Nearly every reading of nearly every series: calm stays calm.
    if (tail.episode === null && (judgement === NOT_JUDGED || (judgement === KEPT && tail.runCount === 0)))
      return false;
    const change = this.#advance(tail, judgement, time, value, form);
    if (change === UNCHANGED) return false;
    if (change === RAISED && tail.episode) this.judged.push({ episode: tail.episode, told: null });
    this.touched = true;
    return true;
  }

  /** The edge moves over the oldest rows before the window drops them. */
  passEdge(window: Window, rows: number): void {
    for (let index = 0; index < rows; index++) {
      const value = window.value(index);
      const form = formOf(value, window.marks(index));
      const judgement = this.judge(value, form);
      if (this.edge.episode === null && this.edge.runCount === 0 && judgement === KEPT) continue;
      this.#advance(this.edge, judgement, window.time(index), value, form);
    }
  }

  /** Episodes that ended before the edge can no longer change. @returns the alarms told of them. */
  forget(edge: number): Told[] {
    const gone = this.judged.splice(0, this.#pastEdge(edge));
    this.settled = Math.max(0, this.settled - gone.length);
    return gone.flatMap(({ told }) => (told ? [told] : []));
  }

  /** How many leading episodes lie before the edge; the one that the edge itself is inside of does not. */
  #pastEdge(edge: number): number {
    const running = this.edge.episode?.start;
    const first = this.judged.findIndex(
      ({ episode }) => episode.end === null || episode.end > edge || episode.start === running,
    );
    return first < 0 ? this.judged.length : first;
  }

  /** Folds the window again and matches what was told with what is found. */
  refold(window: Window, told?: readonly Told[]): void {
    const { tail } = this;
    tail.copyFrom(this.edge);
    const past = this.judged.splice(0, this.#pastEdge(window.edge)); // not told yet, and final
    const judged: Judged[] = tail.episode ? [{ episode: tail.episode, told: null }] : [];
    for (let index = 0, { count } = window; index < count; index++) {
      const value = window.value(index);
      const form = formOf(value, window.marks(index));
      const judgement = this.judge(value, form);
      if (tail.episode === null && (judgement === NOT_JUDGED || (judgement === KEPT && tail.runCount === 0))) continue;
      const change = this.#advance(tail, judgement, window.time(index), value, form);
      if (change === RAISED && tail.episode) judged.push({ episode: tail.episode, told: null });
    }
    this.orphans.push(...match(judged, told ?? this.toldAlarms()));
    this.judged = past.length > 0 ? [...past, ...judged] : judged;
    this.settled = 0;
    this.touched = true;
  }

  toldAlarms(): Told[] {
    return this.judged.flatMap(({ told }) => (told ? [told] : []));
  }

  /** One reading into any fold of this watch. */
  advance(fold: Fold, time: number, value: number, form: number): number {
    return this.#advance(fold, this.judge(value, form), time, value, form);
  }

  #advance(fold: Fold, judgement: Judgement, time: number, value: number, form: number): number {
    const beyond = judgement === VIOLATED ? excess(this.binding.bounds, value) : 0;
    return fold.step(this.binding.delays, judgement, time, value, form & FORM_MASK, (form & SUSPECT_BIT) !== 0, beyond);
  }
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
