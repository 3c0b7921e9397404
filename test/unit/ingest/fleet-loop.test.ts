import { describe, expect, test } from "vitest";
import type { CommandAck, DeviceCommand } from "../../../core/command.ts";
import type { FleetEntry, FleetNote } from "../../../core/fleet.ts";
import { createLogger, Metrics } from "../../../core/observe.ts";
import type { Device } from "../../../core/site.ts";
import { FleetBook, runFleet } from "../../../ingest/fleet.ts";
import { missingCommand } from "../../../ingest/fleet-history.ts";
import { aDevice, aDirectory, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { MemoryJournal } from "../../support/journal-memory.ts";

const TEN = 600_000;
const profile = { hj212: { mn: "M1", edition: "2017", crc: "hj212", zone: "Asia/Shanghai" } } as const;

function aNote(step: number, overrides: Partial<FleetNote> = {}): FleetNote {
  const time = NOW + step * TEN;
  return {
    ...{ device: "dev-1", messages: 1, firstAt: time, receivedAt: time, offsetMs: 0, refused: 0 },
    ...{ seqs: [["a41f", step, step]], times: [[time, time]], days: [["mw-1/cd/total/rtd", 20_527, 1, 1, time]] },
    ...overrides,
  };
}

function aWorld(journal = new MemoryJournal(), device: Partial<Device> = { profile }) {
  const clock = new FakeClock(NOW);
  const directory = aDirectory({ devices: [aDevice(device)] });
  const book = new FleetBook({ directory: () => directory, clock });
  const put: DeviceCommand[] = [];
  const answers: [string, CommandAck][] = [];
  const reported: [string, number][] = [];
  /** As the ledger would know them. */
  const open: DeviceCommand[] = [];
  const ended: DeviceCommand[] = [];
  const commands = {
    put: async (command: DeviceCommand) => {
      put.push(command);
      open.push(command);
    },
    answer: async (device: string, ack: CommandAck) => {
      answers.push([device, ack]);
      return null;
    },
    open: async () => open,
    of: async () => [...open, ...ended],
    reported: async (device: string, version: number) => void reported.push([device, version]),
  };
  const append = (entry: Partial<FleetEntry>) =>
    journal.append("fleet", Buffer.from(JSON.stringify({ notes: [], signals: [], ...entry })));
  const run = () => {
    const stop = new AbortController();
    const parts = { journal, directory: () => directory, book, commands, clock };
    const running = runFleet({ ...parts, log: createLogger("silent"), metrics: new Metrics() }, stop.signal);
    return { stop: () => stop.abort(), running };
  };
  const messages = async () => (await book.device("dev-1"))?.messages;
  return { journal, clock, book, put, open, ended, answers, reported, append, run, messages };
}

/** Lets the loop come to rest. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

test("answers and reported settings reach the ledger; rubbish is passed over", async () => {
  const { append, run, answers, reported } = aWorld();
  const signal = { device: "dev-1", receivedAt: NOW };
  await append({
    signals: [
      { ...signal, channel: "cmd/ack", payload: '{"id":"c1","status":"done","detail":{"ok":1}}' },
      { ...signal, channel: "cmd/ack", payload: '{"id":"c1","status":"whatever"}' },
      { ...signal, channel: "cmd/ack", payload: "not json" },
      { ...signal, channel: "state", payload: '{"online":true,"cfg":3}' },
      { ...signal, channel: "state", payload: '{"online":true}' },
    ],
  });
  const { stop, running } = run();
  await settle();
  stop();
  await running;
  expect(answers).toEqual([["dev-1", { id: "c1", status: "done", detail: { ok: 1 } }]]);
  expect(reported).toEqual([["dev-1", 3]]);
});

test("a hole of an HJ 212 device is asked for at once, and by the same id after a crash", async () => {
  const { append, run, put, journal } = aWorld();
  await append({ notes: [aNote(0)] });
  await append({ notes: [aNote(6)] });
  run(); // and never stopped: a crash
  await settle();
  expect(put).toMatchObject([{ op: "fetchHistory", by: "fleet", args: { from: NOW + 1, to: NOW + 6 * TEN - 1 } }]);
  const after = aWorld(journal);
  after.run();
  await settle();
  expect(after.put.map(({ id }) => id)).toEqual(put.map(({ id }) => id));
});

test("four holes of an HJ 212 device are asked for at a time; a fifth waits until one has ended", async () => {
  const { append, run, put, open } = aWorld();
  for (let hole = 0; hole < 6; hole++) await append({ notes: [aNote(6 * hole)] });
  run();
  await settle();
  const starts = () => put.map(({ args }) => (Number(args["from"]) - 1 - NOW) / TEN);
  expect(starts()).toEqual([0, 6, 12, 18]);
  open.shift();
  await append({ notes: [aNote(31)] });
  await append({ notes: [aNote(32)] });
  await settle();
  expect(starts()).toEqual([0, 6, 12, 18, 24]);
});

test("memory and position are saved together: nothing is folded twice or left out", async () => {
  const first = aWorld();
  await first.append({ notes: [aNote(0)] });
  const one = first.run();
  await settle();
  await first.clock.advance(31_000);
  await first.append({ notes: [aNote(1)] }); // saves: half a minute is over
  await settle();
  await first.append({ notes: [aNote(2)] }); // not saved when the power goes
  await settle();
  expect(await first.messages()).toBe(3);
  const second = aWorld(first.journal);
  const two = second.run();
  await settle();
  expect(await second.messages()).toBe(3);
  expect((await first.journal.loadState("fleet"))?.offset).toBe(2);
  one.stop();
  two.stop();
  await Promise.all([one.running, two.running]);
  expect((await first.journal.loadState("fleet"))?.offset).toBe(3);
});

test("a loop that is run again begins from what was saved, not from what it had", async () => {
  const world = aWorld();
  await world.append({ notes: [aNote(0)] });
  world.run();
  await settle();
  world.run();
  await settle();
  expect(await world.messages()).toBe(1);
});

describe("numbers that never came", () => {
  const MINUTE = 60_000;
  /** A message of number `seq` that arrives `at` minutes after the beginning. */
  const message = (seq: number, at: number) => ({
    notes: [aNote(at / 10, { seqs: [["a41f", seq, seq]], receivedAt: NOW + at * MINUTE, times: [] })],
  });

  /** Numbers 2 to 4 are missing, two minutes long. */
  const appendWithGap = async (append: ReturnType<typeof aWorld>["append"]): Promise<void> => {
    await append(message(1, 0));
    await append(message(5, 1));
    await append(message(6, 3));
  };

  test("are asked for once they have been missing for a minute, and never again", async () => {
    const { append, run, put, open } = aWorld(new MemoryJournal(), {});
    await append(message(1_041, 0));
    await append(message(1_051, 0.5));
    await append(message(1_052, 1));
    run();
    await settle();
    expect(put).toEqual([]); // half a minute: the device may still be sending them by itself
    await append(message(1_053, 2));
    await settle();
    expect(put).toMatchObject([
      { op: "fetchHistory", by: "fleet", via: "server", args: { boot: "a41f", fromSeq: 1_042, toSeq: 1_050 } },
    ]);
    open.length = 0; // it has ended, and 1045 came of it
    await append(message(1_045, 3));
    for (let at = 4; at < 10; at++) await append(message(1_050 + at, at));
    await settle();
    expect(put).toHaveLength(1);
  });

  test("one request of ours at a time, so that people's commands have room", async () => {
    const { append, run, put, open } = aWorld(new MemoryJournal(), {});
    for (const [seq, at] of [
      [1, 0],
      [5, 0.1],
      [9, 0.2],
      [10, 2],
      [11, 4],
    ] as const)
      await append(message(seq, at));
    run();
    await settle();
    expect(put.map(({ args }) => args)).toEqual([{ boot: "a41f", fromSeq: 2, toSeq: 4 }]);
    open.length = 0;
    await append(message(12, 6));
    await settle();
    expect(put.map(({ args }) => args)[1]).toEqual({ boot: "a41f", fromSeq: 6, toSeq: 8 });
  });

  test("a device that knows no such command is left alone", async () => {
    const { append, run, put, ended } = aWorld(new MemoryJournal(), {});
    ended.push({
      ...missingCommand({ device: "dev-1", gap: { boot: "x", from: 1, to: 2, since: NOW } }, NOW),
      state: "unsupported",
    });
    await appendWithGap(append);
    run();
    await settle();
    expect(put).toEqual([]);
  });

  test.each`
    who                               | device
    ${"HJ 212"}                       | ${{ profile }}
    ${"behind somebody's connection"} | ${{ via: "bridge" }}
    ${"a Sparkplug edge node"}        | ${{ profile: { sparkplug: { group: "g", edge: "e" } } }}
  `("$who numbers no messages that could be asked for", async ({ device }) => {
    const { append, run, put } = aWorld(new MemoryJournal(), device);
    await appendWithGap(append);
    run();
    await settle();
    expect(put).toEqual([]);
  });

  test("after a crash the same request has the same id, and counts as asked", async () => {
    const first = aWorld(new MemoryJournal(), {});
    for (const [seq, at] of [
      [1, 0],
      [5, 1],
      [6, 3],
    ] as const)
      await first.append(message(seq, at));
    first.run(); // and never stopped: a crash
    await settle();
    const after = aWorld(first.journal, {});
    after.open.push(...first.put);
    after.run();
    await settle();
    expect(after.put).toEqual([]);
    after.open.length = 0;
    await after.append(message(7, 6));
    await settle();
    expect(after.put).toEqual([]);
  });
});

test("a metric that comes back as it was written ends the command that wrote it, and no other", async () => {
  const sparkplug = { group: "g", edge: "e" };
  const { append, run, open, answers } = aWorld(new MemoryJournal(), { profile: { sparkplug } });
  const command = missingCommand({ device: "dev-1", gap: { boot: "x", from: 1, to: 2, since: NOW } }, NOW);
  const base = { ...command, state: "accepted", sentAt: NOW } as const;
  open.push({ ...base, id: "c1", op: "setInterval", args: { seconds: 60 } });
  open.push({ ...base, id: "c2", op: "setInterval", args: { seconds: 30 } });
  open.push({ ...base, id: "c3", op: "restart", args: {} });
  const payload = '{"metric":"Node Control/Scan Rate","value":60000,"of":"node","isBirth":false}';
  await append({ signals: [{ device: "dev-1", channel: "metric", receivedAt: NOW + 5, payload }] });
  run();
  await settle();
  expect(answers).toEqual([["dev-1", { id: "c1", status: "done", detail: "Node Control/Scan Rate is 60000" }]]);
});
