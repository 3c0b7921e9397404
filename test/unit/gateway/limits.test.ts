import { describe, expect, test } from "vitest";
import { addressKey, ConnectionLimit, ConsumerSessions, FailurePace } from "../../../gateway/limits.ts";

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
    const delays = Array.from({ length: 13 }, () => pace.fail("192.0.2.7", 1_000));
    expect(delays).toEqual([0, 0, 0, 0, 0, 100, 200, 400, 800, 1_600, 3_200, 4_000, 4_000]);
    expect(pace.fail("192.0.2.8", 1_000)).toBe(0);
  });
  test("forgets after a minute of peace", () => {
    const pace = new FailurePace();
    for (let count = 0; count < 10; count++) pace.fail("a", 0);
    expect(pace.fail("a", 60_000)).toBe(0);
  });
  test("remembers the newest 10,000 addresses", () => {
    const pace = new FailurePace();
    for (let count = 0; count < 6; count++) pace.fail("first", 0);
    for (let count = 0; count < 10_000; count++) pace.fail(`address ${count}`, 0);
    expect(pace.fail("first", 0)).toBe(0);
    for (let count = 0; count < 4; count++) pace.fail("address 9999", 0);
    expect(pace.fail("address 9999", 0)).toBe(100);
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
