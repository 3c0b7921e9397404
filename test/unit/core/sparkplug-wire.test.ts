import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { METRICS_MAX, NAME_BYTES_MAX, readSparkplug } from "../../../core/sparkplug-wire.ts";
import { type OutgoingMetric, rebirthCommand, writeSparkplug } from "../../../core/sparkplug-write.ts";

const time = fc.integer({ min: 0, max: 8_640_000_000_000_000 });
const VALUES: Record<string, fc.Arbitrary<number | bigint | boolean | string>> = {
  Int8: fc.integer({ min: -128, max: 127 }),
  Int16: fc.integer({ min: -32_768, max: 32_767 }),
  Int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  Int64: fc.maxSafeInteger(),
  UInt8: fc.integer({ min: 0, max: 255 }),
  UInt16: fc.integer({ min: 0, max: 65_535 }),
  UInt32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  UInt64: fc.maxSafeNat(),
  Float: fc.float(),
  Double: fc.double(),
  Boolean: fc.boolean(),
  String: fc.string({ unit: "grapheme", maxLength: 20 }),
};
const metric: fc.Arbitrary<OutgoingMetric> = fc.constantFrom(...Object.keys(VALUES)).chain((type) =>
  fc.record(
    {
      type: fc.constant(type as OutgoingMetric["type"]),
      value: fc.option(VALUES[type] as fc.Arbitrary<number | bigint | boolean | string>),
      name: fc.string({ unit: "grapheme", maxLength: 20 }),
      alias: fc.maxSafeNat(),
      time,
      isTyped: fc.boolean(),
      isHistorical: fc.boolean(),
      isTransient: fc.boolean(),
      quality: fc.constantFrom(0, 192, 500),
    },
    { requiredKeys: ["type", "value"] },
  ),
) as fc.Arbitrary<OutgoingMetric>;

function readOne(bytes: Uint8Array) {
  const payload = readSparkplug(bytes);
  if ("code" in payload) throw new Error(payload.detail);
  return payload;
}

describe("round trip", () => {
  test("everything written is read back as it was", () => {
    fc.assert(
      fc.property(fc.array(metric, { maxLength: 8 }), time, fc.nat(255), (metrics, sentAt, seq) => {
        const payload = readOne(writeSparkplug({ time: sentAt, seq, metrics }));
        expect(payload).toMatchObject({ time: sentAt, seq, uuid: null });
        expect(payload.metrics.length).toBe(metrics.length);
        for (const [index, sent] of metrics.entries()) {
          const found = payload.metrics[index];
          expect(found).toMatchObject({
            name: sent.name ?? null,
            alias: sent.alias ?? null,
            time: sent.time ?? null,
            isHistorical: sent.isHistorical ?? false,
            isTransient: sent.isTransient ?? false,
            isNull: sent.value === null,
            quality: sent.quality ?? null,
          });
          if (sent.value === null) expect(found?.field).toBe("none");
          else if (typeof sent.value === "string") expect(found?.text).toBe(sent.value);
          else expect(sent.type.startsWith("U") ? found?.value : found?.signed).toBe(Number(sent.value));
        }
      }),
      { numRuns: 500 },
    );
  });

  test("the command of a host, byte for byte as the specification's schema has it", () => {
    const expected = `08${"80d095ffbc31"}12210a14${Buffer.from("Node Control/Rebirth").toString("hex")}1880d095ffbc31200b7001`;
    expect(Buffer.from(rebirthCommand(1_700_000_000_000)).toString("hex")).toBe(expected);
  });
});

describe("hostile bytes", () => {
  test("any bytes give a payload or a named fault", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const found = readSparkplug(bytes);
        expect("code" in found ? found.code : "read").toMatch(/^(read|MALFORMED_PROTOBUF)$/);
      }),
      { numRuns: 2_000 },
    );
  });

  test("every cut of a payload inside a field is a fault, and none is read past its end", () => {
    const whole = writeSparkplug({ time: 1, seq: 1, metrics: [{ name: "pH", alias: 9, type: "Double", value: 7 }] });
    const cutAt = [...whole.keys()].filter((length) => !("code" in readSparkplug(whole.subarray(0, length))));
    expect(cutAt).toEqual([0, 2, whole.length - 2]); // nothing, after `timestamp`, before `seq`
  });

  test.each([
    ["a field number of 0", "0000"],
    ["a group", "0b"],
    ["a number of 11 bytes", `08${"ff".repeat(10)}01`],
    ["a length beyond the end", "12ff01"],
    ["a length of 2^63", "12ffffffffffffffff7f"],
    ["a metric whose text reaches beyond the metric", "12020a0500000000"],
    ["JSON", Buffer.from('{"a":1}').toString("hex")],
  ])("%s", (_what, hex) => {
    expect(readSparkplug(Buffer.from(hex, "hex"))).toMatchObject({ code: "MALFORMED_PROTOBUF" });
  });

  test("more metrics than are taken, and a longer name than is kept", () => {
    expect(readSparkplug(Buffer.from("1200".repeat(METRICS_MAX + 1), "hex"))).toMatchObject({
      code: "TOO_MANY_METRICS",
    });
    const long = readOne(writeSparkplug({ metrics: [{ name: "x".repeat(1_000), type: "Int8", value: 1 }] }));
    expect(long.metrics[0]?.name).toHaveLength(NAME_BYTES_MAX);
  });

  test("unknown fields of every wire type are passed over", () => {
    const unknown = `${"a001"}01${"a101"}${"00".repeat(8)}${"a2010161"}${"a50100000000"}`;
    expect(readOne(Buffer.from(`${unknown}1805`, "hex"))).toMatchObject({ seq: 5 });
  });
});
