/**
 * What ingest costs a message: decode, validate, convert, flag, de-duplicate and pack, without journal and threads.
 * 200-byte messages of 5 readings, as in the benchmark of the whole.
 */
import { systemClock } from "../../core/clock.ts";
import { decodeRaw, encodeRaw } from "../../core/envelope.ts";
import { createLogger } from "../../core/observe.ts";
import { BatchMaker } from "../../ingest/batch.ts";
import { Dedupe } from "../../ingest/dedupe.ts";
import { encodeState, Marks, warmUp } from "../../ingest/warm-up.ts";
import { aDevice, aDirectory, aStation, NOW } from "../support/builders.ts";
import { MemoryJournal } from "../support/journal-memory.ts";

export interface IngestBench {
  readonly messages: number;
  readonly bytesAMessage: number;
  readonly microsecondsAMessage: number;
  /** Of all threads of the process, garbage collection included; steadier than the wall clock on a shared machine. */
  readonly cpuMicrosecondsAMessage: number;
  /** The same payloads through `JSON.parse` alone, in the same run: what a busy machine makes of a known amount of work. */
  readonly cpuMicrosecondsToParse: number;
  readonly snapshotMs: number;
  readonly snapshotBytes: number;
  readonly warmUpMs: number;
  readonly warmUpRows: number;
  readonly memoryMegabytes: number;
}

const BATCH = 2_000;

/**
 * Measures the second half, when the compiler has seen everything and series memory has stopped growing.
 *
 * @param devices each at its own station; @param messages in all, a second apart for each device; @param entriesMax of
 *   series memory; less than it has in service, so that it fills within the first half.
 */
export async function benchIngestPipeline({
  devices = 200,
  messages = 400_000,
  entriesMax = 500_000,
} = {}): Promise<IngestBench> {
  const quantities = { cd: "mg/L", ph: "pH", ec: "µS/cm", temp: "°C", pb: "mg/L" };
  const directory = aDirectory({
    stations: Array.from({ length: devices }, (_, n) => aStation({ id: `st-${n}` })),
    devices: Array.from({ length: devices }, (_, n) => aDevice({ id: `dev-${n}`, station: `st-${n}`, quantities })),
  });
  const dedupe = new Dedupe({ entriesMax });
  const bugs: unknown[] = [];
  const maker = new BatchMaker({ directory: () => directory, dedupe, onBug: (error) => bugs.push(error) });
  const journal = new MemoryJournal();
  const marks = new Marks([]);
  let microseconds = 0;
  let cpuMicroseconds = 0;
  let bytes = 0;
  let measured = 0;
  const heap = process.memoryUsage();
  for (let first = 0; first < messages; first += BATCH) {
    const entries = Array.from({ length: BATCH }, (_, n) => message(first + n, devices));
    const startedAt = systemClock.monotonic();
    const cpu = process.cpuUsage();
    for (const entry of entries) maker.add(entry, NOW);
    const batch = maker.take();
    if (first >= messages / 2) {
      microseconds += (systemClock.monotonic() - startedAt) * 1_000;
      const { user, system } = process.cpuUsage(cpu);
      cpuMicroseconds += user + system;
      measured += BATCH;
    }
    bytes += entries.reduce((sum, entry) => sum + entry.byteLength, 0);
    if (!batch.block || batch.rows !== BATCH * 5 || bugs.length > 0) throw new Error("a message was not understood");
    marks.add(await journal.end("readings"), batch.rows);
    await journal.append("readings", batch.block);
  }
  const after = process.memoryUsage();
  let startedAt = systemClock.monotonic();
  const state = encodeState({ marks, readingsEnd: await journal.end("readings"), quarantineEnd: 0 }, dedupe);
  const snapshotMs = systemClock.monotonic() - startedAt;
  await journal.commit({ state: [{ reader: "ingest", offset: 0, bytes: state }] });
  startedAt = systemClock.monotonic();
  await warmUp(
    { journal, dedupe: new Dedupe({ entriesMax }), log: createLogger("silent") },
    new AbortController().signal,
  );
  return {
    messages,
    bytesAMessage: Math.round(bytes / messages),
    microsecondsAMessage: microseconds / measured,
    cpuMicrosecondsAMessage: cpuMicroseconds / measured,
    cpuMicrosecondsToParse: parseOnly(devices),
    snapshotMs,
    snapshotBytes: state.byteLength,
    warmUpMs: systemClock.monotonic() - startedAt,
    warmUpRows: messages * 5,
    memoryMegabytes: (after.arrayBuffers - heap.arrayBuffers) / 1_048_576,
  };
}

function message(n: number, devices: number): Uint8Array {
  const device = n % devices;
  const seq = Math.floor(n / devices);
  const receivedAt = NOW + seq * 1_000;
  const payload = {
    v: 1,
    boot: "a41f09c2",
    seq,
    ts: new Date(receivedAt - 500).toISOString(),
    r: [
      { p: "cd", v: 8 + (seq % 100) / 100, u: "µg/L" },
      { p: "ph", v: 7 + (seq % 50) / 100 },
      { p: "ec", v: 800 + (seq % 70) },
      { p: "temp", v: 15 + (seq % 30) / 10 },
      { p: "pb", v: 0.0003, u: "mg/L" },
    ],
  };
  const topic = `ews/1/tenant-1/site-1/st-${device}/dev-${device}/telemetry`;
  return encodeRaw({ receivedAt, device: `dev-${device}`, topic, payload: Buffer.from(JSON.stringify(payload)) });
}

function parseOnly(devices: number): number {
  const payloads = Array.from({ length: BATCH }, (_, n) => Buffer.from(decodeRaw(message(n, devices)).payload));
  const rounds = 50;
  let seqs = 0;
  const before = process.cpuUsage();
  for (let round = 0; round < rounds; round++) {
    for (const payload of payloads) seqs += (JSON.parse(payload.toString()) as { seq: number }).seq;
  }
  const { user, system } = process.cpuUsage(before);
  return seqs < 0 ? Number.NaN : (user + system) / (rounds * BATCH);
}
