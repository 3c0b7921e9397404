/** Each falsification signal on a made-up station: fires on the cheat, on its series, after it began; silent without it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { integrityGroups } from "../../../../alerts/detect/integrity/station.ts";
import { aMember, honest, judgeDays, newDetector, PER_DAY, seeded } from "../../../support/integrity.ts";

const DAYS = 46;
const BEGIN = 25 * PER_DAY;
const MEMBERS = [aMember({ limit: 23 }), aMember({ quantity: "orp" }), aMember({ quantity: "toc" })];
const clean = [honest(DAYS, 1), honest(DAYS, 2), honest(DAYS, 3)];

/** Changes the first series from `BEGIN` for some days. */
function cheated(days: number, change: (value: number, row: number, all: readonly number[]) => number): number[] {
  const own = clean[0] as number[];
  return own.map((value, row) => (row >= BEGIN && row < BEGIN + days * PER_DAY ? change(value, row, own) : value));
}
const two = (value: number) => Number(value.toFixed(2));
function signalsOf(first: readonly number[], declared?: (member: number, row: number) => boolean): Map<string, number> {
  const days = judgeDays(newDetector(MEMBERS), [first, clean[1] as number[], clean[2] as number[]], declared);
  const first_ = new Map<string, number>();
  for (const { day, pieces } of days) {
    for (const [member, { signal, weight }] of pieces) {
      if (member === 0 && weight >= 4 && !first_.has(signal)) first_.set(signal, day);
    }
  }
  return first_;
}

describe("integrity of one station", () => {
  test("an honest station never asks for a check", () => {
    const days = judgeDays(newDetector(MEMBERS), clean);
    expect(days.length).toBe(DAYS - 1);
    expect(days.filter(({ score }) => score >= 4)).toEqual([]);
  });

  const random = seeded(9);
  test.each([
    ["constant", cheated(2, (_, __, own) => own[BEGIN] as number)],
    ["clipped", cheated(8, (value) => Math.min(value, 22))],
    ["digits", cheated(9, (value) => two(Math.round(value * 10) / 10))],
    ["copy", cheated(2, (_, row, own) => own[row - 5 * PER_DAY] as number)],
    ["affine-copy", cheated(2, (_, row, own) => two(0.9 * (own[row - 5 * PER_DAY] as number) + 1))],
    ["noise-drop", cheated(6, (value) => two(20 + 0.03 * (value - 20)))],
    ["standard-solution", cheated(6, () => two(5 + 0.02 * (random() - 0.5)))],
    ["limit-heap", cheated(20, (value) => (value > 23 ? two(22.99 - 0.3 * random()) : value))],
  ])("%s fires on its cheat, not before it", (signal, first) => {
    const found = signalsOf(first);
    expect([...found.keys()]).toContain(signal);
    expect(found.get(signal)).toBeGreaterThanOrEqual(25);
  });

  test("gaps after high values are told from maintenance declared after them", () => {
    const gaps = signalsOf(cheated(12, (value) => (value > 23 ? Number.NaN : value)));
    expect(gaps.has("gaps-when-high")).toBe(true);
    expect(gaps.has("maintenance-cover")).toBe(false);
    const own = clean[0] as number[];
    const cover = signalsOf(own, (member, row) => member === 0 && row >= BEGIN && (own[row] as number) > 23);
    expect(cover.has("maintenance-cover")).toBe(true);
    expect(cover.has("gaps-when-high")).toBe(false);
  });

  test("a coarse series may stand still, repeat and heap: it says nothing", () => {
    const coarse = [honest(DAYS, 4, 4), honest(DAYS, 5, 2), honest(DAYS, 6, 4)];
    const still = coarse.map((values, m) => values.map((value, row) => (m === 0 && row >= BEGIN ? 20 : value)));
    expect(judgeDays(newDetector(MEMBERS), still).filter(({ score }) => score >= 4)).toEqual([]);
  });

  test("a whole station that stands still is a fault, not a cheat", () => {
    const still = clean.map((values) => values.map((value, row) => (row >= BEGIN ? (values[BEGIN] as number) : value)));
    const days = judgeDays(newDetector(MEMBERS), still);
    expect(days.flatMap(({ pieces }) => pieces.map(([, { signal }]) => signal))).not.toContain("constant");
  });

  test("pairs: TDS against EC, part against whole, oxygen against saturation", () => {
    const members = [aMember({ quantity: "ec" }), aMember({ quantity: "tds" })];
    const ec = honest(12, 1).map((value) => 20 * value);
    const tds = ec.map((value, row) => two(value * (row >= 10 * PER_DAY ? 0.48 : 0.65)));
    const found = judgeDays(newDetector(members, { signals: ["inconsistent-pair"] }), [ec, tds]).filter(
      ({ score }) => score >= 4,
    );
    expect(found.map(({ day }) => day)).toEqual([10]);
    const parts = [aMember({ quantity: "cd", fraction: "dissolved" }), aMember({ quantity: "cd" })];
    const judge = (factor: number) =>
      judgeDays(newDetector(parts), [honest(3, 1).map((value) => value * factor), honest(3, 1)]).map(
        ({ score }) => score,
      );
    expect(Math.max(...judge(1.2))).toBe(0);
    expect(Math.max(...judge(1.4))).toBeGreaterThanOrEqual(4);
  });

  test("one signal alone asks for a check and is never strong; figures name it", () => {
    const detector = newDetector(MEMBERS, { signals: ["constant"] });
    const held = cheated(4, (_, __, own) => own[BEGIN] as number);
    const series = [held, clean[1] as number[], clean[2] as number[]];
    const days = judgeDays(
      detector,
      series.map((values) => values.slice(0, BEGIN + 3 * PER_DAY)),
    );
    expect(Math.max(...days.map(({ score }) => score))).toBe(6);
    expect(detector.contributors()).toEqual([0]);
    expect(detector.figures()["constant"]).toBeGreaterThan(24);
    expect(detector.figures()["constant.honestRate"]).toBeGreaterThan(0);
  });

  test("continues exactly where a saved memory stood, through JSON", () => {
    const first = cheated(6, (_, row, own) => two(0.9 * (own[row - 5 * PER_DAY] as number) + 1));
    const series = [first, clean[1] as number[], clean[2] as number[]];
    const whole = judgeDays(newDetector(MEMBERS), series);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: DAYS * PER_DAY - 1 }), (cut) => {
        const before = newDetector(MEMBERS);
        const head = judgeDays(
          before,
          series.map((values) => values.slice(0, cut)),
        );
        const after = newDetector(MEMBERS);
        after.load(JSON.parse(JSON.stringify(before.save())));
        expect([...head, ...judgeDays(after, series, undefined, cut)]).toEqual(whole);
      }),
      { numRuns: 4 },
    );
  });

  test("one group a station", () => {
    const groups = integrityGroups([aMember(), aMember({ station: "s2" }), aMember({ quantity: "toc" })]);
    expect(groups.map(({ station, members }) => [station, members.length])).toEqual([
      ["s1", 2],
      ["s2", 1],
    ]);
  });
});
