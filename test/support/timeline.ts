/**
 * Drives the alarm engine's judge from a list of readings, block by block, and says what it decided. Time 0 is `NOW`;
 * readings are a minute apart unless said otherwise.
 */

import type { BindLimit } from "../../alerts/bind.ts";
import type { DetectorBook } from "../../alerts/detect/book.ts";
import { Judge } from "../../alerts/judge.ts";
import type { Alarm, AlarmEvent } from "../../core/alarm.ts";
import type { Directory } from "../../core/ports.ts";
import type { Reading } from "../../core/reading.ts";
import type { VersionedRule } from "../../core/rule.ts";
import { aBlock, aDirectory, anOrigin, aReading, aVersionedRule, NOW } from "./builders.ts";

export const MINUTE = 60_000;

/** No pack knows anything; for tests of level and absence rules. */
export const noLimits: BindLimit = () => ({ reason: "pack-unknown" });

/**
 * Readings a minute apart from a compact list: a number is a plain value, `"<5"` and `">5"` are censored, `"5T"` has a
 * qualifier, `"5?"` is suspect, `null` is a value that the device could not give, `undefined` a gap.
 */
export function readings(
  values: readonly (number | string | null | undefined)[],
  overrides: Partial<Reading> = {},
): Reading[] {
  return values.flatMap((value, index) => {
    if (value === undefined) return [];
    const time = (overrides.time ?? NOW) + index * MINUTE;
    const origin = anOrigin({ seq: index, receivedAt: time + 1_000, ...overrides.origin });
    return [aReading({ ...overrides, ...parseValue(value), time, origin })];
  });
}

function parseValue(value: number | string | null): Partial<Reading> {
  if (value === null) return { value: Number.NaN, qualifier: "D" };
  if (typeof value === "number") return { value };
  const [, cmp = "", number = "0", mark = ""] = /^([<>]?)([-\d.]+)([A-Z?]?)$/.exec(value) ?? [];
  return {
    value: Number(number),
    cmp: cmp as Reading["cmp"],
    ...(mark === "?" ? { flag: 3 } : {}),
    ...(mark !== "" && mark !== "?" ? { qualifier: mark as Reading["qualifier"] } : {}),
  };
}

/** What two runs are compared by (CONTRACTS 1.9), with `verified`; times in minutes from `NOW`. */
export interface Outcome {
  readonly rule: string;
  readonly series: string;
  readonly start: number;
  readonly end: number | null;
  readonly level: string;
  readonly verified: boolean;
}

export class Timeline {
  readonly judge: Judge;
  readonly events: AlarmEvent[] = [];
  directory: Directory;
  #offset = 0;

  constructor(
    options: {
      readonly rules?: readonly VersionedRule[];
      readonly directory?: Directory;
      readonly bindLimit?: BindLimit;
      readonly windowBytesMax?: number;
      readonly detectors?: DetectorBook;
    } = {},
  ) {
    const { rules = [aVersionedRule()], bindLimit = noLimits, windowBytesMax, detectors } = options;
    this.directory = options.directory ?? aDirectory({ rules });
    this.judge = new Judge(this.directory, {
      bindLimit,
      ...(windowBytesMax === undefined ? {} : { windowBytesMax }),
      ...(detectors === undefined ? {} : { detectors }),
    });
    this.judge.resume(0, NOW);
  }

  /** One block. */
  feed(block: readonly Reading[], now = NOW): AlarmEvent[] {
    const events = block.length === 0 ? [] : this.judge.block(aBlock(block), ++this.#offset, now);
    this.events.push(...events);
    return events;
  }

  /** New rules, as after a change of the registry. */
  rules(rules: readonly VersionedRule[], now = NOW): AlarmEvent[] {
    this.directory = aDirectory({ ...this.directory.snapshot, rules, version: this.directory.version + 1 });
    const { events } = this.judge.rebind(this.directory, this.#offset, now);
    this.events.push(...events);
    return events;
  }

  tick(now: number): AlarmEvent[] {
    const events = this.judge.tick(this.#offset, now);
    this.events.push(...events);
    return events;
  }

  acknowledge(alarm: string, by = "officer", id = `c-${alarm}`): AlarmEvent[] | null {
    const command = { id, kind: "acknowledge", alarm, by, via: "web", at: NOW } as const;
    const events = this.judge.command(command, this.#offset, NOW);
    this.events.push(...(events ?? []));
    return events;
  }

  /** Alarms as last told, without those that were superseded or retracted. */
  get alarms(): Alarm[] {
    return lastTold(this.events);
  }
}

export function lastTold(events: readonly AlarmEvent[]): Alarm[] {
  const alarms = new Map(events.map(({ alarm }) => [alarm.id, alarm]));
  return [...alarms.values()].filter((alarm) => alarm.supersededBy === null);
}

export function outcomes(alarms: readonly Alarm[]): Outcome[] {
  return alarms
    .map(({ rule, series, start, end, level, verified }) => ({
      rule,
      series,
      start: (start - NOW) / MINUTE,
      end: end === null ? null : (end - NOW) / MINUTE,
      level,
      verified,
    }))
    .sort((a, b) => a.series.localeCompare(b.series) || a.rule.localeCompare(b.rule) || a.start - b.start);
}
