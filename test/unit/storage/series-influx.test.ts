import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Comparison, Qualifier } from "../../../core/reading.ts";
import { writePathOf } from "../../../storage/series-influx-client.ts";
import { correctionLine, isSeriesKey, readingLine, tagsOf } from "../../../storage/series-influx-lines.ts";
import {
  bucketsQl,
  createDatabaseQl,
  literal,
  pointsQl,
  toBuckets,
  toCorrections,
  toLatest,
} from "../../../storage/series-influx-ql.ts";
import { aBlock, aReading, NOW } from "../../support/builders.ts";

const KEY = "mw-1/cd/total/rtd";
const TAGS = "t=1";
const row = (overrides: Parameters<typeof aReading>[0], mayReplace = false) =>
  readingLine(TAGS, aBlock([aReading({ time: NOW, ...overrides })]), 0, mayReplace);

describe("lines", () => {
  test.each<[string, Parameters<typeof aReading>[0], boolean, string]>([
    ["a plain value", { value: 1 }, false, "v=1,q=1i"],
    ["a plain value that may replace", { value: 1 }, true, `v=1,q=1i,c="",k="N"`],
    ["below the limit", { value: 0.5, cmp: "<" }, false, `v=0.5,q=1i,c="<"`],
    ["over range", { value: 9, cmp: ">", qualifier: "T" as Qualifier }, false, `v=9,q=1i,c=">",k="T"`],
    ["no value", { value: Number.NaN, flag: 9, qualifier: "F" as Qualifier }, false, `q=9i,k="F"`],
    ["infinity is no value", { value: Number.POSITIVE_INFINITY }, false, "q=1i"],
  ])("%s", (_, overrides, mayReplace, fields) => {
    expect(row(overrides, mayReplace)).toBe(`readings,t=1 ${fields} ${NOW}`);
  });

  test("a time before 1970 is a negative integer", () => {
    expect(row({ time: -5.4, value: 1 })).toBe("readings,t=1 v=1,q=1i -5");
  });

  test("every finite value survives as text", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = /v=([^,]+),/.exec(row({ value }))?.[1] ?? "";
        expect(Number(text)).toBe(value === 0 ? 0 : value);
        expect(text).toMatch(/^-?\d+(\.\d+)?(e[+-]\d+)?$/);
      }),
    );
  });

  test("tags are those of the key and its place; a place that is not an id is unknown", () => {
    const place = { tenant: "t-1", site: "s 1" };
    expect(tagsOf(KEY, place)).toBe("agg=rtd,fraction=total,quantity=cd,site=unknown,station=mw-1,tenant=t-1");
    expect(tagsOf("mw 1/cd/total/rtd", place)).toBeNull();
  });

  test("only four restricted parts make a key", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        if (isSeriesKey(`${text}/cd/total/rtd`)) expect(text).toMatch(/^[A-Za-z0-9_.-]{1,64}$/);
      }),
    );
    expect(["a/b/c/d\n", "a/b/c/d ", "\na/b/c/d", "a/b/c/d/e", `${"x".repeat(65)}/b/c/d`].filter(isSeriesKey)).toEqual(
      [],
    );
  });
});

describe("corrections", () => {
  const line = (value: number, oldValue: number, oldCmp: Comparison, time = NOW) =>
    correctionLine(TAGS, aBlock([aReading({ value, time })]), { row: 0, oldValue, oldCmp }, 77);

  test("the same correction is the same point, another one is not", () => {
    expect(line(2, 1, "")).toBe(line(2, 1, ""));
    const times = [line(2, 1, ""), line(1, 2, ""), line(2, 1, "<"), line(2, 3, "")].map((text) =>
      text.split(" ").at(-1),
    );
    expect(new Set(times).size).toBe(4);
    for (const time of times) expect(Math.floor(Number(BigInt(time ?? 0) / 1_000n) / 1_000)).toBe(NOW);
  });

  test.each([NOW, 0, 1, -1, -5, Date.UTC(1949, 9, 1)])("the millisecond %i comes back from microseconds", (time) => {
    for (const oldValue of [1, 2, 3, 4, 5, Number.NaN]) {
      const ns = BigInt(line(9, oldValue, "", time).split(" ").at(-1) ?? 0);
      const tables = [{ name: "corrections", columns: ["time", "oc"], values: [[Number(ns / 1_000n), ""]] }];
      expect(toCorrections(KEY, tables)[0]?.time).toBe(time);
    }
  });
});

describe("questions", () => {
  test("name every part of the key, and bound the time in whole milliseconds", () => {
    expect(pointsQl({ series: KEY, from: -5.5, to: Number.POSITIVE_INFINITY }, 10.9)).toBe(
      "SELECT v, q, c, k FROM readings WHERE station = 'mw-1' AND quantity = 'cd' AND fraction = 'total' AND agg = 'rtd'" +
        " AND time >= -5ms AND time < 9200000000000ms ORDER BY time LIMIT 10",
    );
  });
  test("flag 9 is asked for last", () => {
    expect(bucketsQl({ series: KEY, from: 0, to: 1 }, 60_000).split("; ")[2]).toContain(
      "AND q < 9 GROUP BY time(60000ms)",
    );
  });
  test("no text leaves its quotes", () => {
    expect(literal("a' OR '1'='1\\")).toBe("'a\\' OR \\'1\\'=\\'1\\\\'");
    expect(createDatabaseQl('a"; DROP\\')).toBe(
      'CREATE DATABASE "a\\"; DROP\\\\" WITH SHARD DURATION 52w NAME "autogen"',
    );
  });
});

describe("answers", () => {
  test("buckets join three statements by time", () => {
    const table = (columns: string[], ...values: unknown[][]) => [{ name: "readings", columns, values }];
    const buckets = toBuckets([
      table(
        ["time", "count", "min", "max", "mean"],
        [0, 2, 1, 3, 2],
        [60, 1, null, null, null],
        [120, 0, null, null, null],
      ),
      table(["time", "count"], [0, 1]),
      table(["time", "max"], [0, 3]),
    ]);
    expect(buckets).toEqual([
      { time: 0, count: 2, min: 1, max: 3, mean: 2, censored: 1, flag: 3 },
      { time: 60, count: 1, min: null, max: null, mean: null, censored: 0, flag: 9 },
    ]);
  });
  test("latest takes the key from the tags", () => {
    const tags = { station: "mw-1", quantity: "cd", fraction: "total", agg: "rtd" };
    const columns = ["time", "v", "q", "c", "k"];
    expect(toLatest([{ name: "readings", tags, columns, values: [[5, null, 9, null, "F"]] }])).toEqual([
      { series: KEY, time: 5, value: null, cmp: "", flag: 9, qualifier: "F" },
    ]);
  });
});

test.each([
  [undefined, "ms", "/write?db=a%2Fb&precision=ms"],
  ["/api/v2/write?org=o&bucket=b&precision=s", "ns", "/api/v2/write?org=o&bucket=b&precision=ns"],
  ["/api/v3/write_lp?db=d", "ns", "/api/v3/write_lp?db=d&precision=nanosecond"],
  ["/write", "ms", "/write?precision=ms"],
] as const)("the write path of %s in %s", (configured, precision, path) => {
  expect(writePathOf("a/b", configured, precision)).toBe(path);
});
