import { createRequire } from "node:module";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { alarmPayload } from "../../../alerts/publish.ts";
import { asyncApi } from "../../../core/async-api.ts";
import { AlarmPayload } from "../../../core/async-api-channels.ts";
import {
  CHIRPSTACK_EVENTS,
  parseForeignTopic,
  SPARKPLUG_TYPES,
  THINGSBOARD_ATTRIBUTES,
  THINGSBOARD_TELEMETRY,
  TTS_EVENTS,
} from "../../../core/foreign-topics.ts";
import { DEVICE_CHANNELS, DEVICE_SUBSCRIPTIONS, devicePrefix } from "../../../core/wire.ts";
import { anAlarm } from "../../support/builders.ts";

const specification = createRequire(import.meta.url)("@asyncapi/specs/schemas/3.0.0-without-$id.json") as object;
const DOORS = { mqtt: 41883, mqtts: 48883, ws: 49001 };
const document = JSON.parse(JSON.stringify(asyncApi("1.2.3", "jingtu.example.org", DOORS))) as ReturnType<
  typeof asyncApi
>;
// The specification is written for draft 7 and holds formats that need no check here.
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });

test("the document fits the schema of AsyncAPI 3.0.0, and a broken one does not", () => {
  const fits = ajv.compile(specification);
  expect(fits(document), JSON.stringify(fits.errors?.slice(0, 3))).toBe(true);
  expect(fits({ ...document, operations: { x: { action: "publish" } } })).toBe(false);
});

test("every reference leads somewhere, every parameter is in its address", () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = ""]) => path);
  expect(references.length).toBeGreaterThan(20);
  for (const path of references.filter((reference) => /^(channels|components)\//.test(reference))) {
    const found = path.split("/").reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document);
    expect(found, path).toBeDefined();
  }
  for (const { address, parameters } of Object.values(document.channels))
    expect([...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)).toEqual(Object.keys(parameters));
});

test("what the document says of a payload is what the program takes", () => {
  const of = (key: string) => ajv.compile(document.components.schemas[key] ?? false);
  const telemetry = of("telemetry");
  expect(telemetry({ v: 1, boot: "a41f", seq: 1, r: [{ p: "ph", v: 7.1 }] })).toBe(true);
  expect(telemetry({ seq: 1, m: { ph: 7.12 } })).toBe(true);
  expect(telemetry({ v: 1, r: [] })).toBe(false);
  expect(of("command")({ id: "1", op: "setInterval", args: { seconds: 60 }, exp: "2026-03-15T00:00:00Z" })).toBe(true);
  expect(of("command")({ id: "1", op: "formatDisk", args: {}, exp: "" })).toBe(false);
});

test("the alarm payload is the one that is published", () => {
  const payload = alarmPayload(anAlarm());
  expect(AlarmPayload.parse(payload)).toEqual(payload);
});

/** Channels whose address, with its parameters' values, gives this topic; with their operations. */
function channelsOf(topic: string): { key: string; actions: string[] }[] {
  return Object.entries(document.channels)
    .filter(([, { address, parameters }]) => {
      const levels = address.split("/").map((level) => {
        const name = /^\{(\w+)\}$/.exec(level)?.[1];
        const { enum: allowed } = (name === undefined ? {} : parameters[name]) as { enum?: readonly string[] };
        return name === undefined ? level : allowed ? `(${allowed.join("|")})` : "[^/]+";
      });
      return new RegExp(`^${levels.join("/")}$`).test(topic);
    })
    .map(([key]) => ({
      key,
      actions: Object.values(document.operations)
        .filter(({ channel }) => channel.$ref === `#/channels/${key}`)
        .map(({ action }) => action),
    }));
}

const PREFIX = devicePrefix({ tenant: "t1", id: "s1" }, { id: "mw-1" }, { id: "dev-1" });
const EVENT = "application/17c82e96/device/0102030405060708/event";
test.each([
  ...DEVICE_CHANNELS.map((channel) => PREFIX + channel),
  ...CHIRPSTACK_EVENTS.map((event) => `${EVENT}/${event}`),
  ...TTS_EVENTS.map((event) => `v3/wells@ttn/devices/node-1/${event}`),
  ...SPARKPLUG_TYPES.map((type) => `spBv1.0/site/${type}/edge${type.startsWith("D") ? "/probe" : ""}`),
  ...[THINGSBOARD_TELEMETRY, THINGSBOARD_ATTRIBUTES],
])("what a device may publish is received on one channel: %s", (topic) => {
  expect(channelsOf(topic).map(({ actions }) => actions)).toEqual([["receive"]]);
  if (!topic.startsWith(PREFIX)) expect(parseForeignTopic(topic)).not.toBeNull();
});

test.each<[topic: string, actions: readonly string[]]>([
  ...DEVICE_SUBSCRIPTIONS.map((channel): [string, string[]] => [PREFIX + channel, channel === "ack" ? [] : ["send"]]),
  ["application/17c82e96/device/0102030405060708/command/down", ["send"]],
  ["v3/wells@ttn/devices/node-1/down/push", ["send"]],
  ["spBv1.0/site/NCMD/edge", ["send"]],
  ["spBv1.0/site/DCMD/edge/probe", ["send"]],
])("what a device may subscribe to is a channel: %s", (topic, actions) => {
  expect(channelsOf(topic).map((channel) => channel.actions)).toEqual([actions]);
});

test("the servers are the doors that are open", () => {
  const hosts = (doors: Parameters<typeof asyncApi>[2]) =>
    Object.values(asyncApi("1.2.3", "h", doors).servers).map(({ protocol, host }) => `${protocol}://${host}`);
  expect(hosts(DOORS)).toEqual(["mqtt://h:41883", "mqtts://h:48883", "ws://h:49001"]);
  expect(hosts({ ...DOORS, mqtts: null })).toEqual(["mqtt://h:41883", "ws://h:49001"]);
});
