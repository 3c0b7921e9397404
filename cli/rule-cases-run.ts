/** Runs one case of a `*.test.yaml` and says how what was raised differs from what was expected. */
import type { JudgeOptions } from "../alerts/judge.ts";
import type { Alarm } from "../core/alarm.ts";
import type { Rule } from "../core/rule.ts";
import { formatDuration } from "../core/site.ts";
import { Replay } from "../replay.ts";
import { ReplayIngest } from "../replay-ingest.ts";
import { replayDirectory, versioned } from "../replay-registry.ts";
import { uniform } from "../simulators/random.ts";
import { type CaseReadings, type Expected, type Part, placesOf, type RuleCase, type When } from "./rule-cases.ts";

export interface CaseOutcome {
  readonly name: string;
  /** Empty when all is as expected. One line a difference, with its times from the start of the case. */
  readonly differences: readonly string[];
  readonly readings: number;
  readonly alarms: number;
}

interface CaseReading {
  readonly time: number;
  readonly value: number;
  readonly cmp: number;
}

/** @param judged ids of the rules whose alarms must be expected; those of other rules are left aside. */
export function runRuleCase(
  written: RuleCase,
  parts: {
    readonly rules: readonly Rule[];
    readonly judged: (rule: string) => boolean;
    readonly engine: JudgeOptions;
    readonly file: string;
  },
): CaseOutcome {
  const from = timeOf(written.from, 0);
  const own = new Set(written.rules.map(({ id }) => id));
  const rules = [...parts.rules.filter(({ id }) => !own.has(id)), ...written.rules].map((rule) =>
    written.enable.includes(rule.id) ? { ...rule, enabled: true } : rule,
  );
  const places = placesOf(written, parts.file);
  const columns = written.readings.map(({ station, quantity, unit, every }) => ({
    station,
    quantity,
    unit,
    interval: every,
  }));
  const contents = { tenants: [], ...places, devices: written.devices };
  const directory = replayDirectory(contents, versioned(rules), columns);
  const alarms = new Map<string, Alarm>();
  const onEvent = ({ alarm }: { readonly alarm: Alarm }): void => void alarms.set(alarm.id, alarm);
  const replay = new Replay({ directory, engine: parts.engine, begin: from, onEvent });
  const ingest = new ReplayIngest({ directory, replay, onFlag: () => undefined });
  let last = from;
  const tape = written.readings.flatMap((series) => {
    const slot = ingest.slot({ ...series, aggregate: series.agg });
    return readingsOf(series, from).map((reading) => ({ ...reading, slot, qualifier: series.qualifier }));
  });
  for (const { slot, time, value, cmp, qualifier } of tape.sort((a, b) => a.time - b.time)) {
    ingest.add(slot, time, time, value, cmp, qualifier);
    last = time;
  }
  ingest.end(written.until === undefined ? last : timeOf(written.until, from));
  const raised = [...alarms.values()].filter(
    ({ rule, supersededBy }) => supersededBy === null && (own.has(rule) || parts.judged(rule)),
  );
  const refused = Object.entries(ingest.counts.refused).map(([code, count]) => `${count} readings refused: ${code}`);
  const differences = [...refused, ...compare(written.expect, raised, from)];
  return { name: written.name, differences, readings: ingest.counts.readings, alarms: raised.length };
}

function timeOf(when: When, from: number): number {
  return "at" in when ? when.at : from + when.after;
}

function readingsOf(series: CaseReadings, from: number): CaseReading[] {
  const { every, seed, quantity, station } = series;
  const parts: readonly Part[] = series.parts ?? [{ values: series.values ?? [] }];
  const found: CaseReading[] = [];
  let time = timeOf(series.start, from);
  const noise = (width = 0): number =>
    width === 0 ? 0 : width * (2 * uniform(seed, `${station}/${quantity}`, found.length) - 1);
  for (const part of parts) {
    if ("gap" in part) time += part.gap;
    else if ("values" in part) {
      for (const value of part.values) {
        if (value !== null) found.push({ time, ...numberOf(value) });
        time += every;
      }
    } else {
      const steps = Math.round(part.for / every);
      for (let step = 0; step < steps; step++, time += every) {
        if ("ramp" in part) {
          const [low, high] = part.ramp;
          const value = low + ((high - low) * step) / Math.max(1, steps - 1) + noise(part.noise);
          found.push({ time, value, cmp: 0 });
        } else if (part.steady !== null) {
          const { value, cmp } = numberOf(part.steady);
          found.push({ time, value: value + noise(part.noise), cmp });
        }
      }
    }
  }
  return found;
}

function numberOf(written: number | string): { readonly value: number; readonly cmp: number } {
  if (typeof written === "number") return { value: written, cmp: 0 };
  return { value: Number(written.slice(1)), cmp: written.startsWith("<") ? 1 : 2 };
}

function compare(expected: readonly Expected[], raised: readonly Alarm[], from: number): string[] {
  const left = new Set(raised);
  const missing: string[] = [];
  for (const wanted of expected) {
    const found = [...left].find((alarm) => fits(wanted, alarm, from));
    if (found) left.delete(found);
    else {
      const end = wanted.end === null ? "still running" : relative(timeOf(wanted.end, from), from);
      const start = relative(timeOf(wanted.start, from), from);
      missing.push(`- expected ${wanted.rule} on ${wanted.series}: ${wanted.level}, ${start} to ${end}`);
    }
  }
  const surplus = [...left].map(({ rule, series, level, start, end }) => {
    const until = end === null ? "still running" : relative(end, from);
    return `+ raised   ${rule} on ${series}: ${level}, ${relative(start, from)} to ${until}`;
  });
  return [...missing, ...surplus];
}

function fits(wanted: Expected, { rule, series, level, start, end }: Alarm, from: number): boolean {
  if (wanted.rule !== rule || wanted.level !== level) return false;
  const named = wanted.series.includes("/") ? wanted.series === series : series.split("/")[1] === wanted.series;
  if (!named || Math.abs(timeOf(wanted.start, from) - start) > wanted.within) return false;
  if (wanted.end === null || end === null) return wanted.end === null && end === null;
  return Math.abs(timeOf(wanted.end, from) - end) <= wanted.within;
}

function relative(time: number, from: number): string {
  return time === from ? "+0s" : time > from ? `+${formatDuration(time - from)}` : `-${formatDuration(from - time)}`;
}
