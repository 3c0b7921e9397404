import { describe, expect, test } from "vitest";
import { judgeChannel } from "../../../ingest/validate.ts";
import { aDeviceContext } from "../../support/builders.ts";

const context = aDeviceContext();
const PREFIX = "ews/1/tenant-1/site-1/mw-1/dev-1/";

describe("which message may be used", () => {
  test.each`
    topic                                            | verdict
    ${`${PREFIX}telemetry`}                          | ${{ kind: "decode", channel: "telemetry" }}
    ${`${PREFIX}state`}                              | ${{ kind: "pass", channel: "state" }}
    ${`${PREFIX}event`}                              | ${{ kind: "pass", channel: "event" }}
    ${`${PREFIX}info`}                               | ${{ kind: "pass", channel: "info" }}
    ${`${PREFIX}cmd/ack`}                            | ${{ kind: "pass", channel: "cmd/ack" }}
    ${`${PREFIX}senml`}                              | ${{ kind: "refuse", fault: { code: "CHANNEL_UNSUPPORTED" } }}
    ${`${PREFIX}hj212`}                              | ${{ kind: "refuse", fault: { code: "CHANNEL_UNSUPPORTED" } }}
    ${`${PREFIX}telemetry/x`}                        | ${{ kind: "refuse", fault: { code: "CHANNEL_UNSUPPORTED" } }}
    ${PREFIX}                                        | ${{ kind: "refuse", fault: { code: "CHANNEL_UNSUPPORTED" } }}
    ${"ews/1/other/site-1/mw-1/dev-1/telemetry"}     | ${{ kind: "refuse", fault: { code: "TOPIC_MISMATCH" } }}
    ${"ews/1/tenant-1/other/mw-1/dev-1/telemetry"}   | ${{ kind: "refuse", fault: { code: "TOPIC_MISMATCH" } }}
    ${"ews/1/tenant-1/site-1/other/dev-1/telemetry"} | ${{ kind: "refuse", fault: { code: "TOPIC_MISMATCH" } }}
    ${"ews/1/tenant-1/site-1/mw-1/dev-10/telemetry"} | ${{ kind: "refuse", fault: { code: "TOPIC_MISMATCH" } }}
    ${"v1/devices/me/telemetry"}                     | ${{ kind: "refuse", fault: { code: "TOPIC_MISMATCH" } }}
    ${""}                                            | ${{ kind: "refuse", fault: { code: "TOPIC_MISMATCH" } }}
  `("$topic", ({ topic, verdict }: { topic: string; verdict: object }) => {
    expect(judgeChannel({ device: "dev-1", topic }, context)).toMatchObject(verdict);
  });

  test("a device that the registry does not have", () => {
    expect(judgeChannel({ device: "dev-2", topic: `${PREFIX}telemetry` }, undefined)).toMatchObject({
      kind: "refuse",
      fault: { code: "DEVICE_UNKNOWN" },
    });
  });
});
