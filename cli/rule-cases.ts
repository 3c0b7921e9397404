/**
 * Tests of rules (`*.test.yaml`): some places, some readings, and the alarms that they must raise, on the very engine
 * with a clock of its own. The form is described in alerts/rules/README.md.
 */
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { LEVELS } from "../core/alarm.ts";
import { Misconfigured } from "../core/errors.ts";
import { AGGREGATES, FRACTIONS, QUALIFIERS } from "../core/reading.ts";
import { Rule } from "../core/rule.ts";
import { Device, Duration, Site, Station } from "../core/site.ts";

/** "+3h" after the case's `from`, or an instant. */
const When = z.union([
  z
    .string()
    .regex(/^\+/)
    .transform((text, context) => {
      const parsed = Duration.safeParse(text.slice(1));
      if (parsed.success) return { after: parsed.data };
      context.addIssue({ code: "custom", message: 'a time such as "+3h" after `from`, or 2026-03-15T00:00Z' });
      return z.NEVER;
    }),
  z.iso.datetime({ offset: true, local: false }).transform((text) => ({ at: Date.parse(text) })),
  z.iso.datetime({ precision: -1, offset: true }).transform((text) => ({ at: Date.parse(text) })),
]);
export type When = z.infer<typeof When>;

/** A number, a censored one such as "<0.5", or null for a reading that did not come. */
const Value = z.union([z.number(), z.string().regex(/^[<>]\s*-?\d+(\.\d+)?(e-?\d+)?$/i), z.null()]);

const Part = z.union([
  z.strictObject({ values: z.array(Value).min(1) }),
  z.strictObject({ steady: Value, for: Duration, noise: z.number().positive().optional() }),
  z.strictObject({ ramp: z.tuple([z.number(), z.number()]), for: Duration, noise: z.number().positive().optional() }),
  z.strictObject({ gap: Duration }),
]);
export type Part = z.infer<typeof Part>;

export const CaseReadings = z
  .strictObject({
    station: z.string().default("station"),
    quantity: z.string(),
    unit: z.string(),
    fraction: z.enum(FRACTIONS).default("total"),
    agg: z.enum(AGGREGATES).default("rtd"),
    every: Duration.prefault("1h"),
    start: When.prefault("+0s"),
    qualifier: z.enum(QUALIFIERS).default("N"),
    seed: z.int().default(1),
    values: z.array(Value).min(1).optional(),
    parts: z.array(Part).min(1).optional(),
  })
  .refine((series) => (series.values === undefined) !== (series.parts === undefined), "give either values or parts");
export type CaseReadings = z.infer<typeof CaseReadings>;

const Expected = z.strictObject({
  rule: z.string(),
  /** `quantity` of the only station, or a whole series key. */
  series: z.string(),
  level: z.enum(LEVELS),
  start: When,
  /** Null: still running at the end. */
  end: When.nullable(),
  within: Duration.prefault("0s"),
});
export type Expected = z.infer<typeof Expected>;

/** Loose on purpose: what is left out has a usual value, so that a case shows what matters to it. */
const loose = { id: z.string(), tenant: z.string(), site: z.string(), kind: z.string() };
const Places = z.looseObject({ ...loose }).partial();

export const RuleCase = z.strictObject({
  name: z.string().min(1),
  /** For rules that the case brings along, e.g. examples of a file whose rules stand in comments. */
  rules: z.array(Rule).default([]),
  /** Ids of rules that are switched off in their file and are on for this case. */
  enable: z.array(z.string()).default([]),
  site: Places.default({}),
  sites: z.array(Places).optional(),
  station: Places.default({}),
  stations: z.array(Places).optional(),
  devices: z.array(Device).default([]),
  from: When.prefault("2026-03-15T00:00:00Z"),
  /** How long the clock runs; to the last reading when left out. */
  until: When.optional(),
  readings: z.array(CaseReadings).default([]),
  expect: z.array(Expected),
});
export type RuleCase = z.infer<typeof RuleCase>;

/** @throws Misconfigured `RULE_TEST_INVALID` naming every fault. */
export function parseRuleCases(text: string, file: string): RuleCase[] {
  let written: unknown;
  try {
    written = parseYaml(text);
  } catch (error) {
    throw invalid(file, (error as Error).message);
  }
  const parsed = z.array(RuleCase).safeParse(written);
  if (parsed.success) return parsed.data;
  throw invalid(file, z.prettifyError(parsed.error));
}

/** Sites and stations with usual values where the case is silent. @throws Misconfigured `RULE_TEST_INVALID`. */
export function placesOf(written: RuleCase, file: string): { sites: Site[]; stations: Station[] } {
  const site = { id: "site", tenant: "tenant", kind: "industrial-park", area: "000000", name: "site", lat: 0, lon: 0 };
  const station = { id: "station", site: "site", medium: "groundwater" };
  const sites = z.array(Site).safeParse((written.sites ?? [written.site]).map((each) => ({ ...site, ...each })));
  const stations = z
    .array(Station)
    .safeParse((written.stations ?? [written.station]).map((each) => ({ ...station, ...each })));
  const fault = sites.error ?? stations.error;
  if (!sites.success || !stations.success)
    throw invalid(file, `${written.name}: ${fault ? z.prettifyError(fault) : ""}`);
  return { sites: sites.data, stations: stations.data };
}

function invalid(file: string, what: string): Misconfigured {
  return new Misconfigured("RULE_TEST_INVALID", { what, where: file, mend: "compare with alerts/rules/README.md" });
}
