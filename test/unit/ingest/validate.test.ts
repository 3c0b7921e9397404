import { describe, expect, test } from "vitest";
import { createDirectory } from "../../../core/directory.ts";
import type { ForeignFormat, Formats } from "../../../ingest/formats.ts";
import { routeMessage } from "../../../ingest/validate.ts";
import { aDevice, aDirectory, NOW } from "../../support/builders.ts";

const PREFIX = "ews/1/tenant-1/site-1/mw-1/dev-1/";
const nothing = { boot: "", seq: -1, backfill: false, readings: [], faults: [] };
const decode = () => nothing;
/** Topic `foreign/{externalName}`; `foreign/` is the account itself. */
const foreign: ForeignFormat = {
  name: "foreign",
  owns: (topic) => topic.startsWith("foreign/"),
  sender: (bytes, topic) =>
    bytes.length > 0 ? { refused: { code: "NO_NAME", detail: "" } } : topic.slice("foreign/".length) || null,
  decode: () => nothing,
};
const formats: Formats = { channels: new Map([["telemetry", decode]]), foreign: [foreign] };
const lorawan = (devEui: string) => ({ lorawan: { devEui, payload: "object" as const } });
const directory = aDirectory({
  devices: [
    aDevice({ profile: lorawan("00000000000000AA") }),
    aDevice({ id: "carried", via: "dev-1", profile: lorawan("00000000000000BB") }),
    aDevice({ id: "other", via: "dev-2", profile: lorawan("00000000000000CC") }),
  ],
});

function route(topic: string, { device = "dev-1", payload = new Uint8Array(0) } = {}) {
  return routeMessage({ device, topic, payload, receivedAt: NOW }, directory, formats);
}
const refusal = (code: string) => ({ kind: "refuse", fault: { code } });

describe("where a message goes", () => {
  test.each`
    topic                                            | verdict
    ${`${PREFIX}telemetry`}                          | ${{ kind: "decode", codec: decode, context: { device: { id: "dev-1" } } }}
    ${`${PREFIX}state`}                              | ${{ kind: "pass" }}
    ${`${PREFIX}cmd/ack`}                            | ${{ kind: "pass" }}
    ${`${PREFIX}senml`}                              | ${refusal("CHANNEL_UNSUPPORTED")}
    ${`${PREFIX}telemetry/x`}                        | ${refusal("CHANNEL_UNSUPPORTED")}
    ${PREFIX}                                        | ${refusal("CHANNEL_UNSUPPORTED")}
    ${"ews/1/other/site-1/mw-1/dev-1/telemetry"}     | ${refusal("TOPIC_MISMATCH")}
    ${"ews/1/tenant-1/other/mw-1/dev-1/telemetry"}   | ${refusal("TOPIC_MISMATCH")}
    ${"ews/1/tenant-1/site-1/other/dev-1/telemetry"} | ${refusal("TOPIC_MISMATCH")}
    ${"ews/1/tenant-1/site-1/mw-1/dev-10/telemetry"} | ${refusal("TOPIC_MISMATCH")}
    ${"v1/devices/you/telemetry"}                    | ${refusal("TOPIC_MISMATCH")}
    ${""}                                            | ${refusal("TOPIC_MISMATCH")}
    ${"foreign/"}                                    | ${{ kind: "decode", codec: foreign.decode, context: { device: { id: "dev-1" } } }}
    ${"foreign/eui:00000000000000AA"}                | ${{ kind: "decode", context: { device: { id: "dev-1" } } }}
    ${"foreign/eui:00000000000000BB"}                | ${{ kind: "decode", context: { device: { id: "carried" } } }}
    ${"foreign/eui:00000000000000CC"}                | ${refusal("SENDER_NOT_CARRIED")}
    ${"foreign/eui:00000000000000DD"}                | ${refusal("SENDER_UNKNOWN")}
  `("$topic", ({ topic, verdict }: { topic: string; verdict: object }) => {
    expect(route(topic)).toMatchObject(verdict);
  });

  test("a device that the registry does not have", () => {
    expect(route(`${PREFIX}telemetry`, { device: "stranger" })).toMatchObject(refusal("DEVICE_UNKNOWN"));
    expect(route("foreign/", { device: "stranger" })).toMatchObject(refusal("DEVICE_UNKNOWN"));
  });

  test.each`
    revoked      | topic                             | verdict
    ${"dev-1"}   | ${`${PREFIX}telemetry`}           | ${refusal("DEVICE_REVOKED")}
    ${"dev-1"}   | ${`${PREFIX}state`}               | ${refusal("DEVICE_REVOKED")}
    ${"dev-1"}   | ${"foreign/eui:00000000000000BB"} | ${refusal("DEVICE_REVOKED")}
    ${"carried"} | ${"foreign/eui:00000000000000BB"} | ${refusal("DEVICE_REVOKED")}
    ${"carried"} | ${"foreign/eui:00000000000000AA"} | ${{ kind: "decode", context: { device: { id: "dev-1" } } }}
    ${"carried"} | ${`${PREFIX}telemetry`}           | ${{ kind: "decode", context: { device: { id: "dev-1" } } }}
  `("$revoked is revoked: $topic", ({ revoked, topic, verdict }: Record<string, string> & { verdict: object }) => {
    const at = (since: number) =>
      createDirectory({ ...directory.snapshot, revoked: [{ device: revoked ?? "", since }] });
    const message = { device: "dev-1", topic: topic ?? "", payload: new Uint8Array(0), receivedAt: NOW };
    expect(routeMessage(message, at(NOW), formats)).toMatchObject(verdict);
    expect(routeMessage(message, at(NOW + 1), formats).kind).not.toBe("refuse"); // it was taken before
  });

  test("a message that does not tell whose it is keeps its format's reason", () => {
    expect(route("foreign/", { payload: new Uint8Array(1) })).toMatchObject(refusal("NO_NAME"));
  });
});
