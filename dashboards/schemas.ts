/** Shapes of the answers, as zod schemas: they filter what leaves the server and make the OpenAPI document. */
import { z } from "zod";
import { ALARM_CATEGORIES, ALARM_EVENT_KINDS, ALARM_STATES, LEVELS } from "../core/alarm.ts";
import { JUDGEMENTS, STEP_KINDS } from "../core/explanation.ts";
import { CONTROL_LEVELS, Id, LAND_USES, MEDIA, ROLES, SITE_KINDS, STATION_TYPES, WATER_CLASSES } from "../core/site.ts";

export const Problem = z.object({
  code: z.string(),
  what: z.string(),
  where: z.string().optional(),
  mend: z.string().optional(),
  issues: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

const Time = z.string().describe("ISO 8601 UTC");
const Text = z.union([z.string(), z.object({ "zh-CN": z.string(), en: z.string() })]);
export const Comparison = z.enum(["", "<", ">"]);
const Level = z.enum(LEVELS);
export const StationId = z.strictObject({ id: Id });
export const AlarmId = z.strictObject({ id: z.string().regex(/^[\w.:/-]{1,64}$/, "an alarm id") });
export const QuantityId = z.string().regex(/^[a-z0-9_]{1,40}$/, "a quantity id");
export const Quantities = z.record(z.string(), z.object({ "zh-CN": z.string(), en: z.string() }));

export const SessionView = z.object({
  name: z.string(),
  role: z.enum([...ROLES, "public"]),
  tenant: z.string().nullable(),
  via: z.enum(["session", "token", "none"]),
  csrf: z.string().nullable(),
  expiresAt: Time,
  idleMs: z.number(),
  version: z.string(),
  may: z.array(z.string()),
});

/** What to draw for a place. `stale` may also stand beside `exceed` and `warning`, as its own field. */
const PLACE_STATES = ["exceed", "warning", "stale", "normal", "idle"] as const;
export type PlaceState = (typeof PLACE_STATES)[number];

export const SiteView = z.object({
  id: z.string(),
  tenant: z.string(),
  kind: z.enum(SITE_KINDS),
  area: z.string(),
  name: Text,
  lat: z.number(),
  lon: z.number(),
  stations: z.number(),
  state: z.enum(PLACE_STATES),
  level: Level.nullable(),
  openAlarms: z.number(),
});
export type SiteView = z.infer<typeof SiteView>;

export const LatestView = z.object({
  series: z.string(),
  quantity: z.string(),
  fraction: z.string(),
  agg: z.string(),
  value: z.number().nullable(),
  cmp: Comparison,
  unit: z.string(),
  time: Time,
  ageMs: z.number(),
  stale: z.boolean(),
  flag: z.number(),
  qualifier: z.string(),
});
export type LatestView = z.infer<typeof LatestView>;

export const StationView = z.object({
  id: z.string(),
  site: z.string(),
  siteName: Text,
  tenant: z.string(),
  name: Text,
  medium: z.enum(MEDIA),
  type: z.enum(STATION_TYPES),
  control: z.enum(CONTROL_LEVELS),
  land: z.enum(LAND_USES).optional(),
  crop: z.string().optional(),
  targetClass: z.enum(WATER_CLASSES).optional(),
  ph: z.number().optional(),
  lat: z.number(),
  lon: z.number(),
  state: z.enum(PLACE_STATES),
  level: Level.nullable(),
  openAlarms: z.number(),
  stale: z.boolean(),
  intervalMs: z.number().nullable(),
  newestAt: Time.nullable(),
  measures: z.array(z.string()),
  latest: z.array(LatestView),
});
export type StationView = z.infer<typeof StationView>;

export const LimitView = z.object({
  pack: z.string(),
  above: z.string(),
  value: z.number(),
  unit: z.string(),
  passes: z.enum(["<=", ">=", "<", ">"]),
  standard: z.string(),
  clause: z.string(),
  confidence: z.string(),
  enforceable: z.boolean(),
});

const RawColumns = z.object({
  times: z.array(z.number()),
  values: z.array(z.number().nullable()),
  cmp: z.array(Comparison),
  flag: z.array(z.number()),
  qualifier: z.array(z.string()),
});
export type RawColumns = z.infer<typeof RawColumns>;
const BucketColumns = z.object({
  times: z.array(z.number()),
  count: z.array(z.number()),
  min: z.array(z.number().nullable()),
  max: z.array(z.number().nullable()),
  mean: z.array(z.number().nullable()),
  censored: z.array(z.number()),
  flag: z.array(z.number()),
});
export type BucketColumns = z.infer<typeof BucketColumns>;
export const ReadingsView = z.object({
  series: z.string(),
  unit: z.string(),
  from: Time,
  to: Time,
  bucket: z.string().describe('"raw" or the step, e.g. "1h"'),
  next: z.number().nullable().describe("ms to ask from for the rest"),
  columns: z.union([RawColumns, BucketColumns]),
});

const BothTexts = z.object({ "zh-CN": z.string(), en: z.string() });

export const AlarmView = z.object({
  id: z.string(),
  rule: z.string(),
  category: z.enum(ALARM_CATEGORIES),
  level: Level,
  state: z.enum(ALARM_STATES),
  verified: z.boolean(),
  tenant: z.string(),
  site: z.string(),
  siteName: Text,
  station: z.string(),
  stationName: Text,
  series: z.string(),
  quantity: z.string(),
  fraction: z.string(),
  agg: z.string(),
  kind: z.string().describe("kind of the rule; of built-in alarms their category"),
  what: BothTexts.nullable().describe("what happened, in a sentence; null where value and limit say it"),
  members: z.array(z.string()).describe("contributing series of an alarm over several, the greatest first"),
  value: z.number().nullable().describe("null for alarms over several series, whose value is a score"),
  cmp: Comparison,
  unit: z.string(),
  valueTime: Time,
  limit: z.number().nullable(),
  passes: z.enum(["<=", ">=", "<", ">"]).nullable(),
  pack: z.string().nullable(),
  clause: z.string().nullable(),
  start: Time,
  end: Time.nullable(),
  lateMs: z.number(),
  backfill: z.boolean(),
  raisedAt: Time,
  updatedAt: Time,
  acknowledgedAt: Time.nullable(),
  acknowledgedBy: z.string().nullable(),
  acknowledgedVia: z.string().nullable(),
  supersededBy: z.string().nullable(),
  advice: Text.nullable(),
});
export type AlarmView = z.infer<typeof AlarmView>;

const ExplanationView = z.object({
  alarm: z.string(),
  rule: z.object({ id: z.string(), kind: z.string(), version: z.number() }),
  limit: z
    .object({
      value: z.number(),
      passes: z.enum(["<=", ">=", "<", ">"]),
      unit: z.string(),
      pack: z.string().nullable(),
      packVersion: z.number().nullable(),
      clause: z.string().nullable(),
      confidence: z.string().nullable(),
    })
    .nullable(),
  readings: z.array(
    z.object({
      time: Time,
      value: z.number().nullable(),
      cmp: Comparison,
      flag: z.number(),
      qualifier: z.string(),
      device: z.string(),
      judgement: z.enum(JUDGEMENTS).nullable(),
    }),
  ),
  figures: z.record(z.string(), z.number()),
  steps: z.array(BothTexts.extend({ kind: z.enum(STEP_KINDS) })),
  verdict: BothTexts,
  text: BothTexts,
});

export const AlarmDetail = z.object({
  alarm: AlarmView,
  evidence: z.object({
    readings: z.array(
      z.object({
        time: Time,
        value: z.number().nullable(),
        cmp: Comparison,
        flag: z.number(),
        qualifier: z.string(),
        device: z.string(),
        receivedAt: Time,
      }),
    ),
    ruleVersion: z.number(),
    confidence: z.string().nullable(),
  }),
  history: z.array(
    z.object({
      id: z.string(),
      kind: z.enum(ALARM_EVENT_KINDS),
      at: Time,
      by: z.string().nullable(),
      via: z.string().nullable(),
      note: z.string().nullable(),
      level: Level,
      state: z.enum(ALARM_STATES),
      value: z.number().nullable(),
      cmp: Comparison,
    }),
  ),
  deliveries: z.array(
    z.object({
      outlet: z.string(),
      event: z.string(),
      state: z.enum(["queued", "sent", "given-up"]),
      tries: z.number(),
      at: Time.nullable(),
      dueAt: Time,
      detail: z.string(),
    }),
  ),
  quantities: Quantities,
  explanation: ExplanationView.describe("How it came about, step by step"),
  record: z.record(z.string(), z.unknown()).describe("The alarm as it was frozen: what `jingtu verify` computes again"),
});
export type AlarmDetail = z.infer<typeof AlarmDetail>;
