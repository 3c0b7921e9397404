import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeCayenne, parseCayenne } from "../../../ingest/codecs/cayenne.ts";
import type { Decoded } from "../../../ingest/codecs/codec.ts";
import { shared, vectorsOf } from "../../support/vectors.ts";

const decode = (hex: string) => decodeCayenne(Buffer.from(hex, "hex"), { quantities: {} });
const plain = (hex: string) => {
  const { items, fault } = parseCayenne(Buffer.from(hex, "hex"));
  return { items: items.map(({ channel, type, value }) => ({ channel, type, value })), fault };
};

test("names, scales, signs and units", () => {
  // Channel 1: -4.1 °C; 2: 54 %; 3: 1017.5 hPa; 4: GPS; 5: colour.
  const bytes = `0167FFD7 02686C 037327BF 048806765FF2960A0003E8 0587FF8001`.replaceAll(" ", "");
  const { readings, faults } = decode(bytes) as Decoded;
  expect(faults).toEqual([]);
  expect(readings.map(({ quantity, value, unit }) => [quantity, value, unit])).toEqual([
    ["temperature_1", -4.1, "Cel"],
    ["humidity_2", 54, "%"],
    ["barometric_pressure_3", 1017.5, "hPa"],
    ["gps_4.latitude", 42.3519, undefined],
    ["gps_4.longitude", -87.9094, undefined],
    ["gps_4.altitude", 10, undefined],
    ["colour_5.r", 255, undefined],
    ["colour_5.g", 128, undefined],
    ["colour_5.b", 1, undefined],
  ]);
});

test("what stands before an unknown or a cut item is kept", () => {
  expect(plain("036701100324")).toMatchObject({ items: [{ value: 27.2 }], fault: { code: "CAYENNE_TYPE_UNKNOWN" } });
  expect(decode("0367011005")).toMatchObject({ readings: [{ value: 27.2 }], faults: [{ code: "CAYENNE_CUT" }] });
  expect(decode("05")).toMatchObject({ refused: { code: "CAYENNE_CUT" } });
  expect(decode("")).toMatchObject({ refused: { code: "CAYENNE_EMPTY" } });
});

test("temperatures round trip, and a cut anywhere loses only what is cut", () => {
  const item = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: -32_768, max: 32_767 }));
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 20 }), fc.nat(), (items, cut) => {
      const bytes = Buffer.concat(
        items.map(([channel, raw]) => {
          const one = Buffer.from([channel, 103, 0, 0]);
          one.writeInt16BE(raw, 2);
          return one;
        }),
      );
      const expected = items.map(([channel, raw]) => ({ channel, type: "temperature", value: raw / 10, unit: "Cel" }));
      expect(parseCayenne(bytes)).toEqual({ items: expected, fault: null });
      const at = cut % bytes.length;
      const { items: left, fault } = parseCayenne(bytes.subarray(0, at));
      expect(left).toEqual(expected.slice(0, Math.floor(at / 4)));
      expect(fault === null).toBe(at % 4 === 0);
    }),
  );
});

test("whatever the bytes, there is an answer", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const result = decodeCayenne(bytes, { quantities: {} });
      if (!("refused" in result)) for (const { value } of result.readings) expect(Number.isFinite(value)).toBe(true);
    }),
  );
});

interface Vector {
  readonly id: string;
  readonly hex: string;
  readonly expect: readonly unknown[] | null;
  readonly error: boolean;
}
describe.skipIf(shared === undefined)("[shared] Cayenne LPP vectors", () => {
  const vectors = vectorsOf<Vector>("cayenne-lpp.jsonl");
  test("are all there", () => expect(vectors).toHaveLength(23));
  test.each(vectors.map((vector) => [vector.id, vector] as const))("%s", (_id, { hex, expect: items, error }) => {
    const result = plain(hex);
    expect(result.items).toEqual(items ?? []);
    expect(result.fault !== null).toBe(error);
  });
});
