/** The line of a chart holds plain good values only; gaps stay gaps; what is doubtful is a mark. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RawColumns } from "../../../../dashboards/web/api-types.ts";
import { appendLive, bucketChart, markOf, rawChart, stepOf } from "../../../../dashboards/web/pure/chart-data.ts";

const raw = (
  rows: [time: number, value: number | null, cmp?: "" | "<" | ">", flag?: number, qualifier?: string][],
): RawColumns => ({
  times: rows.map(([time]) => time * 60_000),
  values: rows.map(([, value]) => value),
  cmp: rows.map(([, , cmp = ""]) => cmp),
  flag: rows.map(([, , , flag = 1]) => flag),
  qualifier: rows.map(([, , , , qualifier = "N"]) => qualifier),
});

describe("marks", () => {
  test.each`
    value   | cmp    | flag | qualifier | kind
    ${1}    | ${""}  | ${1} | ${"N"}    | ${null}
    ${1}    | ${""}  | ${2} | ${"N"}    | ${null}
    ${1}    | ${"<"} | ${1} | ${"N"}    | ${"censored"}
    ${1}    | ${">"} | ${1} | ${"N"}    | ${"over"}
    ${1}    | ${""}  | ${1} | ${"T"}    | ${"over"}
    ${1}    | ${""}  | ${3} | ${"N"}    | ${"suspect"}
    ${1}    | ${"<"} | ${4} | ${"M"}    | ${"fail"}
    ${1}    | ${""}  | ${1} | ${"M"}    | ${"instrument"}
    ${null} | ${""}  | ${1} | ${"D"}    | ${"none"}
    ${1}    | ${""}  | ${9} | ${"N"}    | ${"none"}
  `("$value $cmp flag $flag qualifier $qualifier is $kind", ({ value, cmp, flag, qualifier, kind }) => {
    expect(markOf(value, cmp, flag, qualifier)).toBe(kind);
  });
});

describe("raw readings", () => {
  test("doubtful readings break the line and are marked at their own time", () => {
    const chart = rawChart(
      raw([
        [0, 1],
        [10, 9, "", 3],
        [20, 2],
        [30, 0.5, "<"],
        [40, 3],
      ]),
      600_000,
    );
    expect(chart.line).toEqual([1, null, 2, null, 3]);
    expect(chart.marks).toEqual([
      { at: 1, kind: "suspect", value: 9 },
      { at: 3, kind: "censored", value: 0.5 },
    ]);
    expect(chart.span).toEqual({ low: 0.5, high: 9 });
  });
  test("more than three intervals without a reading is a gap", () => {
    expect(
      rawChart(
        raw([
          [0, 1],
          [30, 2],
          [60, 3],
          [70, 4],
        ]),
        600_000,
      ).line,
    ).toEqual([1, 2, 3, 4]);
    const chart = rawChart(
      raw([
        [0, 1],
        [10, 2],
        [41, 3],
      ]),
      600_000,
    );
    expect(chart.line).toEqual([1, 2, null, 3]);
    expect(chart.rows).toEqual([0, 1, -1, 2]);
    expect(chart.x).toEqual([0, 600, 1530, 2460]);
  });
  test("slower than registered is no gap everywhere", () => {
    expect(
      rawChart(
        raw([
          [0, 1],
          [60, 2],
          [120, 3],
        ]),
        600_000,
      ).line,
    ).toEqual([1, 2, 3]);
  });
  test("nothing gives nothing", () => {
    expect(rawChart(raw([]), null)).toMatchObject({ x: [], marks: [], span: null });
  });
  test("every reading is on the line or a mark, never both, never lost; times ascend", () => {
    const reading = fc.tuple(
      fc.integer({ min: 1, max: 500 }),
      fc.option(fc.double({ min: 0, max: 10, noNaN: true })),
      fc.constantFrom("" as const, "<" as const, ">" as const),
      fc.constantFrom(1, 2, 3, 4, 9),
      fc.constantFrom("N", "M", "T", "D"),
    );
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 50 }), (steps) => {
        let time = 0;
        const at = (step: number): number => {
          time += step;
          return time;
        };
        const rows = steps.map(([step, ...rest]) => [at(step), ...rest] as Parameters<typeof raw>[0][number]);
        const chart = rawChart(raw(rows), 600_000);
        const marked = new Set(chart.marks.map(({ at }) => at));
        const shown = chart.x.map((_, index) => chart.rows[index] ?? -1).filter((row) => row >= 0);
        expect(shown).toEqual(rows.map((_, row) => row));
        for (const [index, row] of chart.rows.entries()) {
          if (row >= 0) expect(marked.has(index)).toBe(chart.line[index] === null);
        }
        expect(chart.x).toEqual([...chart.x].sort((a, b) => a - b));
      }),
    );
  });
});

describe("buckets", () => {
  const HOUR = 3_600_000;
  test("bad and all-censored buckets leave the line and are marked at their highest value", () => {
    const chart = bucketChart(
      {
        times: [0, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR],
        count: [6, 6, 6, 6, 6],
        min: [1, 1, 0.5, 1, 1],
        max: [3, 50, 0.5, 4, 2],
        mean: [2, 9, 0.5, 2.5, 1.5],
        censored: [0, 0, 6, 2, 0],
        flag: [1, 4, 1, 1, 2],
      },
      HOUR,
    );
    expect(chart.line).toEqual([2, null, null, 2.5, null, 1.5]);
    expect(chart.max).toEqual([3, null, null, 4, null, 2]);
    expect(chart.marks).toEqual([
      { at: 1, kind: "fail", value: 50 },
      { at: 2, kind: "censored", value: 0.5 },
    ]);
    expect(chart.span).toEqual({ low: 0.5, high: 50 });
  });
  test.each([
    ["1h", 3_600_000],
    ["10m", 600_000],
    ["30d", 2_592_000_000],
    ["raw", 0],
  ])("step %s", (text, ms) => {
    expect(stepOf(text)).toBe(ms);
  });
});

test("a live reading is added once, and never out of order", () => {
  const before = raw([[0, 1]]);
  const after = appendLive(before, ["s", 60_000, 2, "<", 1, "N"]);
  expect(after).toEqual(
    raw([
      [0, 1],
      [1, 2, "<"],
    ]),
  );
  expect(appendLive(after, ["s", 60_000, 3, "", 1, "N"])).toBe(after);
});
