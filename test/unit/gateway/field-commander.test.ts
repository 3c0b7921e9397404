import { expect, test } from "vitest";
import type { CommandDelivery, DeviceCommand } from "../../../core/command.ts";
import type { FieldCommand, FieldOutcome } from "../../../core/field-session.ts";
import { historyKind } from "../../../core/hj212-limits.ts";
import { fieldCommander } from "../../../gateway/field-commander.ts";
import { aDevice, aDeviceContext, NOW } from "../../support/builders.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const hj212 = { mn: "M1", edition: "2017", crc: "hj212", zone: "Asia/Shanghai" } as const;
const context = aDeviceContext({ device: aDevice({ profile: { hj212 } }) });

function aCommand(overrides: Partial<DeviceCommand> = {}): DeviceCommand {
  return {
    ...{ id: "c1", device: "dev-1", op: "fetchHistory", args: { from: 1, to: 2 }, state: "queued", detail: "" },
    ...{ by: "ann", via: "web", createdAt: NOW, expiresAt: NOW + HOUR, sentAt: null, tries: 0, updatedAt: NOW },
    ...overrides,
  };
}
function aWay(outcome: Partial<FieldOutcome> = {}) {
  const asked: FieldCommand[] = [];
  const way = fieldCommander({
    isConnected: (device) => device === "dev-1",
    command: async (_device, command) => {
      asked.push(command);
      return { state: "done", code: "ok", sent: 1, packets: 0, ...outcome };
    },
  });
  return { way, asked };
}

interface FieldRow {
  readonly outcome: Partial<FieldOutcome>;
  readonly delivery: CommandDelivery;
}
test.each`
  outcome                                            | delivery
  ${{ state: "done", code: "ok" }}                   | ${{ kind: "answered", status: "done", detail: "ok" }}
  ${{ state: "done", code: "ok", packets: 6 }}       | ${{ kind: "answered", status: "done", detail: "ok, 6 packets" }}
  ${{ state: "failed", code: "unsupported" }}        | ${{ kind: "answered", status: "unsupported", detail: "unsupported" }}
  ${{ state: "failed", code: "offline" }}            | ${{ kind: "away" }}
  ${{ state: "expired", code: "no-answer" }}         | ${{ kind: "sent" }}
  ${{ state: "expired", code: "no-result" }}         | ${{ kind: "answered", status: "accepted", detail: "no-result" }}
  ${{ state: "expired", code: "closing", sent: 0 }}  | ${{ kind: "away" }}
  ${{ state: "expired", code: "closing", sent: 1 }}  | ${{ kind: "sent" }}
  ${{ state: "accepted", code: "closing", sent: 1 }} | ${{ kind: "answered", status: "accepted", detail: "closing" }}
`("over a field session $outcome.state, $outcome.code: $delivery.kind", async ({ outcome, delivery }: FieldRow) => {
  const { way, asked } = aWay(outcome);
  expect([way.serves(context), way.serves(aDeviceContext())]).toEqual([true, false]);
  expect(await way.send(aCommand(), context)).toEqual(delivery);
  expect(asked).toEqual([{ kind: "fetch-history", data: "minute", from: 1, to: 2 }]);
});

test.each`
  args                                  | asked
  ${{ seconds: 30 }}                    | ${{ kind: "set-interval", seconds: 30 }}
  ${{ seconds: 3_600 }}                 | ${{ kind: "set-interval", seconds: 3_600 }}
  ${{ seconds: 600, data: "minute" }}   | ${{ kind: "set-average-interval", minutes: 10 }}
  ${{ seconds: 1_800, data: "minute" }} | ${{ kind: "set-average-interval", minutes: 30 }}
`("an interval that the standard allows goes out: $args", async ({ args, asked: expected }) => {
  const { way, asked } = aWay();
  await way.send(aCommand({ op: "setInterval", args }), context);
  expect(asked).toEqual([expected]);
});

test.each`
  args                                  | why
  ${{ seconds: 29 }}                    | ${"HJ 212 (1062) takes a real-time interval of 30 to 3600 s, not 29"}
  ${{ seconds: 3_601 }}                 | ${"HJ 212 (1062) takes a real-time interval of 30 to 3600 s, not 3601"}
  ${{ seconds: 420, data: "minute" }}   | ${"HJ 212 (1064) takes averages over 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 min, not 420 s"}
  ${{ seconds: 3_600, data: "minute" }} | ${"HJ 212 (1064) takes averages over 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 min, not 3600 s"}
`("another is refused before anything is sent: $args", async ({ args, why }) => {
  const { way, asked } = aWay();
  const command = aCommand({ op: "setInterval", args });
  expect(await way.send(command, context)).toEqual({ kind: "answered", status: "failed", detail: why });
  expect(asked).toEqual([]);
});

test("messages by number cannot be asked of HJ 212", async () => {
  const { way } = aWay();
  const command = aCommand({ args: { boot: "a", fromSeq: 1, toSeq: 2 } });
  expect(await way.send(command, context)).toMatchObject({
    status: "failed",
    detail: expect.stringContaining("by time"),
  });
});

test.each`
  hole           | interval  | history      | kind
  ${HOUR}        | ${60_000} | ${undefined} | ${"minute"}
  ${7 * DAY}     | ${60_000} | ${undefined} | ${"minute"}
  ${8 * DAY}     | ${60_000} | ${undefined} | ${"hour"}
  ${93 * DAY}    | ${60_000} | ${undefined} | ${"day"}
  ${2_000 * DAY} | ${60_000} | ${undefined} | ${"day"}
  ${3 * HOUR}    | ${HOUR}   | ${undefined} | ${"hour"}
  ${3 * DAY}     | ${DAY}    | ${undefined} | ${"day"}
  ${HOUR}        | ${60_000} | ${"hour"}    | ${"hour"}
`("a hole of $hole ms in data of $interval ms, profile $history: $kind data", ({ hole, interval, history, kind }) => {
  const profile = history ? { history } : {};
  expect(historyKind({ from: NOW, to: NOW + hole }, { intervalMs: interval, profile })).toBe(kind);
});

test("who asks may say which data", async () => {
  const { way, asked } = aWay();
  await way.send(aCommand({ args: { from: 1, to: 2, data: "day" } }), context);
  expect(asked).toEqual([{ kind: "fetch-history", data: "day", from: 1, to: 2 }]);
});
