/** Is it alive, is it ready, how does it do: for load balancers, watchdogs and Prometheus. */
import { z } from "zod";
import { mergeMetrics } from "../../core/observe.ts";
import type { App } from "../app-type.ts";
import { Problem } from "../schemas.ts";
import type { Services } from "../services.ts";

export function registerHealth(app: App, { parts }: Services): void {
  const startedAt = parts.clock.monotonic();
  app.route({
    method: "GET",
    url: "/health/live",
    config: { action: "open" },
    schema: {
      tags: ["health"],
      summary: "The web server answers",
      response: { 200: z.object({ status: z.literal("live"), version: z.string(), uptimeMs: z.number() }) },
    },
    handler: async () => ({
      status: "live" as const,
      version: parts.version,
      uptimeMs: Math.round(parts.clock.monotonic() - startedAt),
    }),
  });

  const Report = z.object({
    ready: z.boolean(),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
  });
  app.route({
    method: "GET",
    url: "/health/ready",
    config: { action: "operations.read" },
    schema: {
      tags: ["health"],
      summary: "Readings are accepted and judged",
      response: { 200: Report, 503: z.union([Report, Problem]) },
    },
    handler: async (_request, reply) => {
      const { ready, checks } = await parts.health();
      return reply.code(ready ? 200 : 503).send({ ready, checks: [...checks] });
    },
  });
}

/** Outside the prefix, where Prometheus looks. */
export function registerMetrics(app: App, { parts }: Services): void {
  app.route({
    method: "GET",
    url: "/metrics",
    config: { action: "operations.read" },
    schema: { tags: ["health"], summary: "Prometheus metrics", response: { 200: z.string() } },
    handler: async (_request, reply) => {
      const text = await mergeMetrics(await parts.metricsOf());
      return reply.type("text/plain; version=0.0.4; charset=utf-8").send(text);
    },
  });
}
