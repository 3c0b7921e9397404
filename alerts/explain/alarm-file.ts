/**
 * Reads an alarm out of a JSON text: the alarm itself, an event of stream `alarms`, or the API's answer to
 * `/alarms/{id}`, whose `record` it is. Checks the form only; whether it is true is verify.ts's business.
 */
import { z } from "zod";
import { ALARM_CATEGORIES, ALARM_STATES, type Alarm, LEVELS } from "../../core/alarm.ts";

const Cmp = z.enum(["", "<", ">"]);
const Passes = z.enum(["<=", ">=", "<", ">"]);
const Reading = z.object({
  time: z.number(),
  value: z.number().nullable(),
  cmp: Cmp,
  flag: z.number(),
  qualifier: z.string().length(1),
  device: z.string(),
  boot: z.string(),
  seq: z.number(),
  receivedAt: z.number(),
});
const Computation = z.object({
  kind: z.string(),
  memory: z.unknown(),
  // JSON has no NaN and no infinity: they come back as null.
  figures: z.record(
    z.string(),
    z
      .number()
      .nullable()
      .transform((value) => value ?? Number.NaN),
  ),
  context: z.unknown(),
  members: z
    .array(z.object({ series: z.string(), unit: z.string(), contributes: z.number(), readings: z.array(Reading) }))
    .nullable(),
});
const Evidence = z.object({
  readings: z.array(Reading),
  unit: z.string(),
  limit: z.number().nullable(),
  passes: Passes.nullable(),
  pack: z.string().nullable(),
  packVersion: z.number().nullable().exactOptional(),
  clause: z.string().nullable(),
  confidence: z.string().nullable(),
  ruleVersion: z.number(),
  rule: z.unknown(),
  bounds: z.array(z.object({ limit: z.number(), passes: Passes })).exactOptional(),
  worst: Reading.exactOptional(),
  confirmedBy: Reading.exactOptional(),
  computation: Computation.exactOptional(),
});
const AlarmRecord = z.object({
  id: z.string(),
  rule: z.string(),
  category: z.enum(ALARM_CATEGORIES),
  level: z.enum(LEVELS),
  state: z.enum(ALARM_STATES),
  verified: z.boolean(),
  tenant: z.string(),
  site: z.string(),
  station: z.string(),
  series: z.string(),
  quantity: z.string(),
  value: z.number().nullable(),
  valueTime: z.number(),
  cmp: Cmp,
  start: z.number(),
  end: z.number().nullable(),
  lateMs: z.number(),
  backfill: z.boolean(),
  raisedAt: z.number(),
  updatedAt: z.number(),
  acknowledgedAt: z.number().nullable(),
  acknowledgedBy: z.string().nullable(),
  acknowledgedVia: z.string().nullable(),
  supersededBy: z.string().nullable(),
  advice: z.union([z.string(), z.object({ "zh-CN": z.string(), en: z.string() })]).nullable(),
  evidence: Evidence,
}) satisfies z.ZodType<Alarm>;

/** @returns the alarm, or what is wrong with the text. */
export function readAlarm(text: string): { readonly alarm: Alarm } | { readonly fault: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { fault: `not JSON: ${(error as Error).message}` };
  }
  const holder = z.looseObject({ record: z.unknown().optional(), alarm: z.unknown().optional() }).safeParse(json).data;
  const found = AlarmRecord.safeParse(holder?.record ?? holder?.alarm ?? json);
  return found.success ? { alarm: found.data } : { fault: z.prettifyError(found.error) };
}
