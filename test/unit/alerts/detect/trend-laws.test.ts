/** Laws that hold for every detector of results, whatever it is fed; and the words for its figures. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VIOLATED } from "../../../../alerts/detect/condition.ts";
import type { Detector } from "../../../../alerts/detect/detector.ts";
import { createEwma } from "../../../../alerts/detect/ewma.ts";
import { createJump } from "../../../../alerts/detect/jump.ts";
import { createPrediction } from "../../../../alerts/detect/prediction.ts";
import { createRate } from "../../../../alerts/detect/rate.ts";
import { periodAround } from "../../../../alerts/detect/results.ts";
import { createRise } from "../../../../alerts/detect/rise.ts";
import { createShewhartCusum } from "../../../../alerts/detect/shewhart-cusum.ts";
import { createTrend } from "../../../../alerts/detect/trend.ts";
import { TREND_STEPS } from "../../../../alerts/explain/texts-trend.ts";
import {
  EwmaRule,
  JumpRule,
  PredictionRule,
  RateRule,
  RiseRule,
  ShewhartCusumRule,
  type TrendKind,
  TrendRule,
} from "../../../../core/rule-trend.ts";
import { aContext, fitting, run, type Step } from "../../../support/detectors.ts";

const basic = { id: "r", on: { quantity: "cd" }, level: "blue" };
const HOUR = 3_600_000;
const made: [name: string, kind: TrendKind, make: () => Detector | null][] = [undefined, "day", "month"].flatMap(
  (period): [string, TrendKind, () => Detector | null][] => {
    const common = { ...basic, ...(period ? { period } : {}) };
    const context = aContext();
    const of = (kind: TrendKind, make: () => Detector | null): [string, TrendKind, () => Detector | null] => [
      `${kind} ${period ?? "of results"}`,
      kind,
      make,
    ];
    return [
      of("jump", () => createJump(JumpRule.parse({ kind: "jump", ...common }), context)),
      of("rise", () => createRise(RiseRule.parse({ kind: "rise", ...common, riseSteps: 2 }), context)),
      of("trend", () => createTrend(TrendRule.parse({ kind: "trend", ...common, least: 4, results: 8 }), context)),
      of("trend", () =>
        createTrend(
          TrendRule.parse({ kind: "trend", ...common, least: 4, limit: 50, within: "900d", seasonal: "quarter" }),
          context,
        ),
      ),
      of("shewhart-cusum", () =>
        createShewhartCusum(ShewhartCusumRule.parse({ kind: "shewhart-cusum", ...common }), context, "either"),
      ),
      of("ewma", () => createEwma(EwmaRule.parse({ kind: "ewma", ...common, log: true }), context, "either")),
      of("prediction", () => createPrediction(PredictionRule.parse({ kind: "prediction", ...common }), context)),
    ];
  },
);
made.push([
  "rate",
  "rate",
  () => createRate(RateRule.parse({ kind: "rate", ...basic, above: 1, over: "9h" }), aContext()),
]);

/** Anything the engine may hand over, in order of time: gaps, censored, unfit, missing, doubted, absurd. */
const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 60 }) },
  fc.constantFrom(Number.NaN, 0, -3, 1e300, 5e-324, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);
const row = fc.record({
  gap: fc.constantFrom(1, HOUR, 5 * HOUR, 24 * HOUR, 24 * HOUR, 31 * 24 * HOUR),
  value,
  form: fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 4),
  flag: fc.constantFrom(1, 1, 1, 1, 2, 3, 4, 9),
});
const tape = fc.array(row, { maxLength: 60 }).map((rows): Step[] => {
  let time = Date.UTC(1969, 10, 1);
  return rows.map(({ gap, ...rest }) => {
    time += gap;
    return { time, ...rest };
  });
});

/** Verdict, excess and figures of each step. */
function seen(detector: Detector, steps: readonly Step[]) {
  return steps.map(({ time, value, form, flag }) => {
    const judgement = detector.step(time, value, form, flag);
    return { judgement, excess: judgement === VIOLATED ? detector.excess : 0 };
  });
}

describe.each(made)("%s", (_name, kind, make) => {
  test("never throws; a violation is beyond something; its figures have words in both languages", () => {
    fc.assert(
      fc.property(tape, (steps) => {
        const detector = fitting(make());
        for (const { judgement, excess } of seen(detector, steps)) {
          expect([0, 1, 3]).toContain(judgement);
          if (judgement === VIOLATED) expect(excess).toBeGreaterThan(0);
        }
        const words = TREND_STEPS[kind](detector.figures());
        expect(words["zh-CN"].length).toBe(words.en.length);
        expect([...words["zh-CN"], ...words.en].join(" ")).not.toMatch(/undefined|NaN/);
      }),
      { numRuns: 60 },
    );
  });

  test("a memory saved anywhere, as JSON, continues exactly", () => {
    fc.assert(
      fc.property(tape, fc.nat(60), (steps, at) => {
        const whole = fitting(make());
        const expected = seen(whole, steps);
        const first = fitting(make());
        const before = seen(first, steps.slice(0, at));
        const second = fitting(make());
        run(second, steps.slice(0, 7)); // what it held before must leave no trace
        second.load(JSON.parse(JSON.stringify(first.save())));
        expect([...before, ...seen(second, steps.slice(at))]).toEqual(expected);
        expect(JSON.stringify(second.save())).toBe(JSON.stringify(whole.save()));
      }),
      { numRuns: 60 },
    );
  });

  test("null begins anew, and a reading that comes again changes nothing", () => {
    fc.assert(
      fc.property(tape, (steps) => {
        const expected = seen(fitting(make()), steps);
        const detector = fitting(make());
        run(detector, steps);
        detector.load(null);
        const twice = steps.flatMap((step) => [step, step]);
        expect(seen(detector, twice).filter((_, index) => index % 2 === 0)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});

test("days, months and quarters are China's", () => {
  const at = (text: string): number => Date.parse(text);
  expect(periodAround("day", at("2026-03-01T15:59:59Z"))).toEqual([
    at("2026-03-01T00:00:00+08:00"),
    at("2026-03-02T00:00:00+08:00"),
  ]);
  expect(periodAround("month", at("2026-12-31T16:00:00Z"))).toEqual([
    at("2027-01-01T00:00:00+08:00"),
    at("2027-02-01T00:00:00+08:00"),
  ]);
  expect(periodAround("quarter", at("1969-12-31T00:00:00Z"))).toEqual([
    at("1969-10-01T00:00:00+08:00"),
    at("1970-01-01T00:00:00+08:00"),
  ]);
});
