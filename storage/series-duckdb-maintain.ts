/**
 * Upkeep of the embedded series store, in bounded steps that writes may run between: hot rows into sorted runs,
 * roll-ups, and what has grown too old. Each step is one transaction and leaves every query with the same answer.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { DAY_MS, HOUR_MS, inTransaction, ROW_GROUP_ROWS, stepStart } from "./series-duckdb-schema.ts";

/** Rows moved or dropped by one step: two row groups, some 50 ms. */
export const STEP_ROWS = 2 * ROW_GROUP_ROWS;
const RECOMPUTE_HOURS_A_STEP = 5_000;

/** A range of series ids, both inclusive. */
export interface SealStep {
  readonly first: number;
  readonly last: number;
}

/** Cuts the hot table into ranges of series of about `STEP_ROWS` rows; empty when there are no hot rows. */
export async function planSeal(connection: DuckDBConnection): Promise<readonly SealStep[]> {
  const result = await connection.run("SELECT series, count(*)::DOUBLE FROM hot GROUP BY series ORDER BY series");
  return cutRanges((await result.getRows()).map(([series, rows]) => [Number(series), Number(rows)]));
}

/** Pure: consecutive series together until a range would exceed `rowsMax`. */
export function cutRanges(counts: readonly (readonly [number, number])[], rowsMax = STEP_ROWS): SealStep[] {
  const steps: SealStep[] = [];
  let first: number | undefined;
  let last = 0;
  let rows = 0;
  for (const [series, count] of counts) {
    if (first !== undefined && rows + count > rowsMax) {
      steps.push({ first, last });
      first = undefined;
      rows = 0;
    }
    first ??= series;
    last = series;
    rows += count;
  }
  if (first !== undefined) steps.push({ first, last });
  return steps;
}

/** Leaves only the newest position of each reader; every write appends one. */
export async function foldPositions(connection: DuckDBConnection): Promise<void> {
  await connection.run("DELETE FROM positions WHERE rowid NOT IN (SELECT max(rowid) FROM positions GROUP BY reader)");
}

/** Moves the hot rows of a range of series into a sorted run and adds them to the roll-ups. */
export async function sealStep(connection: DuckDBConnection, { first, last }: SealStep): Promise<void> {
  const range = `series BETWEEN ${first} AND ${last}`;
  await inTransaction(connection, async () => {
    await connection.run(`CREATE OR REPLACE TEMP TABLE hours AS ${rollupOf(`hot WHERE ${range}`, HOUR_MS)}`);
    await connection.run(`CREATE OR REPLACE TEMP TABLE days AS ${dailyOf("hours")}`);
    await addToRollup(connection, "hourly", "hours");
    await addToRollup(connection, "daily", "days");
    await connection.run(`INSERT INTO sealed SELECT * FROM hot WHERE ${range} ORDER BY series, time`);
    await connection.run(`DELETE FROM hot WHERE ${range}`);
  });
}

/**
 * Recomputes the hours whose sealed points were replaced, and their days. They are few: only corrections of sealed
 * points make them. When `rawBefore` is given, raw points below it may be dropped from now on, and no hour below it is
 * recomputed again: a late reading is then added to what its roll-up holds.
 */
export async function recomputeAll(connection: DuckDBConnection, rawBefore: number | null): Promise<void> {
  while ((await recomputeStep(connection)) > 0);
  if (rawBefore !== null) {
    await connection.run(`UPDATE horizon SET raw_before = ${rawBefore} WHERE raw_before < ${rawBefore}`);
  }
}

async function recomputeStep(connection: DuckDBConnection): Promise<number> {
  const run = (sql: string) => connection.run(sql);
  const [row] = await (
    await run(`SELECT count(*), min(hour), max(hour) FROM (
    SELECT DISTINCT series, hour FROM recompute ORDER BY series, hour LIMIT ${RECOMPUTE_HOURS_A_STEP})`)
  ).getRows();
  const [hours = 0, earliest = 0, latest = 0] = (row ?? []).map(Number);
  if (hours === 0) return 0;
  await inTransaction(connection, async () => {
    await run(`CREATE OR REPLACE TEMP TABLE stale AS
      SELECT DISTINCT series, hour AS bucket FROM recompute ORDER BY series, hour LIMIT ${RECOMPUTE_HOURS_A_STEP}`);
    await run("DELETE FROM hourly USING stale WHERE hourly.series = stale.series AND hourly.bucket = stale.bucket");
    await run(
      `INSERT INTO hourly ${rollupOf(
        `(SELECT p.* FROM sealed p SEMI JOIN stale s ON p.series = s.series AND ${stepStart("p.time", HOUR_MS)} = s.bucket
        WHERE p.time >= ${earliest} AND p.time < ${latest + HOUR_MS})`,
        HOUR_MS,
      )}`,
    );
    await run(
      "DELETE FROM recompute USING stale WHERE recompute.series = stale.series AND recompute.hour = stale.bucket",
    );
    await run(`CREATE OR REPLACE TEMP TABLE stale_days AS
      SELECT DISTINCT series, ${stepStart("bucket", DAY_MS)} AS bucket FROM stale`);
    await run("DELETE FROM daily USING stale_days d WHERE daily.series = d.series AND daily.bucket = d.bucket");
    await run(
      `INSERT INTO daily ${dailyOf(
        `(SELECT h.* FROM hourly h SEMI JOIN stale_days d ON h.series = d.series AND ${stepStart("h.bucket", DAY_MS)} = d.bucket)`,
      )}`,
    );
  });
  return hours;
}

/** Drops some rows of `table` whose `column` is below `before`. Returns how many; 0 when none is left. */
export async function dropStep(
  connection: DuckDBConnection,
  { table, column, before }: { readonly table: string; readonly column: string; readonly before: number },
): Promise<number> {
  const result = await connection.run(`DELETE FROM ${table} WHERE rowid IN
    (SELECT rowid FROM ${table} WHERE ${column} < ${before} LIMIT ${STEP_ROWS})`);
  return Number((await result.getRows())[0]?.[0] ?? 0);
}

export async function hasHotRowsBefore(connection: DuckDBConnection, before: number): Promise<boolean> {
  const result = await connection.run(`SELECT count(*) FROM (SELECT 1 FROM hot WHERE time < ${before} LIMIT 1)`);
  return Number((await result.getRows())[0]?.[0] ?? 0) > 0;
}

/** How roll-ups become a coarser roll-up. */
const FOLD = `sum(count)::BIGINT AS count, sum(valued)::BIGINT AS valued, min(min) AS min, max(max) AS max, sum(sum) AS sum,
  sum(censored)::BIGINT AS censored, max(worst)::UTINYINT AS worst`;

function rollupOf(points: string, widthMs: number): string {
  return `SELECT series, ${stepStart("time", widthMs)} AS bucket, count(*) AS count, count(value) AS valued, min(value) AS min,
    max(value) AS max, sum(value) AS sum, count_if(cmp > 0)::BIGINT AS censored, max(flag % 9)::UTINYINT AS worst
    FROM ${points} GROUP BY ALL ORDER BY ALL`;
}

function dailyOf(hours: string): string {
  return `SELECT series, ${stepStart("bucket", DAY_MS)} AS bucket, ${FOLD} FROM ${hours} GROUP BY ALL ORDER BY ALL`;
}

/** Adds the roll-ups in `delta` to those of the same series and bucket in `table`. */
async function addToRollup(connection: DuckDBConnection, table: string, delta: string): Promise<void> {
  await connection.run(`CREATE OR REPLACE TEMP TABLE merged AS SELECT series, bucket, ${FOLD} FROM
    (FROM ${delta} UNION ALL SELECT r.* FROM ${table} r SEMI JOIN ${delta} USING (series, bucket)) GROUP BY ALL ORDER BY ALL`);
  await connection.run(
    `DELETE FROM ${table} USING ${delta} d WHERE ${table}.series = d.series AND ${table}.bucket = d.bucket`,
  );
  await connection.run(`INSERT INTO ${table} FROM merged`);
}
