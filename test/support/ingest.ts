/** What the ingest tests share: messages as devices send them, a directory, and a run of the pipeline over a journal. */
import { encodeRaw, type Quarantined, type RawMessage } from "../../core/envelope.ts";
import { createLogger, type Logger, Metrics } from "../../core/observe.ts";
import type { Directory, Journal } from "../../core/ports.ts";
import type { Reading } from "../../core/reading.ts";
import { decodeReadingBlock, readingAt } from "../../core/reading-block.ts";
import { runIngest } from "../../ingest/pipeline.ts";
import { decodeQuarantined } from "../../ingest/quarantine.ts";
import { aDevice, aDirectory, NOW } from "./builders.ts";
import { FakeClock } from "./clock.ts";

export const TOPIC = "ews/1/tenant-1/site-1/mw-1/dev-1/telemetry";
export const silent = createLogger("silent");

/** A raw entry; `payload` as text, bytes or something to become JSON. */
export function aRaw(payload: unknown, overrides: Partial<Omit<RawMessage, "payload">> = {}): Uint8Array {
  const bytes =
    payload instanceof Uint8Array
      ? payload
      : Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload));
  return encodeRaw({ receivedAt: NOW, device: "dev-1", topic: TOPIC, payload: bytes, ...overrides });
}

/** Device dev-1 of the builders, able to report cd, ph, ec and nitrate. */
export function ingestDirectory(): Directory {
  return aDirectory({ devices: [aDevice({ quantities: { cd: "mg/L", ph: "pH", ec: "µS/cm", no3n: "mg/L" } })] });
}

export interface IngestRun {
  readonly journal: Journal;
  readonly directory?: () => Directory;
  readonly clock?: FakeClock;
  readonly metrics?: Metrics;
  readonly log?: Logger;
}

/** Runs the pipeline until everything in `raw` is done, then stops it. */
export async function ingestAll(run: IngestRun): Promise<void> {
  const { journal, clock = new FakeClock(NOW), metrics = new Metrics(), log = silent } = run;
  const directory = ingestDirectory();
  const stop = new AbortController();
  const parts = {
    journal,
    directory: run.directory ?? (() => directory),
    refresh: async () => {},
    clock,
    log,
    metrics,
  };
  const running = runIngest(parts, stop.signal);
  while ((await journal.position("ingest", "raw")) < (await journal.end("raw"))) {
    await Promise.race([new Promise((resolve) => setImmediate(resolve)), running]);
  }
  stop.abort();
  await running;
}

export async function readingsIn(journal: Journal): Promise<Reading[]> {
  const entries = await journal.read("readings", 0, Number.MAX_SAFE_INTEGER);
  return entries.flatMap(({ bytes }) => {
    const block = decodeReadingBlock(bytes);
    return Array.from({ length: block.count }, (_, row) => readingAt(block, row));
  });
}

export async function quarantineIn(journal: Journal): Promise<Quarantined[]> {
  return (await journal.read("quarantine", 0, Number.MAX_SAFE_INTEGER)).map(({ bytes }) => decodeQuarantined(bytes));
}

/** What a store that overwrites by (series, time) would hold. */
export function stored(readings: readonly Reading[]): Record<string, string> {
  const points: Record<string, string> = {};
  for (const { series, time, value, cmp, flag, qualifier } of readings) {
    points[`${series}@${time}`] = `${cmp}${value} ${qualifier} ${flag}`;
  }
  return points;
}
