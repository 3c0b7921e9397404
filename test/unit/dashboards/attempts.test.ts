import { expect, test } from "vitest";
import { AttemptWindow } from "../../../dashboards/attempts.ts";

const limits = { max: 3, windowMs: 60_000 };

test("lets three through, then says how long to wait, and starts anew after the window", () => {
  const attempts = new AttemptWindow(limits);
  expect([1, 2, 3].map(() => attempts.start("a", 0))).toEqual([0, 0, 0]);
  expect(attempts.start("a", 15_000)).toBe(45);
  expect(attempts.start("a", 59_999)).toBe(1);
  expect(attempts.start("a", 60_000)).toBe(0);
});

test("keys do not lock each other out", () => {
  const attempts = new AttemptWindow(limits);
  for (let n = 0; n < 10; n++) attempts.start("10.0.0.1\nofficer", 0);
  expect(attempts.start("10.0.0.2\nofficer", 0)).toBe(0);
});

test("a success forgets the failures before it; a try given back does not count", () => {
  const attempts = new AttemptWindow(limits);
  for (let n = 0; n < 3; n++) attempts.start("a", 0);
  attempts.clear("a");
  expect(attempts.start("a", 0)).toBe(0);
  attempts.giveBack("a");
  expect([1, 2, 3].map(() => attempts.start("a", 0))).toEqual([0, 0, 0]);
});

test("remembers a bounded number of keys", () => {
  const attempts = new AttemptWindow({ max: 1, windowMs: 60_000 });
  attempts.start("first", 0);
  for (let n = 0; n < 20_000; n++) attempts.start(`key ${n}`, 0);
  expect(attempts.start("first", 0)).toBe(0);
  expect(attempts.start("key 19999", 0)).toBeGreaterThan(0);
});
