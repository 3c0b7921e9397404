/**
 * One write: points, corrections, new series and the reader position in a single transaction.
 *
 * A row strictly newer than anything known of its series cannot have a stored twin and is appended. The rest (late,
 * re-sent, corrected) is staged in `late` and joined against what is stored, bounded by its series and times.
 */
import type { DuckDBAppender, DuckDBConnection } from "@duckdb/node-api";
import type { SeriesPosition } from "../core/ports.ts";
import type { ReadingBlock } from "../core/reading-block.ts";
import { discardAppender, PointAppender } from "./series-duckdb-rows.ts";
import { HOUR_MS, inTransaction, stepStart } from "./series-duckdb-schema.ts";
import type { Frontier } from "./series-frontier.ts";

export interface WriteOutcome {
  readonly rows: number;
  readonly lateRows: number;
}

/** Series named one by one in a filter up to here; beyond, the span of their ids must do. */
const SERIES_LISTED_MAX = 200;

/** Owns the appenders of the writer connection; used by one task at a time. */
export class PointWriter {
  readonly #connection: DuckDBConnection;
  readonly #frontier: Frontier;
  readonly #hot: PointAppender;
  readonly #late: PointAppender;
  #positions: DuckDBAppender | undefined;

  constructor(connection: DuckDBConnection, frontier: Frontier) {
    this.#connection = connection;
    this.#frontier = frontier;
    this.#hot = new PointAppender(connection, "hot");
    this.#late = new PointAppender(connection, "late", { catalog: "temp", isNumbered: true });
  }

  /** All or nothing; on rejection the memory is as before too. @param at wall clock, ms, of corrections. */
  async write(blocks: readonly ReadingBlock[], position: SeriesPosition, at: number): Promise<WriteOutcome> {
    let outcome: WriteOutcome = { rows: 0, lateRows: 0 };
    try {
      await this.#hot.prepare();
      await this.#late.prepare();
      await inTransaction(this.#connection, async () => {
        const span = this.#sort(blocks);
        outcome = { rows: this.#hot.appended + span.rows, lateRows: span.rows };
        this.#hot.flush();
        this.#late.flush();
        if (span.rows > 0) await this.#mergeLate(span, at);
        await this.#saveNewSeries();
        await this.#savePosition(position);
      });
    } catch (error) {
      this.#discard();
      this.#frontier.rollback();
      throw error;
    }
    this.#frontier.commit();
    return outcome;
  }

  /** Frees the appenders; nothing of them is pending between writes. */
  close(): void {
    this.#discard();
  }

  /** Sends each row to the appender it belongs to. */
  #sort(blocks: readonly ReadingBlock[]): LateSpan {
    const span = new LateSpan();
    for (const block of blocks) {
      const ids = block.series.map((key) => this.#frontier.claim(key));
      for (let row = 0; row < block.count; row++) {
        const id = ids[block.seriesIndex[row] ?? 0] ?? 0;
        const time = Math.round(block.time[row] ?? 0);
        if (this.#frontier.advance(id, time, block, row)) {
          this.#hot.add(id, block, row);
        } else {
          this.#late.add(id, block, row);
          span.add(id, time);
        }
      }
    }
    return span;
  }

  async #mergeLate(span: LateSpan, at: number): Promise<void> {
    const run = (sql: string) => this.#connection.run(sql);
    await run(`CREATE OR REPLACE TEMP TABLE fresh AS SELECT * EXCLUDE n,
      first_value(value) OVER earlier AS next_value, first_value(cmp) OVER earlier AS next_cmp FROM late
      WINDOW earlier AS (PARTITION BY series, time ORDER BY n), later AS (PARTITION BY series, time ORDER BY n DESC)
      QUALIFY row_number() OVER later = 1`);
    // Superseded within this very write: stored nowhere else, so kept as history here.
    await run(`INSERT INTO corrections SELECT series, time, old_value, old_cmp, value, cmp, ${at} FROM (
      SELECT *, lag(value) OVER w AS old_value, lag(cmp) OVER w AS old_cmp FROM late
      WINDOW w AS (PARTITION BY series, time ORDER BY n))
      WHERE old_cmp IS NOT NULL AND (old_value IS DISTINCT FROM value OR old_cmp <> cmp)`);
    await run(`CREATE OR REPLACE TEMP TABLE twins AS
      ${["hot", "sealed"].map((table) => twinsIn(table, span)).join(" UNION ALL ")}`);
    const twins = await (
      await run("SELECT count(*), count_if(NOT is_same AND source = 'sealed') FROM twins")
    ).getRows();
    const [all = 0, sealed = 0] = (twins[0] ?? []).map(Number);
    if (all > 0) {
      await run("DELETE FROM hot WHERE rowid IN (SELECT row_id FROM twins WHERE NOT is_same AND source = 'hot')");
      await run(`INSERT INTO corrections SELECT series, time, old_value, old_cmp, next_value, next_cmp, ${at} FROM twins
        WHERE old_value IS DISTINCT FROM next_value OR old_cmp <> next_cmp`);
    }
    if (sealed > 0) {
      await run("DELETE FROM sealed WHERE rowid IN (SELECT row_id FROM twins WHERE NOT is_same AND source = 'sealed')");
      await run(`INSERT INTO recompute SELECT DISTINCT series, ${stepStart("time", HOUR_MS)} FROM twins
        WHERE NOT is_same AND source = 'sealed' AND time >= (SELECT raw_before FROM horizon)`);
    }
    await run(
      "INSERT INTO hot SELECT series, time, value, cmp, flag, qualifier FROM fresh ANTI JOIN (SELECT series, time FROM twins WHERE is_same) USING (series, time)",
    );
    await run("DELETE FROM late");
  }

  async #saveNewSeries(): Promise<void> {
    const unsaved = this.#frontier.unsaved();
    if (unsaved.length === 0) return;
    const appender = await this.#connection.createAppender("series_keys");
    for (const { id, key } of unsaved) {
      appender.appendInteger(id);
      appender.appendVarchar(key);
      appender.endRow();
    }
    appender.closeSync();
  }

  /** Appended rather than updated: an appender costs a tenth of a statement. */
  async #savePosition({ reader, offset }: SeriesPosition): Promise<void> {
    const appender = this.#positions ?? (await this.#connection.createAppender("positions"));
    this.#positions = appender;
    appender.appendVarchar(reader);
    appender.appendBigInt(BigInt(offset));
    appender.endRow();
    appender.flushSync();
  }

  #discard(): void {
    this.#hot.discard();
    this.#late.discard();
    if (this.#positions) discardAppender(this.#positions);
    this.#positions = undefined;
  }
}

/** What late rows span, to bound the search for their twins. */
class LateSpan {
  rows = 0;
  timeMin = Number.POSITIVE_INFINITY;
  timeMax = Number.NEGATIVE_INFINITY;
  readonly series = new Set<number>();

  add(series: number, time: number): void {
    this.rows++;
    this.series.add(series);
    if (time < this.timeMin) this.timeMin = time;
    if (time > this.timeMax) this.timeMax = time;
  }
}

function twinsIn(table: string, span: LateSpan): string {
  const ids = [...span.series];
  const seriesFilter =
    ids.length <= SERIES_LISTED_MAX
      ? `p.series IN (${ids.join(",")})`
      : `p.series BETWEEN ${ids.reduce((a, b) => Math.min(a, b))} AND ${ids.reduce((a, b) => Math.max(a, b))}`;
  return `SELECT '${table}' AS source, p.rowid AS row_id, p.value AS old_value, p.cmp AS old_cmp, f.series, f.time, f.next_value, f.next_cmp,
      (p.value IS NOT DISTINCT FROM f.value AND p.cmp = f.cmp AND p.flag = f.flag AND p.qualifier = f.qualifier) AS is_same
    FROM ${table} p JOIN fresh f ON p.series = f.series AND p.time = f.time
    WHERE p.time BETWEEN ${span.timeMin} AND ${span.timeMax} AND ${seriesFilter}`;
}
