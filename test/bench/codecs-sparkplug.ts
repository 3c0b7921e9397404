/** Sparkplug B on one core: DDATA of five values by alias, as an edge node sends them between births. */
import { writeSparkplug } from "../../core/sparkplug-write.ts";
import { SparkplugDecoder } from "../../ingest/codecs/sparkplug.ts";

const NAMES = ["pH", "EC", "Cd", "Pb", "NO3-N"];

export function benchSparkplug({ messages = 500_000 }: { readonly messages?: number } = {}): {
  readonly codec: string;
  readonly messagesPerSecond: number;
  readonly readingsPerSecond: number;
  readonly bytes: number;
} {
  const time = 1_700_000_000_000;
  const decoder = new SparkplugDecoder();
  const metrics = NAMES.map((name, alias) => ({ name, alias, type: "Double", value: 1.5 + alias }) as const);
  const say = (type: string, bytes: Uint8Array, at: number) =>
    decoder.decode(bytes, { topic: `spBv1.0/park/${type}`, receivedAt: time + at });
  say("NBIRTH/edge-1", writeSparkplug({ time, seq: 0, metrics: [{ name: "bdSeq", type: "UInt64", value: 0 }] }), 0);
  say("DBIRTH/edge-1/well-1", writeSparkplug({ time, seq: 1, metrics }), 1);
  const data = Array.from({ length: 256 }, (_, seq) =>
    writeSparkplug({
      time,
      seq,
      metrics: metrics.map(({ alias, type, value }) => ({ alias, type, isTyped: false, value, time })),
    }),
  );
  let readings = 0;
  const run = (count: number, from: number): void => {
    for (let at = from; at < from + count; at++) {
      readings += say("DDATA/edge-1/well-1", data[(at + 2) % 256] as Uint8Array, at).decoded.readings.length;
    }
  };
  run(51_200, 0); // warm
  readings = 0;
  const startedAt = performance.now();
  run(messages, 51_200);
  const seconds = (performance.now() - startedAt) / 1_000;
  if (readings !== messages * NAMES.length) throw new Error(`${readings} readings of ${messages} messages`);
  return {
    codec: "sparkplug",
    messagesPerSecond: Math.round(messages / seconds),
    readingsPerSecond: Math.round(readings / seconds),
    bytes: data[0]?.byteLength ?? 0,
  };
}
