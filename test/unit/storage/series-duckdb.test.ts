import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutRanges } from "../../../storage/series-duckdb-maintain.ts";
import { bucketsSql } from "../../../storage/series-duckdb-query.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe("sealing in steps", () => {
  test("covers every series once, in order, and exceeds the bound only for one series alone", () => {
    const counts = fc
      .uniqueArray(fc.nat(10_000), { maxLength: 60 })
      .chain((ids) =>
        fc.tuple(
          ...[...ids].sort((a, b) => a - b).map((id) => fc.tuple(fc.constant(id), fc.integer({ min: 1, max: 80 }))),
        ),
      );
    fc.assert(
      fc.property(counts, (rows) => {
        const steps = cutRanges(rows, 100);
        const covered = steps.flatMap(({ first, last }) => rows.filter(([id]) => id >= first && id <= last));
        expect(covered).toEqual(rows);
        for (const { first, last } of steps) {
          const inStep = rows.filter(([id]) => id >= first && id <= last);
          const sum = inStep.reduce((total, [, count]) => total + count, 0);
          expect(sum <= 100 || inStep.length === 1).toBe(true);
        }
      }),
    );
  });
});

describe("what buckets are made of", () => {
  const tablesOf = (from: number, to: number, stepMs: number) =>
    [...bucketsSql({ series: 1, from, to }, stepMs).matchAll(/FROM (hot|sealed|hourly|daily)\b/g)].map(
      (match) => match[1],
    );

  test.each`
    why                                          | from    | to                | step         | tables
    ${"steps below an hour need raw points"}     | ${0}    | ${3 * DAY}        | ${600_000}   | ${["sealed", "hot"]}
    ${"whole hours; sealed for stale ones"}      | ${0}    | ${5 * HOUR}       | ${HOUR}      | ${["hourly", "sealed", "hot"]}
    ${"both edges are raw"}                      | ${1}    | ${5 * HOUR + 1}   | ${HOUR}      | ${["sealed", "sealed", "hourly", "sealed", "hot"]}
    ${"no whole hour inside"}                    | ${1}    | ${HOUR}           | ${HOUR}      | ${["sealed", "hot"]}
    ${"whole days; hours for stale ones"}        | ${-DAY} | ${3 * DAY}        | ${DAY}       | ${["daily", "hourly", "sealed", "hot"]}
    ${"days with hours at the edges"}            | ${HOUR} | ${3 * DAY + HOUR} | ${7 * DAY}   | ${["hourly", "hourly", "daily", "hourly", "sealed", "hot"]}
    ${"a step of 36 hours is not of whole days"} | ${0}    | ${9 * DAY}        | ${36 * HOUR} | ${["hourly", "sealed", "hot"]}
  `("$why", ({ from, to, step, tables }: { from: number; to: number; step: number; tables: string[] }) => {
    expect(tablesOf(from, to, step)).toEqual(tables);
  });
});
