/** The scorer's rules on small cases whose answer is plain. */
import { describe, expect, test } from "vitest";
import { type Interval, line, score, union } from "../../score/scorer.ts";

const at = (start: number, end: number): Interval => ({ start: start * 60_000, end: end * 60_000 });
const day = 86_400_000;
const scored = (truths: Interval[], detections: Interval[]) =>
  score([{ truths, detections, intervalMs: 60_000, spanMs: day }]);

describe("score", () => {
  test.each`
    why                                  | truths                      | detections                              | hits | falseAlarms
    ${"the same"}                        | ${[at(10, 20)]}             | ${[at(10, 20)]}                         | ${1} | ${0}
    ${"one interval after the end"}      | ${[at(10, 20)]}             | ${[at(21, 30)]}                         | ${1} | ${0}
    ${"two intervals after the end"}     | ${[at(10, 20)]}             | ${[at(22, 30)]}                         | ${0} | ${1}
    ${"one interval before the start"}   | ${[at(10, 20)]}             | ${[at(5, 9)]}                           | ${1} | ${0}
    ${"two intervals before the start"}  | ${[at(10, 20)]}             | ${[at(5, 8)]}                           | ${0} | ${1}
    ${"three detections of one event"}   | ${[at(10, 20)]}             | ${[at(10, 11), at(14, 15), at(19, 20)]} | ${1} | ${0}
    ${"one detection over two events"}   | ${[at(10, 20), at(40, 50)]} | ${[at(15, 45)]}                         | ${2} | ${0}
    ${"nothing found"}                   | ${[at(10, 20)]}             | ${[]}                                   | ${0} | ${0}
    ${"each unmatched detection counts"} | ${[]}                       | ${[at(1, 2), at(5, 6)]}                 | ${0} | ${2}
  `("$why", ({ truths, detections, hits, falseAlarms }) => {
    expect(scored(truths, detections)).toMatchObject({ hits, falseAlarms });
  });

  test("figures of a mixed case", () => {
    const found = scored([at(10, 20), at(40, 50), at(70, 80)], [at(14, 30), at(39, 41), at(100, 101)]);
    expect(found).toMatchObject({ events: 3, detections: 3, hits: 2, falseAlarms: 1, falseAlarmsPerDay: 1 });
    expect(found.precision).toBeCloseTo(2 / 3);
    expect(found.recall).toBeCloseTo(2 / 3);
    expect(found.f1).toBeCloseTo(2 / 3);
    expect([found.delayMeanMs, found.delayMedianMs]).toEqual([120_000, 120_000]); // 4 min, and 0 for the early one
    expect(found.alarmedShare).toBeCloseTo((17 + 3 + 2) / 1440);
  });

  test("no hit is F1 0, not NaN; the line says so", () => {
    const found = scored([at(1, 2)], []);
    expect(found.f1).toBe(0);
    expect(line("empty", found)).toMatch(/^empty .* - +0\.000 +0\.000 +- +- +0\.000 +0\.0 %$/);
  });
});

test("union joins labels of several channels", () => {
  expect(union([at(30, 40), at(1, 2), at(3, 10), at(35, 36)], 60_000)).toEqual([at(1, 10), at(30, 40)]);
});
