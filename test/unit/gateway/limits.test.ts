import { describe, expect, test } from "vitest";
import {
  addressKey,
  ConnectionLimit,
  ConnectRate,
  ConsumerSessions,
  FailurePace,
  Rate,
  ReconnectPace,
} from "../../../gateway/limits.ts";

test.each`
  remote                    | key
  ${"192.0.2.7"}            | ${"192.0.2.7"}
  ${"::ffff:192.0.2.7"}     | ${"192.0.2.7"}
  ${"::1"}                  | ${"::1"}
  ${"2001:db8:1:2:3:4:5:6"} | ${"2001:db8:1:2::/64"}
  ${"2001:DB8:1:2::9"}      | ${"2001:db8:1:2::/64"}
  ${"2001:db8::9"}          | ${"2001:db8:0:0::/64"}
  ${"fe80::1%eth0"}         | ${"fe80:0:0:0::/64"}
  ${undefined}              | ${"unknown"}
`("address $remote counts as $key", ({ remote, key }) => {
  expect(addressKey(remote)).toBe(key);
});

describe("ConnectionLimit", () => {
  test("bounds one address, and gives the place back", () => {
    const limit = new ConnectionLimit({ all: 100, perAddress: 2 });
    const enter = () => limit.enter("192.0.2.7");
    expect([enter(), enter(), enter()]).toEqual(["admitted", "admitted", "connections-per-address"]);
    expect(limit.enter("192.0.2.8")).toBe("admitted");
    limit.leave("192.0.2.7");
    expect(enter()).toBe("admitted");
    expect(limit.open).toBe(3);
  });
  test("exempts loopback from the bound by address, not from the bound in all", () => {
    const limit = new ConnectionLimit({ all: 4, perAddress: 1 });
    const verdicts = ["127.0.0.1", "127.0.0.1", "127.0.0.1", "::1", "127.0.0.1"].map((address) => limit.enter(address));
    expect(verdicts).toEqual(["admitted", "admitted", "admitted", "admitted", "connections-full"]);
  });
});

describe("FailurePace", () => {
  test("five failures are free, then answers wait, twice as long each time, 4 s at most", () => {
    const pace = new FailurePace();
    const delays = Array.from({ length: 13 }, (_, count) => pace.fail("192.0.2.7", `name ${count}`, 1_000));
    expect(delays).toEqual([0, 0, 0, 0, 0, 100, 200, 400, 800, 1_600, 3_200, 4_000, 4_000]);
    expect(pace.fail("192.0.2.8", "other", 1_000)).toBe(0);
  });
  test("forgets after a minute of peace", () => {
    const pace = new FailurePace();
    for (let count = 0; count < 10; count++) pace.fail("a", "well-1", 0);
    expect(pace.fail("a", "well-1", 60_000)).toBe(0);
  });
  test("a name guessed at from many addresses slows the guesses, and a name that nobody has does too", () => {
    const pace = new FailurePace();
    const delays = Array.from({ length: 8 }, (_, count) => pace.fail(`192.0.2.${count}`, "well-1", 0));
    expect(delays).toEqual([0, 0, 0, 0, 0, 100, 200, 400]);
    expect(pace.fail("192.0.2.9", "well-2", 0)).toBe(0);
  });
  test("remembers the newest 10,000 addresses", () => {
    let names = 0;
    const pace = new FailurePace();
    for (let count = 0; count < 6; count++) pace.fail("first", `name ${names++}`, 0);
    for (let count = 0; count < 10_000; count++) pace.fail(`address ${count}`, `name ${names++}`, 0);
    expect(pace.fail("first", `name ${names++}`, 0)).toBe(0);
    for (let count = 0; count < 4; count++) pace.fail("address 9999", `name ${names++}`, 0);
    expect(pace.fail("address 9999", `name ${names++}`, 0)).toBe(100);
  });
});

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
