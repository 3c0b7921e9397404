import { expect, test } from "vitest";
import { Guesses } from "../../../gateway/hj212-senders.ts";

/** Everybody tries again as soon as he was judged. @returns how many wrong passwords were looked at within `ms`. */
function guess(guesses: Guesses, addresses: readonly string[], connections: number, from: number, ms: number): number {
  const due: { at: number; address: string; isWaiting: boolean }[] = [];
  for (const address of addresses)
    for (let n = 0; n < connections; n++) due.push({ at: from, address, isWaiting: false });
  let judged = 0;
  for (let now = from; now < from + ms; now += 10) {
    for (const one of due) {
      if (one.at > now) continue;
      const wait = one.isWaiting ? 0 : guesses.waitMs(one.address, "dev-1", now);
      one.isWaiting = wait > 0 && wait < Number.POSITIVE_INFINITY;
      one.at = now + (wait === Number.POSITIVE_INFINITY ? 10_000 : wait);
      if (wait > 0) continue;
      guesses.wrong(one.address, "dev-1", now);
      judged += 1;
    }
  }
  return judged;
}
const ADDRESSES = Array.from({ length: 25 }, (_, n) => `192.0.2.${n}`);

test("25 addresses with 200 connections each try five passwords a second, not five hundred", () => {
  const guesses = new Guesses();
  guess(guesses, ADDRESSES, 200, 0, 20_000); // the first tries of each address
  expect(guess(guesses, ADDRESSES, 200, 20_000, 60_000)).toBeLessThanOrEqual(60 * 6);
});

test("meanwhile the device is looked at within 4 s from a new address, and at once from one it has shown it at", () => {
  const guesses = new Guesses();
  guesses.right("198.51.100.1", "dev-1");
  guess(guesses, ADDRESSES, 200, 0, 30_000);
  expect(guesses.waitMs("198.51.100.1", "dev-1", 30_000)).toBe(0);
  expect(guesses.waitMs("198.51.100.2", "dev-1", 30_000)).toBeLessThanOrEqual(4_000);
  guesses.forget("dev-1");
  expect(guesses.waitMs("198.51.100.1", "dev-1", 30_000)).toBeGreaterThan(0);
});

test("a neighbour's failures at the same address are not the device's", () => {
  const guesses = new Guesses();
  guesses.right("192.0.2.1", "dev-1");
  for (let n = 0; n < 50; n++) guesses.wrong("192.0.2.1", "dev-2", n);
  expect(guesses.waitMs("192.0.2.1", "dev-1", 50)).toBe(0);
  expect(guesses.waitMs("192.0.2.1", "dev-2", 50)).toBeGreaterThanOrEqual(10_000);
});
