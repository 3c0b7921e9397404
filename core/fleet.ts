/**
 * What comes in about the devices themselves: one entry of journal stream `fleet` a batch of ingest, and the health that
 * folds out of it. Readings stay out of it but for their counts.
 */

/** One unbroken run of message numbers: boot, first, last. */
export type SeqRun = readonly [boot: string, from: number, to: number];
/** Readings of one series on one day: day number (`dayOf`), received, of these fit for use, newest data time. */
export type DayCount = readonly [series: string, day: number, received: number, valid: number, lastTime: number];
/** Data times without a hole longer than two intervals, ms, both ends included. */
export type TimeRun = readonly [from: number, to: number];

/** What a message says of the device rather than of the place; every field may be missing. */
export interface DeviceSigns {
  /** Received signal strength, dBm. */
  readonly rssi?: number;
  /** Signal to noise, dB. */
  readonly snr?: number;
  readonly batteryVolts?: number;
  /** 0 to 100. */
  readonly batteryPercent?: number;
}

/**
 * What a device says of its equipment rather than of the place, under the name that it uses itself: `SB1-RS` (state of a facility,
 * HJ 212), `w01018/i11001-Info` (an instrument's log).
 */
export interface DeviceFact {
  readonly name: string;
  readonly value: string;
  /** When it was so, ms. */
  readonly time: number;
}
export interface FactSeen extends DeviceFact {
  /** Arrival, ms. */
  readonly receivedAt: number;
}
export const FACT_CHARACTERS_MAX = 200;
/** Of one message, and names remembered of one device. */
export const FACTS_MAX = 64;

/** One device in one batch. */
export interface FleetNote {
  readonly device: string;
  readonly messages: number;
  /** Oldest and newest arrival, wall clock, ms. */
  readonly firstAt: number;
  readonly receivedAt: number;
  /** Smallest arrival minus newest data time over messages that carried a time and declared no back-fill, ms. */
  readonly offsetMs: number | null;
  readonly seqs: readonly SeqRun[];
  readonly times: readonly TimeRun[];
  readonly days: readonly DayCount[];
  /** Readings that went to quarantine. */
  readonly refused: number;
  readonly signs?: DeviceSigns;
  readonly facts?: readonly DeviceFact[];
}

/**
 * A message, or a part of one, that holds no readings: a device's `state`, its answer to a command (its own or its network
 * server's), a metric that a command may have written (`MetricSeen` without its arrival).
 */
export interface FleetSignal {
  readonly device: string;
  readonly channel: "state" | "cmd/ack" | "metric";
  readonly receivedAt: number;
  /** JSON text, at most `SIGNAL_CHARACTERS_MAX`. */
  readonly payload: string;
}
export const SIGNAL_CHARACTERS_MAX = 4_096;

/** One entry of stream `fleet`, JSON. */
export interface FleetEntry {
  readonly notes: readonly FleetNote[];
  readonly signals: readonly FleetSignal[];
}

const DAY_MS = 86_400_000;
/** China Standard Time has no summer time. */
const ZONE_MS = 8 * 3_600_000;

/** Number of the day in Asia/Shanghai that an instant falls on; 0 is 1970-01-01. */
export function dayOf(time: number): number {
  return Math.floor((time + ZONE_MS) / DAY_MS);
}
/** First instant of a day, ms. */
export function dayStart(day: number): number {
  return day * DAY_MS - ZONE_MS;
}
/** "2026-03-15". */
export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** Messages `from` to `to` of a boot never arrived, or not yet. */
export interface SeqGap {
  readonly boot: string;
  readonly from: number;
  readonly to: number;
  /** Arrival of the message that showed the gap, ms. */
  readonly since: number;
  /** Arrival of the message after which it was asked for, ms; never again then. */
  readonly askedAt?: number;
}
/** No data with a time between `from` and `to` (both excluded) has arrived, ms. */
export interface TimeGap {
  readonly from: number;
  readonly to: number;
  readonly since: number;
}

export interface SeriesHealth {
  readonly series: string;
  /** Newest data time, ms. */
  readonly lastTime: number;
  /** The device's; of averages the step of their own that has shown, where it is longer. */
  readonly intervalMs: number;
  /** Silent for more than three intervals. Averages of which one only has come have no interval yet, and are not. */
  readonly overdue: boolean;
}

export interface DayHealth {
  /** "2026-03-15", Asia/Shanghai. */
  readonly day: string;
  /** Readings due: interval and registered quantities; of today, up to now. */
  readonly expected: number;
  /** Counted for each quantity up to what was due, so that one chatty quantity cannot hide a silent one. */
  readonly received: number;
  /** Of those received: flag good or not evaluated, qualifier N. */
  readonly valid: number;
  readonly completeness: number;
}

/** Health of one device; times are ms since 1970 UTC. */
export interface FleetDevice {
  readonly device: string;
  /** Newest data time and newest arrival; null before the first message. */
  readonly lastTime: number | null;
  readonly lastReceivedAt: number | null;
  readonly intervalMs: number;
  readonly overdue: boolean;
  readonly series: readonly SeriesHealth[];
  /** Smallest arrival minus data time within the newest hour with live data: clock offset plus transport. Null when unknown. */
  readonly offsetMs: number | null;
  /** Slope of the hourly offsets over a day, ms a day; null before three hours of data. */
  readonly driftMsPerDay: number | null;
  readonly signs: (DeviceSigns & { readonly at: number }) | null;
  readonly seqGaps: readonly SeqGap[];
  readonly timeGaps: readonly TimeGap[];
  /** Messages of gaps that arrived after all. */
  readonly arrivedLate: number;
  /** Gaps no longer listed because there were too many. */
  readonly gapsForgotten: number;
  readonly messages: number;
  readonly refusedReadings: number;
  /** What it says of its equipment, newest of each name. */
  readonly facts: readonly FactSeen[];
  /** What has changed in that, and entries of its instruments' logs, newest first. */
  readonly changes: readonly FactSeen[];
  /** Newest day first. */
  readonly days: readonly DayHealth[];
}

/** Health of devices, held in memory by the thread that folds stream `fleet`; asked by the web thread. */
export interface FleetHealth {
  /** Null for a device that is not registered. */
  device(id: string): Promise<FleetDevice | null>;
  /** Every registered device, without its series and changes; days are today's only. */
  all(): Promise<readonly FleetDevice[]>;
}
