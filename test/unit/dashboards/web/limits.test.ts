/** What a value means beside the limits: which line governs, verdicts of censored and flagged values, classes, lines. */
import { describe, expect, test } from "vitest";
import type { LimitView } from "../../../../dashboards/web/api-types.ts";
import { classOf, drawnLimits, governingLines, judge, spanWithLimits } from "../../../../dashboards/web/pure/limits.ts";

const line = (above: string, value: number, passes: LimitView["passes"] = "<="): LimitView => ({
  pack: "p",
  above,
  value,
  unit: "mg/L",
  passes,
  standard: "GB/T 14848-2017",
  clause: "c",
  confidence: "two-stored",
  enforceable: true,
});
const CD = [line("I", 0.0001), line("II", 0.001), line("III", 0.005), line("IV", 0.01)];
const PH = ["I", "II", "III"].flatMap((name) => [line(name, 6.5, ">="), line(name, 8.5)]);
const CD_III = CD.slice(2, 3);
const PH_III = PH.slice(4);

test.each`
  why                               | lines                                              | targetClass  | governs
  ${"its target class"}             | ${CD}                                              | ${"II"}      | ${["II"]}
  ${"class III when it names none"} | ${CD}                                              | ${undefined} | ${["III"]}
  ${"both sides of pH"}             | ${PH}                                              | ${undefined} | ${["III", "III"]}
  ${"soil: screening"}              | ${[line("screening", 1), line("intervention", 3)]} | ${undefined} | ${["screening"]}
  ${"a plain limit"}                | ${[line("limit", 1)]}                              | ${"III"}     | ${["limit"]}
  ${"none"}                         | ${[]}                                              | ${"III"}     | ${[]}
`("governing line: $why", ({ lines, targetClass, governs }) => {
  const found = governingLines(lines, targetClass ? { targetClass } : {});
  expect(found.map(({ above }) => above)).toEqual(governs);
});

describe("verdicts", () => {
  test.each`
    why                                  | value    | cmp    | flag | qualifier | lines     | verdict
    ${"below"}                           | ${0.001} | ${""}  | ${1} | ${"N"}    | ${CD_III} | ${"within"}
    ${"exactly at the limit passes"}     | ${0.005} | ${""}  | ${1} | ${"N"}    | ${CD_III} | ${"within"}
    ${"above"}                           | ${0.006} | ${""}  | ${2} | ${"N"}    | ${CD_III} | ${"over"}
    ${"below pH"}                        | ${6}     | ${""}  | ${1} | ${"N"}    | ${PH_III} | ${"under"}
    ${"reporting limit under the limit"} | ${0.004} | ${"<"} | ${1} | ${"N"}    | ${CD_III} | ${"within"}
    ${"reporting limit over the limit"}  | ${0.01}  | ${"<"} | ${1} | ${"N"}    | ${CD_III} | ${"unknown"}
    ${"over range, over the limit"}      | ${0.01}  | ${">"} | ${1} | ${"T"}    | ${CD_III} | ${"over"}
    ${"over range, under the limit"}     | ${0.001} | ${">"} | ${1} | ${"T"}    | ${CD_III} | ${"unknown"}
    ${"suspect values are not judged"}   | ${9}     | ${""}  | ${3} | ${"N"}    | ${CD_III} | ${"unjudged"}
    ${"nor under maintenance"}           | ${9}     | ${""}  | ${1} | ${"M"}    | ${CD_III} | ${"unjudged"}
    ${"no value"}                        | ${null}  | ${""}  | ${1} | ${"N"}    | ${CD_III} | ${"none"}
    ${"no limit"}                        | ${1}     | ${""}  | ${1} | ${"N"}    | ${[]}     | ${"none"}
  `("$why", ({ value, cmp, flag, qualifier, lines, verdict }) => {
    expect(judge({ value, cmp, flag, qualifier }, lines).verdict).toBe(verdict);
  });
  test("says how many times the limit", () => {
    expect(judge({ value: 0.0125, cmp: "", flag: 1, qualifier: "N" }, CD_III)).toMatchObject({ ratio: 2.5 });
  });
});

test.each([
  [0.00005, "I"],
  [0.0011, "III"],
  [0.01, "IV"],
  [0.02, "beyond"],
])("%d is in class %s", (value, name) => {
  expect(classOf(value, CD)).toBe(name);
});

test("classes with the same limit share a line, and the governing one is marked", () => {
  const drawn = drawnLimits(PH, PH_III);
  expect(drawn.map(({ value, names, governs }) => [value, names, governs])).toEqual([
    [6.5, ["I", "II", "III"], true],
    [8.5, ["I", "II", "III"], true],
  ]);
  expect(drawnLimits(CD, CD_III).map(({ governs }) => governs)).toEqual([false, false, true, false]);
});

describe("span of the axis", () => {
  const drawn = drawnLimits(CD, CD_III);
  test("holds the data and the governing limit", () => {
    const span = spanWithLimits({ low: 0.001, high: 0.0012 }, drawn, true);
    expect(span.low).toBeLessThan(0.001);
    expect(span.low).toBeGreaterThanOrEqual(0);
    expect(span.high).toBeGreaterThan(0.005);
    expect(span.high).toBeLessThan(0.01);
  });
  test("or the data alone", () => {
    expect(spanWithLimits({ low: 0.001, high: 0.0012 }, drawn, false).high).toBeLessThan(0.0013);
  });
  test("is never empty", () => {
    for (const data of [null, { low: 0, high: 0 }, { low: -2, high: -2 }]) {
      const { low, high } = spanWithLimits(data, [], true);
      expect(high).toBeGreaterThan(low);
    }
  });
});
