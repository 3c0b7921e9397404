/**
 * The map file of `simulate` and `replay`: how the columns of somebody's CSV become readings of our stations.
 *
 * `shape: wide` has one column a quantity, `shape: long` one row a value. Station names of the source become ids by
 * replacing every character outside A-Z a-z 0-9 _ . - with "_"; two names that become one id are refused.
 */
import { IANAZone } from "luxon";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { Misconfigured } from "../core/errors.ts";
import { AGGREGATES, FRACTIONS } from "../core/reading.ts";
import { Duration, Id, MEDIA, STATION_TYPES } from "../core/site.ts";

const Zone = z
  .string()
  .refine(
    (zone) => /^[+-]\d{2}:\d{2}$/.test(zone) || IANAZone.isValidZone(zone),
    'an IANA zone such as "Asia/Shanghai", "UTC", or an offset such as "+08:00"',
  );

const Target = z.strictObject({
  quantity: z.string().regex(/^[a-z0-9_]{1,40}$/),
  unit: z.string().min(1),
  fraction: z.enum(FRACTIONS).optional(),
  agg: z.enum(AGGREGATES).optional(),
});

const common = {
  time: z.strictObject({ column: z.string().min(1), zone: Zone }),
  /** Replay only: when each row came in; without it a row came in when it was measured. */
  arrival: z.strictObject({ column: z.string().min(1), zone: Zone }).optional(),
  /** Cells that mean "no value": such a cell is no row. */
  missing: z.array(z.string()).default(["", "NaN"]),
  /** Used by `--provision` to make the stations that the file speaks of. */
  site: z
    .strictObject({
      id: Id.default("replay"),
      tenant: Id.default("replay"),
      medium: z.enum(MEDIA).default("groundwater"),
      type: z.enum(STATION_TYPES).default("basic"),
      lat: z.number().min(-90).max(90).default(0),
      lon: z.number().min(-180).max(180).default(0),
    })
    .prefault({}),
};

export const WideMap = z.strictObject({
  shape: z.literal("wide"),
  ...common,
  columns: z.record(z.string(), Target.extend({ station: Id, interval: Duration.optional() })),
});
export const LongMap = z.strictObject({
  shape: z.literal("long"),
  ...common,
  columns: z.strictObject({
    time: z.string().optional(),
    station: z.string(),
    quantity: z.string(),
    unit: z.string(),
    value: z.string(),
    censor: z.string().optional(),
    fraction: z.string().optional(),
  }),
  /** Source name → target; rows of other quantities are skipped and counted. */
  quantities: z.record(z.string(), Target),
  interval: Duration.optional(),
});
export const MapFile = z.discriminatedUnion("shape", [WideMap, LongMap]);
export type MapFile = z.infer<typeof MapFile>;

/** @throws Misconfigured `MAP_INVALID` naming every fault. */
export function parseMapFile(text: string, file: string): MapFile {
  let document: unknown;
  try {
    document = parseYaml(text);
  } catch (error) {
    throw new Misconfigured("MAP_INVALID", {
      what: (error as Error).message,
      where: file,
      mend: "write YAML as shown in simulators/README.md",
    });
  }
  const parsed = MapFile.safeParse(document);
  if (parsed.success) return parsed.data;
  throw new Misconfigured("MAP_INVALID", {
    what: z.prettifyError(parsed.error),
    where: file,
    mend: "compare with the example in simulators/README.md",
  });
}
