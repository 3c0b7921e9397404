/** `/rules`, `/quarantine`, `/audit`: what is judged by, what could not be used, who did what. */
import { z } from "zod";
import type { App } from "../app-type.ts";
import type { Services } from "../services.ts";
import { iso } from "../times.ts";

export function registerRecords(app: App, services: Services): void {
  registerRules(app, services);
  registerQuarantine(app, services);
  registerAudit(app, services);
}

function registerRules(app: App, { parts }: Services): void {
  const RuleView = z.object({
    version: z.number(),
    changedAt: z.string(),
    changedBy: z.string(),
    rule: z.record(z.string(), z.unknown()),
  });
  app.route({
    method: "GET",
    url: "/rules",
    config: { action: "rule.read" },
    schema: {
      tags: ["rules"],
      summary: "Rules in force",
      response: { 200: z.object({ rules: z.array(RuleView) }) },
    },
    handler: async () => ({
      rules: parts.directory().snapshot.rules.map(({ version, changedAt, changedBy, rule }) => ({
        version,
        changedAt: iso(changedAt),
        changedBy,
        rule: { ...rule },
      })),
    }),
  });
}

function registerQuarantine(app: App, { parts }: Services): void {
  const ItemView = z.object({
    offset: z.number(),
    at: z.string(),
    receivedAt: z.string(),
    device: z.string(),
    topic: z.string(),
    code: z.string(),
    detail: z.string(),
    readings: z.number(),
    payloadBytes: z.number(),
  });
  app.route({
    method: "GET",
    url: "/quarantine",
    config: { action: "quarantine.read" },
    schema: {
      tags: ["quarantine"],
      summary: "Messages that could not be used, newest first",
      querystring: z.strictObject({
        limit: z.coerce.number().int().min(1).max(1_000).default(50),
        code: z
          .string()
          .regex(/^[A-Z0-9_]{1,64}$/, "a reason such as TIME_WITHOUT_OFFSET")
          .optional(),
      }),
      response: { 200: z.object({ items: z.array(ItemView) }) },
    },
    handler: async ({ query: { limit, code } }) => {
      const entries = await parts.quarantine.list({ limit, ...(code === undefined ? {} : { code }) });
      const items = entries.map((entry) => ({ ...entry, at: iso(entry.at), receivedAt: iso(entry.receivedAt) }));
      return { items };
    },
  });

  app.route({
    method: "POST",
    url: "/quarantine/replay",
    config: { action: "quarantine.replay" },
    schema: {
      tags: ["quarantine"],
      summary: "Send messages through ingest again after their cause was mended",
      body: z.strictObject({ offsets: z.array(z.int().min(0)).min(1).max(1_000) }),
      response: { 200: z.object({ replayed: z.number() }) },
    },
    handler: async ({ principal, body }) => {
      const replayed = await parts.quarantine.replay(body.offsets);
      await parts.accounts.audit({
        at: parts.clock.now(),
        actor: principal.name,
        via: principal.via === "token" ? "api" : "web",
        action: "quarantine.replay",
        object: `${body.offsets.length} entries`,
        detail: `offsets ${body.offsets.slice(0, 20).join(" ")}; replayed ${replayed}`,
      });
      return { replayed };
    },
  });
}

function registerAudit(app: App, { parts }: Services): void {
  const EntryView = z.object({
    at: z.string(),
    actor: z.string(),
    via: z.string(),
    action: z.string(),
    object: z.string(),
    detail: z.string(),
  });
  app.route({
    method: "GET",
    url: "/audit",
    config: { action: "audit.read" },
    schema: {
      tags: ["audit"],
      summary: "Newest entries of the audit log",
      querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(1_000).default(100) }),
      response: { 200: z.object({ entries: z.array(EntryView) }) },
    },
    handler: async ({ query }) => {
      const entries = await parts.accounts.audits(query.limit);
      return { entries: entries.map((entry) => ({ ...entry, at: iso(entry.at) })) };
    },
  });
}
