/** Fills DuckDB data chunks row by row and hands them to an appender; several times faster than per-value appends. */
import {
  BIGINT,
  DOUBLE,
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBVector,
  INTEGER,
  UTINYINT,
} from "@duckdb/node-api";
import type { ReadingBlock } from "../core/reading-block.ts";

/** DuckDB's vector size: the most a chunk may hold. */
const CHUNK_ROWS = 2_048;
const POINT_TYPES = [INTEGER, BIGINT, DOUBLE, UTINYINT, UTINYINT, UTINYINT];

/** Frees an appender so that nothing it still holds reaches the table. */
export function discardAppender(appender: DuckDBAppender): void {
  try {
    // Cleared before it is closed: closing would write its rows outside the transaction.
    appender.clear();
    appender.closeSync();
  } catch {
    // Already invalid: nothing of it can reach the table any more.
  }
}

/** Appends points to one table of one connection, inside whatever transaction is open there. */
export class PointAppender {
  readonly #connection: DuckDBConnection;
  readonly #table: string;
  readonly #catalog: string | null;
  /** With a leading column that counts rows, to tell later from earlier. */
  readonly #isNumbered: boolean;
  #appender: DuckDBAppender | undefined;
  #pending: { series: Int32Array; row: Int32Array; blocks: ReadingBlock[]; count: number };
  #appended = 0;

  constructor(connection: DuckDBConnection, table: string, options: { catalog?: string; isNumbered?: boolean } = {}) {
    this.#connection = connection;
    this.#table = table;
    this.#catalog = options.catalog ?? null;
    this.#isNumbered = options.isNumbered ?? false;
    this.#pending = { series: new Int32Array(CHUNK_ROWS), row: new Int32Array(CHUNK_ROWS), blocks: [], count: 0 };
  }

  /** Makes the appender; must come before the first `add` of a transaction. */
  async prepare(): Promise<void> {
    this.#appender ??= await this.#connection.createAppender(this.#table, "main", this.#catalog);
  }

  get appended(): number {
    return this.#appended + this.#pending.count;
  }

  add(series: number, block: ReadingBlock, row: number): void {
    const { count } = this.#pending;
    this.#pending.series[count] = series;
    this.#pending.row[count] = row;
    this.#pending.blocks[count] = block;
    this.#pending.count = count + 1;
    if (this.#pending.count === CHUNK_ROWS) this.#appendChunk();
  }

  /** Moves everything added into the open transaction. */
  flush(): void {
    if (this.#pending.count > 0) this.#appendChunk();
    if (this.#appended > 0) this.#appender?.flushSync();
    this.#reset();
  }

  /** Forgets what was added; the appender is not used again, because a failed one stays failed. */
  discard(): void {
    this.#reset();
    if (this.#appender) discardAppender(this.#appender);
    this.#appender = undefined;
  }

  #reset(): void {
    this.#appended = 0;
    this.#pending.count = 0;
    this.#pending.blocks.length = 0;
  }

  #appendChunk(): void {
    const { series, row, blocks, count } = this.#pending;
    const types = this.#isNumbered ? [INTEGER, ...POINT_TYPES] : POINT_TYPES;
    const chunk = DuckDBDataChunk.create(types, count);
    const vectors: DuckDBVector[] = types.map((_, column) => chunk.getColumnVector(column));
    const [id, time, value, cmp, flag, qualifier] = this.#isNumbered ? vectors.slice(1) : vectors;
    for (let i = 0; i < count; i++) {
      const block = blocks[i] as ReadingBlock;
      const at = row[i] ?? 0;
      const measured = block.value[at] ?? Number.NaN;
      id?.setItem(i, series[i] ?? 0);
      time?.setItem(i, BigInt(Math.round(block.time[at] ?? 0)));
      value?.setItem(i, Number.isNaN(measured) ? null : measured);
      cmp?.setItem(i, block.cmp[at] ?? 0);
      flag?.setItem(i, block.flag[at] ?? 2);
      qualifier?.setItem(i, block.qualifier[at] ?? 78);
      if (this.#isNumbered) vectors[0]?.setItem(i, this.#appended + i);
    }
    for (const vector of vectors) vector.flush();
    this.#appender?.appendDataChunk(chunk);
    this.#appended += count;
    this.#pending.count = 0;
    this.#pending.blocks.length = 0;
  }
}
