import { expect, test } from "vitest";
import type { CommandDelivery, CommandState, DeviceCommand } from "../../../core/command.ts";
import { stateAfterAck } from "../../../core/command.ts";
import type { FieldCommand, FieldOutcome } from "../../../core/field-session.ts";
import { fieldCommander, isDue, mqttCommander } from "../../../gateway/commander.ts";
import { aDevice, aDeviceContext, NOW } from "../../support/builders.ts";

function aCommand(overrides: Partial<DeviceCommand> = {}): DeviceCommand {
  return {
    ...{ id: "c1", device: "dev-1", op: "setInterval", args: { seconds: 60 }, state: "queued", detail: "" },
    ...{ by: "ann", via: "web", createdAt: NOW, expiresAt: NOW + 3_600_000, sentAt: null, tries: 0, updatedAt: NOW },
    ...overrides,
  };
}

test.each`
  from             | ack              | to
  ${"queued"}      | ${"accepted"}    | ${"accepted"}
  ${"sent"}        | ${"accepted"}    | ${"accepted"}
  ${"accepted"}    | ${"accepted"}    | ${null}
  ${"sent"}        | ${"done"}        | ${"done"}
  ${"accepted"}    | ${"failed"}      | ${"failed"}
  ${"sent"}        | ${"unsupported"} | ${"unsupported"}
  ${"done"}        | ${"failed"}      | ${null}
  ${"expired"}     | ${"done"}        | ${"done"}
  ${"expired"}     | ${"accepted"}    | ${null}
  ${"unsupported"} | ${"done"}        | ${null}
`(
  "$from and the device says $ack: $to",
  ({ from, ack, to }: { from: CommandState; ack: "done"; to: string | null }) => {
    expect(stateAfterAck(from, ack)).toBe(to);
  },
);

test.each`
  why                               | change                                                              | due
  ${"waiting"}                      | ${{}}                                                               | ${true}
  ${"just handed over"}             | ${{ state: "sent", sentAt: NOW - 1_000 }}                           | ${false}
  ${"handed over, no word"}         | ${{ state: "sent", sentAt: NOW - 30_000 }}                          | ${true}
  ${"the device is at it"}          | ${{ state: "accepted", sentAt: NOW - 60_000 }}                      | ${false}
  ${"its time is over"}             | ${{ expiresAt: NOW }}                                               | ${false}
  ${"asked by a person, 9 times"}   | ${{ state: "sent", sentAt: NOW - 30_000, tries: 9 }}                | ${true}
  ${"asked by the server, 3 times"} | ${{ state: "sent", sentAt: NOW - 30_000, tries: 3, via: "server" }} | ${false}
`("$why: due $due", ({ change, due }: { change: Partial<DeviceCommand>; due: boolean }) => {
  expect(isDue(aCommand(change), NOW)).toBe(due);
});

test("over MQTT a command waits until the device has subscribed, then carries its expiry", async () => {
  const published: { topic: string; payload: string; retain: boolean }[] = [];
  const listening = new Set<string>();
  const way = mqttCommander({
    publisher: { publish: async (message) => void published.push(message) },
    listens: (_device, topic) => listening.has(topic),
  });
  expect(await way.send(aCommand(), aDeviceContext())).toEqual({ kind: "away" });
  listening.add("ews/1/tenant-1/site-1/mw-1/dev-1/cmd");
  expect(await way.send(aCommand(), aDeviceContext())).toEqual({ kind: "sent" });
  expect(published).toMatchObject([{ topic: "ews/1/tenant-1/site-1/mw-1/dev-1/cmd", retain: false }]);
  expect(JSON.parse(published[0]?.payload ?? "")).toEqual({
    ...{ id: "c1", op: "setInterval", args: { seconds: 60 }, exp: "2026-03-15T01:00:00.000Z" },
  });
});

interface FieldRow {
  readonly outcome: Partial<FieldOutcome>;
  readonly delivery: CommandDelivery;
}
test.each`
  outcome                                      | delivery
  ${{ state: "done", code: "ok" }}             | ${{ kind: "answered", status: "done", detail: "ok" }}
  ${{ state: "done", code: "ok", packets: 6 }} | ${{ kind: "answered", status: "done", detail: "ok, 6 packets" }}
  ${{ state: "failed", code: "unsupported" }}  | ${{ kind: "answered", status: "unsupported", detail: "unsupported" }}
  ${{ state: "failed", code: "offline" }}      | ${{ kind: "away" }}
  ${{ state: "expired", code: "no-answer" }}   | ${{ kind: "sent" }}
  ${{ state: "expired", code: "no-result" }}   | ${{ kind: "answered", status: "accepted", detail: "no-result" }}
`("over a field session $outcome.code: $delivery.kind", async ({ outcome, delivery }: FieldRow) => {
  const asked: FieldCommand[] = [];
  const way = fieldCommander(async (_device, command) => {
    asked.push(command);
    return { state: "done", code: "ok", sent: 1, packets: 0, ...outcome };
  });
  const profile = { hj212: { mn: "M1", edition: "2017", crc: "hj212", zone: "Asia/Shanghai" } } as const;
  const context = aDeviceContext({ device: aDevice({ profile }) });
  expect([way.serves(context), way.serves(aDeviceContext())]).toEqual([true, false]);
  expect(await way.send(aCommand({ op: "fetchHistory", args: { from: 1, to: 2 } }), context)).toEqual(delivery);
  expect(asked).toEqual([{ kind: "fetch-history", data: "minute", from: 1, to: 2 }]);
});
