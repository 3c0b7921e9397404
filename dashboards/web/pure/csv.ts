/** The view as a CSV file that WPS and Excel open with the right types and without running anything. */
import type { BucketColumns, RawColumns, ReadingsView } from "../api-types.ts";
import { shanghaiSecond } from "./format.ts";

/** Without it Excel reads UTF-8 as the local code page. */
const BOM = "\uFEFF";

/**
 * One cell, RFC 4180. Texts that a spreadsheet would take for a formula get an apostrophe; numbers never do, so that
 * -1.5 stays a number.
 */
export function csvCell(cell: string | number | null): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const safe = /^[=+\-@\t\r\n]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
export function csvText(rows: readonly (readonly (string | number | null)[])[]): string {
  return `${BOM}${rows.map((row) => row.map(csvCell).join(",")).join("\r\n")}\r\n`;
}

export function isRaw(columns: RawColumns | BucketColumns): columns is RawColumns {
  return "values" in columns;
}

/** Column names are fixed words, the same in both languages: scripts read them. */
export function readingsCsv(readings: ReadingsView, station: { readonly id: string; readonly name: string }): string {
  const { series, unit, bucket, columns } = readings;
  const head = ["time_asia_shanghai", "time_utc", "station", "station_name", "series", "unit"];
  const times = (ms: number): string[] => [shanghaiSecond(ms), new Date(ms).toISOString()];
  const start = (ms: number): string[] => [...times(ms), station.id, station.name, series, unit];
  if (isRaw(columns)) {
    const { values, cmp, flag, qualifier } = columns;
    return csvText([
      [...head, "cmp", "value", "flag", "qualifier"],
      ...columns.times.map((ms, row) => [
        ...start(ms),
        cmp[row] ?? "",
        values[row] ?? null,
        flag[row] ?? null,
        qualifier[row] ?? "",
      ]),
    ]);
  }
  const { count, min, max, mean, censored, flag } = columns;
  return csvText([
    [...head, "bucket", "count", "min", "mean", "max", "censored", "worst_flag"],
    ...columns.times.map((ms, row) => [
      ...start(ms),
      bucket,
      count[row] ?? null,
      min[row] ?? null,
      mean[row] ?? null,
      max[row] ?? null,
      censored[row] ?? null,
      flag[row] ?? null,
    ]),
  ]);
}

/** "mw-3_cd_2026-03-01_2026-03-31.csv" */
export function csvName(readings: ReadingsView): string {
  const day = (time: string): string => shanghaiSecond(Date.parse(time)).slice(0, 10);
  const series = readings.series.split("/").slice(0, 2).join("_");
  return `${series}_${day(readings.from)}_${day(readings.to)}.csv`;
}
