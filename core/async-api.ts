/**
 * The MQTT interface as an AsyncAPI 3.0 document, made from the schemas that the program itself parses with. Actions are
 * this program's: it receives telemetry and sends commands. Pure.
 */
import { z } from "zod";
import { CHANNELS, type Channel } from "./async-api-channels.ts";

/** Ports for devices; null is closed. */
interface MqttDoors {
  readonly mqtt: number | null;
  readonly mqtts: number | null;
  readonly ws: number | null;
}

const JSON_TYPE = "application/json";
const CHANNEL_LIST = Object.entries(CHANNELS);

/** @param host under which devices reach us. */
export function asyncApi(version: string, host: string, doors: MqttDoors) {
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Jingtu MQTT interface",
      version,
      description:
        "Devices publish below their own prefix and read their own cmd and cfg; consumers read alerts, alerts-log and current. Topics of Sparkplug B, ChirpStack, The Things Stack and ThingsBoard are taken as they are.",
    },
    defaultContentType: JSON_TYPE,
    servers: serversAt(host, doors),
    channels: each(({ address, title, summary, parameters }, key) => ({
      ...{ address, title, summary },
      ...{ parameters: parametersOf(address, parameters), messages: { [key]: ref("messages", key) } },
    })),
    operations: Object.fromEntries(
      CHANNEL_LIST.flatMap(([key, channel]) =>
        channel.action === "none"
          ? []
          : [[`${channel.action}${key[0]?.toUpperCase()}${key.slice(1)}`, operation(key, channel, channel.action)]],
      ),
    ),
    components: {
      securitySchemes: { account: { type: "userPassword", description: "device id or consumer name, and its secret" } },
      messages: each(({ title, summary, contentType = JSON_TYPE }, key) => ({
        ...{ name: key, title, summary, contentType, payload: ref("schemas", key) },
      })),
      schemas: each(({ schema }) => jsonSchema(schema)),
    },
  };
}

function each<T>(make: (channel: Channel, key: string) => T): Record<string, T> {
  return Object.fromEntries(CHANNEL_LIST.map(([key, channel]) => [key, make(channel, key)]));
}

function serversAt(host: string, doors: MqttDoors) {
  const kinds = [
    { protocol: "mqtt", port: doors.mqtt, description: "MQTT 3.1.1 over TCP" },
    { protocol: "mqtts", port: doors.mqtts, description: "MQTT 3.1.1 over TLS" },
    { protocol: "ws", port: doors.ws, description: "MQTT 3.1.1 over WebSocket, subprotocol mqtt, any path" },
  ];
  const security = [{ $ref: "#/components/securitySchemes/account" }];
  return Object.fromEntries(
    kinds.flatMap(({ protocol, port, description }) =>
      port === null
        ? []
        : [[protocol, { host: `${host}:${port}`, protocol, protocolVersion: "3.1.1", description, security }]],
    ),
  );
}

function operation<Action extends "receive" | "send">(key: string, channel: Channel, action: Action) {
  const { title, qos = 1, retain = false } = channel;
  return {
    ...{ action, title, channel: { $ref: `#/channels/${key}` } },
    messages: [{ $ref: `#/channels/${key}/messages/${key}` }],
    bindings: { mqtt: { qos, retain, bindingVersion: "0.2.0" } },
  };
}

function ref(kind: "messages" | "schemas", key: string): { $ref: string } {
  return { $ref: `#/components/${kind}/${key}` };
}

function parametersOf(address: string, values: Channel["parameters"] = {}): Record<string, object> {
  const names = [...address.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const isOurs = address.startsWith("ews/");
  return Object.fromEntries(
    names.map((name) => {
      const allowed = values[name];
      if (allowed) return [name, { description: name, enum: allowed }];
      return [
        name,
        { description: isOurs ? `${name} id, 1 to 64 of A-Z a-z 0-9 _ . -` : `${name}, as its system names it` },
      ];
    }),
  );
}

/** AsyncAPI 3.0's own schema object follows draft 7. */
function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...body } = z.toJSONSchema(schema, { target: "draft-7", io: "input" });
  return body;
}
