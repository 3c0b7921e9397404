/**
 * The SQL of reads. Each answer comes from one statement, hence from one snapshot: rows that are being sealed meanwhile
 * are seen exactly once. Numbers are written into the text because only constants skip row groups.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Bucket, CorrectionRecord, Point } from "../core/ports.ts";
import { comparisonOf } from "../core/reading-block.ts";
import { DAY_MS, HOUR_MS, stepStart } from "./series-duckdb-schema.ts";

/** Half-open span of one series, ms. */
export interface Span {
  readonly series: number;
  readonly from: number;
  readonly to: number;
}

export async function readPoints(connection: DuckDBConnection, span: Span, limit: number): Promise<Point[]> {
  const columns = "time::DOUBLE AS time, value, cmp, flag, qualifier";
  const [time = [], value = [], cmp = [], flag = [], qualifier = []] = await columnsOf(
    connection,
    `FROM (SELECT ${columns} FROM hot WHERE ${within("time", span)}
     UNION ALL SELECT ${columns} FROM sealed WHERE ${within("time", span)}) ORDER BY time LIMIT ${limit}`,
  );
  return time.map((at, row) => ({
    time: at as number,
    value: (value[row] ?? null) as number | null,
    cmp: comparisonOf(cmp[row] as number),
    flag: flag[row] as number,
    qualifier: String.fromCharCode(qualifier[row] as number),
  }));
}

export async function readBuckets(connection: DuckDBConnection, span: Span, stepMs: number): Promise<Bucket[]> {
  const [time = [], count = [], min = [], max = [], mean = [], censored = [], worst = []] = await columnsOf(
    connection,
    bucketsSql(span, stepMs),
  );
  return time.map((at, row) => ({
    time: at as number,
    count: count[row] as number,
    min: (min[row] ?? null) as number | null,
    max: (max[row] ?? null) as number | null,
    mean: (mean[row] ?? null) as number | null,
    censored: censored[row] as number,
    flag: (worst[row] as number) || 9,
  }));
}

export async function readCorrections(
  connection: DuckDBConnection,
  span: Span,
  series: string,
): Promise<CorrectionRecord[]> {
  const rows = await columnsOf(
    connection,
    `SELECT time::DOUBLE, old_value, old_cmp, new_value, new_cmp, noticed_at::DOUBLE FROM corrections
     WHERE ${within("time", span)} ORDER BY time, noticed_at, rowid`,
  );
  const [time = [], oldValue = [], oldCmp = [], newValue = [], newCmp = [], at = []] = rows;
  return time.map((measuredAt, row) => ({
    series,
    time: measuredAt as number,
    oldValue: (oldValue[row] ?? null) as number | null,
    oldCmp: comparisonOf(oldCmp[row] as number),
    newValue: (newValue[row] ?? null) as number | null,
    newCmp: comparisonOf(newCmp[row] as number),
    at: at[row] as number,
  }));
}

/** Pure. Whole days and hours come from roll-ups where the step allows; edges, hot rows and stale hours come from raw. */
export function bucketsSql(span: Span, stepMs: number): string {
  const sources = stepMs % HOUR_MS === 0 ? rolledUpSources(span, stepMs % DAY_MS === 0) : [rawRows("sealed", span)];
  return `WITH stale AS (SELECT DISTINCT hour FROM recompute WHERE ${within("hour", { ...span, from: floorTo(span.from, HOUR_MS) })}),
    parts AS (${[...sources, rawRows("hot", span)].join("\nUNION ALL ")})
    SELECT ${stepStart("t", stepMs)}::DOUBLE AS step, sum(count)::DOUBLE, min(min), max(max),
      sum(sum) / nullif(sum(valued), 0), sum(censored)::DOUBLE, max(worst)
    FROM parts GROUP BY step ORDER BY step`;
}

function rolledUpSources(span: Span, isDaily: boolean): string[] {
  const hours = whole(span, HOUR_MS);
  if (!hours) return [rawRows("sealed", span)];
  const days = isDaily ? whole(hours, DAY_MS) : undefined;
  const hourlyParts = days ? without(hours, days) : [hours];
  const sources = without(span, hours).map((edge) => rawRows("sealed", edge));
  for (const part of hourlyParts) sources.push(rollupRows("hourly", part, "bucket NOT IN (FROM stale)"));
  if (days) {
    const staleDays = `(SELECT ${stepStart("hour", DAY_MS)} FROM stale)`;
    sources.push(rollupRows("daily", days, `bucket NOT IN ${staleDays}`));
    sources.push(
      rollupRows("hourly", days, `${stepStart("bucket", DAY_MS)} IN ${staleDays} AND bucket NOT IN (FROM stale)`),
    );
  }
  sources.push(`${rawRows("sealed", hours)} AND ${stepStart("time", HOUR_MS)} IN (FROM stale)`);
  return sources;
}

function rawRows(table: string, span: Span): string {
  return `SELECT time AS t, 1 AS count, (value IS NOT NULL)::INTEGER AS valued, value AS min, value AS max, value AS sum,
    (cmp > 0)::INTEGER AS censored, flag % 9 AS worst FROM ${table} WHERE ${within("time", span)}`;
}
function rollupRows(table: string, span: Span, filter: string): string {
  return `SELECT bucket AS t, count, valued, min, max, sum, censored, worst FROM ${table}
    WHERE ${within("bucket", span)} AND ${filter}`;
}
function within(column: string, { series, from, to }: Span): string {
  return `series = ${series} AND ${column} >= ${from} AND ${column} < ${to}`;
}

/** The whole steps inside a span; undefined when there are none. */
function whole(span: Span, stepMs: number): Span | undefined {
  const from = Math.ceil(span.from / stepMs) * stepMs;
  const to = floorTo(span.to, stepMs);
  return from < to ? { series: span.series, from, to } : undefined;
}
/** What is left of a span on both sides of an inner one. */
function without(span: Span, inner: Span): Span[] {
  return [
    { series: span.series, from: span.from, to: inner.from },
    { series: span.series, from: inner.to, to: span.to },
  ].filter(({ from, to }) => from < to);
}
function floorTo(time: number, stepMs: number): number {
  return Math.floor(time / stepMs) * stepMs;
}

async function columnsOf(connection: DuckDBConnection, sql: string): Promise<readonly (readonly unknown[])[]> {
  return (await connection.run(sql)).getColumns();
}
