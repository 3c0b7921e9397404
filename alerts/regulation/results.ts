/**
 * Results of a station from the series store, as the regulatory engine takes them: censored values stay censored, what
 * the device itself declared as maintenance, calibration or fault is no result.
 */
import { chinaMidnight, DAY_MS } from "../../core/china-day.ts";
import type { Bucket, Point, TimeSeriesStore } from "../../core/ports.ts";
import { isInstrumentQualifier, parseSeriesKey, QC } from "../../core/reading.ts";
import type { Result } from "./rounds.ts";

export type SeriesReads = Pick<TimeSeriesStore, "query" | "buckets" | "latest">;

/** Of one series; beyond it the series is taken as on-line data and read as daily means. */
const RESULTS_MAX = 5_000;

/** Real records start in 1949. */
const FIRST = chinaMidnight("1949-01-01");

export interface StationResults {
  readonly results: readonly Result[];
  /** A series is too dense to be lab results. */
  readonly isDense: boolean;
}

/** Series of each station by key; the total fraction where there is one, raw readings only. */
export async function seriesByStation(series: SeriesReads): Promise<ReadonlyMap<string, readonly string[]>> {
  const chosen = new Map<string, Map<string, string>>();
  for (const { series: key } of await series.latest()) {
    const { station, quantity, fraction, aggregate } = parseSeriesKey(key);
    if (aggregate !== "rtd") continue;
    const own = chosen.get(station) ?? new Map<string, string>();
    chosen.set(station, own);
    if (!own.has(quantity) || fraction === "total") own.set(quantity, key);
  }
  return new Map([...chosen].map(([station, own]) => [station, [...own.values()].sort()]));
}

/** @param until exclusive, ms since 1970 UTC. */
export async function stationResults(
  series: SeriesReads,
  keys: readonly string[],
  until: number,
): Promise<StationResults> {
  const results: Result[] = [];
  let isDense = false;
  for (const key of keys) {
    const { quantity } = parseSeriesKey(key);
    const span = { series: key, from: FIRST, to: until };
    const points = await series.query(span, RESULTS_MAX + 1);
    if (points.length <= RESULTS_MAX) {
      for (const point of points) results.push(...resultOf(quantity, point));
      continue;
    }
    isDense = true;
    for (const bucket of await series.buckets(span, DAY_MS)) results.push(...dailyMean(quantity, bucket));
  }
  return { results, isDense };
}

function resultOf(quantity: string, { time, value, cmp, flag, qualifier }: Point): readonly Result[] {
  if (value === null || !Number.isFinite(value) || flag === QC.missing || isInstrumentQualifier(qualifier)) return [];
  return [{ quantity, time, value, cmp }];
}

function dailyMean(quantity: string, { time, mean, count, censored }: Bucket): readonly Result[] {
  return mean === null ? [] : [{ quantity, time, value: mean, cmp: censored === count ? "<" : "" }];
}
