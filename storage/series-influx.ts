/**
 * Port TimeSeriesStore on InfluxDB 1.x, 2.x and 3.x: line protocol in, InfluxQL out.
 *
 * At least once, idempotent: a repeated point overwrites itself. The reader position stays in the journal, which also
 * is the buffer while the server is away; lines the server refuses for good are counted and logged, and are not lost
 * either: they are in the journal's stream `readings`.
 */
import type { Clock } from "../core/clock.ts";
import { Refused } from "../core/errors.ts";
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
import { comparisonCode, type ReadingBlock } from "../core/reading-block.ts";
import { Frontier } from "./series-frontier.ts";
import { InfluxClient, type Precision } from "./series-influx-client.ts";
import { correctionLine, isSeriesKey, type Place, readingLine, tagsOf } from "./series-influx-lines.ts";
import {
  bucketsQl,
  correctionsQl,
  createDatabaseQl,
  dropBeforeQl,
  latestQl,
  pointsQl,
  retractQl,
  toBuckets,
  toCorrections,
  toLatest,
  toPoints,
} from "./series-influx-ql.ts";
import { WorkQueue } from "./series-queue.ts";

const BATCH_LINES = 5_000;
const TIMEOUT_MS = 10_000;
const DAY_MS = 86_400_000;

export interface InfluxSeriesOptions {
  readonly url: string;
  readonly database: string;
  /** The whole Authorization header, e.g. "Basic …" or "Token …". */
  readonly authorization?: string;
  /** Path and query of writes; `/write?db=…` when absent, which all versions serve. */
  readonly writePath?: string;
  /** Where a series belongs, for its tags. */
  readonly describe: (seriesKey: string) => Place;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly batchLines?: number;
  readonly timeoutMs?: number;
}

/** Opens without the server too: then every call rejects with Unavailable until it is there. */
export async function openInfluxSeries(options: InfluxSeriesOptions): Promise<TimeSeriesStore> {
  const store = new InfluxSeries(options);
  await store.prepare().catch((error: unknown) => {
    options.log.warn({ err: error, url: options.url }, "InfluxDB is away, readings wait in the journal");
  });
  return store;
}

class InfluxSeries implements TimeSeriesStore {
  readonly #options: InfluxSeriesOptions;
  readonly #client: InfluxClient;
  readonly #writes: WorkQueue<InfluxClient>;
  readonly #frontier = new Frontier();
  #prepared: Promise<void> | undefined;

  constructor(options: InfluxSeriesOptions) {
    this.#options = options;
    this.#client = new InfluxClient({
      url: options.url,
      database: options.database,
      authorization: options.authorization,
      writePath: options.writePath,
      timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
      linesMax: options.batchLines ?? BATCH_LINES,
      clock: options.clock,
    });
    this.#writes = new WorkQueue("writes", [this.#client]);
  }

  /** Makes the database and reads the newest points, once; a failure is tried again by the next call. */
  prepare(): Promise<void> {
    this.#prepared ??= this.#prepare().catch((error: unknown) => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared;
  }

  async write(blocks: readonly ReadingBlock[], _position: SeriesPosition): Promise<void> {
    const { clock, metrics } = this.#options;
    await this.#writes.run(async () => {
      await this.prepare();
      const startedAt = clock.monotonic();
      try {
        for (const part of blocks.flatMap((block) => this.#partsOf(block))) {
          if (part.retract) await this.#retract(part.retract);
          await this.#send(part.lines, "ms");
          metrics.count("series_rows", part.lines.length);
        }
        const corrections = blocks.flatMap((block) => this.#correctionsOf(block));
        await this.#send(corrections, "ns");
      } catch (error) {
        this.#frontier.rollback();
        throw error;
      }
      this.#frontier.commit();
      metrics.observeSeconds("series_commit", (clock.monotonic() - startedAt) / 1_000);
    });
  }

  async position(): Promise<null> {
    return null;
  }

  async query(query: SeriesQuery, limit: number): Promise<readonly Point[]> {
    if (!isAskable(query) || !(limit >= 1)) return [];
    const [tables = []] = await this.#client.ask(pointsQl(query, limit));
    return toPoints(tables);
  }

  async buckets(query: SeriesQuery, stepMs: number): Promise<readonly Bucket[]> {
    if (!Number.isSafeInteger(stepMs) || stepMs < 1) {
      throw new Refused("STEP_INVALID", { what: `a step of ${stepMs} ms is not a positive whole number` });
    }
    return isAskable(query) ? toBuckets(await this.#client.ask(bucketsQl(query, stepMs))) : [];
  }

  async latest(series?: readonly string[]): Promise<readonly LatestPoint[]> {
    await this.prepare();
    return this.#frontier.latest(series);
  }

  async corrections(query: SeriesQuery): Promise<readonly CorrectionRecord[]> {
    if (!isAskable(query)) return [];
    const [tables = []] = await this.#client.ask(correctionsQl(query), "u");
    return toCorrections(query.series, tables);
  }

  async count(): Promise<number> {
    const [tables = []] = await this.#client.ask("SELECT count(q) FROM readings");
    return Number(tables[0]?.values[0]?.[1] ?? 0);
  }

  /** The server computes roll-ups and compacts by itself; what is too old is deleted where the version can. */
  async maintain({ rawBefore }: { readonly rawBefore: number | null }): Promise<void> {
    if (rawBefore === null) return;
    const before = Math.floor(rawBefore / DAY_MS) * DAY_MS;
    if (await this.#writes.run((client) => client.order(dropBeforeQl(before)))) return;
    this.#options.log.info({}, "InfluxDB does not delete: set the retention of the bucket instead");
  }

  async backup(): Promise<void> {
    throw new Refused("BACKUP_ELSEWHERE", {
      what: "the series are kept by an InfluxDB server, which has its own backup",
      where: this.#options.url,
      mend: "run `influxd backup -portable -database NAME FOLDER` (1.x) or `influx backup FOLDER` (2.x) on the server",
    });
  }

  async close(): Promise<void> {
    await this.#writes.close();
  }

  async #send(lines: readonly string[], precision: Precision): Promise<void> {
    const { batchLines = BATCH_LINES } = this.#options;
    for (let start = 0; start < lines.length; start += batchLines) {
      const refused = await this.#client.write(lines.slice(start, start + batchLines), precision);
      if (refused.length > 0) this.#noteRefused(refused.length, refused[0]);
    }
  }

  #noteRefused(lines: number, first: unknown): void {
    this.#options.metrics.count("series_refused_lines", lines);
    this.#options.log.error({ lines, first }, "InfluxDB cannot take some readings; the journal still has them");
  }

  async #retract({ key, time }: { readonly key: string; readonly time: number }): Promise<void> {
    if (await this.#client.order(retractQl(key, time))) return;
    this.#options.metrics.count("series_refused_retractions");
    this.#options.log.warn({ series: key, time }, "InfluxDB does not delete: a value that was taken back stays");
  }

  async #prepare(): Promise<void> {
    const { log, database } = this.#options;
    if (!(await this.#client.order(createDatabaseQl(database))))
      log.info({ database }, "InfluxDB does not let us create the database");
    const [tables = []] = await this.#client.ask(latestQl());
    for (const point of toLatest(tables)) {
      this.#frontier.set(this.#frontier.claim(point.series), {
        time: point.time,
        value: point.value ?? Number.NaN,
        cmp: comparisonCode(point.cmp),
        flag: point.flag,
        qualifier: point.qualifier.charCodeAt(0),
      });
    }
  }

  /** Lines in order, cut where a value that was taken back must be removed first. */
  #partsOf(block: ReadingBlock): Part[] {
    const tags = block.series.map((key) => tagsOf(key, this.#options.describe(key)));
    const ids = block.series.map((key, index) => (tags[index] ? this.#frontier.claim(key) : -1));
    const takenBack = new Set(
      block.corrections
        .filter(({ row, oldValue }) => Number.isNaN(block.value[row]) && !Number.isNaN(oldValue))
        .map(({ row }) => row),
    );
    const parts: Part[] = [{ lines: [] }];
    let unnamed = 0;
    for (let row = 0; row < block.count; row++) {
      const series = block.seriesIndex[row] ?? 0;
      const seriesTags = tags[series];
      if (!seriesTags) {
        unnamed++;
        continue;
      }
      const time = Math.round(block.time[row] ?? 0);
      const isNewest = this.#frontier.advance(ids[series] ?? 0, time, block, row);
      if (takenBack.has(row)) parts.push({ retract: { key: block.series[series] ?? "", time }, lines: [] });
      parts.at(-1)?.lines.push(readingLine(seriesTags, block, row, !isNewest));
    }
    if (unnamed > 0) this.#noteRefused(unnamed, { reason: "not a series key", series: block.series });
    return parts;
  }

  #correctionsOf(block: ReadingBlock): string[] {
    const at = this.#options.clock.now();
    return block.corrections.flatMap((correction) => {
      const key = block.series[block.seriesIndex[correction.row] ?? 0] ?? "";
      const tags = tagsOf(key, this.#options.describe(key));
      return tags ? [correctionLine(tags, block, correction, at)] : [];
    });
  }
}

interface Part {
  readonly lines: string[];
  readonly retract?: { readonly key: string; readonly time: number };
}

function isAskable({ series, from, to }: SeriesQuery): boolean {
  return isSeriesKey(series) && from < to;
}
