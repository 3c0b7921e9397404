import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { grossRange } from "../../../ingest/qc/gross-range.ts";

const spans = { failSpan: [0, 14] as const, suspectSpan: [3, 12] as const };

describe("gross range", () => {
  test.each`
    value         | flag | why
    ${7}          | ${1} | ${"inside both"}
    ${3}          | ${1} | ${"on the lower plausible bound"}
    ${12}         | ${1} | ${"on the upper plausible bound"}
    ${2.999}      | ${3} | ${"implausibly low"}
    ${12.001}     | ${3} | ${"implausibly high"}
    ${0}          | ${3} | ${"on the lower possible bound"}
    ${14}         | ${3} | ${"on the upper possible bound"}
    ${-0.001}     | ${4} | ${"impossibly low"}
    ${14.001}     | ${4} | ${"impossibly high"}
    ${Number.NaN} | ${9} | ${"missing"}
    ${Infinity}   | ${9} | ${"not a number that a sensor reports"}
  `("$value is flagged $flag: $why", ({ value, flag }: { value: number; flag: number }) => {
    expect(grossRange(value, spans)).toBe(flag);
  });

  test("spans that are not stated are never exceeded", () => {
    expect(grossRange(1e30, { failSpan: null, suspectSpan: null })).toBe(1);
    expect(grossRange(-1, { failSpan: null, suspectSpan: [0, 1] })).toBe(3);
  });
});

interface Vector {
  readonly fn: string;
  readonly id: string;
  readonly args: { inp: (number | null)[]; fail_span: number[]; suspect_span?: number[] | null };
  readonly flags?: number[];
}
const shared = process.env["EWS_SHARED"];

/** The library sorts its spans first; our catalogue states them in order. */
function sorted(span: number[] | null | undefined): readonly [number, number] | null {
  if (!span) return null;
  const [low = 0, high = 0] = [...span].sort((a, b) => a - b);
  return [low, high];
}

test.skipIf(!shared)("[shared] agrees with the flags that ioos_qc computes", () => {
  const { vectors } = JSON.parse(readFileSync(`${shared}/data/qartod/vectors.json`, "utf8")) as { vectors: Vector[] };
  const cases = vectors.filter(({ fn, flags }) => fn === "gross_range_test" && flags !== undefined);
  expect(cases.length).toBeGreaterThan(10);
  for (const { id, args, flags } of cases) {
    const own = { failSpan: sorted(args.fail_span), suspectSpan: sorted(args.suspect_span) };
    expect({ id, flags: args.inp.map((value) => grossRange(value ?? Number.NaN, own)) }).toEqual({ id, flags });
  }
});
