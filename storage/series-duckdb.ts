/**
 * Port TimeSeriesStore on an embedded DuckDB file, `<folder>/series.duckdb`.
 *
 * In: reading blocks, in the order of the journal. Out: points, buckets, latest values, corrections.
 * One connection writes, one task at a time; others read, so a long query does not hold up a write. Every call into
 * DuckDB but the flush of an appender (memory to memory, some 0.2 µs a row) runs off the JavaScript thread.
 */
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Clock } from "../core/clock.ts";
import { Refused, Unavailable } from "../core/errors.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type {
  Bucket,
  CorrectionRecord,
  LatestPoint,
  Point,
  SeriesPosition,
  SeriesQuery,
  TimeSeriesStore,
} from "../core/ports.ts";
import type { ReadingBlock } from "../core/reading-block.ts";
import { loadFrontier, loadPositions } from "./series-duckdb-load.ts";
import {
  dropStep,
  foldPositions,
  hasHotRowsBefore,
  planSeal,
  recomputeAll,
  sealStep,
} from "./series-duckdb-maintain.ts";
import { readBuckets, readCorrections, readPoints, type Span } from "./series-duckdb-query.ts";
import {
  DAY_MS,
  openSeriesFile,
  ROW_GROUP_ROWS,
  SERIES_FILE,
  type SeriesFile,
  unavailable,
} from "./series-duckdb-schema.ts";
import { PointWriter } from "./series-duckdb-write.ts";
import type { Frontier } from "./series-frontier.ts";
import { WorkQueue } from "./series-queue.ts";

/** Hot rows at which they are sorted without waiting for `maintain`. A question about one series reads all of them. */
const HOT_ROWS_MAX = 4 * ROW_GROUP_ROWS;
const READERS = 2;

export interface DuckdbSeriesOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Bound of DuckDB's own memory. */
  readonly memoryMegabytes?: number;
  readonly threads?: number;
  /** Rows in arrival order at which sorting starts by itself. */
  readonly hotRowsMax?: number;
}

/** @throws Misconfigured `SERIES_LOCKED`, `SERIES_NEWER`; Unavailable `SERIES_UNAVAILABLE`. */
export async function openDuckdbSeries(options: DuckdbSeriesOptions): Promise<TimeSeriesStore> {
  const startedAt = options.clock.monotonic();
  const file = await openSeriesFile({
    folder: options.folder,
    memoryMegabytes: options.memoryMegabytes ?? 128,
    threads: options.threads ?? 2,
  });
  const frontier = await loadFrontier(file.writer);
  const positions = await loadPositions(file.writer);
  const readers: DuckDBConnection[] = [];
  for (let i = 0; i < READERS; i++) readers.push(await file.instance.connect());
  const store = new DuckdbSeries(options, file, { frontier, positions, readers });
  await store.countHot();
  options.log.info(
    { series: frontier.seriesCount, openMs: Math.round(options.clock.monotonic() - startedAt) },
    "series file opened",
  );
  return store;
}

class DuckdbSeries implements TimeSeriesStore {
  readonly #options: DuckdbSeriesOptions;
  readonly #file: SeriesFile;
  readonly #frontier: Frontier;
  readonly #positions: Map<string, number>;
  readonly #points: PointWriter;
  readonly #writes: WorkQueue<DuckDBConnection>;
  readonly #reads: WorkQueue<DuckDBConnection>;
  readonly #readers: readonly DuckDBConnection[];
  #hotRows = 0;
  #sealing: Promise<void> | undefined;

  constructor(
    options: DuckdbSeriesOptions,
    file: SeriesFile,
    parts: { frontier: Frontier; positions: Map<string, number>; readers: readonly DuckDBConnection[] },
  ) {
    this.#options = options;
    this.#file = file;
    this.#frontier = parts.frontier;
    this.#positions = parts.positions;
    this.#points = new PointWriter(file.writer, parts.frontier);
    this.#writes = new WorkQueue("writes", [file.writer]);
    this.#readers = parts.readers;
    this.#reads = new WorkQueue("reads", parts.readers);
  }

  async write(blocks: readonly ReadingBlock[], position: SeriesPosition): Promise<void> {
    const { clock, metrics } = this.#options;
    await this.#guard(this.#writes, async () => {
      const startedAt = clock.monotonic();
      const { rows, lateRows } = await this.#points.write(blocks, position, clock.now());
      this.#positions.set(position.reader, position.offset);
      this.#hotRows += rows;
      metrics.count("series_rows", rows);
      metrics.count("series_late_rows", lateRows);
      metrics.observeSeconds("series_commit", (clock.monotonic() - startedAt) / 1_000);
    });
    metrics.set("series_hot_rows", this.#hotRows);
    if (this.#hotRows >= (this.#options.hotRowsMax ?? HOT_ROWS_MAX)) this.#sealInBackground();
  }

  async position(reader: string): Promise<number> {
    return this.#positions.get(reader) ?? 0;
  }

  async query(query: SeriesQuery, limit: number): Promise<readonly Point[]> {
    const span = this.#span(query);
    if (!span || !(limit >= 1)) return [];
    return this.#guard(this.#reads, (reader) => readPoints(reader, span, Math.floor(limit)));
  }

  async buckets(query: SeriesQuery, stepMs: number): Promise<readonly Bucket[]> {
    if (!Number.isSafeInteger(stepMs) || stepMs < 1) {
      throw new Refused("STEP_INVALID", { what: `a step of ${stepMs} ms is not a positive whole number` });
    }
    const span = this.#span(query);
    return span ? this.#guard(this.#reads, (reader) => readBuckets(reader, span, stepMs)) : [];
  }

  async latest(series?: readonly string[]): Promise<readonly LatestPoint[]> {
    return this.#frontier.latest(series);
  }

  async corrections(query: SeriesQuery): Promise<readonly CorrectionRecord[]> {
    const span = this.#span(query);
    return span ? this.#guard(this.#reads, (reader) => readCorrections(reader, span, query.series)) : [];
  }

  async count(): Promise<number> {
    return this.#guard(this.#reads, (reader) =>
      numberOf(reader, "SELECT (SELECT count(*) FROM hot) + (SELECT count(*) FROM sealed)"),
    );
  }

  async maintain(options: { readonly rawBefore: number | null; readonly rollupBefore: number | null }): Promise<void> {
    // Whole days only: a roll-up must never be of half its points.
    const rawBefore = floorToDay(options.rawBefore);
    const rollupBefore = floorToDay(options.rollupBefore);
    const isWorthSealing = this.#hotRows >= Math.min(ROW_GROUP_ROWS, this.#options.hotRowsMax ?? HOT_ROWS_MAX);
    if (isWorthSealing || (rawBefore !== null && (await this.#onWriter((c) => hasHotRowsBefore(c, rawBefore))))) {
      await this.#seal();
    }
    await this.#onWriter((connection) => recomputeAll(connection, rawBefore));
    await this.#onWriter(foldPositions);
    const drops = [
      { table: "sealed", column: "time", before: rawBefore },
      { table: "hourly", column: "bucket", before: rollupBefore },
      { table: "daily", column: "bucket", before: rollupBefore },
    ];
    for (const { table, column, before } of drops) {
      if (before === null) continue;
      while ((await this.#onWriter((connection) => dropStep(connection, { table, column, before }))) > 0);
    }
    await this.#checkpoint();
  }

  async backup(folder: string): Promise<void> {
    const path = join(folder, SERIES_FILE);
    const partial = `${path}.partial`;
    await mkdir(folder, { recursive: true });
    await rm(partial, { force: true });
    await this.#guard(this.#reads, async (reader) => {
      const main = String((await (await reader.run("SELECT current_database()")).getRows())[0]?.[0]);
      await reader.run(`ATTACH ${text(partial)} AS backup_copy`);
      try {
        await reader.run(`COPY FROM DATABASE "${main}" TO backup_copy`);
        await reader.run("CHECKPOINT backup_copy");
      } finally {
        await reader.run("DETACH backup_copy");
      }
    });
    await rename(partial, path);
  }

  async close(): Promise<void> {
    await this.#sealing;
    await this.#writes.close();
    await this.#reads.close();
    this.#points.close();
    for (const reader of this.#readers) reader.closeSync();
    // Closing writes the checkpoint, so that the next start does not replay the log.
    await this.#file.writer.run("CHECKPOINT").catch(() => undefined);
    this.#file.writer.closeSync();
    this.#file.instance.closeSync();
  }

  async countHot(): Promise<void> {
    this.#hotRows = await this.#onWriter((connection) => numberOf(connection, "SELECT count(*) FROM hot"));
  }

  /** One pass over the hot rows there are now; a second caller waits for the pass that runs. */
  #seal(): Promise<void> {
    this.#sealing ??= this.#sealPass().finally(() => {
      this.#sealing = undefined;
    });
    return this.#sealing;
  }

  async #sealPass(): Promise<void> {
    const { clock, metrics } = this.#options;
    for (const step of await this.#onWriter(planSeal)) {
      await this.#onWriter(async (connection) => {
        const startedAt = clock.monotonic();
        await sealStep(connection, step);
        metrics.observeSeconds("series_seal_step", (clock.monotonic() - startedAt) / 1_000);
      });
    }
    // Rows that were moved cost every scan of the hot table until a checkpoint frees them.
    await this.#checkpoint();
    await this.countHot();
  }

  #sealInBackground(): void {
    if (this.#sealing) return;
    this.#seal().catch((error: unknown) => {
      this.#options.log.warn({ err: error }, "sorting of series was put off");
    });
  }

  async #checkpoint(): Promise<void> {
    try {
      await this.#onWriter((connection) => connection.run("CHECKPOINT"));
    } catch (error) {
      // A reader held an old snapshot: the log stays until the next checkpoint, nothing is lost.
      this.#options.log.info({ err: error }, "series checkpoint was put off");
    }
  }

  #onWriter<Result>(task: (connection: DuckDBConnection) => Promise<Result>): Promise<Result> {
    return this.#guard(this.#writes, task);
  }

  async #guard<Result>(
    queue: WorkQueue<DuckDBConnection>,
    task: (connection: DuckDBConnection) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await queue.run(task);
    } catch (error) {
      if (error instanceof Unavailable || isFatal(error)) throw error;
      throw unavailable(this.#file.path, error);
    }
  }

  /** Undefined when the series is unknown or the span is empty. */
  #span({ series, from, to }: SeriesQuery): Span | undefined {
    const id = this.#frontier.idOf(series);
    const [first, end] = [Math.ceil(clampTime(from)), Math.ceil(clampTime(to))];
    return id !== undefined && first < end ? { series: id, from: first, to: end } : undefined;
  }
}

/** DuckDB gives up on an open file after such an error; only a restart, which replays its log, helps. */
function isFatal(error: unknown): boolean {
  return /FATAL|database has been invalidated/.test(String(error));
}

/** The range of JavaScript dates, so that open-ended queries may say Infinity. */
const TIME_MAX = 8.64e15;
function clampTime(time: number): number {
  return Math.max(-TIME_MAX, Math.min(TIME_MAX, time));
}

function floorToDay(time: number | null): number | null {
  return time === null ? null : Math.floor(time / DAY_MS) * DAY_MS;
}

async function numberOf(connection: DuckDBConnection, sql: string): Promise<number> {
  return Number((await (await connection.run(sql)).getRows())[0]?.[0] ?? 0);
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
