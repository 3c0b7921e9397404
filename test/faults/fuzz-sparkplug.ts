/**
 * Mutated Sparkplug messages against one decoder: never an exception, never a slow one, memory bounded. Seeded, so that a
 * find can be run again.
 */
import { writeSparkplug } from "../../core/sparkplug-write.ts";
import { SparkplugDecoder } from "../../ingest/codecs/sparkplug.ts";
import { isSound } from "./fuzz-codecs.ts";
import { mutate, noise } from "./fuzz-noise.ts";

interface SparkplugFuzzReport {
  readonly messages: number;
  readonly seed: number;
  readonly kinds: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
  readonly slowestMs: number;
  readonly heapGrowthMegabytes: number;
  readonly snapshotMegabytes: number;
  readonly messagesPerSecond: number;
}

const EDGES = 8;
const TYPES = ["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"] as const;
const SPICES = ["bdSeq", "pH", "\0"].map((text) => Buffer.from(text));
const SAMPLE = 250_000;

export function fuzzSparkplug({
  messages,
  seed,
}: {
  readonly messages: number;
  readonly seed: number;
}): SparkplugFuzzReport {
  const random = noise(seed);
  const seeds = corpus();
  const decoder = new SparkplugDecoder();
  const kinds: Record<string, number> = {};
  const faults: string[] = [];
  let slowestMs = 0;
  let heapStart = 0;
  let heapEnd = 0;
  const startedAt = performance.now();
  for (let at = 0; at < messages; at++) {
    const bytes = mutate(seeds[random(seeds.length)] as Uint8Array, random, SPICES);
    const type = TYPES[random(TYPES.length)] as string;
    const device = type.startsWith("D") ? `/device-${random(50)}` : "";
    const envelope = {
      topic: `spBv1.0/group/${type}/edge-${random(EDGES)}${device}`,
      receivedAt: 1_700_000_000_000 + at,
    };
    const begin = performance.now();
    try {
      const { kind, refused, decoded } = decoder.decode(bytes, envelope);
      if (!refused && !decoded.readings.every(isSound)) throw new Error("misshapen readings");
      const key = refused ? refused.code : kind;
      kinds[key] = (kinds[key] ?? 0) + 1;
    } catch (error) {
      if (faults.length < 10) faults.push(`${String(error)} for ${Buffer.from(bytes).toString("hex")}`);
    }
    slowestMs = Math.max(slowestMs, performance.now() - begin);
    if (at % SAMPLE === SAMPLE - 1) {
      globalThis.gc?.();
      heapEnd = process.memoryUsage().heapUsed;
      heapStart ||= heapEnd;
    }
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  return {
    messages,
    seed,
    kinds,
    faults,
    slowestMs: Math.round(slowestMs * 10) / 10,
    heapGrowthMegabytes: Math.round((heapEnd - heapStart) / 1e5) / 10,
    snapshotMegabytes: Math.round(decoder.snapshot().byteLength / 1e4) / 100,
    messagesPerSecond: Math.round(messages / seconds),
  };
}

function corpus(): readonly Uint8Array[] {
  const time = 1_700_000_000_000;
  const many = Array.from(
    { length: 40 },
    (_, at) => ({ name: `metric ${at}`, alias: at, type: "Float", value: at }) as const,
  );
  return [
    writeSparkplug({
      time,
      seq: 0,
      metrics: [
        { name: "bdSeq", type: "UInt64", value: 1 },
        { name: "pH", alias: 1, type: "Double", value: 7 },
      ],
    }),
    writeSparkplug({ time, seq: 1, metrics: many }),
    writeSparkplug({
      time,
      seq: 2,
      metrics: [{ alias: 1, type: "Double", isTyped: false, value: 7, isHistorical: true, time }],
    }),
    writeSparkplug({
      time,
      seq: 3,
      metrics: [
        { alias: 2, type: "Int64", value: -5, quality: 500 },
        { name: "s", type: "String", value: "尾矿库" },
      ],
    }),
    writeSparkplug({ time, metrics: [{ name: "bdSeq", type: "UInt64", value: 1 }] }),
    Buffer.from('{"a":1}'),
  ];
}
