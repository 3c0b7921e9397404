/** Identical stations, clock games, statistics and texts of the falsification signals. */
import { describe, expect, test } from "vitest";
import { addClockNote, type ClockNote, judgeClock, newClock } from "../../../../alerts/detect/integrity/clock-games.ts";
import { classOf } from "../../../../alerts/detect/integrity/evidence.ts";
import { createIdentical, identicalGroups } from "../../../../alerts/detect/integrity/identical.ts";
import { roundStandard } from "../../../../alerts/detect/integrity/noise.ts";
import { oxygenSaturation } from "../../../../alerts/detect/integrity/pairs.ts";
import { binomialTail, chiSquareTail, fisherTail, normalTail } from "../../../../alerts/detect/integrity/statistics.ts";
import { identicalSteps, integritySteps } from "../../../../alerts/explain/texts-integrity.ts";
import { IdenticalRule, STATION_SIGNALS } from "../../../../core/rule-integrity.ts";
import { aMember, honest, PER_DAY } from "../../../support/integrity.ts";

const rule = IdenticalRule.parse({ kind: "identical-stations", id: "i", on: {}, level: "blue" });

describe("identical stations", () => {
  const members = ["s1", "s2", "s3"].map((station) => aMember({ station }));
  const judge = (series: readonly (readonly number[])[], cut = -1): [day: number, twins: readonly number[]][] => {
    let detector = createIdentical(rule, members);
    const found: [number, readonly number[]][] = [];
    for (let row = 0; row < (series[0]?.length ?? 0); row++) {
      if (row === cut) {
        const saved = JSON.parse(JSON.stringify(detector.save()));
        detector = createIdentical(rule, members);
        detector.load(saved);
      }
      const values = Float64Array.from(series, (one) => one[row] as number);
      const time = row * 900_000 - 8 * 3_600_000;
      const judged = detector.step({ time, values, forms: new Uint8Array(3), flags: new Uint8Array(3).fill(1) });
      if (judged === 1) found.push([Math.floor(row / PER_DAY) - 1, detector.contributors()]);
    }
    return found;
  };
  const [a, b, c] = [honest(8, 1), honest(8, 2), honest(8, 3)];
  const twin = c.map((value, row) => (row >= 4 * PER_DAY + 10 && row < 4 * PER_DAY + 40 ? (a[row] as number) : value));

  test("thirty equal readings are evidence on their day, honest neighbours are none", () => {
    expect(judge([a, b, c])).toEqual([]);
    expect(judge([a, b, twin])).toEqual([[4, [0, 2]]]);
  });
  test("a memory saved in the middle of the match continues", () => {
    expect(judge([a, b, twin], 4 * PER_DAY + 20)).toEqual([[4, [0, 2]]]);
  });
  test("groups are quantities of a site with two stations", () => {
    const groups = identicalGroups([...members, aMember({ quantity: "toc" })]);
    expect(groups.map((group) => group.members.length)).toEqual([3]);
  });
});

describe("clock games", () => {
  const note = (seq: number, over: Partial<ClockNote> = {}): ClockNote => {
    const at = seq * 900_000;
    return { boot: "b", seq, measuredAt: at, receivedAt: at + 5_000, backfill: false, clockSet: false, ...over };
  };
  const weigh = (notes: readonly ClockNote[]): number => {
    const clock = newClock();
    for (const one of notes) addClockNote(clock, one);
    return judgeClock(clock)?.weight ?? 0;
  };
  const day = Array.from({ length: 96 }, (_, seq) => note(seq));
  const at = (changes: Readonly<Record<number, Partial<ClockNote>>>) =>
    day.map((one, k) => ({ ...one, ...changes[k] }));
  test.each([
    ["an honest day", day, 0],
    ["retransmissions", [...day.slice(0, 50), ...day.slice(40)], 0],
    [
      "store and forward after an outage",
      day.map((one, k) => ({ ...one, receivedAt: Math.max(one.receivedAt, k < 60 ? 55_000_000 : 0) })),
      0,
    ],
    ["a declared clock set", at({ 50: { measuredAt: 40 * 900_000, clockSet: true } }), 0],
    ["a declared back-fill", [...day, note(96, { measuredAt: -9e8, backfill: true })], 0],
    ["time set back twice", at({ 30: { measuredAt: 20 * 900_000 }, 70: { measuredAt: 60 * 900_000 } }), 4],
    ["numbers used again", at({ 30: { seq: 29 }, 70: { seq: 69 } }), 4],
  ])("%s", (_, notes, weight) => {
    expect(weigh(notes)).toBe(weight);
  });
});

test("tails agree with published values", () => {
  expect(10 ** -normalTail(1.959964)).toBeCloseTo(0.025, 5);
  expect(normalTail(6)).toBeCloseTo(-Math.log10(9.8659e-10), 2);
  expect(10 ** -chiSquareTail(16.919, 9)).toBeCloseTo(0.05, 3);
  expect(10 ** -fisherTail(3, 4, 4, 8)).toBeCloseTo(17 / 70, 6); // Fisher's tea
  expect(10 ** -binomialTail(9, 10, 0.5)).toBeCloseTo(11 / 1024, 6);
});

test("round standards, saturation of oxygen, classes", () => {
  expect([0.1005, 4.98, 10.05, 0.11].map(roundStandard)).toEqual([0.1, 5, 10, null]);
  expect(oxygenSaturation(20)).toBeCloseTo(9.09, 2);
  expect([3.9, 4, 8].map((score) => classOf(score))).toEqual([null, "check", "strong"]);
});

test("every signal has words in both languages that suspect and do not convict", () => {
  for (const signal of STATION_SIGNALS) {
    const steps = integritySteps({ score: 5, check: 4, strong: 8, [signal]: 1, [`${signal}.threshold`]: 2 });
    expect(steps["zh-CN"]).toHaveLength(2);
    expect(steps["zh-CN"].join("")).toMatch(/疑似.*待人工核查/);
    expect(steps.en.join("")).toMatch(/suspected, to be checked/);
  }
  expect(identicalSteps({ score: 9, equal: 30, threshold: 12 }).en[1]).toContain("strongly suspected");
});
