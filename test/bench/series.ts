/**
 * Benchmark of the embedded series store: loads a month of 1,000 series in time order, then asks the three questions of
 * a page while readings keep arriving. Alone: `npx tsx test/bench/series.ts 10000000`.
 */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { systemClock } from "../../core/clock.ts";
import { createLogger, Metrics } from "../../core/observe.ts";
import type { TimeSeriesStore } from "../../core/ports.ts";
import { decodeReadingBlock, type ReadingBlock, ReadingBlockBuilder } from "../../core/reading-block.ts";
import { openDuckdbSeries } from "../../storage/series-duckdb.ts";

const SERIES = 1_000;
const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
const LOAD_BLOCK_ROWS = 20_000;
/** 5,000 messages/s of 5 values, in commits of 5,000 rows. */
const LIVE_ROWS_A_SECOND = 25_000;
const LIVE_BLOCK_ROWS = 5_000;
const ASKS = 40;
const { monotonic } = systemClock;

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}
export interface SeriesBenchResult {
  readonly rows: number;
  readonly loadRowsPerSecond: number;
  readonly loadCommitMs: Quantiles;
  readonly liveCommitMs: Quantiles;
  readonly liveRowsPerSecond: number;
  readonly latestMs: Quantiles;
  readonly rawDayMs: Quantiles;
  readonly hourlyMonthMs: Quantiles;
  readonly maintainMs: number;
  readonly reopenMs: number;
  readonly loopDelayMsMax: number;
  readonly rssMegabytesMax: number;
  readonly fileMegabytes: number;
}

export interface SeriesBenchOptions {
  readonly liveSeconds?: number;
  readonly hotRowsMax?: number;
  readonly threads?: number;
  readonly memoryMegabytes?: number;
}

/** @param rows to load; 43.2 M is a month of 1,000 series a minute. The folder is made and removed. */
export async function benchSeries(rows = 10_000_000, options: SeriesBenchOptions = {}): Promise<SeriesBenchResult> {
  const { liveSeconds = 20, ...tuning } = options;
  const folder = await mkdtemp(join(tmpdir(), "bench-series-"));
  const parts = { folder, clock: systemClock, log: createLogger("silent"), metrics: new Metrics(), ...tuning };
  const watch = watchProcess();
  let store = await openDuckdbSeries(parts);
  try {
    const load = await loadHistory(store, rows);
    const live = await askWhileWriting(store, load.end, liveSeconds);
    const maintainAt = monotonic();
    await store.maintain({ rawBefore: null, rollupBefore: null });
    const maintainMs = monotonic() - maintainAt;
    await store.close();
    const reopenAt = monotonic();
    store = await openDuckdbSeries(parts);
    return {
      rows,
      loadRowsPerSecond: Math.round(load.rowsPerSecond),
      loadCommitMs: quantiles(load.commits),
      ...live,
      maintainMs: Math.round(maintainMs),
      reopenMs: Math.round(monotonic() - reopenAt),
      ...watch(),
      fileMegabytes: Math.round((await stat(join(folder, "series.duckdb"))).size / 1e6),
    };
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function loadHistory(store: TimeSeriesStore, rows: number) {
  const start = Date.UTC(2026, 0, 1);
  const commits: number[] = [];
  const startedAt = monotonic();
  const minutes = Math.ceil(rows / SERIES);
  const minutesABlock = LOAD_BLOCK_ROWS / SERIES;
  for (let minute = 0; minute < minutes; minute += minutesABlock) {
    const block = aMonthBlock(start + minute * MINUTE, Math.min(minutesABlock, minutes - minute));
    commits.push(await timed(() => store.write([block], { reader: "series", offset: minute })));
  }
  return {
    end: start + minutes * MINUTE,
    rowsPerSecond: rows / ((monotonic() - startedAt) / 1_000),
    commits,
  };
}

async function askWhileWriting(store: TimeSeriesStore, end: number, seconds: number) {
  const commits: number[] = [];
  let isAsking = true;
  let written = 0;
  const startedAt = monotonic();
  const writing = (async () => {
    for (let n = 0; isAsking || monotonic() - startedAt < seconds * 1_000; n++) {
      const block = aMonthBlock(end + n * 5_000, LIVE_BLOCK_ROWS / SERIES, 1_000);
      commits.push(await timed(() => store.write([block], { reader: "series", offset: 1e9 + n })));
      written += block.count;
      const dueMs = (written / LIVE_ROWS_A_SECOND) * 1_000 - (monotonic() - startedAt);
      if (dueMs > 0) await systemClock.sleep(dueMs);
    }
  })();
  const [latest, rawDay, hourlyMonth]: number[][] = [[], [], []];
  const keys = Array.from({ length: SERIES }, (_, i) => seriesName(i));
  for (let ask = 0; ask < ASKS; ask++) {
    const series = seriesName((ask * 7_919) % SERIES);
    const from = end - DAY - ((ask * 37) % 25) * (DAY / 25);
    latest?.push(await timed(() => store.latest(keys)));
    rawDay?.push(await timed(() => store.query({ series, from, to: from + DAY }, 10_000)));
    hourlyMonth?.push(await timed(() => store.buckets({ series, from: end - 30 * DAY, to: end + DAY }, 3_600_000)));
    await systemClock.sleep((seconds * 1_000) / ASKS);
  }
  isAsking = false;
  await writing;
  return {
    liveCommitMs: quantiles(commits),
    liveRowsPerSecond: Math.round(written / ((monotonic() - startedAt) / 1_000)),
    latestMs: quantiles(latest ?? []),
    rawDayMs: quantiles(rawDay ?? []),
    hourlyMonthMs: quantiles(hourlyMonth ?? []),
  };
}

/** `steps` readings of every series, random-walk-like with three decimals. */
function aMonthBlock(start: number, steps: number, stepMs = MINUTE): ReadingBlock {
  const builder = new ReadingBlockBuilder();
  builder.message({ device: "bench", boot: "", seq: -1, receivedAt: start, backfill: false });
  for (let step = 0; step < steps; step++) {
    const time = start + step * stepMs;
    for (let i = 0; i < SERIES; i++) {
      const value = Math.round((20 + 5 * Math.sin(time / 8e6 + i) + Math.random()) * 1_000) / 1_000;
      builder.row(seriesName(i), time, value, 0, i % 100 === 0 ? 3 : 1, 78);
    }
  }
  return decodeReadingBlock(builder.encode());
}
const names = Array.from({ length: SERIES }, (_, i) => `st-${Math.floor(i / 5)}/q${i % 5}/total/rtd`);
function seriesName(i: number): string {
  return names[i] ?? "";
}

function watchProcess(): () => { loopDelayMsMax: number; rssMegabytesMax: number } {
  let loopDelayMsMax = 0;
  let rss = 0;
  let last = monotonic();
  const stop = systemClock.every(20, () => {
    const now = monotonic();
    loopDelayMsMax = Math.max(loopDelayMsMax, now - last - 20);
    last = now;
    rss = Math.max(rss, process.memoryUsage.rss());
  });
  return () => {
    stop();
    return { loopDelayMsMax: Math.round(loopDelayMsMax), rssMegabytesMax: Math.round(rss / 1e6) };
  };
}

async function timed(task: () => Promise<unknown>): Promise<number> {
  const startedAt = monotonic();
  await task();
  return monotonic() - startedAt;
}
function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(2));
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  console.log(
    JSON.stringify(
      await benchSeries(Number(process.argv[2] ?? 10_000_000), JSON.parse(process.argv[3] ?? "{}")),
      null,
      2,
    ),
  );
}
