/** Absence device by device: siblings at one station, and restarts. */
import { deserialize, serialize } from "node:v8";
import { expect, test } from "vitest";
import { Judge } from "../../../alerts/judge.ts";
import { decodeShard, encodeShard, loadShard, SHARDS, type Shard } from "../../../alerts/snapshot.ts";
import type { AlarmEvent } from "../../../core/alarm.ts";
import type { Directory } from "../../../core/ports.ts";
import type { Reading } from "../../../core/reading.ts";
import { aBlock, aDevice, aDirectory, anOrigin, aReading, aVersionedRule, NOW } from "../../support/builders.ts";
import { MINUTE, noLimits } from "../../support/timeline.ts";

const rules = [aVersionedRule({ id: "silent", kind: "absence", on: {}, level: "blue" })];
const siblings = aDirectory({ rules, devices: [aDevice({ id: "a" }), aDevice({ id: "b" })] });

function arrives(minute: number, device: string, quantity = "cd"): Reading {
  const origin = anOrigin({ device, seq: minute, receivedAt: NOW + minute * MINUTE + 500 });
  return aReading({ series: `mw-1/${quantity}/total/rtd`, time: NOW + minute * MINUTE, origin });
}

function started(directory: Directory, minute = 0): Judge {
  const judge = new Judge(directory, { bindLimit: noLimits });
  judge.resume(0, NOW + minute * MINUTE);
  return judge;
}

/** Saves everything and loads it into a new judge that starts `downMinutes` later. */
function restarted(judge: Judge, directory: Directory, minute: number): { judge: Judge; events: AlarmEvent[] } {
  const next = new Judge(directory, { bindLimit: noLimits });
  for (let shard = 0; shard < SHARDS; shard++) {
    const saved = decodeShard(encodeShard(judge, shard, 0));
    if (!saved) throw new Error("unreadable snapshot");
    loadShard(next, saved);
    for (const { alarm, events } of saved.alarms) next.ledger.restore(alarm, events);
  }
  return { judge: next, events: next.resume(0, NOW + minute * MINUTE) };
}

const tick = (judge: Judge, minute: number) => judge.tick(0, NOW + minute * MINUTE);
const feed = (judge: Judge, minute: number, ...block: Reading[]) =>
  judge.block(aBlock(block), minute, NOW + minute * MINUTE);
const deviceOf = ({ alarm }: AlarmEvent) => alarm.evidence.readings[0]?.device;

test("a sibling that shares every quantity neither hides a dead device nor clears its alarm", () => {
  const judge = started(siblings);
  feed(judge, 5, arrives(5, "a"), arrives(5, "b"));
  feed(judge, 50, arrives(50, "b"));
  const raised = tick(judge, 51);
  expect(raised.map(({ kind }) => kind)).toEqual(["raised"]);
  expect(deviceOf(raised[0] as AlarmEvent)).toBe("a");
  expect(feed(judge, 52, arrives(52, "b"))).toEqual([]);
  expect(feed(judge, 53, arrives(53, "a", "ph")).map(({ kind }) => kind)).toEqual(["cleared"]);
});

test("two devices that were never heard at one station are two alarms; each one's word clears its own", () => {
  const judge = started(siblings);
  const raised = tick(judge, 31);
  expect(new Set(raised.map(({ alarm }) => alarm.id)).size).toBe(2);
  expect(feed(judge, 32, arrives(32, "b"))).toHaveLength(1);
  expect(feed(judge, 33, arrives(33, "b"))).toEqual([]);
  expect(feed(judge, 34, arrives(34, "a"))).toHaveLength(1);
});

test("after a restart each open alarm still belongs to its device", () => {
  const before = started(siblings);
  feed(before, 4, arrives(4, "b"));
  feed(before, 5, arrives(5, "a"));
  const raised = tick(before, 60);
  const reversed = aDirectory({ rules, devices: [aDevice({ id: "b" }), aDevice({ id: "a" })] });
  const { judge, events } = restarted(before, reversed, 61);
  expect([...events, ...tick(judge, 62)]).toEqual([]);
  for (const [minute, device] of [
    [63, "a"],
    [64, "b"],
  ] as const) {
    const [cleared] = feed(judge, minute, arrives(minute, device));
    expect(cleared).toMatchObject({ kind: "cleared", alarm: { end: NOW + minute * MINUTE } });
    expect(cleared?.alarm.id).toBe(raised.find((event) => deviceOf(event) === device)?.alarm.id);
  }
});

test("an absence of a day fires although the engine starts anew every day", () => {
  const daily = aDirectory({
    rules: [aVersionedRule({ id: "silent", kind: "absence", on: {}, level: "blue", after: "24h" })],
    devices: [aDevice({ id: "a" }), aDevice({ id: "b" })],
  });
  const day = 24 * 60;
  let judge = started(daily);
  feed(judge, 5, arrives(5, "a"));
  tick(judge, day - 60);
  judge = restarted(judge, daily, day - 59).judge;
  const raised = Array.from({ length: 120 }, (_, minute) => tick(judge, day - 58 + minute)).flat();
  expect(raised.map(({ alarm }) => (alarm.start - NOW) / MINUTE)).toEqual([0, 5]);
});

test("after a stop of ours devices get as long as it lasted, at most the span, before they are called silent", () => {
  const first = started(siblings);
  feed(first, 50, arrives(49, "b"), arrives(50, "a"));
  tick(first, 51);
  const { judge } = restarted(first, siblings, 300);
  expect(tick(judge, 329)).toEqual([]);
  feed(judge, 329, arrives(329, "a"));
  expect(tick(judge, 330).map(deviceOf)).toEqual(["b"]);
});

test("a snapshot of another format is not read: its shard is folded from the journal again", () => {
  const first = started(siblings);
  feed(first, 5, arrives(5, "a"));
  const bytes = encodeShard(first, 0, 0);
  expect(decodeShard(bytes)).not.toBeNull();
  const shard = deserialize(bytes) as Shard;
  expect(decodeShard(serialize({ ...shard, format: shard.format - 1 }))).toBeNull();
});
