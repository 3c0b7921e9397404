/**
 * InfluxQL of the series adapter and the reading of its answers, pure. InfluxQL over `/query` is the one read path that
 * 1.x, 2.x and 3.x serve. Keys are checked by `isSeriesKey` before they get here, and quoted all the same.
 */

import type { Bucket, CorrectionRecord, LatestPoint, Point, SeriesQuery } from "../core/ports.ts";
import type { Comparison } from "../core/reading.ts";
import { parseSeriesKey, seriesKey } from "../core/reading.ts";

/** InfluxDB keeps int64 nanoseconds: 1677 to 2262. */
const TIME_MAX = 9.2e12;
const SERIES_TAGS = "station, quantity, fraction, agg";

export interface InfluxTable {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly unknown[])[];
}

/** A string literal. */
export function literal(text: string): string {
  return `'${text.replace(/[\\']/g, (character) => `\\${character}`)}'`;
}
export function pointsQl(query: SeriesQuery, limit: number): string {
  return `SELECT v, q, c, k FROM readings WHERE ${spanQl(query)} ORDER BY time LIMIT ${Math.floor(limit)}`;
}
export function latestQl(): string {
  return `SELECT v, q, c, k FROM readings GROUP BY ${SERIES_TAGS} ORDER BY time DESC LIMIT 1`;
}
export function correctionsQl(query: SeriesQuery): string {
  return `SELECT old, new, oc, nc, at FROM corrections WHERE ${spanQl(query)}`;
}
/** Three statements: numbers, censored points, and the worst flag with 9 (missing) left out so that it counts least. */
export function bucketsQl(query: SeriesQuery, stepMs: number): string {
  const where = spanQl(query);
  const group = `GROUP BY time(${stepMs}ms) fill(none)`;
  return [
    `SELECT count(q), min(v), max(v), mean(v) FROM readings WHERE ${where} ${group}`,
    `SELECT count(c) FROM readings WHERE ${where} AND (c = '<' OR c = '>') ${group}`,
    `SELECT max(q) FROM readings WHERE ${where} AND q < 9 ${group}`,
  ].join("; ");
}
/**
 * A year a shard. By default InfluxDB 1.x opens one shard a week, and decades of laboratory results (a reading a month)
 * then cost seven hundred shards and minutes of fsync. A database that exists already keeps its own policy.
 */
export function createDatabaseQl(database: string): string {
  const name = database.replace(/[\\"]/g, (character) => `\\${character}`);
  return `CREATE DATABASE "${name}" WITH SHARD DURATION 52w NAME "autogen"`;
}
export function dropBeforeQl(time: number): string {
  return `DELETE FROM readings WHERE time < ${timeQl(time)}`;
}
/** Removes one point, because a write cannot take a field back. */
export function retractQl(key: string, time: number): string {
  return `DELETE FROM readings WHERE ${tagsQl(key)} AND time = ${timeQl(time)}`;
}

export function toPoints(tables: readonly InfluxTable[]): Point[] {
  return rowsOf(tables).map(({ row }) => pointOf(row));
}
export function toLatest(tables: readonly InfluxTable[]): LatestPoint[] {
  return rowsOf(tables).map(({ row, tags }) => ({
    series: seriesKey({
      station: tags["station"] ?? "",
      quantity: tags["quantity"] ?? "",
      fraction: tags["fraction"] ?? "",
      aggregate: tags["agg"] ?? "",
    }),
    ...pointOf(row),
  }));
}

export function toBuckets([numbers = [], censored = [], flags = []]: readonly (readonly InfluxTable[])[]): Bucket[] {
  const censoredAt = new Map(rowsOf(censored).map(({ row }) => [row["time"], row["count"] as number]));
  const flagAt = new Map(rowsOf(flags).map(({ row }) => [row["time"], row["max"] as number]));
  return rowsOf(numbers)
    .filter(({ row }) => Number(row["count"] ?? 0) > 0)
    .map(({ row }) => ({
      time: row["time"] as number,
      count: row["count"] as number,
      min: (row["min"] ?? null) as number | null,
      max: (row["max"] ?? null) as number | null,
      mean: (row["mean"] ?? null) as number | null,
      censored: censoredAt.get(row["time"]) ?? 0,
      flag: flagAt.get(row["time"]) ?? 9,
    }));
}

/** @param tables read with `epoch=u`: microseconds keep the millisecond whatever was added below it. */
export function toCorrections(series: string, tables: readonly InfluxTable[]): CorrectionRecord[] {
  return rowsOf(tables)
    .map(({ row }) => ({
      series,
      time: Math.floor((row["time"] as number) / 1_000),
      oldValue: (row["old"] ?? null) as number | null,
      oldCmp: comparisonText(row["oc"]),
      newValue: (row["new"] ?? null) as number | null,
      newCmp: comparisonText(row["nc"]),
      at: Number(row["at"] ?? 0),
    }))
    .sort((a, b) => a.time - b.time || a.at - b.at);
}

function pointOf(row: Readonly<Record<string, unknown>>): Point {
  return {
    time: row["time"] as number,
    value: (row["v"] ?? null) as number | null,
    cmp: comparisonText(row["c"]),
    flag: Number(row["q"] ?? 2),
    qualifier: String(row["k"] ?? "N"),
  };
}

function comparisonText(text: unknown): Comparison {
  return text === "<" || text === ">" ? text : "";
}

function rowsOf(tables: readonly InfluxTable[]) {
  return tables.flatMap(({ tags = {}, columns, values }) =>
    values.map((cells) => ({
      tags,
      row: Object.fromEntries(columns.map((column, index) => [column, cells[index]])) as Record<string, unknown>,
    })),
  );
}

function spanQl({ series, from, to }: SeriesQuery): string {
  return `${tagsQl(series)} AND time >= ${timeQl(from)} AND time < ${timeQl(to)}`;
}
function tagsQl(key: string): string {
  const { station, quantity, fraction, aggregate } = parseSeriesKey(key);
  return `station = ${literal(station)} AND quantity = ${literal(quantity)} AND fraction = ${literal(fraction)} AND agg = ${literal(aggregate)}`;
}
function timeQl(time: number): string {
  return `${Math.ceil(Math.max(-TIME_MAX, Math.min(TIME_MAX, time)))}ms`;
}
