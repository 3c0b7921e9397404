/** Trend tests, control charts, prediction limits and the rules of HJ 1209 against the reference results of the regulatory statistics. */
import { describe, expect, test } from "vitest";
import { VIOLATED } from "../../../../alerts/detect/condition.ts";
import { createEwma } from "../../../../alerts/detect/ewma.ts";
import { createJump } from "../../../../alerts/detect/jump.ts";
import { mannKendall, seasonalKendall, theilSen } from "../../../../alerts/detect/kendall.ts";
import { createPrediction } from "../../../../alerts/detect/prediction.ts";
import { createRise } from "../../../../alerts/detect/rise.ts";
import { createShewhartCusum } from "../../../../alerts/detect/shewhart-cusum.ts";
import { EwmaRule, JumpRule, PredictionRule, RiseRule, ShewhartCusumRule } from "../../../../core/rule-trend.ts";
import { aContext, fitting, run, stepsOf } from "../../../support/detectors.ts";
import { shared, statisticsVectors } from "../../../support/vectors.ts";

interface Trend {
  readonly t?: readonly number[];
  readonly season?: readonly string[];
  readonly year?: readonly number[];
  readonly y: readonly number[];
}

const close = (found: number, expected: number | undefined, name: string): void => {
  if (expected === undefined) throw new Error(`${name} is not in the vector`);
  expect(Math.abs(found - expected), `${name}: ${found} for ${expected}`).toBeLessThan(
    Math.max(1e-9, 1e-8 * Math.abs(expected)),
  );
};

describe.skipIf(shared === undefined)("[shared] trend tests", () => {
  test("every Mann–Kendall vector", () => {
    const vectors = statisticsVectors<Trend, Record<string, number>>("mann-kendall");
    expect(vectors.length).toBe(14);
    for (const { name, input, expected } of vectors) {
      const { t = [], y } = input;
      const found = mannKendall(t, y);
      const slope = theilSen(t, y, found.varS);
      close(found.s, expected["S"], `${name} S`);
      close(found.varS, expected["varS"], `${name} varS`);
      close(found.z, expected["z"], `${name} z`);
      close(found.tau, expected["tau"], `${name} tau`);
      expect(found.pTwoSided / (expected["p_two_sided"] ?? 0), name).toBeCloseTo(1, 8);
      close(slope.slope, expected["slope"], `${name} slope`);
      close(slope.intercept, expected["intercept_conover"], `${name} intercept`);
      close(slope.low, expected["slope_lcl95"], `${name} low`);
      close(slope.high, expected["slope_ucl95"], `${name} high`);
    }
  });

  test("the seasonal Kendall vector", () => {
    const vectors = statisticsVectors<Trend, Record<string, number>>("seasonal-kendall");
    expect(vectors.length).toBe(1);
    for (const { name, input, expected } of vectors) {
      const found = seasonalKendall(input.season ?? [], input.year ?? [], input.y);
      close(found.s, expected["S"], name);
      close(found.varS, expected["varS"], name);
      close(found.z, expected["z"], name);
      close(found.tau, expected["tau_weighted"], name);
      close(found.slope, expected["slope"], name);
      close(found.heterogeneity, expected["chi2_het"], name);
      close(found.pHeterogeneity, expected["p_het"], name);
      expect(found.seasons - 1).toBe(expected["chi2_df"]);
      expect(found.pTwoSided / (expected["p_two_sided"] ?? 0)).toBeCloseTo(1, 8);
    }
  });
});

const basic = { id: "r", on: { quantity: "cd" }, level: "blue" };

interface Chart {
  readonly background: readonly number[];
  readonly x: readonly number[];
  readonly k: number;
  readonly h: number;
  readonly scl: number;
  readonly lambda_: number;
  readonly L: number;
  readonly conf: number;
}
interface ChartResult {
  readonly mean: number;
  readonly sd: number;
  readonly K: number;
  readonly UPL: number;
  readonly n: number;
  readonly steps: readonly Record<string, number | boolean>[];
}

describe.skipIf(shared === undefined)("[shared] control charts and limits, through the detectors", () => {
  test("every Shewhart–CUSUM vector, step by step", () => {
    const vectors = statisticsVectors<Chart, ChartResult>("shewhart-cusum");
    expect(vectors.length).toBe(6);
    for (const { name, input, expected } of vectors) {
      const { background, x, k, h, scl } = input;
      const written = { kind: "shewhart-cusum", ...basic, background: background.length, k, h, scl, resetAfter: 0 };
      const detector = fitting(createShewhartCusum(ShewhartCusumRule.parse(written), aContext()));
      const steps = stepsOf([...background, ...x]);
      run(detector, steps.slice(0, background.length));
      for (const [index, wanted] of expected.steps.entries()) {
        const [judgement] = run(detector, steps.slice(background.length + index).slice(0, 1));
        const figures = detector.figures();
        close(figures["mean"] ?? Number.NaN, expected.mean, `${name} mean`);
        close(figures["sd"] ?? Number.NaN, expected.sd, `${name} sd`);
        for (const [ours, theirs] of [
          ["z", "z"],
          ["cusum", "cusum"],
          ["cusumInUnits", "cusum_units"],
        ] as const) {
          close(figures[ours] ?? Number.NaN, Number(wanted[theirs]), `${name} ${ours} ${index}`);
        }
        expect(judgement === VIOLATED, `${name} ${index}`).toBe(wanted["shewhart"] || wanted["cusum_exceed"]);
      }
    }
  });

  test("every EWMA vector, step by step", () => {
    const vectors = statisticsVectors<Chart, ChartResult>("ewma");
    expect(vectors.length).toBe(6);
    for (const { name, input, expected } of vectors) {
      const { background, x, lambda_, L } = input;
      const written = { kind: "ewma", ...basic, background: background.length, lambda: lambda_, width: L };
      const detector = fitting(createEwma(EwmaRule.parse({ ...written, direction: "either" }), aContext()));
      const steps = stepsOf([...background, ...x]);
      run(detector, steps.slice(0, background.length));
      for (const [index, wanted] of expected.steps.entries()) {
        const [judgement] = run(detector, steps.slice(background.length + index).slice(0, 1));
        const figures = detector.figures();
        for (const key of ["ewma", "ucl", "lcl"]) {
          close(figures[key] ?? Number.NaN, Number(wanted[key]), `${name} ${key} ${index}`);
        }
        expect(judgement === VIOLATED, `${name} ${index}`).toBe(wanted["signal"]);
      }
    }
  });

  test("every prediction limit", () => {
    const vectors = statisticsVectors<Chart, ChartResult>("prediction-limit");
    expect(vectors.length).toBe(6);
    for (const { name, input, expected } of vectors) {
      const { background, k, conf } = input;
      const written = { kind: "prediction", ...basic, background: background.length, future: k, confidence: conf };
      const detector = fitting(
        createPrediction(PredictionRule.parse({ ...written, method: "parametric", retests: 0 }), aContext()),
      );
      const around = [expected.UPL - 1e-6, expected.UPL + 1e-6];
      const judgements = run(detector, stepsOf([...background, ...around]));
      const { multiplier, limit, mean, sd, backgroundN } = detector.figures();
      close(multiplier ?? Number.NaN, expected.K, `${name} K`);
      close(limit ?? Number.NaN, expected.UPL, `${name} UPL`);
      close(mean ?? Number.NaN, expected.mean, `${name} mean`);
      close(sd ?? Number.NaN, expected.sd, `${name} sd`);
      expect(backgroundN).toBe(expected.n);
      expect(judgements.slice(-2).map((judgement) => judgement === VIOLATED)).toEqual([false, true]);
    }
  });

  test("every run of HJ 1209: rises in a row and jumps", () => {
    interface Run {
      readonly value: number;
      readonly consecutive_rises: number;
      readonly jump: number | null;
    }
    const vectors = statisticsVectors<{ readonly y: readonly number[] }, readonly Run[]>("hj1209-runs");
    expect(vectors.length).toBe(4);
    for (const { name, input, expected } of vectors) {
      const jump = fitting(createJump(JumpRule.parse({ kind: "jump", ...basic }), aContext()));
      const rise = fitting(createRise(RiseRule.parse({ kind: "rise", ...basic, riseSteps: 4 }), aContext()));
      for (const [index, step] of stepsOf(input.y).entries()) {
        const wanted = expected[index] as Run;
        const [jumped] = run(jump, [step]);
        const [rose] = run(rise, [step]);
        expect(rise.figures()["rises"], `${name} ${index}`).toBe(wanted.consecutive_rises);
        expect(rose === VIOLATED, `${name} ${index}`).toBe(wanted.consecutive_rises >= 4);
        expect(jumped === VIOLATED, `${name} ${index}`).toBe(wanted.jump !== null && wanted.jump > 0.3);
        if (wanted.jump === null) expect(jump.figures()["change"]).toBeUndefined();
        else close(jump.figures()["change"] ?? Number.NaN, wanted.jump, `${name} jump ${index}`);
      }
    }
  });
});
