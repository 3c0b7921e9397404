/**
 * How a device names and writes what it sends when it does not speak telemetry v1. Part of the device in the registry;
 * every field may be left out.
 */
import { z } from "zod";
import { AGGREGATES, FRACTIONS } from "./reading.ts";

/** What a foreign name means here. `unit` where the message carries none; the value is multiplied by `factor` first. */
export const MappedQuantity = z.strictObject({
  quantity: z.string().regex(/^[a-z0-9_]{1,40}$/),
  unit: z.string().min(1).max(40).optional(),
  factor: z.number().positive().optional(),
  fraction: z.enum(FRACTIONS).optional(),
  aggregate: z.enum(AGGREGATES).optional(),
});
export type MappedQuantity = z.infer<typeof MappedQuantity>;

/**
 * HJ 212: the monitoring number (MN) that the 数采仪 sends, and how it departs from the edition it speaks. The edition is
 * taken from here, not from `Flag`: surface-water stations sent the 2025 version bits years before that edition.
 */
export const Hj212Profile = z.strictObject({
  mn: z.string().regex(/^[\x21-\x25\x27-\x3a\x3c-\x7e]{1,40}$/, "1 to 40 printable characters without ; and &"),
  edition: z.enum(["2005", "2017", "2025"]).default("2017"),
  crc: z.enum(["hj212", "modbus-be", "modbus-le"]).default("hj212"),
  /** System code that our commands carry; the one the device last sent when left out. */
  st: z
    .string()
    .regex(/^[0-9A-Z]{2,3}$/)
    .optional(),
  /** IANA zone of its times, which carry none. */
  zone: z.string().min(1).max(64).default("Asia/Shanghai"),
});
export type Hj212Profile = z.infer<typeof Hj212Profile>;

export const LorawanProfile = z.strictObject({
  devEui: z
    .string()
    .regex(/^[0-9A-Fa-f]{16}$/, "16 hexadecimal digits")
    .transform((eui) => eui.toUpperCase()),
  /** Where the values are: in the server's decoded object, or in Cayenne LPP bytes. */
  payload: z.enum(["object", "cayenne"]).default("object"),
  /** Dotted path of the measuring time (RFC 3339 or Unix seconds or ms) in the decoded object. */
  timePath: z.string().min(1).max(128).optional(),
});
export type LorawanProfile = z.infer<typeof LorawanProfile>;

const SparkplugId = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[^+/#\p{Cc}]+$/u, "no + / # and no control characters");
/** Sparkplug B 3.0: group, edge node and, for a device behind it, its device id. */
export const SparkplugProfile = z.strictObject({
  group: SparkplugId,
  edge: SparkplugId,
  device: SparkplugId.optional(),
});
export type SparkplugProfile = z.infer<typeof SparkplugProfile>;

export const DeviceProfile = z.strictObject({
  /** Foreign name (SenML name, metric, JSON path, HJ 212 code) → what it is here. Names not listed are looked up as they are. */
  map: z.record(z.string().min(1).max(128), MappedQuantity).optional(),
  hj212: Hj212Profile.optional(),
  lorawan: LorawanProfile.optional(),
  sparkplug: SparkplugProfile.optional(),
});
export type DeviceProfile = z.infer<typeof DeviceProfile>;
