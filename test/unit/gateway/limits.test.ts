import { describe, expect, test } from "vitest";
import { ConnectRate, ConsumerSessions, Rate, ReconnectPace } from "../../../gateway/limits.ts";

test("ConsumerSessions: a clean sign-in ends a stored session and frees its place", () => {
  const sessions = new ConsumerSessions();
  for (let count = 0; count < 10; count++) expect(sessions.enter("board", `board:${count}`, false)).toBe(true);
  expect(sessions.enter("board", "board:10", false)).toBe(false);
  expect(sessions.enter("other", "other:1", false)).toBe(true);
  expect(sessions.enter("board", "board:3", false)).toBe(true);
  expect(sessions.enter("board", "board:3", true)).toBe(true);
  expect(sessions.enter("board", "board:10", false)).toBe(true);
});

describe("ReconnectPace", () => {
  test("answers an account late that connects in a circle, never refuses it, and forgets after a minute", () => {
    const pace = new ReconnectPace();
    const delays = Array.from({ length: 23 }, () => pace.enter("well-1", 0));
    expect(delays.slice(18)).toEqual([0, 0, 100, 200, 400]);
    for (let count = 0; count < 100; count++) pace.enter("well-1", 1_000);
    expect(pace.enter("well-1", 2_000)).toBe(4_000);
    expect(pace.enter("well-2", 2_000)).toBe(0);
    expect(pace.enter("well-1", 60_000)).toBe(0);
  });
});

test("a key that stands for many pays less for each, and has their room", () => {
  const rate = new Rate(2);
  const entered = Array.from({ length: 17 }, () => rate.enter("server", 0, 1 / 8));
  expect(entered.filter(Boolean)).toHaveLength(16);
  expect([rate.enter("device", 0), rate.enter("device", 0), rate.enter("device", 0)]).toEqual([true, true, false]);
});

describe("ConnectRate", () => {
  test("an address has a minute's worth at once, then an even flow; others and loopback are not touched", () => {
    const rate = new ConnectRate(60);
    const begun = (address: string, at: number): number =>
      Array.from({ length: 100 }, () => rate.enter(address, at)).filter(Boolean).length;
    expect(begun("192.0.2.7", 0)).toBe(60);
    expect(begun("192.0.2.7", 1_000)).toBe(1);
    expect(begun("192.0.2.7", 11_000)).toBe(10);
    expect(begun("192.0.2.8", 11_000)).toBe(60);
    expect(begun("127.0.0.1", 11_000)).toBe(100);
  });
});
