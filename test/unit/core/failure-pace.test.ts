import { describe, expect, test } from "vitest";
import { addressKey, FailurePace } from "../../../core/failure-pace.ts";

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
