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
        before: z.coerce.number().int().min(0).optional(),
        limit: z.coerce.number().int().min(1).max(500).default(50),
      }),
      response: { 200: z.object({ items: z.array(ItemView), before: z.number().nullable() }) },
    },
    handler: async ({ query }) => {
      const page = await parts.quarantine.list({ before: query.before ?? null, limit: query.limit });
      const items = page.items.map(({ offset, at, receivedAt, device, topic, code, detail, readings, payload }) => ({
        offset,
        at: iso(at),
        receivedAt: iso(receivedAt),
        device,
        topic,
        code,
        detail,
        readings,
        payloadBytes: Buffer.byteLength(payload, "base64"),
      }));
      return { items, before: page.before };
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
      response: { 200: z.object({ replayed: z.number(), missing: z.array(z.number()) }) },
    },
    handler: async ({ principal, body }) => {
      const { replayed, missing } = await parts.quarantine.replay(body.offsets, principal.name);
      await parts.accounts.audit({
        at: parts.clock.now(),
        actor: principal.name,
        via: principal.via === "token" ? "api" : "web",
        action: "quarantine.replay",
        object: `${body.offsets.length} messages`,
        detail: `replayed ${replayed}, missing ${missing.length}`,
      });
      return { replayed, missing: [...missing] };
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
