/** What quality control finds on labelled series, with the defaults as they are. */
import { expect, test } from "vitest";
import { scoreQc } from "../../score/qc.ts";
import { shared } from "../../support/vectors.ts";

test.skipIf(!shared)("[shared] F1 on Logan River is at least 0.65", () => {
  const { all, series } = scoreQc(shared as string, "lro-mainstreet-2019");
  expect(all.events).toBe(57);
  expect(all.f1).toBeGreaterThanOrEqual(0.65);
  expect(series["temp"]?.recall).toBe(1);
});
