/** `/rules/preview`: a draft rule on history, before it may wake anybody. Changes nothing. */
import { z } from "zod";
import { LEVELS } from "../../core/alarm.ts";
import type { PreviewAlarm } from "../../core/rule-preview.ts";
import { Id } from "../../core/site.ts";
import type { App } from "../app-type.ts";
import type { Services } from "../services.ts";
import { iso, QueryTime } from "../times.ts";

const AlarmView = z.object({
  series: z.string(),
  level: z.enum(LEVELS),
  start: z.string(),
  end: z.string().nullable(),
  verified: z.boolean(),
});

const Report = z.object({
  rule: z.string(),
  inForce: z.number().nullable(),
  from: z.string(),
  to: z.string(),
  rows: z.number(),
  series: z.number(),
  ms: z.number(),
  alarms: z.object({ total: z.number(), listed: z.array(AlarmView) }),
  notices: z.object({ events: z.number(), mqtt: z.number(), webhook: z.number() }),
  difference: z.object({
    noticesInForce: z.number(),
    same: z.number(),
    added: z.array(AlarmView),
    removed: z.array(AlarmView),
    changed: z.array(z.object({ before: AlarmView, after: AlarmView })),
  }),
});

const RULE_TEXT_MAX = 16_384;
const PLACES_MAX = 1_000;

export function registerPreview(app: App, { parts }: Services): void {
  app.route({
    method: "POST",
    url: "/rules/preview",
    config: { action: "rule.preview" },
    schema: {
      tags: ["rules"],
      summary: "What a draft rule would have raised, and how that differs from the rule in force",
      body: z
        .strictObject({
          rule: z
            .union([z.string().min(1).max(RULE_TEXT_MAX), z.record(z.string(), z.unknown())])
            .describe("one rule, as YAML or JSON text or as an object"),
          from: QueryTime,
          to: QueryTime,
          sites: z.array(Id).min(1).max(PLACES_MAX).optional(),
          stations: z.array(Id).min(1).max(PLACES_MAX).optional(),
        })
        .refine(({ from, to }) => from < to, "from lies before to"),
      response: { 200: Report },
    },
    handler: async ({ body }) => {
      const { rule, from, to } = body;
      const text = typeof rule === "string" ? rule : JSON.stringify(rule);
      const { alarms, difference, ...report } = await parts.preview.preview({ ...body, rule: text });
      const { added, removed, changed } = difference;
      return {
        ...report,
        ...{ from: iso(from), to: iso(to) },
        alarms: { total: alarms.total, listed: alarms.listed.map(view) },
        difference: {
          ...difference,
          ...{ added: added.map(view), removed: removed.map(view) },
          changed: changed.map(({ before, after }) => ({ before: view(before), after: view(after) })),
        },
      };
    },
  });
}

function view({ start, end, ...rest }: PreviewAlarm) {
  return { ...rest, start: iso(start), end: end === null ? null : iso(end) };
}
