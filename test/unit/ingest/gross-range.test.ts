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
