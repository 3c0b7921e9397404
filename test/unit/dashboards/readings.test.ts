import { describe, expect, test } from "vitest";
import { bucketColumns, planReadings, rawColumns, spanOf } from "../../../dashboards/readings.ts";
import { QueryTime } from "../../../dashboards/times.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe("planReadings", () => {
  test.each`
    days   | bucket    | intervalMs | plan
    ${1}   | ${"auto"} | ${600_000} | ${{ kind: "raw" }}
    ${30}  | ${"auto"} | ${600_000} | ${{ kind: "raw" }}
    ${30}  | ${"auto"} | ${60_000}  | ${{ kind: "buckets", stepMs: HOUR }}
    ${365} | ${"auto"} | ${600_000} | ${{ kind: "buckets", stepMs: 6 * HOUR }}
    ${365} | ${"raw"}  | ${1_000}   | ${{ kind: "raw" }}
    ${30}  | ${"1h"}   | ${1_000}   | ${{ kind: "buckets", stepMs: HOUR }}
  `("$days d as $bucket of $intervalMs ms: $plan", ({ days, bucket, intervalMs, plan }) => {
    expect(planReadings({ from: 0, to: days * DAY }, bucket, intervalMs)).toMatchObject(plan);
  });

  test("refuses a plan over the budget and names the step that fits", () => {
    const ask = () => planReadings({ from: 0, to: 3_650 * DAY }, "1m", 600_000);
    expect(ask).toThrow(expect.objectContaining({ code: "QUERY_TOO_LARGE", status: 422 }));
    expect(ask).toThrow("bucket=6h");
  });

  test.each(["", "0s", "500ms", "1.5ms", "1y", "raw ", "-1h", "constructor"])("refuses bucket %j", (bucket) => {
    expect(() => planReadings({ from: 0, to: DAY }, bucket, 600_000)).toThrow(expect.objectContaining({ status: 400 }));
  });
});

describe("spanOf", () => {
  const now = 100 * DAY;
  test("is the last 24 h, up to and with now, unless said otherwise", () => {
    expect(spanOf({}, now)).toEqual({ from: now + 1 - DAY, to: now + 1 });
    expect(spanOf({ from: now - HOUR }, now)).toEqual({ from: now - HOUR, to: now + 1 });
    expect(spanOf({ to: DAY }, now)).toEqual({ from: 0, to: DAY });
  });
  test("refuses an empty span", () => {
    expect(() => spanOf({ from: 5, to: 5 }, now)).toThrow("RANGE_EMPTY");
  });
});

describe("QueryTime", () => {
  test.each`
    text                           | ms
    ${"2026-03-15T08:00:00+08:00"} | ${Date.UTC(2026, 2, 15)}
    ${"1773532800000"}             | ${1773532800000}
    ${"-662688000000"}             | ${-662688000000}
    ${"2026-03-15T08:00:00"}       | ${null}
    ${"2026-02-31T08:00:00Z"}      | ${null}
    ${"1773532800"}                | ${null}
    ${"9999999999999999"}          | ${null}
    ${"yesterday"}                 | ${null}
  `("$text is $ms", ({ text, ms }) => {
    const parsed = QueryTime.safeParse(text);
    expect(parsed.success ? parsed.data : null).toBe(ms);
  });
});

test("columns keep censoring and turn what is no number into null", () => {
  const points = [{ time: 1, value: Number.NaN, cmp: "" as const, flag: 9, qualifier: "C" }];
  points.push({ time: 2, value: 0.5, cmp: "<" as "", flag: 1, qualifier: "N" });
  expect(rawColumns(points)).toEqual({
    times: [1, 2],
    values: [null, 0.5],
    cmp: ["", "<"],
    flag: [9, 1],
    qualifier: ["C", "N"],
  });
  const bucket = { time: 1, count: 2, min: Number.POSITIVE_INFINITY, max: 3, mean: null, censored: 1, flag: 1 };
  expect(bucketColumns([bucket])).toMatchObject({ min: [null], max: [3], mean: [null], censored: [1] });
});
