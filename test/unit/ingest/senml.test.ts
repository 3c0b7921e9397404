import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Decoded, Refusal } from "../../../ingest/codecs/codec.ts";
import { decodeSenml, resolveSenml, type SenmlRecord } from "../../../ingest/codecs/senml.ts";
import { shared, vectorsOf } from "../../support/vectors.ts";

const AT = 1_700_000_100_000;
const decode = (pack: unknown): Decoded | Refusal =>
  decodeSenml(
    Buffer.from(typeof pack === "string" ? pack : JSON.stringify(pack)),
    { quantities: {} },
    { topic: "", receivedAt: AT },
  );
const resolve = (pack: unknown) => resolveSenml(pack, AT);
const code = (result: object): string => ("refused" in result ? (result as Refusal).refused.code : "used");
const faultsOf = (result: object): string[] => (result as Decoded).faults.map((found) => found.code);

describe("resolution", () => {
  test("base fields hold until they appear again, names are joined, times are relative below 2^28", () => {
    expect(
      resolve([
        { bn: "well:", bt: -60, bu: "Cel", bv: 100, n: "t", v: -88.5 },
        { n: "ph", u: "pH", v: -93, t: 30 },
        { bn: "a/", bt: 1_700_000_000, bv: 0, n: "x", v: 1, t: 0.25 },
        { bu: "m" },
        { n: "label", vs: "门" },
      ]),
    ).toEqual({
      records: [
        { n: "well:t", u: "Cel", t: 1_700_000_040, v: 11.5 },
        { n: "well:ph", u: "pH", t: 1_700_000_070, v: 7 },
        { n: "a/x", u: "Cel", t: 1_700_000_000.25, v: 1 },
        { n: "a/label", u: "m", t: 1_700_000_000, vs: "门" },
      ],
      faults: [],
    });
  });

  test.each`
    pack                                                     | reason
    ${{ n: "x", v: 1 }}                                      | ${"WRONG_SHAPE"}
    ${[]}                                                    | ${"WRONG_SHAPE"}
    ${[1]}                                                   | ${"WRONG_SHAPE"}
    ${[{ bn: 1, n: "x", v: 1 }]}                             | ${"WRONG_SHAPE"}
    ${[{ n: "x", v: 1, bver: 11 }]}                          | ${"SENML_VERSION"}
    ${[{ n: "x", v: 1, bver: 5 }, { bver: 10 }]}             | ${"SENML_VERSION"}
    ${[{ n: "x", v: 1, bver: 26 }]}                          | ${"used"}
    ${[{ n: "x", v: 1, must_: 1 }]}                          | ${"SENML_MUST_UNDERSTAND"}
    ${[{ n: "x", v: 1, may: 1 }]}                            | ${"used"}
    ${Array.from({ length: 501 }, () => ({ n: "x", v: 1 }))} | ${"TOO_MANY_READINGS"}
  `("pack $pack: $reason", ({ pack, reason }) => expect(code(decode(pack))).toBe(reason));

  test.each`
    record                        | reason
    ${{ n: "x", v: 1, vs: "1" }}  | ${"SENML_VALUES"}
    ${{ v: 1 }}                   | ${"SENML_NAME"}
    ${{ n: "温度", v: 1 }}        | ${"SENML_NAME"}
    ${{ n: ":x", v: 1 }}          | ${"SENML_NAME"}
    ${{ n: "x", v: "1" }}         | ${"WRONG_SHAPE"}
    ${{ n: "x", v: null }}        | ${"WRONG_SHAPE"}
    ${{ n: "x", vd: "a+b/" }}     | ${"WRONG_SHAPE"}
    ${{ n: "x", v: 1, t: 9e12 }}  | ${"TIME_OUT_OF_RANGE"}
    ${{ n: "x", v: 1, t: -9e15 }} | ${"TIME_OUT_OF_RANGE"}
  `("record $record: $reason, and the others are used", ({ record, reason }) => {
    const result = decode([record, { n: "good", v: 2 }]) as Decoded;
    expect(faultsOf(result)).toEqual([reason]);
    expect(result.readings.map(({ quantity }) => quantity)).toEqual(["good"]);
  });

  test("a number beyond a double", () => {
    expect(faultsOf(decode('[{"n":"x","v":1e999},{"n":"y","v":1}]'))).toEqual(["VALUE_NOT_FINITE"]);
    expect(faultsOf(decode('[{"n":"x","bv":1e308,"v":1e308}]'))).toEqual(["VALUE_NOT_FINITE"]);
  });
});

describe("as readings", () => {
  test("units become ours, booleans 0 and 1, sums an aggregate; text and blobs are none", () => {
    const common = { cmp: "", qualifier: "N", time: AT, fraction: "total", aggregate: "rtd" };
    expect(
      decode([
        { n: "rh", u: "%RH", v: 40 },
        { n: "open", vb: true },
        { n: "note", vs: "x" },
        { n: "blob", vd: "aGk" },
        { n: "flow", u: "m3/s", v: 2, s: 7200 },
        { n: "power", u: "%EL", v: 81 },
      ]),
    ).toEqual({
      boot: "",
      seq: -1,
      backfill: false,
      faults: [],
      health: { batteryPercent: 81 },
      readings: [
        { ...common, quantity: "rh", value: 40, unit: "%" },
        { ...common, quantity: "open", value: 1, unit: undefined },
        { ...common, quantity: "flow", value: 2, unit: "m3/s" },
        { ...common, quantity: "flow", value: 7200, unit: "m3", aggregate: "sum" },
        { ...common, quantity: "power", value: 81, unit: "%", incidental: true },
      ],
    });
  });
});

test("a pack resolved again says the same, and splitting it into single records changes nothing", () => {
  const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9:./_-]{0,8}$/);
  const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
  const record = fc.record(
    {
      bn: name,
      bt: fc.integer({ min: 1_600_000_000, max: 1_700_000_000 }),
      bu: fc.constantFrom("Cel", "m", "pH"),
      n: name,
      v: number,
      u: fc.constantFrom("mg/L", "V"),
      t: fc.integer({ min: 0, max: 1_000 }),
    },
    { requiredKeys: ["n", "bt"] },
  );
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), (pack) => {
      const once = resolve(pack) as { records: readonly SenmlRecord[] };
      if (once.records.length > 0) expect(resolve(once.records)).toEqual({ records: once.records, faults: [] });
      for (const one of once.records) expect(resolve([one])).toEqual({ records: [one], faults: [] });
      expect(once.records).toHaveLength(pack.filter((entry) => "v" in entry).length);
    }),
  );
});

test("a unit with a name of the language is a unit nobody knows", () => {
  const pack = ["constructor", "toString", "__proto__"].flatMap((u) => [{ n: "x", u, v: 1, s: 2 }]);
  const { readings } = decode(pack) as Decoded;
  expect(readings.map(({ unit }) => unit)).toEqual([
    "constructor",
    "constructor*s",
    "toString",
    "toString*s",
    "__proto__",
    "__proto__*s",
  ]);
});

test("whatever comes, it is an answer and no exception", () => {
  const label = fc.constantFrom(
    "bn",
    "bt",
    "bu",
    "bv",
    "bs",
    "bver",
    "n",
    "u",
    "v",
    "vs",
    "vb",
    "vd",
    "s",
    "t",
    "ut",
    "x_",
  );
  fc.assert(
    fc.property(fc.array(fc.dictionary(label, fc.jsonValue())), (pack) => {
      const result = decode(pack);
      if (!("refused" in result)) {
        for (const { quantity, value, time } of result.readings) {
          expect(quantity).toMatch(/^[A-Za-z0-9]/);
          expect(Number.isFinite(value) && Number.isSafeInteger(time)).toBe(true);
        }
      }
    }),
  );
});

interface Vector {
  readonly id: string;
  readonly receivedAt: number;
  readonly pack: unknown;
  readonly outcome?: "ok" | "partial" | "reject" | "reject-record";
  readonly resolved: readonly SenmlRecord[];
}

describe.skipIf(shared === undefined)("[shared] SenML vectors", () => {
  const vectors = vectorsOf<Vector>("senml.jsonl");
  test("are all there", () => expect(vectors).toHaveLength(24));
  test.each(vectors.map((vector) => [vector.id, vector] as const))(
    "%s",
    (_id, { receivedAt, pack, outcome, resolved }) => {
      const result = resolveSenml(pack, receivedAt * 1_000);
      if (outcome === "reject") {
        expect(code(result)).toMatch(/^SENML_/);
        return;
      }
      const { records, faults } = result as Exclude<typeof result, Refusal>;
      if (outcome === "reject-record") {
        expect(faults).toHaveLength(1);
        expect(records).toEqual([]);
      } else {
        expect(faults).toEqual([]);
        expect(records).toEqual(resolved);
      }
    },
  );
});
