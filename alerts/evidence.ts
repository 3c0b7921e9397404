/** Freezes what decided an alarm: the readings of the deciding run, the bound they crossed, and the rule as it was. */
import type { Computation, Evidence, EvidenceReading } from "../core/alarm.ts";
import { QC } from "../core/reading.ts";
import { comparisonOf } from "../core/reading-block.ts";
import { OLD_MS } from "./backfill.ts";
import type { Binding } from "./bind.ts";
import { VIOLATED, violatedBound } from "./detect/condition.ts";
import type { Episode } from "./detect/episode.ts";
import { formOf, SUSPECT_BIT } from "./detect/marks.ts";
import { LearningWatch } from "./learning-watch.ts";
import type { SeriesState } from "./series.ts";
import type { Watch } from "./watch.ts";
import type { Row, Window } from "./window.ts";

const READINGS_MAX = 20;
/** Characters of JSON. */
const COMPUTATION_MAX = 256 * 1024;
/** An alarm whose last deciding reading came later than this after the measurement says how late. */
const LATE_MS = 60_000;

export interface Lateness {
  readonly lateMs: number;
  readonly backfill: boolean;
}

export interface Decided {
  /** Oldest first. */
  readonly rows: readonly Row[];
  /** For rules with a memory, while everything that decided is in the windows. */
  readonly computation: Computation | null;
}

/** What raised an alarm, with what is needed to compute it again. */
export function decisionOf({ window, derivedBy }: SeriesState, watch: Watch, episode: Episode): Decided {
  const { kind } = watch.binding.rule as { kind: string };
  if (watch instanceof LearningWatch) {
    const decision = watch.decisionOf(window, episode, READINGS_MAX);
    if (!decision) return { rows: decidingRows(window, watch, episode), computation: null };
    const { rows, memory, figures } = decision;
    return { rows, computation: { kind, memory, figures, context: watch.binding.context, members: null } };
  }
  const rows = decidingRows(window, watch, episode);
  if (!derivedBy) return { rows, computation: null };
  const [first] = rows;
  const decision = first ? derivedBy.decisionOf(first.time, episode.decided) : null;
  if (!decision) return { rows, computation: null };
  const { memory, figures, contributors } = decision;
  const members = derivedBy.group.members.map((context, index) => ({
    series: context.key,
    unit: context.unit,
    contributes: contributors.indexOf(index),
    readings: (decision.rows[index] ?? []).map(toReading),
  }));
  const computation = { kind, memory, figures, context: derivedBy.group, members };
  // It goes into every event of the alarm: what is too large for that is left out, and verification says so.
  return { rows, computation: JSON.stringify(computation).length > COMPUTATION_MAX ? null : computation };
}

/** The readings of the run that raised the alarm, oldest first, the newest 20 of them. */
function decidingRows(window: Window, watch: Watch, episode: Episode): Row[] {
  const indexes: number[] = [];
  for (let index = window.find(episode.start); index < window.count; index++) {
    if (window.time(index) > episode.decided) break;
    const value = window.value(index);
    if (watch.judge(value, formOf(value, window.marks(index))) === VIOLATED) indexes.push(index);
  }
  return indexes.slice(-READINGS_MAX).map((index) => window.row(index));
}

/** What else the alarm as it stands rests on: its worst reading and the one that verified it, where the run lacks them. */
export type FurtherEvidence = Pick<Evidence, "worst" | "confirmedBy">;

export function furtherRows(
  { window, derivedBy }: SeriesState,
  watch: Watch,
  episode: Episode,
  deciding: readonly Row[],
): FurtherEvidence {
  // A detector with a memory cannot say it of a reading out of its place in the run.
  if (watch instanceof LearningWatch || derivedBy) return {};
  const worst = deciding.some(({ time }) => time === episode.worstTime) ? null : rowAt(window, episode.worstTime);
  const isSure = deciding.some((row) => !isSuspect(row));
  const confirming = episode.verified && !isSure ? firstSure(window, watch, episode) : null;
  return {
    ...(worst ? { worst: toReading(worst) } : {}),
    ...(confirming ? { confirmedBy: toReading(confirming) } : {}),
  };
}

/** Null when the window has let it go. */
function rowAt(window: Window, time: number): Row | null {
  const index = window.find(time);
  return index < window.count && window.time(index) === time ? window.row(index) : null;
}

function firstSure(window: Window, watch: Watch, { start, end }: Episode): Row | null {
  for (let index = window.find(start); index < window.count; index++) {
    if (end !== null && window.time(index) >= end) return null;
    const value = window.value(index);
    const form = formOf(value, window.marks(index));
    if ((form & SUSPECT_BIT) === 0 && watch.judge(value, form) === VIOLATED) return window.row(index);
  }
  return null;
}

function isSuspect({ flag }: Row): boolean {
  return flag === QC.suspect || flag === QC.fail;
}

/** The evidence of an alarm whose span, worst value or standing has changed; as it was when the window lacks its start. */
export function freezeAgain(old: Evidence, series: SeriesState, watch: Watch, episode: Episode): Evidence {
  if (rowAt(series.window, episode.start) === null) return old;
  const { rows, computation } = decisionOf(series, watch, episode);
  if (rows.length === 0 || (old.computation && !computation)) return old;
  return {
    ...freeze(watch.binding, rows, episode.worst, computation),
    ...furtherRows(series, watch, episode, rows),
  };
}

/** From the measurement that decided to the arrival of the last reading that it needed. */
export function latenessOf(
  deciding: readonly Row[],
  decided: number,
  isBulk: (device: string, receivedAt: number) => boolean,
): Lateness {
  let knownAt = Number.NEGATIVE_INFINITY;
  // One fresh reading among those that decide makes it live: a page must not wait for the end of a back-fill.
  let backfill = deciding.length > 0;
  for (const { origin, time } of deciding) {
    knownAt = Math.max(knownAt, origin.receivedAt);
    const isOld = origin.receivedAt - time > OLD_MS;
    backfill &&= origin.backfill || (isOld && isBulk(origin.device, origin.receivedAt));
  }
  return { lateMs: knownAt - decided > LATE_MS ? knownAt - decided : 0, backfill };
}

export function freeze(
  binding: Binding,
  rows: readonly Row[],
  value: number,
  computation: Computation | null = null,
): Evidence {
  const bound = violatedBound(binding.bounds, value);
  return {
    readings: rows.map(toReading),
    unit: binding.unit,
    limit: bound?.limit ?? binding.context?.limit?.value ?? null,
    passes: bound?.passes ?? binding.context?.limit?.passes ?? null,
    pack: binding.pack,
    ...(binding.packVersion == null ? {} : { packVersion: binding.packVersion }),
    clause: binding.clause,
    confidence: binding.confidence,
    ruleVersion: binding.version,
    rule: binding.rule,
    ...(binding.bounds.length > 1 ? { bounds: binding.bounds.map(({ limit, passes }) => ({ limit, passes })) } : {}),
    ...(computation ? { computation } : {}),
  };
}

export function toReading({ time, value, cmp, flag, qualifier, origin }: Row): EvidenceReading {
  return {
    time,
    value: Number.isNaN(value) ? null : value,
    cmp: comparisonOf(cmp),
    flag,
    qualifier: String.fromCharCode(qualifier),
    device: origin.device,
    boot: origin.boot,
    seq: origin.seq,
    receivedAt: origin.receivedAt,
  };
}
