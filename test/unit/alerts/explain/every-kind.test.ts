/** Every rule kind through the real engine: what it raises explains in both languages, verifies from a file, and tells changes. */
import { describe, expect, test } from "vitest";
import { engineOf } from "../../../../alerts/detectors.ts";
import { readAlarm } from "../../../../alerts/explain/alarm-file.ts";
import { explain } from "../../../../alerts/explain/explain.ts";
import { verifyAlarm } from "../../../../alerts/explain/verify.ts";
import { loadPacks } from "../../../../alerts/packs/load.ts";
import type { Alarm, Computation } from "../../../../core/alarm.ts";
import { explanationText } from "../../../../core/explanation.ts";
import type { Reading } from "../../../../core/reading.ts";
import { Rule } from "../../../../core/rule.ts";
import type { Station } from "../../../../core/site.ts";
import { aDevice, aDirectory, aReading, aStation, aVersionedRule, NOW } from "../../../support/builders.ts";
import { honest, PER_DAY } from "../../../support/integrity.ts";
import { Timeline } from "../../../support/timeline.ts";

const packs = loadPacks();
const { bindLimit, detectors } = engineOf(packs);
const DAY = 86_400_000;
const HOUR = 3_600_000;
const MINUTE = 60_000;

const STATIONS: readonly Partial<Station>[] = [
  { id: "mw-1", type: "risk", lat: 30.1, lon: 105.3 },
  { id: "up", type: "upgradient", lat: 30.12, lon: 105.3 },
  { id: "src", type: "source", lat: 30.11, lon: 105.3 },
  { id: "d1", type: "downgradient", lat: 30.09, lon: 105.3 },
  { id: "d2", type: "downgradient", lat: 30.08, lon: 105.3 },
  { id: "intake", type: "intake", lat: 30.07, lon: 105.3 },
  { id: "river", type: "basic", medium: "surface-water", lat: 30.08, lon: 105.31 },
  { id: "field", type: "basic", medium: "soil", lat: 30.1, lon: 105.31 },
  { id: "pond", type: "basic", medium: "tailings", lat: 30.1, lon: 105.32 },
];

type Told = readonly [series: string, at: number, value: number];
function results(values: readonly number[], series = "mw-1/cd", every = DAY): Told[] {
  return values.map((value, index) => [series, index * every, value]);
}
/** Two decimals, the same sequence each time, between -1 and 1. */
function noise(channel: number, row: number): number {
  const x = Math.sin(row * 12.9898 + channel * 78.233) * 43_758.5453;
  return Math.round((x - Math.floor(x) - 0.5) * 200) / 100;
}
function rounds(count: number, every: number, channels: readonly string[], value: (row: number, at: number) => number) {
  return Array.from({ length: count }, (_, row) =>
    channels.map((series, at): Told => [series, row * every, value(row, at)]),
  ).flat();
}

const CALM = [10, 12, 11, 10, 12, 11, 12, 10, 11, 12];
const WELL = [...CALM, 14, 17, 21, 26, 32, 60].map((x) => x / 1e4);
const two = (value: number): number => Number(value.toFixed(2));
const [first, second, third] = [honest(16, 1), honest(16, 2), honest(16, 3)];
const stuck = (row: number): number => first[row >= 12 * PER_DAY ? 12 * PER_DAY : row] ?? 0;
/** Midnight in China, as days are counted there. */
const QUARTER = 900_000;

const KINDS: Readonly<
  Record<Exclude<Rule["kind"], "absence">, { readonly rule: object; readonly tape: readonly Told[] }>
> = {
  limit: { rule: { pack: "gbt14848-2017", above: "III", on: { quantity: "cd" } }, tape: results([0.001, 0.006]) },
  level: { rule: { above: 0.005, on: { quantity: "cd" } }, tape: results([0.001, 0.006]) },
  jump: { rule: {}, tape: results(WELL) },
  rise: { rule: {}, tape: results(WELL) },
  rate: { rule: { above: 0.002, per: "1d", over: "1d" }, tape: results(WELL) },
  trend: { rule: { pack: "gbt14848-2017", above: "III", within: "365d" }, tape: results(WELL) },
  "shewhart-cusum": { rule: { onDelay: "2 readings" }, tape: results(WELL) },
  ewma: { rule: {}, tape: results(WELL) },
  prediction: { rule: {}, tape: results(WELL) },
  class: { rule: { pack: "gbt14848-2017", onDelay: "2 readings" }, tape: results([0.0001, 0.0001, 0.006, 0.02]) },
  event: {
    rule: {},
    tape: rounds(200, MINUTE, ["mw-1/ph", "mw-1/ec", "mw-1/turbidity"], (row, at) =>
      two(10 + noise(at, row) + (row >= 180 ? 25 : 0)),
    ),
  },
  composite: {
    rule: {
      within: "2d",
      conditions: [
        { quantity: "cd", above: 5, unit: "µg/L" },
        { quantity: "ph", below: 6 },
      ],
    },
    tape: [...results([0.001, 0.006], "d1/cd"), ["d1/ph", 2 * DAY, 5]],
  },
  "cross-medium": {
    rule: {
      family: ["cd", "pb"],
      media: [
        { medium: "groundwater", within: "60d", pack: "gbt14848-2017", above: "III" },
        { medium: "surface-water", within: "14d", pack: "gb3838-2002", above: "III" },
      ],
    },
    tape: [...results([0.001, 0.008], "d1/cd"), ["river/pb", 2 * DAY, 0.2]],
  },
  spread: {
    rule: { pack: "gbt14848-2017", above: "III", within: "40d", on: { quantity: "cd" }, onDelay: "2 readings" },
    tape: [...results([0.001], "up/cd"), ["d1/cd", 0, 0.001], ["d1/cd", 10 * DAY, 0.009], ["d1/cd", 20 * DAY, 0.01]],
  },
  plume: {
    rule: {
      above: 0.05,
      receptor: "intake",
      within: "3650d",
      along: { src: 0, intake: 200 },
      aquifer: { conductivity: [5, 20], gradient: [0.003, 0.008], porosity: [0.2, 0.3] },
      on: { quantity: "cr6" },
    },
    tape: results([0.01, 0.5], "src/cr6"),
  },
  tailings: {
    rule: { items: [{ quantity: "dry_beach", blue: 110, yellow: 100, orange: 85, red: 70 }] },
    tape: results([120, 80], "pond/dry_beach"),
  },
  integrity: {
    rule: {},
    tape: rounds(15 * PER_DAY, QUARTER, ["mw-1/turbidity", "mw-1/orp", "mw-1/toc"], (row, at) =>
      at === 0 ? stuck(row) : ((at === 1 ? second : third)[row] ?? 0),
    ),
  },
  "identical-stations": {
    rule: {},
    tape: rounds(8 * PER_DAY, QUARTER, ["d1/turbidity", "d2/turbidity"], (row, at) =>
      at === 0 || (row > 5 * PER_DAY + 10 && row < 5 * PER_DAY + 60) ? (first[row] ?? 0) : (second[row] ?? 0),
    ),
  },
};
type Kind = keyof typeof KINDS;
const NAMES = Object.keys(KINDS) as Kind[];

const raised = new Map<Kind, Alarm>();
/** What the engine tells, through a file, as a person has it. */
function alarmOf(kind: Kind): Alarm {
  const known = raised.get(kind);
  if (known) return known;
  const { rule, tape } = KINDS[kind];
  const level = kind === "tailings" ? { level: "red" } : { level: "orange" };
  const rules = [aVersionedRule({ id: `the-${kind}`, on: {}, kind, ...level, ...rule }, 3)];
  const isSensor = kind === "event" || kind === "integrity" || kind === "identical-stations";
  const interval = isSensor ? MINUTE : 7 * DAY;
  const quantities = { cd: "mg/L", ph: "pH", turbidity: "NTU", orp: "mV", toc: "mg/L", ec: "µS/cm" };
  const devices = STATIONS.map(({ id = "" }) => aDevice({ id: `dev-${id}`, station: id, interval, quantities }));
  const timeline = new Timeline({
    directory: aDirectory({ rules, stations: STATIONS.map((station) => aStation(station)), devices }),
    bindLimit,
    detectors,
  });
  const byTime = new Map<number, Told[]>();
  for (const told of tape) byTime.set(told[1], [...(byTime.get(told[1]) ?? []), told]);
  // A midnight in China, at which days of data begin.
  const begin = NOW - 8 * HOUR;
  for (const [at, told] of [...byTime].sort(([a], [b]) => a - b)) {
    timeline.feed(
      told.map(([series, , value]): Reading => aReading({ series: `${series}/total/rtd`, time: begin + at, value })),
      begin + at + 1_000,
    );
  }
  timeline.tick(begin + 100 * DAY);
  const alarm = timeline.alarms.findLast(({ rule: id }) => id === `the-${kind}`);
  if (!alarm) throw new Error(`the tape of ${kind} raised nothing`);
  const read = readAlarm(JSON.stringify(alarm));
  if ("fault" in read) throw new Error(read.fault);
  raised.set(kind, read.alarm);
  return read.alarm;
}
function verify(alarm: Alarm) {
  const read = readAlarm(JSON.stringify(alarm));
  if ("fault" in read) throw new Error(read.fault);
  return verifyAlarm(read.alarm, { packs, book: detectors });
}
function named(alarm: Alarm, wanted: "differs" | "unseen"): string[] {
  return verify(alarm)
    .checks.filter(({ outcome }) => outcome === wanted)
    .map(({ name }) => name);
}
function computed(alarm: Alarm, change: (old: Computation) => Partial<Computation>): Alarm {
  const { computation } = alarm.evidence;
  if (!computation) throw new Error("nothing was computed");
  return {
    ...alarm,
    evidence: { ...alarm.evidence, computation: { ...computation, ...change(computation) } },
  };
}
/** On these tapes the deciding readings alone are enough: nothing remembered is part of the verdict. */
const BY_ONE_ROUND: readonly Kind[] = ["plume", "tailings"];
const LEARNING: readonly Kind[] = NAMES.filter((kind) => kind !== "limit" && kind !== "level");

test("every kind of rule has its tape; absence is raised by the clock and tested with the others of its kind", () => {
  const kinds = Rule.options.map(({ shape }) => shape.kind.value);
  expect([...NAMES, "absence"].sort()).toEqual([...kinds].sort());
});

describe.each(NAMES)("%s", (kind) => {
  test("verifies from a file", () => {
    const alarm = alarmOf(kind);
    const found = verify(alarm).checks.filter(({ outcome }) => outcome === "differs");
    expect(found.map(({ en }) => en)).toEqual([]);
    // Only what ended it, and a worst value later than the run, are not in the alarm.
    expect(["end", "value"]).toEqual(expect.arrayContaining(named(alarm, "unseen")));
    if (LEARNING.includes(kind)) expect(alarm.evidence.computation?.kind).toBe(kind);
  });

  test("explains itself in words", () => {
    const alarm = alarmOf(kind);
    const explanation = explain(alarm);
    for (const language of ["zh-CN", "en"] as const) {
      const text = explanationText(explanation, language);
      expect(text).not.toMatch(/undefined|NaN|null|\[object/);
      const figures = explanation.steps.filter((step) => step.kind === "figures");
      if (LEARNING.includes(kind)) expect(figures.length).toBeGreaterThan(0);
      const raw = Object.keys(explanation.figures).filter((name) => /[A-Z.]/.test(name) && text.includes(name));
      expect({ language, raw }).toEqual({ language, raw: [] });
      expect(text).not.toMatch(/ = -?\d+(\.\d+)?, \w+ = /);
      for (const step of figures) expect(/[\u4e00-\u9fff]/.test(step[language])).toBe(language === "zh-CN");
    }
    expect(explanation.steps[0]?.["zh-CN"]).not.toContain(`（${kind}）`);
  });
});

describe.each(LEARNING)("a changed file of %s", (kind) => {
  test("each figure", () => {
    const alarm = alarmOf(kind);
    for (const [name, value] of Object.entries(alarm.evidence.computation?.figures ?? {})) {
      if (!Number.isFinite(value)) continue;
      const changed = computed(alarm, ({ figures }) => ({ figures: { ...figures, [name]: value + 1 } }));
      expect(named(changed, "differs")).toContain(`figures.${name}`);
    }
  });
  test("the memory taken away, or made unreadable", () => {
    const outcomes = [null, {}, 5, "x", []].map(
      (memory) => verify(computed(alarmOf(kind), () => ({ memory }))).outcome,
    );
    expect(outcomes[0]).toBe(BY_ONE_ROUND.includes(kind) ? "agrees" : "differs");
    expect(outcomes).not.toContain("partly");
    expect(() => verify(computed(alarmOf(kind), () => ({ context: null })))).not.toThrow();
  });
  test("the deciding reading", () => {
    const alarm = alarmOf(kind);
    const last = alarm.evidence.readings.length - 1;
    const readings = alarm.evidence.readings.map((one, at) => (at === last ? { ...one, value: 1e-7 } : one));
    expect(verify({ ...alarm, evidence: { ...alarm.evidence, readings } }).outcome).toBe("differs");
  });
});

/** Of those that judge once a day, the reading that closes the day decides nothing by itself. */
const GROUPS = ["class", "event", "composite", "cross-medium", "spread", "plume", "tailings"] as const;
test.each(GROUPS)("%s: a member's reading, its rank and its doubt", (kind) => {
  const alarm = alarmOf(kind);
  const change = (more: object, isRank = false) =>
    computed(alarm, ({ members }) => ({
      members: (members ?? []).map((member) =>
        member.contributes < 0
          ? member
          : isRank
            ? { ...member, ...more }
            : { ...member, readings: member.readings.map((reading) => ({ ...reading, ...more })) },
      ),
    }));
  const calm = kind === "tailings" ? 500 : kind === "composite" ? 7 : 0.0001;
  expect(verify(change({ value: kind === "event" ? 10 : calm })).outcome).toBe("differs");
  expect(named(change({ contributes: 9 }, true), "differs")).toContain("contributes");
  expect(verify(change({ flag: 4 })).outcome).toBe("differs");
});
