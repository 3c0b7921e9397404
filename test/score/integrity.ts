/**
 * Score of the falsification signals: false cases per device-year on clean public series, recall of injected cheats.
 *
 * A case is a run of days at "check" or above with fewer than seven clean days between. A device is a station; its years
 * are counted over days that have readings. A cheat is found when, from its first day to two days after its last, the
 * injected series itself reaches "check" on a day on which it does not without the cheat.
 */

import type { GroupMember } from "../../alerts/detect/group.ts";
import { combine, type Signal } from "../../alerts/detect/integrity/evidence.ts";
import { createIdentical } from "../../alerts/detect/integrity/identical.ts";
import { createIntegrity } from "../../alerts/detect/integrity/station.ts";
import { quantile } from "../../alerts/detect/integrity/statistics.ts";
import { FORM } from "../../alerts/detect/marks.ts";
import { loadPacks } from "../../alerts/packs/load.ts";
import { loadRules, SHIPPED_RULES } from "../../alerts/rules.ts";
import { chinaDay } from "../../core/china-day.ts";
import { IdenticalRule, IntegrityRule } from "../../core/rule-integrity.ts";
import { Site, Station } from "../../core/site.ts";
import { CHEATS, type Cheat, type Place } from "./integrity-cheats.ts";
import { scoreClock } from "./integrity-clock.ts";
import { loadTapes, quantityOf, type Tape } from "./integrity-sets.ts";

const DAY_MS = 86_400_000;
const common = { kind: "integrity", id: "integrity", on: {}, level: "blue" } as const;
/** Every signal, a day at "check" counts; and the shipped rule of that name, with its delay. */
const EVERY = IntegrityRule.parse(common);
const SHIPPED = loadRules(SHIPPED_RULES, loadPacks()).find((rule) => rule.id === "data-integrity") as IntegrityRule;
const identicalRule = IdenticalRule.parse({ kind: "identical-stations", id: "identical", on: {}, level: "blue" });

/**
 * Series of the sets with several readings a day that are fine enough. Of these a cheat is tried where the middle half of
 * its own stretch spans 30 counts or more (`Cheat.counts`; 100 for invented digits), so coarse series are not tried.
 */
const PLACES: Readonly<Record<string, readonly string[]>> = {
  gecco: ["flow_1", "flow_2"],
  "station-b": ["turb_val", "cond_val"],
  "logan-river": ["temp", "ec", "do", "turb", "level_cm"],
  pioneer: ["ec", "turb"],
};

const PROBES: readonly string[] = ["turbidity", "ec", "do", "ph", "toc"];

export interface DayFound {
  readonly day: number;
  readonly score: number;
  /** Score and signals of each member. */
  readonly members: ReadonlyMap<number, { score: number; signals: Signal[] }>;
}

const members = (tape: Tape, limits: readonly (number | null)[]): GroupMember[] =>
  tape.columns.map((column, c) => memberOf(tape.name.replace(/[^A-Za-z0-9-]/g, "-"), column, limits[c] ?? null));

function memberOf(name: string, column: string, limit: number | null): GroupMember {
  const site = Site.parse({
    id: "site",
    tenant: "t",
    kind: "water-source",
    area: "512021",
    name: { "zh-CN": "甲", en: "A" },
    lat: 30,
    lon: 105,
  });
  const station = Station.parse({ id: name, site: "site", medium: "surface-water", type: "basic", control: "city" });
  return {
    key: `${name}/${column}/total/rtd`, quantity: quantityOf(column), fraction: "total", aggregate: "rtd", station, site,
    unit: "1", resolution: null, intervalMs: null, limit: limit === null ? null : { value: limit, passes: "<=" },
  }; // biome-ignore format: one line a group
}

/** Runs the detector over rows `from` to `to`; a reading a day later closes the last day. */
export function judgeTape(
  tape: Tape,
  limits: readonly (number | null)[],
  from = 0,
  to = tape.times.length,
  rule = EVERY,
): DayFound[] {
  const detector = createIntegrity(rule, members(tape, limits));
  const width = tape.columns.length;
  const step = { time: 0, values: new Float64Array(width), forms: new Uint8Array(width), flags: new Uint8Array(width) };
  const found: DayFound[] = [];
  let day = Number.NEGATIVE_INFINITY;
  for (let row = from; row < to; row++) {
    step.time = tape.times[row] as number;
    for (let c = 0; c < width; c++) {
      const value = tape.values[c]?.[row] as number;
      const declared = tape.declared[c]?.[row] === 1;
      step.values[c] = value;
      step.forms[c] = Number.isNaN(value) || declared ? FORM.unfit : FORM.plain;
      step.flags[c] = Number.isNaN(value) ? 9 : 1;
    }
    const closed = day;
    day = chinaDay(step.time);
    if (detector.step(step) !== 3 && detector.score >= rule.check) {
      const byMember = new Map<number, { score: number; signals: Signal[] }>();
      for (let m = 0; m < width; m++) {
        const pieces = detector
          .evidence()
          .filter(([member]) => member === m)
          .map(([, piece]) => piece);
        const score = combine(pieces);
        if (score >= rule.check) byMember.set(m, { score, signals: pieces.map((piece) => piece.signal) });
      }
      found.push({ day: closed, score: detector.score, members: byMember });
    }
  }
  return "readings" in rule.onDelay && rule.onDelay.readings === 2 ? inARow(found) : found;
}

/** Days at "check" whose day before was at "check" too, as a delay of two judged days asks. */
function inARow(days: readonly DayFound[]): DayFound[] {
  return days.filter(({ day }, k) => days[k - 1]?.day === day - 1);
}

/** Days at "check" → cases: fewer than seven clean days between. */
export function casesOf(days: readonly DayFound[]): DayFound[] {
  return days.filter(({ day }, k) => k === 0 || day - (days[k - 1]?.day ?? 0) > 7);
}

function limitsOf(tape: Tape, p: number, from = 0, to = tape.times.length): number[] {
  return tape.values.map((column) => quantile(sortedOf(column.slice(from, to)), p));
}
function sortedOf(column: Float64Array): number[] {
  return [...column].filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
}

export function stationYears(tape: Tape): number {
  return new Set([...tape.times].map(chinaDay)).size / 365.25;
}

/** Clean run of one tape with the 95 % quantile of each series as its limit. */
export function scoreClean(tape: Tape, rule = EVERY): { years: number; days: DayFound[]; cases: DayFound[] } {
  const days = judgeTape(tape, limitsOf(tape, 0.95), 0, tape.times.length, rule);
  return { years: stationYears(tape), days, cases: casesOf(days) };
}

/** Three starts a series, from 35 days after its begin on; null where the tape is too short. */
export function placesFor(
  tape: Tape,
  column: number,
  cheat: Cheat,
): { from: number; to: number; first: number; last: number }[] {
  const { times } = tape;
  const begin = (times[0] as number) + 35 * DAY_MS;
  const end = (times[times.length - 1] as number) - (cheat.days + 3) * DAY_MS;
  const rowAt = (time: number) => times.findIndex((t) => t >= time);
  const length = (row: number, days: number) => {
    const until = rowAt((times[row] as number) + days * DAY_MS);
    return Math.max(until < 0 ? times.length : until, Math.min(times.length, row + (cheat.readings ?? 0)));
  };
  const starts =
    end <= begin
      ? [Math.max(begin - 15 * DAY_MS, (times[0] as number) + 18 * DAY_MS)]
      : [0.1, 0.5, 0.9].map((share) => begin + share * (end - begin));
  return starts.flatMap((start) => {
    const from = rowAt(start);
    const to = length(from, cheat.days);
    const known = sortedOf((tape.values[column] as Float64Array).slice(from, to));
    if (known.length < 30 || known.length < 0.5 * (to - from)) return [];
    if (quantile(known, 0.75) - quantile(known, 0.25) < (cheat.counts ?? 30) * countOf(known)) return [];
    const above = quantile(known, 0.85);
    if (excursions(tape.values[column] as Float64Array, from, to, above) < (cheat.excursions ?? 0)) return [];
    return [
      {
        from,
        to,
        first: Math.max(0, Math.min(rowAt(start - 40 * DAY_MS), from - 2_500)),
        last: Math.min(times.length, to + Math.ceil((3 * (to - from)) / cheat.days)),
      },
    ];
  });
}

function excursions(values: Float64Array, from: number, to: number, above: number): number {
  let [n, high] = [0, false];
  for (let row = from; row < to; row++) {
    if ((values[row] as number) > above && !high) n++;
    high = (values[row] as number) > above;
  }
  return n;
}

/** Whether one injected cheat is found, and by which signals. */
export function tryCheat(
  tape: Tape,
  column: number,
  cheat: Cheat,
  at: { from: number; to: number; first: number; last: number },
  seed: number,
  rule = EVERY,
): Signal[] | null {
  const stretch = sortedOf((tape.values[column] as Float64Array).slice(at.from, at.to));
  const limit = quantile(stretch, 0.85);
  const changed: Tape = {
    ...tape,
    values: tape.values.map((values, c) => (c === column ? values.slice() : values)),
    declared: tape.declared.map((declared, c) => (c === column ? declared.slice() : declared)),
  };
  const iqr = quantile(stretch, 0.75) - quantile(stretch, 0.25);
  const place: Place = { tape: changed, column, ...at, limit, q: countOf(stretch), iqr, seed };
  cheat.apply(place);
  const limits = tape.columns.map((_, c) => (c === column && cheat.limited ? limit : null));
  const without = new Set(
    judgeTape(tape, limits, at.first, at.last, rule)
      .filter(({ members }) => members.has(column))
      .map(({ day }) => day),
  );
  const begin = chinaDay(tape.times[at.from] as number);
  const end = chinaDay(tape.times[at.to - 1] as number) + 2;
  const hits = judgeTape(changed, limits, at.first, at.last, rule).filter(
    ({ day, members }) => day >= begin && day <= end && members.has(column) && !without.has(day),
  );
  return hits.length === 0 ? null : [...new Set(hits.flatMap(({ members }) => members.get(column)?.signals ?? []))];
}

/** The decimals that 98 % of the values need, as a count. */
function countOf(values: readonly number[]): number {
  const places = values.map((value) => (String(value).split(".")[1] ?? "").length).sort((a, b) => a - b);
  return 10 ** -quantile(places, 0.98);
}

/** A neighbour that honestly has the same water 14 days before, and for a day sends this station's numbers. */
export function tryIdentical(
  tape: Tape,
  column: number,
  at: { from: number; to: number; first: number; last: number } | null,
): number[] {
  const own = tape.values[column] as Float64Array;
  const shift = tape.times.findIndex((time) => time >= (tape.times[0] as number) + 14 * DAY_MS);
  const other = own.map((_, row) => own[row >= shift ? row - shift : row + shift] as number);
  if (at) for (let row = at.from; row < at.to; row++) other[row] = own[row] as number;
  const detector = createIdentical(identicalRule, [memberOf("s1", "x", null), memberOf("s2", "x", null)]);
  const step = { time: 0, values: new Float64Array(2), forms: new Uint8Array(2), flags: new Uint8Array(2) };
  const days: number[] = [];
  for (let row = at?.first ?? 0; row < (at?.last ?? own.length); row++) {
    step.time = tape.times[row] as number;
    [own, other].forEach((values, m) => {
      step.values[m] = values[row] as number;
      step.forms[m] = Number.isNaN(values[row]) ? FORM.unfit : FORM.plain;
    });
    if (detector.step(step) === 1) days.push(chinaDay(step.time) - 1);
  }
  return days;
}

interface Tally {
  tried: number;
  found: number;
  by: Map<Signal, number>;
  missed: string[];
}

/** First with every signal, then as shipped. */
export function scoreBoth(shared: string, print: (line: string) => void): void {
  print("every signal, each day at check");
  scoreIntegrity(shared, print);
  print(`\nrule data-integrity as shipped: ${SHIPPED.signals.join(", ")}`);
  scoreIntegrity(shared, print, SHIPPED);
}

export function scoreIntegrity(
  shared: string,
  print: (line: string) => void = console.log,
  rule = EVERY,
): { recall: Record<string, number>; falsePerYear: number } {
  const tapes = loadTapes(shared);
  print("clean series: cases per device-year (device = station)");
  let [years, cases, denseYears, denseCases] = [0, 0, 0, 0];
  for (const tape of tapes) {
    const clean = scoreClean(tape, rule);
    years += clean.years;
    cases += clean.cases.length;
    if (!/^(heads|inl)-/.test(tape.name)) {
      denseYears += clean.years;
      denseCases += clean.cases.length;
    }
    const why = clean.cases.map(
      ({ day, members }) =>
        `${new Date(day * DAY_MS).toISOString().slice(0, 10)} ${[...members].map(([m, { signals }]) => `${tape.columns[m]}:${signals}`)}`,
    );
    print(
      `  ${tape.name.padEnd(22)} ${clean.years.toFixed(2)} years, ${clean.cases.length} cases, ${clean.days.length} days  ${why.join("; ")}`,
    );
  }
  print(
    `  stations with several readings a day: ${denseYears.toFixed(2)} years, ${denseCases} cases: ${(denseCases / denseYears).toFixed(2)} a year`,
  );
  print(`  together ${years.toFixed(2)} years, ${cases} cases: ${(cases / years).toFixed(2)} a year`);
  const recall: Record<string, number> = {};
  for (const cheat of CHEATS) {
    const tally: Tally = { tried: 0, found: 0, by: new Map(), missed: [] };
    for (const tape of tapes) tryAll(tape, cheat, tally, rule);
    recall[cheat.kind] = tell(cheat.kind, cheat.what, tally, print);
  }
  const twins: Tally = { tried: 0, found: 0, by: new Map(), missed: [] };
  let honest = 0;
  for (const tape of tapes) {
    for (const name of PLACES[tape.name] ?? []) {
      const column = tape.columns.indexOf(name);
      honest += tryIdentical(tape, column, null).length;
      for (const at of placesFor(tape, column, { days: 2, kind: "", what: "", apply: () => undefined })) {
        twins.tried++;
        if (tryIdentical(tape, column, at).some((day) => day >= chinaDay(tape.times[at.from] as number) - 1))
          twins.found++;
        else twins.missed.push(`${tape.name}/${name}`);
      }
    }
  }
  recall["identical stations"] = tell(
    "identical stations",
    `2 days of another station's readings; ${honest} honest days`,
    twins,
    print,
  );
  recall["clock"] = scoreClock(print);
  return { recall, falsePerYear: cases / years };
}

function tryAll(tape: Tape, cheat: Cheat, tally: Tally, rule: IntegrityRule): void {
  const probes = (name: string) => !cheat.probes || PROBES.includes(quantityOf(name));
  const names =
    cheat.kind === "inconsistent pair"
      ? tape.columns.includes("tds")
        ? ["tds"]
        : []
      : (PLACES[tape.name] ?? []).filter(probes);
  for (const name of names) {
    const column = tape.columns.indexOf(name);
    for (const at of placesFor(tape, column, cheat)) {
      tally.tried++;
      const signals = tryCheat(tape, column, cheat, at, tally.tried, rule);
      if (signals) {
        tally.found++;
        for (const signal of signals) tally.by.set(signal, (tally.by.get(signal) ?? 0) + 1);
      } else {
        tally.missed.push(`${tape.name}/${name}`);
      }
    }
  }
}

function tell(kind: string, what: string, tally: Tally, print: (line: string) => void): number {
  const by = [...tally.by].sort((a, b) => b[1] - a[1]).map(([signal, n]) => `${signal} ${n}`);
  print(
    `${kind.padEnd(20)} recall ${tally.found}/${tally.tried} = ${(tally.found / tally.tried).toFixed(2)}  (${by.join(", ")})`,
  );
  print(`  ${what}${tally.missed.length > 0 ? `; missed: ${tally.missed.join(" ")}` : ""}`);
  return tally.found / tally.tried;
}
