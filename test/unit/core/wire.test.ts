import { describe, expect, test } from "vitest";
import { alarmTopic, devicePrefix, parseWireTime, ShortTelemetry, Telemetry, WireTime } from "../../../core/wire.ts";

describe("time on the wire", () => {
  test.each`
    time                           | ms
    ${"2026-03-15T08:30:00+08:00"} | ${1773534600000}
    ${"2026-03-15T00:30:00Z"}      | ${1773534600000}
    ${"1949-10-01T15:00+08:00"}    | ${-639075600000}
    ${"2024-02-29T00:00:00Z"}      | ${1709164800000}
    ${1773534600000}               | ${1773534600000}
    ${-639075600000}               | ${-639075600000}
    ${"2026-02-31T00:00:00Z"}      | ${null}
    ${"2025-02-29T00:00:00Z"}      | ${null}
    ${"2026-13-01T00:00:00Z"}      | ${null}
  `("$time is $ms", ({ time, ms }: { time: string | number; ms: number | null }) => {
    expect(WireTime.safeParse(time).success).toBe(true);
    expect(parseWireTime(time)).toBe(ms);
  });

  test.each(["2026-03-15T08:30:00", "2026-03-15", "20260315083000", "now", "", 1773534600, 0.5, Number.NaN])(
    "%s is refused",
    (time) => {
      expect(WireTime.safeParse(time).success).toBe(false);
    },
  );
});

describe("payload", () => {
  const good = {
    v: 1,
    boot: "a41f09c2",
    seq: 18234,
    ts: "2026-03-15T08:30:00+08:00",
    r: [{ p: "w20120", v: 0.0084, u: "mg/L", q: "N" }],
  };
  test.each`
    why                             | change
    ${"a version to come"}          | ${{ v: 2 }}
    ${"no reading"}                 | ${{ r: [] }}
    ${"501 readings"}               | ${{ r: Array.from({ length: 501 }, () => ({ p: "cd", v: 1 })) }}
    ${"a value as text"}            | ${{ r: [{ p: "cd", v: "0.5" }] }}
    ${"null without qualifier"}     | ${{ r: [{ p: "cd", v: null }] }}
    ${"an unknown key"}             | ${{ extra: 1 }}
    ${"an unknown qualifier"}       | ${{ r: [{ p: "cd", v: 1, q: "X" }] }}
    ${"a negative sequence number"} | ${{ seq: -1 }}
  `("refuses $why", ({ change }: { change: object }) => {
    expect(Telemetry.safeParse(good).success).toBe(true);
    expect(Telemetry.safeParse({ ...good, ...change }).success).toBe(false);
  });

  test("null with a qualifier and censored values are fine", () => {
    expect(
      Telemetry.safeParse({
        v: 1,
        r: [
          { p: "cd", v: null, q: "D" },
          { p: "cd", v: 0.5, cmp: "<", u: "µg/L" },
        ],
      }).success,
    ).toBe(true);
  });

  test("the short form needs a value", () => {
    expect(ShortTelemetry.safeParse({ seq: 1, m: { ph: 7.12, ec: 812 } }).success).toBe(true);
    expect(ShortTelemetry.safeParse({ seq: 1, m: {} }).success).toBe(false);
  });
});

test("topics", () => {
  expect(devicePrefix({ tenant: "t", id: "s" }, { id: "mw-1" }, { id: "d-1" })).toBe("ews/1/t/s/mw-1/d-1/");
  expect(alarmTopic({ tenant: "t", site: "s", station: "mw-1", rule: "cd-iv", quantity: "cd" })).toBe(
    "ews/1/t/alerts/s/mw-1/cd-iv/cd",
  );
});
