/** Nothing depends on the order of arrival. All 1,000 ways: `npm run test:faults -- shuffle`. */
import { expect, test } from "vitest";
import { shuffleTape } from "../../support/shuffle.ts";

test("a tape shuffled, repeated, split and delayed 100 ways raises the same alarms", () => {
  const { broken, alarms } = shuffleTape({ orders: 100 });
  expect(alarms).toBeGreaterThan(20);
  expect(broken).toEqual([]);
});
