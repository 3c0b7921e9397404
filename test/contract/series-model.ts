/** What a time-series store must answer, in the simplest words there are: a map of maps. */
import type { Bucket, CorrectionRecord, LatestPoint, Point, SeriesQuery } from "../../core/ports.ts";
import type { Reading } from "../../core/reading.ts";
import {
  comparisonCode,
  decodeReadingBlock,
  type ReadingBlock,
  ReadingBlockBuilder,
} from "../../core/reading-block.ts";

export type ModelRow = Pick<Reading, "series" | "time" | "value" | "cmp" | "flag" | "qualifier">;

export class SeriesModel {
  readonly #points = new Map<string, Map<number, Point>>();
  readonly corrections: Omit<CorrectionRecord, "at">[] = [];

  /** Takes rows in order and packs them as ingest does, with the corrections it notices. */
  write(rows: readonly ModelRow[]): ReadingBlock {
    const builder = new ReadingBlockBuilder();
    builder.message({ device: "dev-1", boot: "b1", seq: 1, receivedAt: 0, backfill: false });
    for (const { series, time, value, cmp, flag, qualifier } of rows) {
      builder.row(series, time, value, comparisonCode(cmp), flag, qualifier.charCodeAt(0));
      const stored = Number.isNaN(value) ? null : value;
      const points = this.#points.get(series) ?? new Map<number, Point>();
      this.#points.set(series, points);
      const old = points.get(time);
      if (old && (old.value !== stored || old.cmp !== cmp)) {
        builder.correct(old.value ?? Number.NaN, old.cmp);
        this.corrections.push({ series, time, oldValue: old.value, oldCmp: old.cmp, newValue: stored, newCmp: cmp });
      }
      points.set(time, { time, value: stored, cmp, flag, qualifier });
    }
    return decodeReadingBlock(builder.encode());
  }

  query({ series, from, to }: SeriesQuery, limit = Number.POSITIVE_INFINITY): Point[] {
    return [...(this.#points.get(series)?.values() ?? [])]
      .filter(({ time }) => time >= from && time < to)
      .sort((a, b) => a.time - b.time)
      .slice(0, limit);
  }

  buckets(query: SeriesQuery, stepMs: number): Bucket[] {
    const steps = new Map<number, Point[]>();
    for (const point of this.query(query)) {
      const step = Math.floor(point.time / stepMs) * stepMs;
      steps.set(step, [...(steps.get(step) ?? []), point]);
    }
    return [...steps].map(([time, points]) => {
      const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
      const flags = points.map(({ flag }) => flag).filter((flag) => flag !== 9);
      return {
        time,
        count: points.length,
        min: values.length > 0 ? Math.min(...values) : null,
        max: values.length > 0 ? Math.max(...values) : null,
        mean: values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : null,
        censored: points.filter(({ cmp }) => cmp !== "").length,
        flag: flags.length > 0 ? Math.max(...flags) : 9,
      };
    });
  }

  latest(): LatestPoint[] {
    return [...this.#points.keys()].sort().map((series) => {
      const points = this.query({ series, from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY });
      return { series, ...(points.at(-1) as Point) };
    });
  }

  count(): number {
    return [...this.#points.values()].reduce((sum, points) => sum + points.size, 0);
  }
}

/**
 * `found` with each mean that differs from the expected one by rounding only replaced by it: sums of floats depend on
 * their order in the last digits. (Rounding both instead would part two means on either side of a half.)
 */
export function roundedTo(expected: readonly Bucket[], found: readonly Bucket[]): Bucket[] {
  return found.map((bucket, index) => {
    const mean = expected[index]?.mean ?? null;
    if (bucket.mean === null || mean === null) return bucket;
    return Math.abs(bucket.mean - mean) <= 1e-9 * Math.abs(mean) + 1e-12 ? { ...bucket, mean } : bucket;
  });
}
