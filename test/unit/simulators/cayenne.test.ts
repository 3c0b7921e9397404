import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCayenne } from "../../../ingest/codecs/cayenne.ts";
import { CAYENNE_TYPES, writeCayenne } from "../../../simulators/cayenne.ts";

/** Ranges that every type of that name holds, and half a step of its resolution. */
const HELD: Readonly<Record<string, readonly [from: number, to: number, halfStep: number]>> = {
  digital_input: [0, 255, 0.5],
  digital_output: [0, 255, 0.5],
  analog_input: [-327.68, 327.67, 0.005],
  analog_output: [-327.68, 327.67, 0.005],
  generic: [0, 4_294_967_295, 0.5],
  luminosity: [0, 65_535, 0.5],
  presence: [0, 255, 0.5],
  temperature: [-3_276.8, 3_276.7, 0.05],
  humidity: [0, 127.5, 0.25],
  barometric_pressure: [0, 6_553.5, 0.05],
  voltage: [0, 655.35, 0.005],
  current: [0, 65.535, 0.0005],
  percentage: [0, 255, 0.5],
  altitude: [-32_768, 32_767, 0.5],
  concentration: [0, 65_535, 0.5],
  distance: [0, 4_294_967.295, 0.0005],
};

test("the bytes of the format's own example: two temperatures", () => {
  expect(Buffer.from(writeCayenne({ temperature_3: 27.2, temperature_5: 25.5 })).toString("hex")).toBe(
    "03670110056700ff",
  );
  expect(Buffer.from(writeCayenne({ temperature_1: -4.1 })).toString("hex")).toBe("0167ffd7");
});

test("what is written is read again, rounded to the type's resolution", () => {
  expect(CAYENNE_TYPES.filter((type) => !HELD[type])).toEqual([]);
  const item = fc
    .tuple(fc.constantFrom(...CAYENNE_TYPES), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 10_000 }))
    .map(([type, channel, share]) => {
      const [from, to] = HELD[type] ?? [0, 0];
      return [`${type}_${channel}`, from + (share / 10_000) * (to - from)] as const;
    });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 12 }), (items) => {
      const sent = Object.fromEntries(items);
      const { items: read, fault } = parseCayenne(writeCayenne(sent));
      expect(fault).toBeNull();
      expect(read.map(({ type, channel }) => `${type}_${channel}`)).toEqual(Object.keys(sent));
      for (const { type, channel, value } of read) {
        const difference = Math.abs(Number(value) - (sent[`${type}_${channel}`] ?? Number.NaN));
        expect(difference).toBeLessThanOrEqual((HELD[type]?.[2] ?? 0) * 1.000001);
      }
    }),
  );
});

test.each([
  ["temperature_1", 3_276.8],
  ["humidity_1", -0.5],
  ["humidity_1", 128],
  ["voltage_1", Number.NaN],
  ["temperature_256", 20],
  ["temperature", 20],
  ["ph_1", 7],
  ["toString_1", 7],
])("%s of %d is refused by name", (name, value) => {
  expect(() => writeCayenne({ [name]: value })).toThrow(name);
});
