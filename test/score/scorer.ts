/**
 * Scores detections against labelled events: a detection that overlaps a true event, widened by one interval on each
 * side, hits it; every detection that overlaps none is one false alarm. Pure.
 *
 * Counted by events: precision = hits / (hits + false alarms), recall = hits / events, F1 = their harmonic mean. Several
 * detections of one event are one hit, so broken detections gain nothing; one detection over several events hits each,
 * therefore the share of time in alarm is given beside it.
 */

/** ms since 1970 UTC, both ends included. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

/** What one stretch of data was about; several (series, files) add up to one score. */
export interface Recording {
  readonly truths: readonly Interval[];
  readonly detections: readonly Interval[];
  /** Nominal time between readings, ms. */
  readonly intervalMs: number;
  /** From the first reading to the last, ms. */
  readonly spanMs: number;
}

export interface Score {
  readonly events: number;
  readonly detections: number;
  readonly hits: number;
  readonly falseAlarms: number;
  /** NaN where nothing was detected (precision) or nothing was there (recall). */
  readonly precision: number;
  readonly recall: number;
  /** 0 when nothing was hit. */
  readonly f1: number;
  /** From the start of a hit event to its first detection, at least 0; NaN without hits. */
  readonly delayMeanMs: number;
  readonly delayMedianMs: number;
  readonly falseAlarmsPerDay: number;
  /** Share of the time that lies inside a detection, 0 to 1. */
  readonly alarmedShare: number;
}

export function score(recordings: readonly Recording[]): Score {
  let [events, detections, falseAlarms, spanMs, alarmedMs] = [0, 0, 0, 0, 0];
  const delays: number[] = [];
  for (const recording of recordings) {
    events += recording.truths.length;
    detections += recording.detections.length;
    spanMs += recording.spanMs;
    for (const truth of recording.truths) {
      const starts = recording.detections.filter((found) => overlaps(found, truth, recording.intervalMs));
      if (starts.length > 0) delays.push(Math.max(0, Math.min(...starts.map(({ start }) => start)) - truth.start));
    }
    for (const found of recording.detections) {
      alarmedMs += found.end - found.start + recording.intervalMs;
      if (!recording.truths.some((truth) => overlaps(found, truth, recording.intervalMs))) falseAlarms++;
    }
  }
  const hits = delays.length;
  return {
    events,
    detections,
    hits,
    falseAlarms,
    precision: hits / (hits + falseAlarms),
    recall: hits / events,
    f1: hits === 0 ? 0 : (2 * hits) / (hits + falseAlarms + events),
    delayMeanMs: delays.reduce((sum, delay) => sum + delay, 0) / hits,
    delayMedianMs: median(delays),
    falseAlarmsPerDay: falseAlarms / (spanMs / 86_400_000),
    alarmedShare: Math.min(1, alarmedMs / spanMs),
  };
}

function overlaps(found: Interval, truth: Interval, intervalMs: number): boolean {
  return found.start <= truth.end + intervalMs && found.end >= truth.start - intervalMs;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** Joins intervals that touch or overlap within `gapMs`; for labels of several channels that become events of a station. */
export function union(intervals: readonly Interval[], gapMs: number): Interval[] {
  const joined: Interval[] = [];
  for (const next of [...intervals].sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last && next.start <= last.end + gapMs) {
      joined[joined.length - 1] = { start: last.start, end: Math.max(last.end, next.end) };
    } else joined.push({ start: next.start, end: next.end });
  }
  return joined;
}

/** One line of the printed table; `name` is cut or padded to 26 characters. */
export function line(name: string, found: Score): string {
  const minutes = (ms: number): string => (Number.isNaN(ms) ? "-" : (ms / 60_000).toFixed(1));
  const ratio = (value: number): string => (Number.isNaN(value) ? "-" : value.toFixed(3));
  const columns = [
    found.events,
    found.detections,
    found.hits,
    found.falseAlarms,
    ratio(found.precision),
    ratio(found.recall),
    ratio(found.f1),
    minutes(found.delayMeanMs),
    minutes(found.delayMedianMs),
    found.falseAlarmsPerDay.toFixed(3),
    `${(found.alarmedShare * 100).toFixed(1)} %`,
  ];
  return [name.slice(0, 26).padEnd(26), ...columns.map((text, index) => String(text).padStart(widthOf(index)))].join(
    "",
  );
}

const HEADINGS = ["events", "found", "hits", "false", "prec.", "recall", "F1", "delay", "median", "false/d", "alarmed"];
function widthOf(index: number): number {
  return Math.max(7, (HEADINGS[index] as string).length + 2);
}
/** The headings above `line`; delays in minutes. */
export const heading: string = ["set".padEnd(26), ...HEADINGS.map((text, index) => text.padStart(widthOf(index)))].join(
  "",
);
