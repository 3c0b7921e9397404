import { expect, test } from "vitest";
import type { CommandDelivery, CommandMarks, DeviceCommand } from "../../../core/command.ts";
import type { FieldCommand, FieldOrder, FieldOutcome } from "../../../core/field-session.ts";
import { historyKind } from "../../../core/hj212-limits.ts";
import { deliveryOf, fieldCommand, fieldCommander } from "../../../gateway/field-commander.ts";
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
  const orders: (FieldOrder | undefined)[] = [];
  const steps: string[] = [];
  const marks: CommandMarks = {
    sending: async () => void steps.push("sending"),
    accepted: async () => void steps.push("accepted"),
  };
  const way = fieldCommander({
    isConnected: (device) => device === "dev-1",
    command: async (_device, command, order) => {
      asked.push(command);
      orders.push(order);
      await order?.onSending?.();
      order?.onAccepted?.();
      return { state: "done", code: "ok", sent: 1, packets: 0, ...outcome };
    },
  });
  const send = (command: DeviceCommand) => way.send(command, context, marks);
  return { way, send, asked, orders, steps };
}

interface FieldRow {
  readonly op: DeviceCommand["op"];
  readonly tries: number;
  readonly outcome: Partial<FieldOutcome>;
  readonly delivery: CommandDelivery;
}
test.each`
  op                | tries | outcome                                                | delivery
  ${"fetchHistory"} | ${0}  | ${{ state: "done", code: "ok" }}                       | ${{ kind: "answered", status: "done", detail: "ok" }}
  ${"fetchHistory"} | ${0}  | ${{ state: "done", code: "ok", packets: 6 }}           | ${{ kind: "answered", status: "done", detail: "ok, 6 packets" }}
  ${"fetchHistory"} | ${0}  | ${{ state: "failed", code: "no-data" }}                | ${{ kind: "answered", status: "failed", detail: "no-data" }}
  ${"setInterval"}  | ${0}  | ${{ state: "failed", code: "unsupported" }}            | ${{ kind: "answered", status: "unsupported", detail: "unsupported" }}
  ${"setInterval"}  | ${0}  | ${{ state: "failed", code: "offline" }}                | ${{ kind: "away" }}
  ${"setInterval"}  | ${0}  | ${{ state: "failed", code: "queue-full", sent: 0 }}    | ${{ kind: "away" }}
  ${"setInterval"}  | ${0}  | ${{ state: "expired", code: "too-late", sent: 0 }}     | ${{ kind: "away" }}
  ${"fetchHistory"} | ${0}  | ${{ state: "failed", code: "busy" }}                   | ${{ kind: "sent" }}
  ${"fetchHistory"} | ${2}  | ${{ state: "failed", code: "busy" }}                   | ${{ kind: "answered", status: "failed", detail: "busy" }}
  ${"setInterval"}  | ${0}  | ${{ state: "failed", code: "busy" }}                   | ${{ kind: "answered", status: "failed", detail: "busy" }}
  ${"sampleNow"}    | ${0}  | ${{ state: "failed", code: "busy" }}                   | ${{ kind: "answered", status: "failed", detail: "busy" }}
  ${"setInterval"}  | ${1}  | ${{ state: "expired", code: "no-answer", sent: 4 }}    | ${{ kind: "sent" }}
  ${"setInterval"}  | ${2}  | ${{ state: "expired", code: "no-answer", sent: 4 }}    | ${{ kind: "answered", status: "failed", detail: "no-answer" }}
  ${"sampleNow"}    | ${0}  | ${{ state: "expired", code: "no-answer", sent: 4 }}    | ${{ kind: "answered", status: "failed", detail: "no-answer" }}
  ${"sampleNow"}    | ${0}  | ${{ state: "expired", code: "no-result" }}             | ${{ kind: "answered", status: "accepted", detail: "no-result" }}
  ${"fetchHistory"} | ${0}  | ${{ state: "expired", code: "no-result" }}             | ${{ kind: "sent" }}
  ${"fetchHistory"} | ${2}  | ${{ state: "expired", code: "no-result" }}             | ${{ kind: "answered", status: "failed", detail: "no-result" }}
  ${"fetchHistory"} | ${0}  | ${{ state: "expired", code: "no-result", packets: 3 }} | ${{ kind: "answered", status: "done", detail: "3 packets, no result" }}
  ${"setInterval"}  | ${0}  | ${{ state: "expired", code: "closing", sent: 0 }}      | ${{ kind: "away" }}
  ${"setInterval"}  | ${0}  | ${{ state: "expired", code: "closing", sent: 1 }}      | ${{ kind: "sent" }}
  ${"sampleNow"}    | ${0}  | ${{ state: "expired", code: "closing", sent: 1 }}      | ${{ kind: "answered", status: "failed", detail: "closing" }}
  ${"sampleNow"}    | ${0}  | ${{ state: "accepted", code: "closing", sent: 1 }}     | ${{ kind: "answered", status: "accepted", detail: "closing" }}
  ${"fetchHistory"} | ${2}  | ${{ state: "accepted", code: "closing", packets: 2 }}  | ${{ kind: "sent" }}
`(
  "$op, tried $tries times before, $outcome.state with $outcome.code: $delivery.kind",
  ({ op, tries, outcome, delivery }: FieldRow) => {
    expect(deliveryOf({ state: "done", code: "ok", sent: 1, packets: 0, ...outcome }, { op, tries })).toEqual(delivery);
  },
);

test("its id and its time go down with it; noted before the first packet, and as accepted when the device has agreed", async () => {
  const { way, send, orders, steps } = aWay();
  expect([way.serves(context), way.serves(aDeviceContext())]).toEqual([true, false]);
  await send(aCommand({ op: "timeSync", args: {} }));
  expect(orders).toMatchObject([{ id: "c1", expiresAt: NOW + HOUR, isOwn: false }]);
  expect(steps).toEqual(["sending", "accepted"]);
});

test("a fetch that the device has agreed to is not noted as accepted: a start after a crash must ask again", async () => {
  const { send, orders, steps } = aWay();
  await send(aCommand({ via: "server" }));
  expect(orders).toMatchObject([{ isOwn: true }]);
  expect(steps).toEqual(["sending"]);
});

test("a sample that was under way when the server stopped is not asked for again", async () => {
  const { send, asked } = aWay();
  const command = aCommand({ op: "sampleNow", args: {}, state: "sent", tries: 1 });
  expect(await send(command)).toEqual({ kind: "answered", status: "failed", detail: "no-answer" });
  expect(asked).toEqual([]);
  await send(aCommand({ state: "sent", tries: 1 }));
  expect(asked).toHaveLength(1);
});

test.each`
  args                                  | asked
  ${{ seconds: 30 }}                    | ${{ kind: "set-interval", seconds: 30 }}
  ${{ seconds: 3_600 }}                 | ${{ kind: "set-interval", seconds: 3_600 }}
  ${{ seconds: 600, data: "minute" }}   | ${{ kind: "set-average-interval", minutes: 10 }}
  ${{ seconds: 1_800, data: "minute" }} | ${{ kind: "set-average-interval", minutes: 30 }}
`("an interval that the standard allows goes out: $args", async ({ args, asked: expected }) => {
  const { send, asked } = aWay();
  await send(aCommand({ op: "setInterval", args }));
  expect(asked).toEqual([expected]);
});

test.each`
  args                                  | why
  ${{ seconds: 29 }}                    | ${"HJ 212 (1062) takes a real-time interval of 30 to 3600 s, not 29"}
  ${{ seconds: 3_601 }}                 | ${"HJ 212 (1062) takes a real-time interval of 30 to 3600 s, not 3601"}
  ${{ seconds: 420, data: "minute" }}   | ${"HJ 212 (1064) takes averages over 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 min, not 420 s"}
  ${{ seconds: 3_600, data: "minute" }} | ${"HJ 212 (1064) takes averages over 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 min, not 3600 s"}
`("another is refused before anything is sent: $args", async ({ args, why }) => {
  const { send, asked } = aWay();
  const command = aCommand({ op: "setInterval", args });
  expect(await send(command)).toEqual({ kind: "answered", status: "failed", detail: why });
  expect(asked).toEqual([]);
});

test("messages by number cannot be asked of HJ 212", async () => {
  const { send } = aWay();
  const command = aCommand({ args: { boot: "a", fromSeq: 1, toSeq: 2 } });
  expect(await send(command)).toMatchObject({
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
  const { send, asked } = aWay();
  await send(aCommand({ args: { from: NOW, to: NOW + 1, data: "day" } }));
  expect(asked).toMatchObject([{ kind: "fetch-history", data: "day", to: NOW + 1 }]);
});

// NOW is 08:00 in Shanghai, 05:45 in Kathmandu.
test.each`
  data        | zone                | after                 | begin
  ${"minute"} | ${"Asia/Shanghai"}  | ${130 * 60_000 + 1}   | ${120 * 60_000}
  ${"minute"} | ${"Asia/Shanghai"}  | ${150 * 60_000}       | ${150 * 60_000}
  ${"hour"}   | ${"Asia/Shanghai"}  | ${2 * HOUR + 600_001} | ${2 * HOUR}
  ${"hour"}   | ${"Asia/Kathmandu"} | ${2 * HOUR + 600_001} | ${75 * 60_000}
  ${"day"}    | ${"Asia/Shanghai"}  | ${2 * HOUR}           | ${-8 * HOUR}
`(
  "averages begin before what they hold: $data, $zone, from $after ms on is asked from $begin ms on",
  async ({ data, zone, after, begin }: { data: string; zone: string; after: number; begin: number }) => {
    const device = aDevice({ profile: { hj212: { ...hj212, zone } } });
    const command = aCommand({ args: { from: NOW + after, to: NOW + after + 60_000, data } });
    expect(fieldCommand(command, device)).toMatchObject({ from: NOW + begin, to: NOW + after + 60_000 });
  },
);
