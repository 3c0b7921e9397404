/** `/stations/{id}/readings`: raw readings or buckets of one series, in columns. */
import { z } from "zod";
import { AGGREGATES, FRACTIONS, seriesKey } from "../../core/reading.ts";
import { formatDuration } from "../../core/site.ts";
import type { App } from "../app-type.ts";
import { devicesAt, unitOf } from "../places.ts";
import { bucketColumns, POINTS_MAX, planReadings, rawColumns, spanOf, tooLarge } from "../readings.ts";
import { QuantityId, ReadingsView, StationId } from "../schemas.ts";
import { type Services, visiblePlace } from "../services.ts";
import { iso, QueryTime } from "../times.ts";

const INTERVAL_DEFAULT_MS = 600_000;

const ReadingsQuery = z.strictObject({
  quantity: QuantityId,
  fraction: z.enum(FRACTIONS).default("total"),
  agg: z.enum(AGGREGATES).default("rtd"),
  from: QueryTime.optional(),
  to: QueryTime.optional(),
  bucket: z.string().min(1).max(20).default("auto"),
  limit: z.coerce.number().int().min(1).max(POINTS_MAX).optional(),
});

export function registerReadings(app: App, services: Services): void {
  const { parts } = services;
  app.route({
    method: "GET",
    url: "/stations/:id/readings",
    config: { action: "reading.read" },
    schema: {
      tags: ["readings"],
      summary: "Readings of one series, raw or in buckets",
      params: StationId,
      querystring: ReadingsQuery,
      response: { 200: ReadingsView },
    },
    handler: async ({ principal, params, query }) => {
      const { station } = visiblePlace(services, principal, params.id);
      const { quantity, fraction, agg, bucket, limit } = query;
      const series = seriesKey({ station: station.id, quantity, fraction, aggregate: agg });
      const intervals = devicesAt(parts.directory(), station.id).map((device) => device.interval);
      const intervalMs = intervals.length === 0 ? INTERVAL_DEFAULT_MS : Math.min(...intervals);
      const plan = planReadings(spanOf(query, parts.clock.now()), bucket, intervalMs);
      const { from, to } = plan;
      const head = { series, unit: unitOf(quantity, station), from: iso(from), to: iso(to) };
      if (plan.kind === "buckets") {
        const buckets = await parts.series.buckets({ series, from, to }, plan.stepMs);
        return { ...head, bucket: formatDuration(plan.stepMs), next: null, columns: bucketColumns(buckets) };
      }
      const most = limit ?? POINTS_MAX;
      const points = await parts.series.query({ series, from, to }, most + 1);
      const rest = points[most];
      if (rest !== undefined && limit === undefined) {
        throw tooLarge(`over ${POINTS_MAX} readings`, "use bucket=10m or longer, or page with limit and next");
      }
      const kept = rest === undefined ? points : points.slice(0, most);
      return { ...head, bucket: "raw", next: rest?.time ?? null, columns: rawColumns(kept) };
    },
  });
}
