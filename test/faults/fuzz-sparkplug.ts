/**
 * Mutated Sparkplug messages against one decoder: never an exception, never a slow one, memory bounded. Seeded, so that a
 * find can be run again.
 */
import { writeSparkplug } from "../../core/sparkplug-write.ts";
import { SparkplugDecoder } from "../../ingest/codecs/sparkplug.ts";
import { noise } from "./fuzz-noise.ts";

export interface FuzzReport {
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
const SAMPLE = 250_000;

export function fuzzSparkplug({ messages, seed }: { readonly messages: number; readonly seed: number }): FuzzReport {
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
    const bytes = mutate(seeds[random(seeds.length)] as Uint8Array, random);
    const type = TYPES[random(TYPES.length)] as string;
    const device = type.startsWith("D") ? `/device-${random(50)}` : "";
    const envelope = {
      topic: `spBv1.0/group/${type}/edge-${random(EDGES)}${device}`,
      receivedAt: 1_700_000_000_000 + at,
    };
    const begin = performance.now();
    try {
      const { kind, refused } = decoder.decode(bytes, envelope);
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

/** One to four of: a bit, a byte, a cut, a repeat, a splice of noise. */
export function mutate(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  let mutated = Buffer.from(bytes);
  for (let times = random(4); times >= 0; times--) {
    const at = random(Math.max(1, mutated.length));
    const kind = random(6);
    if (kind === 0 && mutated.length > 0) mutated[at] = (mutated[at] as number) ^ (1 << random(8));
    else if (kind === 1 && mutated.length > 0) mutated[at] = random(256);
    else if (kind === 2) mutated = mutated.subarray(0, at);
    else if (kind === 3) mutated = Buffer.concat([mutated, mutated.subarray(at)]).subarray(0, 4_096);
    else if (kind === 4) {
      const splice = Buffer.from(Array.from({ length: random(12) }, () => random(256)));
      mutated = Buffer.concat([mutated.subarray(0, at), splice, mutated.subarray(at)]);
    }
  }
  return mutated;
}
