import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readSparkplug } from "../../../core/sparkplug-wire.ts";
import { rebirthCommand } from "../../../core/sparkplug-write.ts";
import { SparkplugDecoder } from "../../../ingest/codecs/sparkplug.ts";
import { isNumeric, numberOf } from "../../../ingest/codecs/sparkplug-value.ts";

interface ExpectedMetric {
  readonly name: string;
  readonly alias?: number;
  readonly type: string;
  readonly value: unknown;
  readonly timestamp: number;
  readonly isNull?: boolean;
}
interface Vector {
  readonly id: string;
  readonly topic: string;
  readonly hex?: string;
  readonly expect: {
    readonly timestamp?: number;
    readonly seq?: number;
    readonly bdSeq?: number;
    readonly metrics?: readonly ExpectedMetric[];
    readonly readings?: readonly [name: string, value: number, time: number, historical?: string][];
    readonly rebirthWanted?: boolean;
    readonly death?: boolean;
    readonly ignored?: boolean;
    readonly encode?: boolean;
    readonly error?: boolean;
  };
}
const shared = process.env["EWS_SHARED"];
const TYPES: Readonly<Record<number, string>> = {
  4: "Int64",
  1: "Int8",
  8: "UInt64",
  9: "Float",
  10: "Double",
  11: "Boolean",
  12: "String",
};

/** What a payload holds, in the words of the vectors. */
function metricsOf(bytes: Uint8Array): unknown {
  const payload = readSparkplug(bytes);
  if ("code" in payload) return payload;
  return payload.metrics.map((metric) => {
    const { name, alias, datatype, time, isNull, text } = metric;
    const number = isNumeric(datatype ?? 0) ? numberOf(metric, name ?? "", datatype ?? 0) : text;
    const value =
      datatype === 11
        ? number === 1
        : datatype === 9 && typeof number === "number"
          ? Number(number.toPrecision(7))
          : number;
    return {
      name,
      ...(alias === null ? {} : { alias }),
      type: TYPES[datatype ?? 0],
      value,
      ...(isNull ? { isNull } : {}),
      timestamp: time,
    };
  });
}

test.skipIf(!shared)("[shared] every Sparkplug vector says what its file says", () => {
  const lines = readFileSync(`${shared}/protocols/payload-vectors/sparkplug.jsonl`, "utf8").trim().split("\n");
  const vectors = lines.map((line) => JSON.parse(line) as Vector);
  expect(vectors.length).toBeGreaterThanOrEqual(12);
  const decoder = new SparkplugDecoder();
  let checked = 0;
  for (const { id, topic, hex, expect: expected } of vectors) {
    if (hex === undefined) continue; // STATE is text of the host, see the gateway's tests
    const bytes = Buffer.from(hex, "hex");
    checked += 1;
    if (expected.encode) {
      expect(Buffer.from(rebirthCommand(1_700_000_000_000)).toString("hex"), id).toBe(hex);
      continue;
    }
    const outcome = decoder.decode(bytes, { topic, receivedAt: 1_700_000_100_000 });
    if (expected.metrics) {
      expect(metricsOf(bytes), id).toEqual(expected.metrics);
      expect(outcome.kind, id).toBe("birth");
    }
    if (expected.seq !== undefined) expect(outcome.seq, id).toBe(expected.seq);
    if (expected.readings) {
      const found = outcome.decoded.readings.map(({ quantity, value, time }) => [
        quantity,
        Number(value?.toPrecision(7)),
        time,
        ...(outcome.decoded.backfill ? ["historical"] : []),
      ]);
      expect(found, id).toEqual(expected.readings);
      expect(outcome.notices, id).toEqual([]);
    }
    if (expected.rebirthWanted)
      expect(
        outcome.notices.map(({ kind }) => kind),
        id,
      ).toContain(id === "spb-ddata-gap" ? "gap" : "rebirth-wanted");
    if (expected.death) expect(outcome, id).toMatchObject({ kind: "death", bdSeq: expected.bdSeq });
    if (expected.ignored) expect(outcome, id).toMatchObject({ kind: "ignored", notices: [] });
    if (expected.error) expect(outcome, id).toMatchObject({ kind: "refused", refused: { code: "MALFORMED_PROTOBUF" } });
  }
  expect(checked).toBeGreaterThanOrEqual(11);
});
