/** Short measurement of the journal: entries a second, time to a durable answer, and what an append costs its caller. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { systemClock } from "../../core/clock.ts";
import { createLogger, Metrics } from "../../core/observe.ts";
import type { Journal } from "../../core/ports.ts";
import { openSqliteJournal } from "../../storage/journal-sqlite.ts";

const ENTRY_BYTES = 250;
const SAMPLES_MAX = 200_000;

export interface JournalFigures {
  readonly appenders: number;
  /** 0: as fast as answers come; else entries a second, sent in 100 bursts a second. */
  readonly pacedPerSecond: number;
  readonly entriesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** CPU of the calling thread, per append, with its answer and the load loop. */
  readonly callerMicroseconds: number;
  /** CPU of all threads of the process, in cores. */
  readonly cores: number;
}

/** @param folder on the disk to measure; made and removed here when absent. */
export async function benchJournal(options: { readonly secondsEach?: number; readonly folder?: string } = {}): Promise<{
  readonly closed: JournalFigures[];
  readonly paced: JournalFigures[];
  readonly readBackPerSecond: number;
}> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "journal-bench-"));
  const journal = await openSqliteJournal({
    folder,
    clock: systemClock,
    log: createLogger("warn"),
    metrics: new Metrics(),
    diskReserveBytes: 0,
  });
  try {
    const ms = (options.secondsEach ?? 3) * 1_000;
    await closedLoop(journal, 100, 500);
    const closed: JournalFigures[] = [];
    for (const appenders of [1, 100, 1_000]) closed.push(await closedLoop(journal, appenders, ms));
    const paced: JournalFigures[] = [];
    for (const perSecond of [5_000, 30_000]) paced.push(await pacedLoop(journal, perSecond, ms));
    return { closed, paced, readBackPerSecond: await readBack(journal) };
  } finally {
    await journal.close();
    if (!options.folder) rmSync(folder, { recursive: true, force: true });
  }
}

async function closedLoop(journal: Journal, appenders: number, ms: number): Promise<JournalFigures> {
  const entry = Buffer.alloc(ENTRY_BYTES, "x");
  return measure(appenders, 0, async (waited) => {
    const until = systemClock.monotonic() + ms;
    const appender = async (): Promise<void> => {
      for (let at = systemClock.monotonic(); at < until; ) {
        await journal.append("raw", entry);
        const now = systemClock.monotonic();
        waited.push(now - at);
        at = now;
      }
    };
    await Promise.all(Array.from({ length: appenders }, appender));
  });
}

async function pacedLoop(journal: Journal, perSecond: number, ms: number): Promise<JournalFigures> {
  const entry = Buffer.alloc(ENTRY_BYTES, "x");
  return measure(perSecond / 100, perSecond, async (waited) => {
    const pending: Promise<unknown>[] = [];
    const startedAt = systemClock.monotonic();
    for (let tick = 0; tick < ms / 10; tick++) {
      await systemClock.sleep(Math.max(0, startedAt + tick * 10 - systemClock.monotonic()));
      const at = systemClock.monotonic();
      for (let index = 0; index < perSecond / 100; index++)
        pending.push(journal.append("raw", entry).then(() => waited.push(systemClock.monotonic() - at)));
    }
    await Promise.all(pending);
  });
}

async function measure(
  appenders: number,
  pacedPerSecond: number,
  load: (waited: number[]) => Promise<void>,
): Promise<JournalFigures> {
  const waited: number[] = [];
  const processCpu = process.cpuUsage();
  const callerCpu = callerCpuMs();
  const startedAt = systemClock.monotonic();
  await load(waited);
  const seconds = (systemClock.monotonic() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(processCpu);
  const callerMs = callerCpuMs() - callerCpu;
  const sorted = Float64Array.from(waited).sort();
  const part = (share: number): number => round(sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN);
  return {
    appenders,
    pacedPerSecond,
    entriesPerSecond: Math.round(waited.length / seconds),
    p50Ms: part(0.5),
    p99Ms: part(0.99),
    maxMs: part(1),
    callerMicroseconds: round((callerMs * 1_000) / waited.length),
    cores: round((user + system) / 1e6 / seconds),
  };
}

async function readBack(journal: Journal): Promise<number> {
  const startedAt = systemClock.monotonic();
  let entries = 0;
  for (let offset = 0; entries < SAMPLES_MAX; ) {
    const next = await journal.read("raw", offset, 256 * 1_024);
    if (next.length === 0) break;
    entries += next.length;
    offset = next.at(-1)!.offset + 1;
  }
  return Math.round(entries / ((systemClock.monotonic() - startedAt) / 1_000));
}

/** Time on a processor of the main thread; Linux only. */
function callerCpuMs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { closed, paced, readBackPerSecond } = await benchJournal();
  console.table([...closed, ...paced]);
  console.log({ readBackPerSecond });
}
