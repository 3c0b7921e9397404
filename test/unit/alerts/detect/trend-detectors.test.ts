/** Detectors of results as tables: one result a day, one letter a verdict (V violated, k kept, - not judged). */
import { describe, expect, test } from "vitest";
import type { Detector, SeriesContext } from "../../../../alerts/detect/detector.ts";
import { createEwma } from "../../../../alerts/detect/ewma.ts";
import { createJump } from "../../../../alerts/detect/jump.ts";
import { FORM } from "../../../../alerts/detect/marks.ts";
import { createPrediction } from "../../../../alerts/detect/prediction.ts";
import { createRate } from "../../../../alerts/detect/rate.ts";
import { PeriodMedian } from "../../../../alerts/detect/results.ts";
import { createRise } from "../../../../alerts/detect/rise.ts";
import { createShewhartCusum } from "../../../../alerts/detect/shewhart-cusum.ts";
import { createTrend } from "../../../../alerts/detect/trend.ts";
import {
  EwmaRule,
  JumpRule,
  PredictionRule,
  RateRule,
  RiseRule,
  ShewhartCusumRule,
  TrendRule,
} from "../../../../core/rule-trend.ts";
import { NOW } from "../../../support/builders.ts";
import { aContext, DAY, fitting, letters, run, stepsOf } from "../../../support/detectors.ts";

type Written = Readonly<Record<string, unknown>>;
const basic = { id: "r", on: { quantity: "cd" }, level: "blue" };
const MAKE: Record<string, (written: Written, context: SeriesContext) => Detector | null> = {
  rate: (written, context) => createRate(RateRule.parse({ kind: "rate", ...basic, ...written }), context),
  jump: (written, context) => createJump(JumpRule.parse({ kind: "jump", ...basic, ...written }), context),
  rise: (written, context) => createRise(RiseRule.parse({ kind: "rise", ...basic, ...written }), context),
  trend: (written, context) => createTrend(TrendRule.parse({ kind: "trend", ...basic, ...written }), context),
  chart: (written, context) =>
    createShewhartCusum(ShewhartCusumRule.parse({ kind: "shewhart-cusum", ...basic, ...written }), context),
  ewma: (written, context) => createEwma(EwmaRule.parse({ kind: "ewma", ...basic, ...written }), context),
  limit: (written, context) =>
    createPrediction(PredictionRule.parse({ kind: "prediction", ...basic, ...written }), context),
};
function make(kind: string, written: Written = {}, context: Partial<SeriesContext> = {}): Detector {
  return fitting(MAKE[kind]?.(written, aContext(context)) ?? null);
}

describe("jump: more than 30 % above the previous result", () => {
  test.each`
    why                                              | values                | verdicts
    ${"exactly 30 % is not above"}                   | ${[0.7, 0.91, 1.183]} | ${"-kk"}
    ${"a hair above is"}                             | ${[0.7, 0.911]}       | ${"-V"}
    ${"the next is compared with the jumped one"}    | ${[1, 2, 2.2, 1]}     | ${"-Vkk"}
    ${"from zero it is undefined"}                   | ${[0, 5, 5]}          | ${"--k"}
    ${"zero after zero"}                             | ${[0, 0]}             | ${"-k"}
    ${"both below the reporting limit"}              | ${["<1", "<1"]}       | ${"-k"}
    ${"both below, the limit went up: not known"}    | ${["<1", "<5"]}       | ${"--"}
    ${"detected above 1.3 reporting limits"}         | ${["<1", 1.4]}        | ${"-V"}
    ${"detected below 1.3 reporting limits"}         | ${["<1", 1.3]}        | ${"-k"}
    ${"a non-detect after a result, low enough"}     | ${[1, "<1.2"]}        | ${"-k"}
    ${"a non-detect after a result, limit too high"} | ${[1, "<2"]}          | ${"--"}
    ${"over range is certain above the bound"}       | ${[1, ">2", 5]}       | ${"-V-"}
    ${"negative results have no percentage"}         | ${[-1, 5]}            | ${"--"}
    ${"no value, no verdict"}                        | ${[1, null, 1.4]}     | ${"--V"}
    ${"a suspect one (flag 3) is judged and taken"}  | ${[1, "2?", 2]}       | ${"-Vk"}
  `("$why", ({ values, verdicts }) => {
    expect(letters(run(make("jump"), stepsOf(values)))).toBe(verdicts);
  });

  test("a failed one (flag 4) is judged, the next is compared with the one before it", () => {
    const steps = stepsOf([1, 2, 1.5]);
    const doubted = steps.map((step, index) => (index === 1 ? { ...step, flag: 4 } : step));
    expect(letters(run(make("jump"), doubted))).toBe("-VV");
    expect(letters(run(make("rise", { riseSteps: 2 }), doubted))).toBe("--k");
  });

  test("figures show the calculation", () => {
    const detector = make("jump");
    run(detector, stepsOf([0.5, 0.8]));
    expect(detector.figures()).toMatchObject({ previous: 0.5, value: 0.8, threshold: expect.closeTo(0.3, 12) });
    expect(detector.figures()["change"]).toBeCloseTo(0.6, 12);
    expect(detector.excess).toBeCloseTo(0.8 / 0.65 - 1, 12);
  });
});

describe("rise: rises in a row", () => {
  test.each`
    why                                                  | rule                | values                        | verdicts
    ${"three rises by default"}                          | ${{}}               | ${[1, 2, 3, 4, 5]}            | ${"-kkVV"}
    ${"four when read literally"}                        | ${{ riseSteps: 4 }} | ${[1, 2, 3, 4, 5]}            | ${"-kkkV"}
    ${"an equal result begins anew"}                     | ${{}}               | ${[1, 2, 3, 3, 4, 5, 6]}      | ${"-kkkkkV"}
    ${"a lower one ends it"}                             | ${{}}               | ${[1, 2, 3, 4, 3]}            | ${"-kkVk"}
    ${"from below the reporting limit"}                  | ${{}}               | ${["<1", 1.1, 1.2, 1.3]}      | ${"-kkV"}
    ${"not certain, so no rise and no end"}              | ${{}}               | ${["<1", 0.9, 1.1, 1.2, 1.3]} | ${"--kkV"}
    ${"non-detects do not rise"}                         | ${{}}               | ${["<1", "<1", "<1", "<1"]}   | ${"-kkk"}
    ${"too little in all"}                               | ${{ percent: 50 }}  | ${[100, 101, 102, 103, 160]}  | ${"-kkkV"}
    ${"a missing result does not break a run"}           | ${{}}               | ${[1, 2, null, 3, 4]}         | ${"-k-kV"}
    ${"nor is it known what follows a value over range"} | ${{}}               | ${[1, ">5", 6, 7, 8]}         | ${"-k-kk"}
  `("$why", ({ rule, values, verdicts }) => {
    expect(letters(run(make("rise", rule), stepsOf(values)))).toBe(verdicts);
  });
});

describe("rate: change per hour over an hour, readings every 10 minutes", () => {
  const flat = [1, 1, 1, 1, 1, 1, 1];
  test.each`
    why                                      | rule                        | values                    | verdicts
    ${"nothing before the base is an hour"}  | ${{}}                       | ${[1, 9, 1, 1, 1, 1, 1]}  | ${"------k"}
    ${"a step up"}                           | ${{}}                       | ${[...flat, 2.1]}         | ${"------kV"}
    ${"exactly at the threshold"}            | ${{}}                       | ${[...flat, 2]}           | ${"------kk"}
    ${"a step down"}                         | ${{}}                       | ${[...flat, -0.5]}        | ${"------kV"}
    ${"down, where only rising is asked"}    | ${{ direction: "rising" }}  | ${[...flat, -0.5]}        | ${"------kk"}
    ${"up, where only falling is asked"}     | ${{ direction: "falling" }} | ${[...flat, 5]}           | ${"------kk"}
    ${"over range is certain"}               | ${{}}                       | ${[...flat, ">3"]}        | ${"------kV"}
    ${"a high reporting limit is not known"} | ${{}}                       | ${[...flat, "<3"]}        | ${"------k-"}
    ${"two hours' change counts as half"}    | ${{}}                       | ${[1, ...Array(11), 2.5]} | ${"-k"}
    ${"a base of long ago says nothing"}     | ${{}}                       | ${[1, ...Array(30), 99]}  | ${"--"}
  `("$why", ({ rule, values, verdicts }) => {
    expect(letters(run(make("rate", { above: 1, ...rule }), stepsOf(values, 600_000)))).toBe(verdicts);
  });

  test("the memory is bounded at any pace, and the base stays the newest that is old enough", () => {
    const detector = make("rate", { above: 1 });
    const steps = stepsOf(
      Array.from({ length: 20_000 }, (_, index) => index / 3_600),
      1_000,
    );
    run(detector, steps);
    expect(JSON.stringify(detector.save()).length).toBeLessThan(2_500);
    expect(detector.figures()["rate"]).toBeCloseTo(1, 9);
    expect(detector.figures()["elapsedMs"]).toBeLessThanOrEqual(3_600_000 * (1 + 1 / 32));
  });
});

describe("trend", () => {
  const rising = [1, 1.2, 1.1, 1.4, 1.5, 1.45, 1.7, 1.8, 1.9, 2];
  test.each`
    why                                         | rule                                                   | values                                                     | last
    ${"rising"}                                 | ${{}}                                                  | ${rising}                                                  | ${"V"}
    ${"falling, asked for rising"}              | ${{}}                                                  | ${rising.toReversed()}                                     | ${"k"}
    ${"falling, asked for either"}              | ${{ direction: "either" }}                             | ${rising.toReversed()}                                     | ${"V"}
    ${"no trend"}                               | ${{}}                                                  | ${[1, 2, 1, 2, 1, 2, 1, 2, 1, 2]}                          | ${"k"}
    ${"too few"}                                | ${{ least: 11, results: 20 }}                          | ${rising}                                                  | ${"-"}
    ${"meets the limit within the span"}        | ${{ limit: 3, within: "30d" }}                         | ${rising}                                                  | ${"V"}
    ${"meets it later"}                         | ${{ limit: 300, within: "30d" }}                       | ${rising}                                                  | ${"k"}
    ${"is beyond it already"}                   | ${{ limit: 1, within: "30d" }}                         | ${rising}                                                  | ${"V"}
    ${"falls away from it"}                     | ${{ limit: 3, within: "30d" }}                         | ${rising.toReversed()}                                     | ${"k"}
    ${"significant, but the slope may be none"} | ${{ limit: 20, within: "365d" }}                       | ${[3, 2, 1, 6, 5, 4, 7, 8]}                                | ${"k"}
    ${"which is enough without a limit"}        | ${{}}                                                  | ${[3, 2, 1, 6, 5, 4, 7, 8]}                                | ${"V"}
    ${"falls towards a lower limit"}            | ${{ limit: 0.5, within: "30d", direction: "falling" }} | ${rising.toReversed()}                                     | ${"V"}
    ${"mostly non-detects: no projection"}      | ${{ limit: 3, within: "30d" }}                         | ${["<1", "<1", "<1", "<1", "<1", "<1", "<1", 2, 2.1, 2.2]} | ${"-"}
    ${"mostly non-detects: the test still is"}  | ${{}}                                                  | ${["<1", "<1", "<1", "<1", "<1", "<1", "<1", 2, 2.1, 2.2]} | ${"V"}
    ${"a finer reporting limit makes no trend"} | ${{ direction: "either" }}                             | ${["<5", "<5", "<5", "<5", "<1", "<1", "<1", "<1"]}        | ${"k"}
  `("$why", ({ rule, values, last }) => {
    expect(letters(run(make("trend", rule), stepsOf(values))).at(-1)).toBe(last);
  });

  test("days to the limit with their range", () => {
    const detector = make("trend", { limit: 3, within: "365d" });
    run(detector, stepsOf([1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7]));
    const figures = detector.figures();
    expect(figures["daysToLimit"]).toBeCloseTo(13, 9);
    expect(figures["earliestDays"]).toBeLessThanOrEqual(13.000001);
    expect(figures["latestDays"]).toBeGreaterThanOrEqual(12.999999);
    expect(figures).toMatchObject({ s: 28, exact: 1 });
  });

  test("the pack's limit and side go before the rule's", () => {
    const limit = { value: 3, passes: "<=" } as const;
    const rule = { within: "30d", pack: "p", above: "III" };
    expect(letters(run(make("trend", rule, { limit }), stepsOf(rising))).at(-1)).toBe("V");
    expect(MAKE["trend"]?.(rule, aContext())).toBeNull();
  });

  test("minute data: refused without a period; results within a day of each other count once", () => {
    expect(MAKE["trend"]?.({}, aContext({ intervalMs: 60_000 }))).toBeNull();
    const minutes = stepsOf(
      Array.from({ length: 3_000 }, (_, index) => index),
      60_000,
    );
    const verdicts = letters(run(make("trend", { least: 4 }), minutes));
    expect(verdicts).not.toContain("V");
    expect(verdicts).not.toContain("k");
  });

  test("medians of months: three years of a yearly cycle are no trend, a rise on it is", () => {
    const days = Array.from({ length: 1_150 }, (_, day) => day);
    const cycle = days.map((day) => 10 + 3 * Math.sin((day / 365.25) * 2 * Math.PI));
    const rule = { period: "month", seasonal: "month", least: 24 };
    expect(letters(run(make("trend", rule), stepsOf(cycle)))).not.toContain("V");
    const drift = cycle.map((value, day) => value + day / 300);
    expect(letters(run(make("trend", rule), stepsOf(drift)))).toContain("V");
  });

  test("autocorrelated medians need more than a drifting wave", () => {
    const wave = Array.from({ length: 41 }, (_, day) => Math.sin(day / 12));
    const detector = make("trend", { period: "day", direction: "either", results: 40 });
    run(detector, stepsOf(wave));
    expect(detector.figures()["widened"]).toBeGreaterThan(1.5);
  });
});

describe("control charts and prediction limit", () => {
  const nickel = [32.8, 15.2, 13.5, 39.6, 37.1, 10.4, 31.9, 20.6];
  const quiet = "-".repeat(8);
  test.each`
    why                                         | kind       | rule                       | values                      | verdicts
    ${"a jump passes the Shewhart limit"}       | ${"chart"} | ${{}}                      | ${[19, 34.5, 81.8]}         | ${"kkV"}
    ${"a lasting shift passes the sum"}         | ${"chart"} | ${{}}                      | ${[60, 60, 60, 60]}         | ${"kkVV"}
    ${"one side only"}                          | ${"chart"} | ${{}}                      | ${[-60, -60]}               | ${"kk"}
    ${"both sides"}                             | ${"chart"} | ${{ direction: "either" }} | ${[-60, -60]}               | ${"VV"}
    ${"a high reporting limit proves no rise"}  | ${"chart"} | ${{}}                      | ${["<400", "<400", "<400"]} | ${"kkk"}
    ${"the sums begin anew after calm results"} | ${"chart"} | ${{ resetAfter: 2 }}       | ${[90, 90, 25, 25, 25]}     | ${"VVVkk"}
    ${"never, when told so"}                    | ${"chart"} | ${{ resetAfter: 0 }}       | ${[90, 90, 25, 25, 25]}     | ${"VVVVV"}
    ${"the average takes two"}                  | ${"ewma"}  | ${{}}                      | ${[45, 45, 45]}             | ${"kkV"}
    ${"and does not rise by reporting limits"}  | ${"ewma"}  | ${{}}                      | ${["<900", "<900", "<900"]} | ${"kkk"}
    ${"an exceedance waits for its retest"}     | ${"limit"} | ${{}}                      | ${[60, 61, 20]}             | ${"-Vk"}
    ${"which may disprove it"}                  | ${"limit"} | ${{}}                      | ${[60, 20, 60]}             | ${"-k-"}
    ${"no retest asked for"}                    | ${"limit"} | ${{ retests: 0 }}          | ${[60, 20]}                 | ${"Vk"}
    ${"the maximum is the lower limit"}         | ${"limit"} | ${{ method: "maximum" }}   | ${[39.6, 39.7, 39.8]}       | ${"k-V"}
  `("$why", ({ kind, rule, values, verdicts }) => {
    expect(letters(run(make(kind, rule), stepsOf([...nickel, ...values])))).toBe(quiet + verdicts);
  });

  test.each`
    why                                     | kind       | rule              | background                                 | next   | verdict
    ${"equal results have no spread"}       | ${"chart"} | ${{}}             | ${Array(8).fill(5)}                        | ${99}  | ${"-"}
    ${"mostly non-detects bear no chart"}   | ${"chart"} | ${{}}             | ${["<1", "<1", "<1", "<1", "<1", 1, 2, 3]} | ${99}  | ${"-"}
    ${"but a limit without a distribution"} | ${"limit"} | ${{ retests: 0 }} | ${["<1", "<1", "<1", "<1", "<1", 1, 2, 3]} | ${3.1} | ${"V"}
    ${"failed readings are not learned"}    | ${"chart"} | ${{}}             | ${[1, 2, 1, 2, 1, 2, null, 1]}             | ${99}  | ${"-"}
    ${"logarithms of a skewed background"}  | ${"chart"} | ${{ log: true }}  | ${[1, 10, 2, 20, 5, 50, 1, 10]}            | ${200} | ${"k"}
    ${"without them it is out of control"}  | ${"chart"} | ${{}}             | ${[1, 10, 2, 20, 5, 50, 1, 10]}            | ${200} | ${"V"}
    ${"zero has no logarithm"}              | ${"chart"} | ${{ log: true }}  | ${[1, 10, 2, 20, 5, 50, 1, 10]}            | ${0}   | ${"-"}
  `("background: $why", ({ kind, rule, background, next, verdict }) => {
    expect(letters(run(make(kind, rule), stepsOf([...background, next]))).at(-1)).toBe(verdict);
  });

  test("a coarse instrument's equal results have half a count of spread", () => {
    const steps = stepsOf([...Array(8).fill(5), 5, 9]);
    expect(letters(run(make("chart", {}, { resolution: 1 }), steps))).toBe(`${quiet}kV`);
  });

  test("daily medians of a sensor: one reading out of many changes nothing", () => {
    const hours = Array.from({ length: 24 * 12 }, (_, hour) => (hour % 24 === 5 ? 1_000 : 10 + ((hour * 7) % 5)));
    const detector = make("chart", { period: "day" }, { intervalMs: 3_600_000 });
    expect(letters(run(detector, stepsOf(hours, 3_600_000)))).not.toContain("V");
    expect(detector.figures()["backgroundN"]).toBe(8);
  });
});

test("a busy period's median is that of all of it", () => {
  const median = new PeriodMedian("day");
  const start = Date.UTC(2026, 2, 14, 16);
  for (let index = 0; index < 1_000; index++) median.take(start + index * 60_000, index, FORM.plain);
  expect(median.save()?.values.length).toBeLessThanOrEqual(256);
  expect(median.take(start + DAY, 0, FORM.plain)).toBe(true);
  expect(Math.abs(median.value - 499.5)).toBeLessThan(4);
  expect(median.time).toBe(start + DAY / 2);
});

test("a median among non-detects is one", () => {
  const medianOf = (values: readonly (number | string)[]) => {
    const median = new PeriodMedian("day");
    for (const { time, value, form } of stepsOf(values, 60_000)) median.take(time, value, form);
    median.take(NOW + DAY, 0, FORM.plain);
    return [median.value, median.form];
  };
  expect(medianOf(["<1", "<1", 3])).toEqual([1, FORM.below]);
  expect(medianOf(["<1", 2, 3])).toEqual([2, FORM.plain]);
  expect(medianOf(["<1", 3])).toEqual([3, FORM.below]);
  expect(medianOf([1, ">9", ">9"])).toEqual([9, FORM.above]);
  expect(medianOf([1, 2, 4, 9])).toEqual([3, FORM.plain]);
});

test("sensors without a period are not watched as results", () => {
  for (const kind of ["jump", "rise", "trend", "chart", "ewma", "limit"]) {
    expect(MAKE[kind]?.({}, aContext({ intervalMs: 600_000 }))).toBeNull();
    expect(MAKE[kind]?.({ period: "day" }, aContext({ intervalMs: 600_000 }))).not.toBeNull();
    expect(MAKE[kind]?.({}, aContext({ intervalMs: DAY }))).not.toBeNull();
  }
});
