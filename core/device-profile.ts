/**
 * How a device names and writes what it sends when it does not speak telemetry v1. Part of the device in the registry;
 * every field may be left out.
 */
import { z } from "zod";
import { COMMAND_OPS } from "./command-ops.ts";
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
  /** What is asked for when history is missing: 2051, 2061 or 2031. By interval and length of the hole when left out. */
  history: z.enum(["minute", "hour", "day"]).optional(),
});
export type Hj212Profile = z.infer<typeof Hj212Profile>;

/** One level of a topic. */
const TopicLevel = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^+#/\p{Cc}]+$/u, "no + # / and no control characters");

const HEX_TEMPLATE = /^(?:[0-9A-Fa-f]{2}|\{(?:seconds|minutes|now|from|to):(?:u8|u16le|u16be|u32le|u32be)\})+$/;

/**
 * How a command is written for one kind of node. `hex`: bytes, with `{seconds:u16le}` and the like in between; `now`, `from`
 * and `to` are Unix seconds. `object`: what the server's own payload formatter encodes; `"{seconds}"` stands for the number.
 */
export const LorawanCommand = z
  .strictObject({
    fPort: z.int().min(1).max(223),
    hex: z
      .string()
      .max(1_000)
      .regex(HEX_TEMPLATE, "hex digits in pairs and {NAME:u8|u16le|u16be|u32le|u32be}")
      .optional(),
    object: z.record(z.string().min(1).max(64), z.union([z.number(), z.boolean(), z.string().max(256)])).optional(),
    /** The node acknowledges the frame, so that its arrival is known; costs airtime. */
    confirmed: z.boolean().optional(),
  })
  .refine(({ hex, object }) => (hex === undefined) !== (object === undefined), "either hex or object");
export type LorawanCommand = z.infer<typeof LorawanCommand>;

const LorawanCommands = z.partialRecord(z.enum(COMMAND_OPS), LorawanCommand);

/** Where the network server takes downlinks, and which commands the node knows. */
export const LorawanDownlink = z.discriminatedUnion("server", [
  z.strictObject({ server: z.literal("chirpstack"), application: TopicLevel, commands: LorawanCommands }),
  /** `application` with its tenant (`app1@ttn`) as in the topics; `device`: the server's device id. */
  z.strictObject({
    server: z.literal("tts"),
    application: TopicLevel,
    device: TopicLevel,
    commands: LorawanCommands,
  }),
]);
export type LorawanDownlink = z.infer<typeof LorawanDownlink>;

export const LorawanProfile = z.strictObject({
  devEui: z
    .string()
    .regex(/^[0-9A-Fa-f]{16}$/, "16 hexadecimal digits")
    .transform((eui) => eui.toUpperCase()),
  /** Where the values are: in the server's decoded object, or in Cayenne LPP bytes. */
  payload: z.enum(["object", "cayenne"]).default("object"),
  /** Dotted path of the measuring time (RFC 3339 or Unix seconds or ms) in the decoded object. */
  timePath: z.string().min(1).max(128).optional(),
  downlink: LorawanDownlink.optional(),
});
export type LorawanProfile = z.infer<typeof LorawanProfile>;

const SparkplugId = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[^+/#\p{Cc}]+$/u, "no + / # and no control characters");
export const SPARKPLUG_TYPES_WRITTEN = [
  "Int8",
  "Int16",
  "Int32",
  "Int64",
  "UInt8",
  "UInt16",
  "UInt32",
  "UInt64",
  "Float",
  "Double",
  "Boolean",
  "String",
  "DateTime",
] as const;

/**
 * The metric that a command writes. `value` as it is; without one, the command's own: seconds of `setInterval`, the time in
 * ms of `timeSync`, each times `factor`; true for the others.
 */
export const SparkplugCommand = z.strictObject({
  metric: z.string().min(1).max(128),
  type: z.enum(SPARKPLUG_TYPES_WRITTEN),
  value: z.union([z.number(), z.boolean(), z.string().max(256)]).optional(),
  factor: z.number().positive().optional(),
  /** Of the edge node (NCMD) or of the device itself (DCMD), which is meant for a device behind one when left out. */
  of: z.enum(["node", "device"]).optional(),
});
export type SparkplugCommand = z.infer<typeof SparkplugCommand>;

/** Sparkplug B 3.0: group, edge node and, for a device behind it, its device id. */
export const SparkplugProfile = z.strictObject({
  group: SparkplugId,
  edge: SparkplugId,
  device: SparkplugId.optional(),
  commands: z.partialRecord(z.enum(COMMAND_OPS), SparkplugCommand).optional(),
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
