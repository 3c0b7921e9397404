/**
 * The health of one device, folded from notes of batches: last seen, missing numbers and times, clock, battery and
 * signal, counts by day. Pure; bounded for each device whatever it sends.
 */
import {
  type DayHealth,
  type DeviceSigns,
  dayOf,
  dayStart,
  dayText,
  type FleetDevice,
  type FleetNote,
  type SeqGap,
  type SeriesHealth,
  type TimeGap,
} from "../core/fleet.ts";
import { isLab } from "../core/lab.ts";
import { findQuantity } from "../core/quantity.ts";
import { parseSeriesKey } from "../core/reading.ts";
import type { Device } from "../core/site.ts";
import { type ClockSnapshot, DeviceClock } from "./device-clock.ts";
import { DeviceFacts, type DeviceFactsSnapshot } from "./device-facts.ts";
import { SeqGaps, type SeqGapsSnapshot } from "./seq-gaps.ts";

/** Days of counts kept for each device; older data counts in its series only. */
export const DAYS_MAX = 31;
/** Series followed for each device: registered quantities in all their aggregates and fractions. */
export const SERIES_MAX = 256;
/** As on the pages: silent for more than this many intervals is overdue. */
const OVERDUE_INTERVALS = 3;
const HOLE_INTERVALS = 2;
/** Newest steps of a series of averages, of which the smallest counts: a batch may bring several at once, a hole makes one long. */
const STEPS_KEPT = 4;
/** Numbers are asked for after so long, and not more often. */
const MISSING_WAIT_MS = 60_000;
const DAY_MS = 86_400_000;

type Counts = Map<string, [received: number, valid: number]>;

/** As kept in the reader's state. */
export interface DeviceHealthSnapshot {
  readonly lastTime: number | null;
  readonly lastReceivedAt: number | null;
  readonly firstReceivedAt: number | null;
  readonly messages: number;
  readonly refused: number;
  readonly signs: (DeviceSigns & { readonly at: number }) | null;
  readonly clock: ClockSnapshot;
  readonly seqs: SeqGapsSnapshot;
  readonly times: SeqGapsSnapshot;
  readonly facts?: DeviceFactsSnapshot;
  readonly series: readonly (readonly [series: string, lastTime: number, steps?: readonly number[]])[];
  readonly days: readonly (readonly [
    day: number,
    counts: readonly (readonly [series: string, received: number, valid: number])[],
  ])[];
}

interface SeriesSeen {
  lastTime: number;
  /** Between its newest data times, of averages only, ms. */
  steps: readonly number[];
}

export class DeviceFold {
  #lastTime: number | null = null;
  #lastReceivedAt: number | null = null;
  #firstReceivedAt: number | null = null;
  #messages = 0;
  #refused = 0;
  #signs: (DeviceSigns & { readonly at: number }) | null = null;
  #clock = new DeviceClock();
  #seqs = new SeqGaps();
  #times = new SeqGaps();
  #facts = new DeviceFacts();
  /** When something that is missing was last told, arrival, ms. */
  #lookedAt = Number.NEGATIVE_INFINITY;
  readonly #series = new Map<string, SeriesSeen>();
  /** Newest day first. */
  #days: [day: number, counts: Counts][] = [];

  /** Takes in a note and returns the holes in data time that it opened. */
  add(note: FleetNote, intervalMs: number): readonly TimeGap[] {
    this.#messages += note.messages;
    this.#refused += note.refused;
    this.#firstReceivedAt ??= note.firstAt;
    this.#lastReceivedAt = Math.max(this.#lastReceivedAt ?? note.receivedAt, note.receivedAt);
    for (const fact of note.facts ?? []) this.#facts.add(fact, note.receivedAt);
    if (note.signs) this.#signs = { ...this.#signs, ...note.signs, at: note.receivedAt };
    if (note.offsetMs !== null) this.#clock.note(note.offsetMs, note.receivedAt);
    for (const run of note.seqs) this.#seqs.add(run, note.receivedAt);
    const known = new Set(this.#times.gaps.map(({ from }) => from));
    const holeMs = HOLE_INTERVALS * intervalMs;
    for (const [from, to] of note.times) {
      // Up to a hole's width before a run counts as covered: the run says what came since the reading before it.
      this.#times.add(["", from - holeMs + 1, to], note.receivedAt, false);
      this.#lastTime = Math.max(this.#lastTime ?? to, to);
    }
    for (const [series, day, received, valid, lastTime] of note.days) {
      this.#seen(series, lastTime);
      this.#count(series, day, received, valid);
    }
    return this.#times.gaps
      .filter((gap) => gap.since === note.receivedAt && !known.has(gap.from))
      .map((gap) => timeGap(gap, holeMs));
  }

  /**
   * Numbers to be asked for, one run at a time: those that did not come by themselves within a minute, since a device with a
   * backlog often sends the newest first. @param at arrival of the message at hand, ms.
   */
  missing(at: number): SeqGap | null {
    return this.#unasked(this.#seqs, at);
  }
  asked(gap: SeqGap, at: number): void {
    this.#seqs.asked(gap, at);
  }

  /** A hole in data time that could not be asked for when it showed. */
  hole(at: number, intervalMs: number): TimeGap | null {
    const gap = this.#unasked(this.#times, at);
    return gap && timeGap(gap, HOLE_INTERVALS * intervalMs);
  }
  askedHole({ from }: TimeGap, at: number): void {
    this.#times.asked({ boot: "", from: from + 1 }, at);
  }

  #unasked(gaps: SeqGaps, at: number): SeqGap | null {
    if (at - this.#lookedAt < MISSING_WAIT_MS) return null;
    const gap = gaps.unasked(at - MISSING_WAIT_MS);
    if (gap) this.#lookedAt = at;
    return gap;
  }

  #seen(series: string, time: number): void {
    const last = this.#series.get(series);
    if (last === undefined && this.#series.size >= SERIES_MAX) return;
    if (last === undefined) this.#series.set(series, { lastTime: time, steps: [] });
    else if (time > last.lastTime) {
      if (parseSeriesKey(series).aggregate !== "rtd")
        last.steps = [time - last.lastTime, ...last.steps].slice(0, STEPS_KEPT);
      last.lastTime = time;
    }
  }

  #count(series: string, day: number, received: number, valid: number): void {
    let at = this.#days.findIndex(([known]) => known <= day);
    if (at < 0) at = this.#days.length;
    if (this.#days[at]?.[0] !== day) {
      if (at >= DAYS_MAX) return;
      this.#days.splice(at, 0, [day, new Map()]);
      this.#days.length = Math.min(this.#days.length, DAYS_MAX);
    }
    const counts = this.#days[at]?.[1];
    const count = counts?.get(series);
    if (count) {
      count[0] += received;
      count[1] += valid;
    } else if (counts && counts.size < SERIES_MAX) counts.set(series, [received, valid]);
  }

  /** @param now wall clock, ms. */
  view(device: Pick<Device, "id" | "station" | "interval" | "quantities">, now: number): FleetDevice {
    const { id, interval } = device;
    const isDue = !isLab(device);
    const holeMs = HOLE_INTERVALS * interval;
    const overdue = (time: number): boolean => isDue && now - time > OVERDUE_INTERVALS * interval;
    const series = [...this.#series].map(([key, { lastTime, steps }]): SeriesHealth => {
      // Averages come at their own pace, which the registry does not name: hours of a device that reports every minute.
      const own = steps.length === 0 ? interval : Math.max(interval, Math.min(...steps));
      const isPaceKnown = isDue && (steps.length > 0 || parseSeriesKey(key).aggregate === "rtd");
      const isOverdue = isPaceKnown && now - lastTime > OVERDUE_INTERVALS * own;
      return { series: key, lastTime, intervalMs: own, overdue: isOverdue };
    });
    return {
      device: id,
      lastTime: this.#lastTime,
      lastReceivedAt: this.#lastReceivedAt,
      intervalMs: interval,
      overdue: this.#lastTime !== null && overdue(this.#lastTime),
      series: series.sort((a, b) => (a.series < b.series ? -1 : 1)),
      offsetMs: this.#clock.offsetMs,
      driftMsPerDay: this.#clock.driftMsPerDay,
      signs: this.#signs,
      seqGaps: this.#seqs.gaps,
      timeGaps: this.#times.gaps.map((gap) => timeGap(gap, holeMs)),
      arrivedLate: this.#seqs.arrivedLate,
      gapsForgotten: this.#seqs.forgotten + this.#times.forgotten,
      messages: this.#messages,
      refusedReadings: this.#refused,
      facts: this.#facts.newest,
      changes: this.#facts.changes,
      days: this.#dayViews(device, now),
    };
  }

  /** Days without a single reading are listed too, from the first to the newest one. */
  #dayViews(device: Pick<Device, "id" | "station" | "interval" | "quantities">, now: number): DayHealth[] {
    const { interval, quantities } = device;
    const oldest = this.#days.at(-1)?.[0] ?? dayOf(now);
    const today = dayOf(now);
    const counts = new Map(this.#days);
    const ids = Object.keys(quantities).map((name) => findQuantity(name)?.id ?? name);
    const views: DayHealth[] = [];
    for (let day = Math.max(today, this.#days[0]?.[0] ?? today); day >= oldest && views.length < DAYS_MAX; day--) {
      const due = isLab(device) ? 0 : dueOn(day, interval, now, this.#firstReceivedAt);
      views.push(dayView(day, counts.get(day) ?? new Map(), ids, due));
    }
    return views;
  }

  snapshot(): DeviceHealthSnapshot {
    return {
      lastTime: this.#lastTime,
      lastReceivedAt: this.#lastReceivedAt,
      firstReceivedAt: this.#firstReceivedAt,
      messages: this.#messages,
      refused: this.#refused,
      signs: this.#signs,
      clock: this.#clock.snapshot(),
      seqs: this.#seqs.snapshot(),
      times: this.#times.snapshot(),
      facts: this.#facts.snapshot(),
      series: [...this.#series].map(([series, { lastTime, steps }]) => [series, lastTime, steps] as const),
      days: this.#days.map(
        ([day, counts]) =>
          [day, [...counts].map(([series, [received, valid]]) => [series, received, valid] as const)] as const,
      ),
    };
  }

  static restore(saved: DeviceHealthSnapshot): DeviceFold {
    const fold = new DeviceFold();
    fold.#lastTime = saved.lastTime;
    fold.#lastReceivedAt = saved.lastReceivedAt;
    fold.#firstReceivedAt = saved.firstReceivedAt;
    fold.#messages = saved.messages;
    fold.#refused = saved.refused;
    fold.#signs = saved.signs;
    fold.#clock = new DeviceClock(saved.clock);
    fold.#seqs = SeqGaps.restore(saved.seqs);
    fold.#times = SeqGaps.restore(saved.times);
    fold.#facts = new DeviceFacts(saved.facts);
    for (const [series, lastTime, steps = []] of saved.series) fold.#series.set(series, { lastTime, steps });
    fold.#days = saved.days.map(([day, counts]) => [
      day,
      new Map(counts.map(([series, received, valid]) => [series, [received, valid]])),
    ]);
    return fold;
  }
}

/** Back to what a person reads: the last time before the hole and the first one after it. */
function timeGap(gap: { readonly from: number; readonly to: number; readonly since: number }, holeMs: number): TimeGap {
  return { from: gap.from - 1, to: gap.to + holeMs, since: gap.since };
}

/** Readings that one quantity owed on a day: none before the device was first heard, today up to now. */
function dueOn(day: number, intervalMs: number, now: number, firstReceivedAt: number | null): number {
  const end = Math.min(dayStart(day) + DAY_MS, now);
  const isFirst = firstReceivedAt !== null && dayOf(firstReceivedAt) === day;
  const start = isFirst ? firstReceivedAt : dayStart(day);
  return Math.max(0, Math.floor((end - start) / intervalMs)) + (isFirst ? 1 : 0);
}

function dayView(day: number, counts: Counts, quantities: readonly string[], due: number): DayHealth {
  // Of one quantity the fullest series counts: averages beside real-time values are not asked for twice.
  const best = new Map<string, [received: number, valid: number]>();
  for (const [series, [received, valid]] of counts) {
    const { quantity } = parseSeriesKey(series);
    const known = best.get(quantity);
    if (!known || received > known[0]) best.set(quantity, [received, valid]);
  }
  let [received, valid] = [0, 0];
  for (const quantity of quantities) {
    const count = best.get(quantity);
    received += Math.min(count?.[0] ?? 0, due);
    valid += Math.min(count?.[1] ?? 0, due);
  }
  const expected = due * quantities.length;
  return { day: dayText(day), expected, received, valid, completeness: expected === 0 ? 1 : received / expected };
}
