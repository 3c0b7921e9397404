/** Every MQTT channel of the server as the AsyncAPI document names it: address, direction, payload. Pure tables. */
import { z } from "zod";
import { ALARM_STATES, LEVELS } from "./alarm.ts";
import { CommandAck, CommandMessage, ConfigMessage, DeviceState } from "./command.ts";
import { CHIRPSTACK_EVENTS, SPARKPLUG_TYPES, THINGSBOARD_ATTRIBUTES, THINGSBOARD_TELEMETRY } from "./foreign-topics.ts";
import { CurrentValues, ShortTelemetry, Telemetry, TOPIC_ROOT } from "./wire.ts";

/** Payload of an alarm topic, as alerts/publish.ts sends it. */
export const AlarmPayload = z.strictObject({
  id: z.string(),
  rule: z.string(),
  level: z.enum(LEVELS),
  state: z.enum(ALARM_STATES),
  verified: z.boolean(),
  series: z.string(),
  value: z.number().nullable().describe("null for alarms over several series, whose value is a score"),
  cmp: z.enum(["", "<", ">"]),
  unit: z.string(),
  limit: z.number().nullable(),
  clause: z.string().nullable(),
  start: z.number().describe("data time, ms since 1970 UTC"),
  end: z.number().nullable(),
  lateMs: z.number(),
  updated: z.number(),
});

export interface Channel {
  readonly address: string;
  /** The server's: it receives what devices publish. `none` may be subscribed, and nothing is published on it. */
  readonly action: "receive" | "send" | "none";
  readonly title: string;
  readonly summary: string;
  /** JSON when left out. */
  readonly contentType?: string;
  readonly schema: z.ZodType;
  readonly qos?: 0;
  readonly retain?: true;
  /** Values that a parameter of the address may have. */
  readonly parameters?: Readonly<Record<string, readonly string[]>>;
}

const DEVICE = `${TOPIC_ROOT}/{tenant}/{site}/{station}/{device}`;
const ALARM = "{site}/{station}/{rule}/{quantity}";
const PROTOBUF = "application/vnd.google.protobuf";
const Anything = z.unknown().describe("kept in the journal as it is; no readings are taken from it");
const SparkplugPayload = z.string().describe("org.eclipse.tahu.protobuf.Payload of Sparkplug B 3.0");
const DEV_EUI = /^[0-9A-Fa-f]{16}$/;

/** RFC 8428: records with base fields. `n` is a name of the device's `map`, or one of our quantities. */
const Senml = z.array(
  z.looseObject({
    bn: z.string().optional(),
    bt: z.number().optional().describe("Unix seconds"),
    n: z.string().optional(),
    u: z.string().optional(),
    v: z.number().optional(),
    t: z.number().optional().describe("Unix seconds, added to bt"),
  }),
);
const ChirpstackEvent = z.looseObject({ deviceInfo: z.looseObject({ devEui: z.string().regex(DEV_EUI) }) });
const TtsMessage = z.looseObject({
  end_device_ids: z.looseObject({ device_id: z.string().optional(), dev_eui: z.string().optional() }),
});
const Values = z.record(z.string(), z.unknown());
const ThingsboardValues = z.union([Values, z.array(Values)]).describe("{name: value}, {ts, values}, or a list of them");

/** Below the device's own prefix, with its own account. */
const OF_DEVICES: Readonly<Record<string, Channel>> = {
  telemetry: {
    ...{ address: `${DEVICE}/telemetry`, action: "receive", schema: z.union([Telemetry, ShortTelemetry]) },
    title: "Readings",
    summary: "Telemetry v1 or the short form; the PUBACK follows the fsync. De-duplicated by (device, boot, seq).",
  },
  senml: {
    ...{ address: `${DEVICE}/senml`, action: "receive", contentType: "application/senml+json", schema: Senml },
    title: "Readings as SenML JSON",
    summary: "RFC 8428; the device's map says what each name means.",
  },
  hj212: {
    ...{ address: `${DEVICE}/hj212`, action: "receive", contentType: "text/plain" },
    schema: z.string().describe("whole frames: ##, four digits, data segment, CRC, CR LF"),
    title: "HJ 212 frames",
    summary: "One or more frames; the PUBACK stands for 9014.",
  },
  cayenne: {
    ...{ address: `${DEVICE}/cayenne`, action: "receive", contentType: "application/octet-stream" },
    schema: z.string().describe("channel, type, value, repeated"),
    title: "Readings as Cayenne LPP",
    summary: "The device's map says what each channel means.",
  },
  state: {
    ...{ address: `${DEVICE}/state`, action: "receive", retain: true, schema: DeviceState },
    title: "Presence of a device",
    summary: "Retained, and the will of its connection.",
  },
  info: {
    ...{ address: `${DEVICE}/info`, action: "receive", retain: true, schema: Anything },
    title: "What a device says of itself",
    summary: "Acknowledged and kept, retained, not interpreted.",
  },
  event: {
    ...{ address: `${DEVICE}/event`, action: "receive", schema: Anything },
    title: "Event of a device",
    summary: "Acknowledged and kept, not interpreted.",
  },
  commandAck: {
    ...{ address: `${DEVICE}/cmd/ack`, action: "receive", schema: CommandAck },
    title: "Answer to a command",
    summary: "accepted first, then done or failed; unsupported or expired instead.",
  },
  command: {
    ...{ address: `${DEVICE}/cmd`, action: "send", schema: CommandMessage },
    title: "Command to a device",
    summary: "Sent once the device has subscribed; again with the same id while no answer comes.",
  },
  config: {
    ...{ address: `${DEVICE}/cfg`, action: "send", retain: true, schema: ConfigMessage },
    title: "Desired settings",
    summary: "The device reports the version it works by as cfg in its state.",
  },
  ack: {
    ...{ address: `${DEVICE}/ack`, action: "none", schema: Anything },
    title: "Reserved",
    summary: "A device may subscribe to it; this version publishes nothing on it.",
  },
};

/** For consumers, which only read. */
const OF_CONSUMERS: Readonly<Record<string, Channel>> = {
  current: {
    ...{ address: `${TOPIC_ROOT}/{tenant}/current/{site}/{station}/{device}`, action: "send" },
    ...{ retain: true, schema: CurrentValues },
    title: "Newest values of a device",
    summary: "At most one message a device every five seconds, when something has changed.",
  },
  alarm: {
    ...{ address: `${TOPIC_ROOT}/{tenant}/alerts/${ALARM}`, action: "send", retain: true, schema: AlarmPayload },
    title: "State of an alarm",
    summary: "Empty and retained once the alarm is over and done with.",
  },
  alarmLog: {
    ...{ address: `${TOPIC_ROOT}/{tenant}/alerts-log/${ALARM}`, action: "send", schema: AlarmPayload },
    title: "Transition of an alarm",
    summary: "Every one, in order.",
  },
};

const ofDevices = (type: string): boolean => type.startsWith("D");
/** Topics of other worlds, taken as they are (foreign-topics.ts). */
const FOREIGN: Readonly<Record<string, Channel>> = {
  sparkplugNode: {
    ...{ address: "spBv1.0/{group}/{type}/{edge}", action: "receive", contentType: PROTOBUF, schema: SparkplugPayload },
    parameters: { type: SPARKPLUG_TYPES.filter((type) => !ofDevices(type)) },
    title: "Sparkplug B of an edge node",
    summary: "Only from the account of the edge node.",
  },
  sparkplugDevice: {
    ...{ address: "spBv1.0/{group}/{type}/{edge}/{device}", action: "receive", contentType: PROTOBUF },
    ...{ schema: SparkplugPayload, parameters: { type: SPARKPLUG_TYPES.filter(ofDevices) } },
    title: "Sparkplug B of a device behind an edge node",
    summary: "Names and aliases as in its birth.",
  },
  sparkplugNodeCommand: {
    ...{
      address: "spBv1.0/{group}/NCMD/{edge}",
      action: "send",
      contentType: PROTOBUF,
      schema: SparkplugPayload,
      qos: 0,
    },
    title: "Sparkplug B command to an edge node",
    summary: "Rebirth after a gap, and commands.",
  },
  sparkplugDeviceCommand: {
    ...{ address: "spBv1.0/{group}/DCMD/{edge}/{device}", action: "send", contentType: PROTOBUF, qos: 0 },
    ...{ schema: SparkplugPayload },
    title: "Sparkplug B command to a device behind an edge node",
    summary: "Only metrics that its birth named.",
  },
  sparkplugState: {
    ...{ address: "spBv1.0/STATE/{host}", action: "send", retain: true },
    schema: z.strictObject({ online: z.boolean(), timestamp: z.int() }),
    title: "Sparkplug B, state of the host",
    summary: "Online at start, offline at a clean stop.",
  },
  chirpstackEvent: {
    ...{ address: "application/{application}/device/{devEui}/event/{event}", action: "receive" },
    ...{ schema: ChirpstackEvent, parameters: { event: CHIRPSTACK_EVENTS } },
    title: "ChirpStack v4, event of a LoRaWAN device",
    summary: "JSON marshaler. up holds readings, status the battery, ack, txack and log what became of commands.",
  },
  chirpstackCommand: {
    ...{ address: "application/{application}/device/{devEui}/command/down", action: "send" },
    schema: z.looseObject({ devEui: z.string(), fPort: z.int(), confirmed: z.boolean().optional() }),
    title: "ChirpStack v4, downlink",
    summary: "As the device's profile writes the command.",
  },
  ttsEvent: {
    ...{ address: "v3/{application}/devices/{device}/{event}", action: "receive", schema: TtsMessage },
    parameters: { event: ["up", "join"] },
    title: "The Things Stack v3, uplink or join",
    summary: "up holds readings.",
  },
  ttsDownlinkEvent: {
    ...{ address: "v3/{application}/devices/{device}/down/{event}", action: "receive", schema: TtsMessage },
    parameters: { event: ["queued", "sent", "ack", "nack", "failed"] },
    title: "The Things Stack v3, what became of a downlink",
    summary: "Told by its correlation id.",
  },
  ttsServiceData: {
    ...{ address: "v3/{application}/devices/{device}/service/data", action: "receive", schema: TtsMessage },
    title: "The Things Stack v3, service data",
    summary: "Kept; no readings are taken from it.",
  },
  ttsLocation: {
    ...{ address: "v3/{application}/devices/{device}/location/solved", action: "receive", schema: TtsMessage },
    title: "The Things Stack v3, location",
    summary: "Kept; no readings are taken from it.",
  },
  ttsCommand: {
    ...{ address: "v3/{application}/devices/{device}/down/push", action: "send" },
    schema: z.looseObject({ downlinks: z.array(z.looseObject({ f_port: z.int() })) }),
    title: "The Things Stack v3, downlink",
    summary: "As the device's profile writes the command.",
  },
  thingsboardTelemetry: {
    ...{ address: THINGSBOARD_TELEMETRY, action: "receive", schema: ThingsboardValues },
    title: "ThingsBoard device API, readings",
    summary: "The connection is the device; ts in Unix milliseconds.",
  },
  thingsboardAttributes: {
    ...{ address: THINGSBOARD_ATTRIBUTES, action: "receive", schema: Values },
    title: "ThingsBoard device API, attributes",
    summary: "Kept; no readings are taken from them.",
  },
};

export const CHANNELS: Readonly<Record<string, Channel>> = { ...OF_DEVICES, ...OF_CONSUMERS, ...FOREIGN };
