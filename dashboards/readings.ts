/** What a readings query may cost and how its answer is packed in columns. Pure. */
import { Refused } from "../core/errors.ts";
import type { Bucket, Point } from "../core/ports.ts";
import { Duration, formatDuration } from "../core/site.ts";
import type { BucketColumns, RawColumns } from "./schemas.ts";
import { finiteOrNull } from "./times.ts";

export const POINTS_MAX = 50_000;
const BUCKETS_MAX = 20_000;
const AUTO_RAW_POINTS = 5_000;
const AUTO_BUCKETS = 2_000;
/** Steps that `auto` chooses from; the roll-ups fit the longer ones. */
const LADDER_MS = ["10m", "1h", "6h", "1d", "7d", "30d"].map((text) => Duration.parse(text));
const SPAN_DEFAULT_MS = 24 * 3_600_000;

export interface Span {
  readonly from: number;
  readonly to: number;
}
export type Plan = Span & ({ readonly kind: "raw" } | { readonly kind: "buckets"; readonly stepMs: number });

/** The last 24 h unless said otherwise. @throws Refused `RANGE_EMPTY` */
export function spanOf(query: { from?: number | undefined; to?: number | undefined }, now: number): Span {
  const isAhead = query.from !== undefined && query.from > now;
  const to = query.to ?? (isAhead ? (query.from as number) + SPAN_DEFAULT_MS : now + 1);
  const from = query.from ?? to - SPAN_DEFAULT_MS;
  if (from < to) return { from, to };
  throw new Refused("RANGE_EMPTY", { what: "from is not before to", where: "from, to" });
}

/**
 * @param bucket "raw", "auto" or a duration.
 * @param intervalMs expected time between readings, for `auto`.
 * @throws Refused `QUERY_TOO_LARGE` (422) with the smallest step that would do.
 */
export function planReadings(span: Span, bucket: string, intervalMs: number): Plan {
  const lengthMs = span.to - span.from;
  if (bucket === "raw") return { ...span, kind: "raw" };
  if (bucket === "auto") {
    if (lengthMs / intervalMs <= AUTO_RAW_POINTS) return { ...span, kind: "raw" };
    const fitting = LADDER_MS.find((stepMs) => lengthMs / stepMs <= AUTO_BUCKETS);
    return { ...span, kind: "buckets", stepMs: fitting ?? Math.ceil(lengthMs / AUTO_BUCKETS) };
  }
  const stepMs = parseStep(bucket);
  if (lengthMs / stepMs <= BUCKETS_MAX) return { ...span, kind: "buckets", stepMs };
  const smallest = LADDER_MS.find((ms) => lengthMs / ms <= BUCKETS_MAX);
  const hint = smallest === undefined ? "shorten from … to" : `use bucket=${formatDuration(smallest)} or longer`;
  throw tooLarge(`${Math.ceil(lengthMs / stepMs)} buckets, over ${BUCKETS_MAX}`, hint);
}

function parseStep(bucket: string): number {
  const step = Duration.safeParse(bucket);
  if (step.success && step.data >= 1_000 && Number.isInteger(step.data)) return step.data;
  throw new Refused("REQUEST_INVALID", {
    what: `"${bucket}" is no bucket`,
    where: "bucket",
    mend: "raw, auto, or a duration of at least 1s such as 10m, 1h, 1d",
  });
}

export function tooLarge(what: string, mend: string): Refused {
  return new Refused("QUERY_TOO_LARGE", { what, where: "bucket, from, to", mend }, 422);
}

export function rawColumns(points: readonly Point[]): RawColumns {
  return {
    times: points.map((point) => point.time),
    values: points.map((point) => finiteOrNull(point.value)),
    cmp: points.map((point) => point.cmp),
    flag: points.map((point) => point.flag),
    qualifier: points.map((point) => point.qualifier),
  };
}

export function bucketColumns(buckets: readonly Bucket[]): BucketColumns {
  return {
    times: buckets.map((bucket) => bucket.time),
    count: buckets.map((bucket) => bucket.count),
    min: buckets.map((bucket) => finiteOrNull(bucket.min)),
    max: buckets.map((bucket) => finiteOrNull(bucket.max)),
    mean: buckets.map((bucket) => finiteOrNull(bucket.mean)),
    censored: buckets.map((bucket) => bucket.censored),
    flag: buckets.map((bucket) => bucket.flag),
  };
}
