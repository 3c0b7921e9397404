import { expect, test } from "vitest";
import type {
  CommandAck,
  CommandDelivery,
  CommandMarks,
  CommandState,
  CommandStore,
  DeviceCommand,
  DeviceCommander,
} from "../../../core/command.ts";
import { stateAfterAck } from "../../../core/command.ts";
import { createLogger, Metrics } from "../../../core/observe.ts";
import { isDue, mqttCommander, startCommander } from "../../../gateway/commander.ts";
import { aDevice, aDeviceContext, aDirectory, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";

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
  expect(way.reaches(aDeviceContext())).toBe(false);
  const marks: CommandMarks = { sending: async () => {}, accepted: async () => {} };
  expect(await way.send(aCommand(), aDeviceContext(), marks)).toEqual({ kind: "away" });
  listening.add("ews/1/tenant-1/site-1/mw-1/dev-1/cmd");
  expect(await way.send(aCommand(), aDeviceContext(), marks)).toEqual({ kind: "sent" });
  expect(published).toMatchObject([{ topic: "ews/1/tenant-1/site-1/mw-1/dev-1/cmd", retain: false }]);
  expect(JSON.parse(published[0]?.payload ?? "")).toEqual({
    ...{ id: "c1", op: "setInterval", args: { seconds: 60 }, exp: "2026-03-15T01:00:00.000Z" },
  });
});

/** A store that knows what the commander asks of it, and one way down that reaches `reached` only. */
function aDesk(
  waiting: readonly DeviceCommand[],
  reached: readonly string[],
  delivery: () => Promise<CommandDelivery>,
) {
  const directory = aDirectory({
    devices: [...new Set(waiting.map(({ device }) => device))].map((id) => aDevice({ id })),
  });
  const clock = new FakeClock(NOW);
  const [steps, sent, answers]: [string[], string[], CommandAck[]] = [[], [], []];
  const commands = {
    expire: async () => 0,
    configs: async () => [],
    dueDevices: async (_before: number, { after, limit }: { after: string; limit: number }) =>
      [...new Set(waiting.map(({ device }) => device))]
        .filter((id) => id > after)
        .sort()
        .slice(0, limit),
    due: async (devices: readonly string[]) => waiting.filter(({ device }) => devices.includes(device)),
    sent: async (id: string) => {
      steps.push("noted");
      sent.push(id);
    },
    forget: async (before: number) => {
      steps.push(`forgot before ${before}`);
      return 0;
    },
    rested: async () => void steps.push("rested"),
    answer: async (_device: string, ack: CommandAck) => {
      answers.push(ack);
      return null;
    },
  } as unknown as CommandStore;
  const way: DeviceCommander = {
    name: "test",
    serves: () => true,
    reaches: ({ device }) => reached.includes(device.id),
    send: () => {
      steps.push("handed over");
      return delivery();
    },
  };
  const start = (overrides: Partial<DeviceCommander> = {}) =>
    startCommander({
      ...{ commands, ways: [{ ...way, ...overrides }], publisher: { publish: async () => {} } },
      ...{ directory: () => directory, clock, log: createLogger("silent"), metrics: new Metrics() },
    });
  return { start, steps, sent, answers, clock };
}

test("commands of a thousand devices that are away do not hold up those of one that is there", async () => {
  const away = Array.from({ length: 1_500 }, (_, n) => aCommand({ id: `a${n}`, device: `away-${n}` }));
  const last = aCommand({ id: "last", device: "here" });
  const { start, sent } = aDesk([...away, last], ["here"], async () => ({ kind: "sent" }));
  const commander = start();
  await commander.look();
  await commander.settled();
  expect(sent).toEqual(["last"]);
  await commander.close();
});

test("what the server asked by itself a month ago is forgotten hour by hour, until it closes", async () => {
  const { start, steps, clock } = aDesk([], [], async () => ({ kind: "sent" }));
  const commander = start();
  await clock.advance(3_600_000);
  await commander.close();
  await clock.advance(3_600_000);
  expect(steps).toEqual([`forgot before ${NOW + 3_600_000 - 30 * 86_400_000}`]);
});

test("a stopping commander writes down what became of what it had handed over, and takes up nothing more", async () => {
  let finish = (_delivery: CommandDelivery): void => {};
  const delivery = new Promise<CommandDelivery>((resolve) => {
    finish = resolve;
  });
  const { start, answers } = aDesk([aCommand()], ["dev-1"], () => delivery);
  const commander = start();
  await commander.look();
  await commander.close();
  await commander.look(); // one that was going on
  const settled = commander.settled();
  expect(answers).toEqual([]);
  finish({ kind: "answered", status: "accepted", detail: "closing" });
  await settled;
  expect(answers).toEqual([{ id: "c1", status: "accepted", detail: "closing" }]);
});

test("a way may note a command as sent, and as accepted, before it hands it over; its rest begins when it is back", async () => {
  const { start, steps, answers } = aDesk([aCommand()], ["dev-1"], async () => ({ kind: "sent" }));
  const commander = start({
    send: async (_command, _context, marks) => {
      await marks.sending();
      await marks.accepted("given away");
      steps.push("handed over");
      return { kind: "sent" };
    },
  });
  await commander.look();
  await commander.settled();
  expect(steps).toEqual(["noted", "handed over", "rested"]);
  expect(answers).toEqual([{ id: "c1", status: "accepted", detail: "given away" }]);
  await commander.close();
});
