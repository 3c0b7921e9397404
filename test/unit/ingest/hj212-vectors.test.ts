/** [shared] Every published HJ 212 vector decodes as stated in its file: frames, groups, answers, what is left over. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { crcOf, type Hj212CrcVariant } from "../../../core/hj212-crc.ts";
import { Hj212Framer } from "../../../core/hj212-framer.ts";
import { decryptSegment, sm4Decrypter } from "../../../core/hj212-sm4.ts";
import { decodeHj212Frames, type ShownFrame } from "../../../ingest/codecs/hj212-frames.ts";

const shared = process.env["EWS_SHARED"];
const TEST_KEY = Buffer.alloc(16, 0x30); // HJ 212-2025 Annex A.2

interface ExpectedFrame {
  readonly declared: number;
  readonly crcGiven: string;
  readonly verdict: string;
  readonly crcHj212: string;
  readonly crcModbus: string;
  readonly header: Record<string, string>;
  readonly flag: unknown;
  readonly groups: unknown;
  readonly segErrors: readonly string[];
  readonly ack: string | null;
  readonly plainSegment?: string;
}
interface Vector {
  readonly id: string;
  readonly wire?: string;
  readonly wireHex?: string;
  readonly chunks?: readonly string[];
  readonly chunksHex?: readonly string[];
  readonly expect: {
    readonly frames: readonly ExpectedFrame[];
    readonly rejects: readonly string[];
    readonly residueBytes: number;
  };
}

const vectors: Vector[] = shared
  ? readFileSync(join(shared, "protocols/hj212-vectors-public.txt"), "utf8")
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Vector)
  : [];

function chunksOf({ wire, wireHex, chunks, chunksHex }: Vector): Buffer[] {
  if (chunks) return chunks.map((text) => Buffer.from(text, "utf8"));
  if (chunksHex) return chunksHex.map((hex) => Buffer.from(hex, "hex"));
  return [wireHex === undefined ? Buffer.from(wire ?? "", "utf8") : Buffer.from(wireHex, "hex")];
}
function variantOf(vector: Vector): Hj212CrcVariant {
  return (vector.expect.frames.map(({ verdict }) => verdict).find((verdict) => verdict.startsWith("modbus")) ??
    "hj212") as Hj212CrcVariant;
}

test.skipIf(!shared)("[shared] the file holds what it held when this test was written, or more", () => {
  expect(vectors.length).toBeGreaterThanOrEqual(63);
});

describe.skipIf(!shared).each(vectors.map((vector) => [vector.id, vector] as const))("[shared] %s", (_, vector) => {
  const crc = variantOf(vector);
  const sizes = ["as sent", "in one piece", "byte by byte"] as const;
  test.each(sizes)("exactly these frames come out, %s", (size) => {
    const sent = chunksOf(vector);
    const whole = Buffer.concat(sent);
    const chunks = size === "as sent" ? sent : size === "in one piece" ? [whole] : [...whole].map((b) => Buffer.of(b));
    const framer = new Hj212Framer({ crc, decrypt: sm4Decrypter(TEST_KEY) });
    const frames = chunks.flatMap((chunk) => framer.push(chunk)).filter((event) => event.kind === "frame");
    expect(frames.map(({ data }) => data.length)).toEqual(vector.expect.frames.map(({ declared }) => declared));
    for (const [index, { crcGiven, crcHj212, crcModbus, verdict, plainSegment }] of vector.expect.frames.entries()) {
      const { data, raw, decrypted } = frames[index]!; // same count as above
      expect(Buffer.from(raw.subarray(-4)).toString("latin1")).toBe(crcGiven);
      if (plainSegment !== undefined) {
        expect({ verdict, decrypted }).toEqual({ verdict: "ok-after-decrypt", decrypted: true });
        expect(Buffer.from(data).toString()).toBe(plainSegment);
        expect(Buffer.from(decryptSegment(raw.subarray(6, -4), TEST_KEY) ?? []).toString()).toBe(plainSegment);
      } else expect([crcOf(data, "hj212"), crcOf(data, "modbus-be")]).toEqual([crcHj212, crcModbus]);
    }
    expect(framer.waitingBytes).toBe(vector.expect.residueBytes);
    expect(framer.counters.badCrc > 0 || framer.counters.badLength > 0 || framer.counters.noiseBytes > 0).toBe(
      vector.expect.rejects.length > 0,
    );
  });

  test("header, flag, groups and answer", () => {
    const out = [...decodeHj212Frames(Buffer.concat(chunksOf(vector)), { crc, sm4Key: TEST_KEY })];
    const frames = out.filter((shown): shown is ShownFrame => "header" in shown);
    const stated = vector.expect.frames.filter(({ plainSegment }) => plainSegment === undefined);
    if (stated.length < vector.expect.frames.length) return; // an encrypted one states its plaintext only
    expect(frames.map(({ header, flag, groups, ack }) => ({ header, flag, groups, ack }))).toEqual(
      stated.map(({ header, flag, groups, ack }) => ({ header, flag, groups, ack })),
    );
    expect(frames.map(({ error }) => error !== undefined)).toEqual(stated.map(({ segErrors }) => segErrors.length > 0));
  });
});
