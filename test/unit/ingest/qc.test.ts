/** Quality control in a stream: flags follow from the set of readings, whatever their order; what each test needs. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aggregateOf, namedTests, QC_TESTS, type QcThresholds, withTest } from "../../../core/qc.ts";
import type { Comparison, Qualifier } from "../../../core/reading.ts";
import { Station } from "../../../core/site.ts";
import { createQcTape } from "../../../ingest/qc/tape.ts";
import { timeOrder } from "../../../ingest/qc/times.ts";
import { aDirectory, aStation, NOW } from "../../support/builders.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const PH = "mw-1/ph/total/rtd";

interface Reading {
  readonly at: number;
  readonly value: number;
  readonly cmp?: Comparison;
  readonly qualifier?: Qualifier;
}

function directoryWith(qc: Record<string, QcThresholds> = {}) {
  return aDirectory({ stations: [aStation({ qc })] });
}

/** What stands at the end, by minute; good readings are left out. */
function flagsOf(
  readings: readonly Reading[],
  {
    series = PH,
    qc = {},
    cuts = [] as readonly number[],
  }: { series?: string; qc?: Record<string, QcThresholds>; cuts?: readonly number[] } = {},
): Record<number, object> {
  const directory = directoryWith(qc);
  const tape = createQcTape(() => directory);
  const flags: Record<number, object> = {};
  const put = (time: number, packed: number): void => {
    const minute = (time - NOW) / MINUTE;
    delete flags[minute];
    if (packed !== 0) flags[minute] = namedTests(packed);
  };
  for (const [index, { at, value, cmp = "", qualifier = "N" }] of readings.entries()) {
    const time = NOW + at * MINUTE;
    const packed = tape.add(series, time, value, cmp, qualifier);
    if (packed !== null) put(time, packed);
    if (cuts.includes(index)) tape.settle((_, when, __, revised) => put(when, revised));
  }
  tape.settle((_, when, __, revised) => put(when, revised));
  return flags;
}

const every = (minutes: number, values: readonly number[], from = 0): Reading[] =>
  values.map((value, index) => ({ at: from + index * minutes, value }));

describe("packed tests", () => {
  test("name themselves, and their aggregate is QARTOD's", () => {
    const packed = withTest(withTest(withTest(0, 0, 1), QC_TESTS.indexOf("spike"), 3), QC_TESTS.indexOf("syntax"), 4);
    expect(namedTests(packed)).toEqual({ spike: 3, syntax: 4 });
    expect(aggregateOf(packed)).toBe(4);
    expect(aggregateOf(withTest(0, 2, 3))).toBe(3);
    expect(aggregateOf(withTest(0, 0, 9))).toBe(9);
    expect(namedTests(withTest(0, 0, 9))).toEqual({ gross: 9 });
    expect(aggregateOf(withTest(0, 1, 2))).toBe(1);
  });
});

test("a time that does not follow the one before fails", () => {
  const order = [Number.NaN, 1, 1, 3].map((before) => timeOrder(before, 2));
  expect([...order, timeOrder(1, Number.NaN), timeOrder(2, 2)]).toEqual([1, 1, 1, 4, 9, 4]);
});

describe("tests in a stream", () => {
  test("a spike is known with the reading after it, and its row is revised", () => {
    expect(flagsOf(every(15, [7, 7.6, 7]))).toEqual({ 15: { spike: 3 } });
    expect(flagsOf(every(15, [7, 8.1, 7]))).toEqual({ 15: { spike: 4 } });
    expect(flagsOf(every(15, [7, 7.6, 7.6]))).toEqual({});
    expect(flagsOf(every(15, [7, 7.6]))).toEqual({});
  });

  test("neighbours more than six hours away are none", () => {
    expect(flagsOf(every(360, [7, 8.1, 7]))).toEqual({ 360: { spike: 4 } });
    expect(flagsOf(every(361, [7, 8.1, 7]))).toEqual({});
  });

  test("a step that is too quick is suspect, a slow one is not", () => {
    expect(flagsOf(every(1, [7, 7.3, 7.4]))).toEqual({ 1: { rate: 3 } });
    expect(flagsOf(every(2, [7, 7.3, 7.4]))).toEqual({});
    // Seconds apart a small step is noise, a large one is still a step.
    expect(flagsOf(every(1 / 12, [7, 7.1, 7, 7.1]))).toEqual({});
    expect(flagsOf(every(1 / 12, [7, 7.3, 7.3]))).toEqual({ [1 / 12]: { rate: 3 } });
  });

  test.each<[string, Partial<Reading>]>([
    ["in maintenance", { qualifier: "M" }],
    ["in calibration", { qualifier: "C" }],
    ["below the reporting limit", { cmp: "<" }],
    ["over range", { qualifier: "T" }],
    ["impossible", { value: 15 }],
    ["missing", { value: Number.NaN, qualifier: "D" }],
  ])("what is %s gives no verdict to its neighbours and gets none of them", (_, odd) => {
    const flags = flagsOf([...every(15, [7, 7]), { at: 30, value: 9, ...odd }, ...every(15, [7, 7], 45)]);
    expect(Object.keys(flags)).toEqual("value" in odd ? ["30"] : []);
    expect(JSON.stringify(flags)).not.toMatch(/spike|rate/);
  });

  const restless = Array.from({ length: 96 }, (_, index) => 7 + 0.01 * ((index * 7) % 60));
  const at = (index: number) => index * 15;
  test("no change for longer than the limit is suspect, then fails", () => {
    const flags = flagsOf(every(15, [...restless, ...Array<number>(100).fill(7.5)]));
    const first = 96 + 12 * 4;
    expect(flags[at(first - 1)]).toBeUndefined();
    expect(flags[at(first)]).toEqual({ flat: 3 });
    expect(flags[at(96 + 24 * 4)]).toEqual({ flat: 4 });
  });

  test("a series whose day spans few steps of its resolution is given four times as long", () => {
    const coarse = Array.from({ length: 96 }, (_, index) => 7 + 0.1 * (index % 3));
    const flags = flagsOf(every(15, [...coarse, ...Array<number>(200).fill(7.5)]));
    expect(flags[at(96 + 48 * 4 - 1)]).toBeUndefined();
    expect(flags[at(96 + 48 * 4)]).toEqual({ flat: 3 });
  });

  test("non-detects are never a flat line", () => {
    const below = Array.from({ length: 300 }, (_, index): Reading => ({ at: index * 15, value: 7, cmp: "<" }));
    expect(flagsOf(below)).toEqual({});
  });

  test("a restless series is measured against its own steps", () => {
    const ec = { series: "mw-1/ec/total/rtd" };
    const calm = Array.from({ length: 30 }, (_, index) => 400 + (index % 2));
    expect(flagsOf(every(15, [...calm, 700, 400]), ec)).toEqual({ 450: { spike: 3 } });
    const wild = Array.from({ length: 30 }, (_, index) => 400 + 70 * (index % 2));
    expect(flagsOf(every(15, [...wild, 700, 400]), ec)).toEqual({});
  });

  test("a station's thresholds replace the defaults, and null switches a test off", () => {
    const { qc } = Station.parse({
      ...aStation(),
      qc: {
        ph: {
          ...{
            suspect: [6, 8],
            spike: null,
            rate: null,
            gap: "1h",
            climatology: [{ months: [1, 12], suspect: [0, 7.5] }],
          },
          flat: { suspect: "1h", fail: "2h", tolerance: 0.05 },
          attenuated: { suspect: 0.4, period: "45m", check: "range" },
        },
      },
    });
    const values = [7, 7.5, 8.1, 7, 7.01, 7.02, 7.03, 7.04, 7.04];
    const flags = flagsOf([...every(15, values), { at: 600, value: 7 }], qc === undefined ? {} : { qc });
    expect(flags).toEqual({
      30: { gross: 3, climatology: 3 },
      ...{ 75: { attenuated: 3 }, 90: { attenuated: 3 } },
      ...{ 105: { flat: 3, attenuated: 3 }, 120: { flat: 3, attenuated: 3 }, 600: { gap: 4 } },
    });
  });

  test("a quantity without defaults is judged by its range alone", () => {
    const cd = { series: "mw-1/cd/total/rtd" };
    expect(flagsOf(every(15, [0.001, 5, 0.001, -1, 60]), cd)).toEqual({ 45: { gross: 4 }, 60: { gross: 3 } });
  });

  test("a suspect span outside the fail span is refused", () => {
    expect(Station.safeParse({ ...aStation(), qc: { ph: { fail: [4, 9], suspect: [3, 8] } } }).success).toBe(false);
  });
});

describe("flags are a function of the set of readings", () => {
  const reading = fc.record({
    value: fc.constantFrom(6.9, 7, 7, 7, 7.01, 7.1, 7.6, 8.2, 2.5, 15, Number.NaN),
    stepMinutes: fc.constantFrom(1, 15, 15, 15, 60, 400),
    kind: fc.constantFrom<[Comparison, Qualifier]>(["", "N"], ["", "N"], ["", "N"], ["", "N"], ["<", "N"], ["", "M"]),
  });
  const overrides: Record<string, QcThresholds> = {
    ph: {
      flat: { suspect: HOUR, fail: 3 * HOUR, tolerance: 0.02 },
      attenuated: { check: "range", suspect: 0.1, fail: 0.02, period: 2 * HOUR, minReadings: 3 },
      spike: { method: "average", suspect: 0.3, noise: 2 },
      gap: HOUR,
    },
  };
  const shortRuns: Record<string, QcThresholds> = { ph: { flat: { suspect: HOUR, fail: 2 * HOUR, tolerance: 0 } } };

  test.each([
    ["defaults", {}],
    ["short runs", shortRuns],
    ["tests with a window", overrides],
  ])("any order, repeated and split: the same (%s)", (_, qc) => {
    const tape = fc.array(reading, { minLength: 1, maxLength: 120 }).chain((readings) => {
      let minute = 0;
      const inOrder = readings.map(({ value, stepMinutes, kind: [cmp, qualifier] }): Reading => {
        minute += stepMinutes;
        return { at: minute, value, cmp, qualifier: Number.isNaN(value) ? "D" : qualifier };
      });
      return fc.record({
        inOrder: fc.constant(inOrder),
        shuffled: fc.shuffledSubarray([...inOrder, ...inOrder], { minLength: inOrder.length * 2 }),
        cuts: fc.array(fc.nat({ max: inOrder.length * 2 }), { maxLength: 12 }),
      });
    });
    fc.assert(
      fc.property(tape, ({ inOrder, shuffled, cuts }) => {
        expect(flagsOf(shuffled, { qc, cuts })).toEqual(flagsOf(inOrder, { qc }));
      }),
      { numRuns: 150 },
    );
  });

  test("corrections: what stood before leaves no trace", () => {
    const change = fc.tuple(
      fc.nat({ max: 39 }),
      fc.constantFrom(6.9, 7, 8.2, 15),
      fc.constantFrom<Qualifier>("N", "M"),
    );
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 8 }),
        fc.array(fc.nat({ max: 47 }), { maxLength: 5 }),
        (changes, cuts) => {
          const base = every(
            15,
            Array.from({ length: 40 }, (_, index) => 7 + (index % 3) / 100),
          );
          const corrected = changes.map(([index, value, qualifier]) => ({ at: index * 15, value, qualifier }));
          const last = new Map([...base, ...corrected].map((one) => [one.at, one]));
          expect(flagsOf([...base, ...corrected], { cuts })).toEqual(flagsOf([...last.values()]));
        },
      ),
    );
  });
});
