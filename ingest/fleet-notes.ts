/**
 * Gathers, while ingest judges a batch, what its messages say of their devices: numbers seen, times covered, counts by
 * day. A few additions a message, no allocation a reading; the fold itself happens later, in fleet-health.ts.
 */
import { CommandAck, DETAIL_CHARACTERS_MAX } from "../core/command.ts";
import {
  type DayCount,
  type DeviceFact,
  type DeviceSigns,
  dayOf,
  type FleetEntry,
  type FleetNote,
  type FleetSignal,
  type SeqRun,
  SIGNAL_CHARACTERS_MAX,
  type TimeRun,
} from "../core/fleet.ts";
import type { Origin } from "../core/reading.ts";

/** In one entry; more of one batch go into a further one. */
export const SIGNALS_MAX = 1_000;
/** Data times further apart than this many intervals begin a new run. */
const HOLE_INTERVALS = 2;

type TimeSpan = [from: number, to: number];

interface Count {
  day: number;
  received: number;
  valid: number;
  lastTime: number;
}

/** One device in the batch at hand. */
export class DeviceNotes {
  readonly device: string;
  readonly #holeMs: number;
  readonly #seqs: [boot: string, from: number, to: number][] = [];
  readonly #times: TimeSpan[] = [];
  /** Beside the newest run of their message; they open no hole, but close some. */
  readonly #olderTimes: TimeSpan[] = [];
  readonly #counts = new Map<string, Count>();
  readonly #otherDays: DayCount[] = [];
  #messages = 0;
  #firstAt = Number.POSITIVE_INFINITY;
  #receivedAt = 0;
  #offsetMs = Number.POSITIVE_INFINITY;
  #refused = 0;
  #signs: DeviceSigns | undefined;
  readonly #facts: DeviceFact[] = [];
  #from = Number.POSITIVE_INFINITY;
  #to = Number.NEGATIVE_INFINITY;
  /** Readings of the message that lie a hole away from those. */
  #apart: TimeSpan[] = [];
  #newest = Number.NEGATIVE_INFINITY;

  constructor(device: string, intervalMs: number) {
    this.device = device;
    this.#holeMs = HOLE_INTERVALS * intervalMs;
  }

  /** A reading of the message at hand that was stored and is no correction. */
  count(series: string, time: number, isValid: boolean): void {
    const day = dayOf(time);
    let count = this.#counts.get(series);
    if (count === undefined || count.day !== day) {
      if (count !== undefined) this.#otherDays.push(dayCount(series, count));
      count = { day, received: 0, valid: 0, lastTime: time };
      this.#counts.set(series, count);
    }
    count.received += 1;
    if (isValid) count.valid += 1;
    if (time > count.lastTime) count.lastTime = time;
  }

  /** The time of a reading of the message at hand, stored or not, and how long from there on it speaks for, ms. */
  cover(time: number, spanMs = 0): void {
    const to = time + spanMs;
    if (time > this.#newest) this.#newest = time;
    const isFirst = this.#to === Number.NEGATIVE_INFINITY;
    if (!isFirst && (time - this.#to >= this.#holeMs || this.#from - to >= this.#holeMs)) {
      const last = this.#apart.at(-1);
      if (last?.[0] !== time || last[1] !== to) this.#apart.push([time, to]);
      return;
    }
    if (time < this.#from) this.#from = time;
    if (to > this.#to) this.#to = to;
  }

  /** Ends a message. @param hasTime the device said when it measured, so that its clock can be compared. */
  end(
    origin: Origin,
    more: { readonly hasTime: boolean; readonly refused: number; readonly signs?: DeviceSigns },
  ): void {
    const { boot, seq, receivedAt, backfill } = origin;
    this.#messages += 1;
    if (receivedAt < this.#firstAt) this.#firstAt = receivedAt;
    if (receivedAt > this.#receivedAt) this.#receivedAt = receivedAt;
    this.#refused += more.refused;
    if (more.signs !== undefined)
      this.#signs = this.#signs === undefined ? more.signs : { ...this.#signs, ...more.signs };
    if (boot !== "" && seq >= 0) {
      const last = this.#seqs.at(-1);
      if (last !== undefined && last[0] === boot && seq === last[2] + 1) last[2] = seq;
      else this.#seqs.push([boot, seq, seq]);
    }
    if (this.#to === Number.NEGATIVE_INFINITY) return;
    if (more.hasTime && !backfill) this.#offsetMs = Math.min(this.#offsetMs, receivedAt - this.#newest);
    this.#runs();
    this.#from = Number.POSITIVE_INFINITY;
    this.#to = Number.NEGATIVE_INFINITY;
    this.#newest = Number.NEGATIVE_INFINITY;
  }

  /** Of a message that is not ended as one with readings. */
  facts(facts: readonly DeviceFact[], receivedAt: number): void {
    this.#facts.push(...facts);
    this.#firstAt = Math.min(this.#firstAt, receivedAt);
    this.#receivedAt = Math.max(this.#receivedAt, receivedAt);
  }

  take(): FleetNote {
    const days: DayCount[] = [...this.#otherDays];
    for (const [series, count] of this.#counts) days.push(dayCount(series, count));
    return {
      device: this.device,
      messages: this.#messages,
      firstAt: this.#firstAt,
      receivedAt: this.#receivedAt,
      offsetMs: Number.isFinite(this.#offsetMs) ? this.#offsetMs : null,
      seqs: this.#seqs as readonly SeqRun[],
      // Older ones last: where nothing is known yet, a sample drawn long ago says nothing of the time between.
      times: [...this.#times, ...this.#olderTimes] as readonly TimeRun[],
      days,
      refused: this.#refused,
      ...(this.#signs === undefined ? {} : { signs: this.#signs }),
      ...(this.#facts.length === 0 ? {} : { facts: this.#facts }),
    };
  }

  /** A sample drawn before an outage and reported after it must not hide the hole. */
  #runs(): void {
    if (this.#apart.length === 0) {
      this.#join(this.#times, [this.#from, this.#to]);
      return;
    }
    const all: TimeSpan[] = [];
    const sorted = [...this.#apart, [this.#from, this.#to] as TimeSpan].sort((one, other) => one[0] - other[0]);
    for (const run of sorted) this.#join(all, run);
    this.#apart = [];
    const newest = all.pop();
    if (newest) this.#join(this.#times, newest);
    for (const run of all) this.#join(this.#olderTimes, run);
  }

  #join(runs: TimeSpan[], [from, to]: TimeSpan): void {
    const last = runs.at(-1);
    if (last !== undefined && from >= last[0] && from - last[1] < this.#holeMs) last[1] = Math.max(last[1], to);
    else runs.push([from, to]);
  }
}

function dayCount(series: string, { day, received, valid, lastTime }: Count): DayCount {
  return [series, day, received, valid, lastTime];
}

export class FleetNotes {
  #devices = new Map<string, DeviceNotes>();
  #signals: FleetSignal[] = [];

  of(device: string, intervalMs: number): DeviceNotes {
    let notes = this.#devices.get(device);
    if (notes === undefined) {
      notes = new DeviceNotes(device, intervalMs);
      this.#devices.set(device, notes);
    }
    return notes;
  }

  /** @returns false for one that is too long to be kept, and not an answer that could be shortened. */
  signal(signal: FleetSignal): boolean {
    const kept = signal.payload.length <= SIGNAL_CHARACTERS_MAX ? signal : shortened(signal);
    if (kept) this.#signals.push(kept);
    return kept !== null;
  }

  /** The entries of this batch as journal bytes, none when nothing was noted; begins the next batch. */
  take(): readonly Uint8Array[] {
    const notes = [...this.#devices.values()].map((one) => one.take());
    const entries: FleetEntry[] = [];
    for (let at = 0; at < this.#signals.length; at += SIGNALS_MAX)
      entries.push({ notes: [], signals: this.#signals.slice(at, at + SIGNALS_MAX) });
    // Notes come first: a device's answer may end what a note of it began.
    if (notes.length > 0) entries[0] = { notes, signals: entries[0]?.signals ?? [] };
    this.#devices = new Map();
    this.#signals = [];
    return entries.map((entry) => Buffer.from(JSON.stringify(entry)));
  }
}

/** An answer whose `detail` is too long: what matters of it. Null for anything else. */
function shortened(signal: FleetSignal): FleetSignal | null {
  if (signal.channel !== "cmd/ack") return null;
  try {
    const ack = CommandAck.safeParse(JSON.parse(signal.payload));
    if (!ack.success) return null;
    const { id, status, detail } = ack.data;
    const text = typeof detail === "string" ? detail : JSON.stringify(detail ?? "");
    const payload = JSON.stringify({ id, status, detail: text.slice(0, DETAIL_CHARACTERS_MAX) });
    return { ...signal, payload };
  } catch {
    return null;
  }
}
