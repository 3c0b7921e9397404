/**
 * The MQTT interface as an AsyncAPI 3.0 document, made from the schemas that the program itself parses with. Actions are
 * this program's: it receives telemetry and sends commands. Pure.
 */
import { z } from "zod";
import { ALARM_STATES, LEVELS } from "./alarm.ts";
import { CommandAck, CommandMessage, ConfigMessage, DeviceState } from "./command.ts";
import { CurrentValues, ShortTelemetry, Telemetry, TOPIC_ROOT } from "./wire.ts";

/** Payload of an alarm topic, as alerts/publish.ts sends it. */
export const AlarmPayload = z.strictObject({
  id: z.string(),
  rule: z.string(),
  level: z.enum(LEVELS),
  state: z.enum(ALARM_STATES),
  verified: z.boolean(),
  series: z.string(),
  value: z.number().nullable(),
  cmp: z.enum(["", "<", ">"]),
  unit: z.string(),
  limit: z.number().nullable(),
  clause: z.string().nullable(),
  start: z.number().describe("data time, ms since 1970 UTC"),
  end: z.number().nullable(),
  lateMs: z.number(),
  updated: z.number(),
});

interface Channel {
  readonly key: string;
  readonly address: string;
  readonly action: "receive" | "send";
  readonly retain: boolean;
  readonly schema: z.ZodType;
  readonly title: string;
  readonly summary: string;
}

const DEVICE = `${TOPIC_ROOT}/{tenant}/{site}/{station}/{device}`;
const ALARM = "{site}/{station}/{rule}/{quantity}";
const CHANNELS: readonly Channel[] = [
  {
    ...{ key: "telemetry", address: `${DEVICE}/telemetry`, action: "receive", retain: false },
    schema: z.union([Telemetry, ShortTelemetry]),
    title: "Readings",
    summary: "Telemetry v1 or the short form; the PUBACK follows the fsync. De-duplicated by (device, boot, seq).",
  },
  {
    ...{ key: "state", address: `${DEVICE}/state`, action: "receive", retain: true, schema: DeviceState },
    title: "Presence of a device",
    summary: "Retained, and the will of its connection.",
  },
  {
    ...{ key: "commandAck", address: `${DEVICE}/cmd/ack`, action: "receive", retain: false, schema: CommandAck },
    title: "Answer to a command",
    summary: "accepted first, then done or failed; unsupported or expired instead.",
  },
  {
    ...{ key: "command", address: `${DEVICE}/cmd`, action: "send", retain: false, schema: CommandMessage },
    title: "Command to a device",
    summary: "Sent once the device has subscribed; again with the same id while no answer comes.",
  },
  {
    ...{ key: "config", address: `${DEVICE}/cfg`, action: "send", retain: true, schema: ConfigMessage },
    title: "Desired settings",
    summary: "The device reports the version it works by as cfg in its state.",
  },
  {
    ...{ key: "current", address: `${TOPIC_ROOT}/{tenant}/current/{site}/{station}/{device}`, action: "send" },
    ...{ retain: true, schema: CurrentValues },
    title: "Newest values of a device",
    summary: "At most one message a device every five seconds, when something has changed.",
  },
  {
    ...{ key: "alarm", address: `${TOPIC_ROOT}/{tenant}/alerts/${ALARM}`, action: "send", retain: true },
    schema: AlarmPayload,
    title: "State of an alarm",
    summary: "Empty and retained once the alarm is over and done with.",
  },
  {
    ...{ key: "alarmLog", address: `${TOPIC_ROOT}/{tenant}/alerts-log/${ALARM}`, action: "send", retain: false },
    schema: AlarmPayload,
    title: "Transition of an alarm",
    summary: "Every one, in order.",
  },
];

/** @param hosts where MQTT is reachable, e.g. `{ mqtt: "jingtu.example.org:1883" }`. */
export function asyncApi(version: string, hosts: Readonly<Record<string, string>> = { mqtt: "localhost:1883" }) {
  const servers = Object.entries(hosts).map(([protocol, host]) => [
    protocol,
    { host, protocol, protocolVersion: "3.1.1", security: [{ $ref: "#/components/securitySchemes/account" }] },
  ]);
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Jingtu MQTT interface",
      version,
      description:
        "Devices publish below their own prefix and read their own cmd, cfg and ack; consumers read alerts, alerts-log and current.",
    },
    defaultContentType: "application/json",
    servers: Object.fromEntries(servers),
    channels: Object.fromEntries(
      CHANNELS.map(({ key, address, title, summary }) => [
        key,
        { address, title, summary, parameters: parametersOf(address), messages: { [key]: ref("messages", key) } },
      ]),
    ),
    operations: Object.fromEntries(
      CHANNELS.map(({ key, action, retain, title }) => [
        `${action}${key[0]?.toUpperCase()}${key.slice(1)}`,
        {
          action,
          title,
          channel: { $ref: `#/channels/${key}` },
          messages: [{ $ref: `#/channels/${key}/messages/${key}` }],
          bindings: { mqtt: { qos: 1, retain, bindingVersion: "0.2.0" } },
        },
      ]),
    ),
    components: {
      securitySchemes: { account: { type: "userPassword", description: "device id or consumer name, and its secret" } },
      messages: Object.fromEntries(
        CHANNELS.map(({ key, title, summary }) => [
          key,
          { name: key, title, summary, contentType: "application/json", payload: ref("schemas", key) },
        ]),
      ),
      schemas: Object.fromEntries(CHANNELS.map(({ key, schema }) => [key, jsonSchema(schema)])),
    },
  };
}

function ref(kind: "messages" | "schemas", key: string): { $ref: string } {
  return { $ref: `#/components/${kind}/${key}` };
}

function parametersOf(address: string): Record<string, { description: string }> {
  const names = [...address.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  return Object.fromEntries(names.map((name) => [name, { description: `${name} id, 1 to 64 of A-Z a-z 0-9 _ . -` }]));
}

/** AsyncAPI 3.0's own schema object follows draft 7. */
function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...body } = z.toJSONSchema(schema, { target: "draft-7", io: "input" });
  return body;
}
