/**
 * Alarms: what the engine decides, freezes and tells. One entry of journal stream `alarms` is an `AlarmEvent` as JSON;
 * it carries the whole alarm after the event, so that every reader works from one entry alone.
 *
 * States follow ISA-18.2 (first part): `active` is unacknowledged, `acknowledged` is active and acknowledged,
 * `cleared` is back to normal; `acknowledgedBy` says whether a cleared alarm was ever acknowledged.
 */
import { z } from "zod";
import type { LocalText } from "./locale.ts";
import type { Comparison } from "./reading.ts";

/** Colour levels, highest first (Emergency Response Law, four levels). */
export const LEVELS = ["red", "orange", "yellow", "blue"] as const;
export type Level = (typeof LEVELS)[number];
export const ALARM_STATES = ["active", "acknowledged", "cleared"] as const;
export type AlarmState = (typeof ALARM_STATES)[number];

/**
 * `pollution` from what is measured; `instrument` from values the device itself declares unfit; `absence` from silence;
 * `integrity` from signs that data are falsified, which ask a person to look and are not for the public.
 */
export const ALARM_CATEGORIES = ["pollution", "instrument", "absence", "integrity"] as const;
export type AlarmCategory = (typeof ALARM_CATEGORIES)[number];

export function levelRank(level: Level): number {
  return LEVELS.indexOf(level);
}
/** One level less urgent; blue stays blue. */
export function lowerLevel(level: Level): Level {
  return LEVELS[Math.min(levelRank(level) + 1, LEVELS.length - 1)] ?? "blue";
}

/** A reading frozen into an alarm, in the canonical unit. */
export interface EvidenceReading {
  readonly time: number;
  readonly value: number | null;
  readonly cmp: Comparison;
  readonly flag: number;
  readonly qualifier: string;
  readonly device: string;
  readonly boot: string;
  readonly seq: number;
  readonly receivedAt: number;
}

/** One side of a condition, in the evidence's unit. */
export interface EvidenceBound {
  readonly limit: number;
  readonly passes: "<=" | ">=" | "<" | ">";
}

/** What a detector with a memory needs to come to its verdict again, and the numbers that people are shown. */
export interface Computation {
  /** Kind of the rule. */
  readonly kind: string;
  /** The detector's memory before the first of the evidence's readings. */
  readonly memory: unknown;
  /** Named numbers of the deciding step. */
  readonly figures: Readonly<Record<string, number>>;
  /** What the detector was told of the series, or of the group with its members. */
  readonly context: unknown;
  /** For groups: the members' readings from the first to the last deciding time; else null. */
  readonly members: readonly ComputationMember[] | null;
}

export interface ComputationMember {
  readonly series: string;
  readonly unit: string;
  /** Rank among those that contribute, from 0; -1 for the others. */
  readonly contributes: number;
  readonly readings: readonly EvidenceReading[];
}

/** Everything needed to explain and re-judge the alarm later without a database. */
export interface Evidence {
  /** The readings that made the decision, oldest first, at most 20. */
  readonly readings: readonly EvidenceReading[];
  readonly unit: string;
  /** The bound that was crossed, in `unit`; null for absence and instrument alarms. */
  readonly limit: number | null;
  /** How a value passes: "<=" means at or below the limit is fine. */
  readonly passes: "<=" | ">=" | "<" | ">" | null;
  readonly pack: string | null;
  /** Version of the pack's data; alarms of older versions do not say it. */
  readonly packVersion?: number | null;
  /** Standard, edition, table and clause, e.g. "GB/T 14848-2017 table 1 no. 24 class III". */
  readonly clause: string | null;
  readonly confidence: string | null;
  readonly ruleVersion: number;
  /** The rule as it was, JSON of `Rule`. */
  readonly rule: unknown;
  /** All sides of a condition that has two (pH); `limit` and `passes` are the one that the worst value crossed. */
  readonly bounds?: readonly EvidenceBound[];
  /** The reading of the alarm's worst value, where it is none of `readings`. */
  readonly worst?: EvidenceReading;
  /** The first reading without doubt that verified the alarm, where it is none of `readings`. */
  readonly confirmedBy?: EvidenceReading;
  /** For rules with a memory; absent when the readings before it are no longer known. */
  readonly computation?: Computation;
}

/** Times are ms since 1970 UTC; `start` and `end` are data time, `raisedAt`, `updatedAt`, `acknowledgedAt` wall time. */
export interface Alarm {
  readonly id: string;
  readonly rule: string;
  readonly category: AlarmCategory;
  readonly level: Level;
  readonly state: AlarmState;
  /** False while only suspect readings (flag 3 or 4) support it: then `level` is one lower than the rule's. */
  readonly verified: boolean;
  readonly tenant: string;
  readonly site: string;
  readonly station: string;
  readonly series: string;
  readonly quantity: string;
  /** Worst value of the episode so far and when it was measured. */
  readonly value: number | null;
  readonly valueTime: number;
  readonly cmp: Comparison;
  readonly start: number;
  /** First data time at which the condition no longer held; null while it holds. */
  readonly end: number | null;
  /** How late the deciding reading was: arrival minus measurement, ms; 0 when under a minute. */
  readonly lateMs: number;
  /** The device declared a bulk back-fill, or the reading is part of one. */
  readonly backfill: boolean;
  readonly raisedAt: number;
  readonly updatedAt: number;
  readonly acknowledgedAt: number | null;
  readonly acknowledgedBy: string | null;
  readonly acknowledgedVia: string | null;
  /** Set when late data joined this alarm to an earlier one (its id), or showed that it never was ("retracted"). */
  readonly supersededBy: string | null;
  readonly advice: LocalText | null;
  readonly evidence: Evidence;
}

export const ALARM_EVENT_KINDS = ["raised", "updated", "cleared", "reopened", "acknowledged", "retracted"] as const;
export type AlarmEventKind = (typeof ALARM_EVENT_KINDS)[number];

export interface AlarmEvent {
  /** Unique and stable across crashes: the same decision gives the same id. */
  readonly id: string;
  readonly kind: AlarmEventKind;
  /** Wall clock, ms since 1970 UTC. */
  readonly at: number;
  /** Position in stream `readings` up to which the engine had read when it decided. */
  readonly readingsOffset: number;
  /** Command that caused it, for acknowledgements. */
  readonly command: string | null;
  readonly by: string | null;
  readonly via: string | null;
  readonly note: string | null;
  readonly alarm: Alarm;
}

/** One entry of stream `commands`, JSON: what a person asks of the engine. */
export const Command = z.strictObject({
  id: z.string().min(1).max(64),
  kind: z.enum(["acknowledge"]),
  alarm: z.string().min(1).max(64),
  by: z.string().min(1).max(64),
  via: z.enum(["web", "api", "link", "cli"]),
  note: z.string().max(2000).optional(),
  at: z.number(),
});
export type Command = z.infer<typeof Command>;
