import { expect, test } from "vitest";
import type { CommandAck, DeviceCommand } from "../../../core/command.ts";
import type { FleetEntry, FleetNote } from "../../../core/fleet.ts";
import { createLogger, Metrics } from "../../../core/observe.ts";
import { FleetBook, runFleet } from "../../../ingest/fleet.ts";
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

function aWorld(journal = new MemoryJournal()) {
  const clock = new FakeClock(NOW);
  const directory = aDirectory({ devices: [aDevice({ profile })] });
  const book = new FleetBook({ directory: () => directory, clock });
  const put: DeviceCommand[] = [];
  const answers: [string, CommandAck][] = [];
  const reported: [string, number][] = [];
  const commands = {
    put: async (command: DeviceCommand) => void put.push(command),
    answer: async (device: string, ack: CommandAck) => {
      answers.push([device, ack]);
      return null;
    },
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
  return { journal, clock, book, put, answers, reported, append, run, messages };
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
