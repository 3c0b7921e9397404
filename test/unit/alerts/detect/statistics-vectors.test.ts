/** Mann–Kendall and seasonal Kendall against the reference results of the regulatory statistics. */
import { describe, expect, test } from "vitest";
import { mannKendall, seasonalKendall, theilSen } from "../../../../alerts/detect/kendall.ts";
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
