import { describe, expect, test } from "vitest";
import { RecentPackets, Unclaimed } from "../../../gateway/hj212-devices.ts";
import { PARTS_MS_MAX, type Part, PartTracker } from "../../../gateway/hj212-parts.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const ignore = (): void => {};

describe("re-sends", () => {
  test("new, then waiting while it is not durable, then durable", () => {
    const recent = new RecentPackets();
    const answered: string[] = [];
    const first = recent.note(bytes("a"), ignore);
    expect(first.kind).toBe("new");
    expect(recent.note(bytes("a"), () => answered.push("again")).kind).toBe("waiting");
    expect(answered).toEqual([]);
    recent.settled(first.key, true);
    expect(answered).toEqual(["again"]);
    expect(recent.note(bytes("a"), ignore).kind).toBe("durable");
    expect(recent.note(bytes("b"), ignore).kind).toBe("new");
  });

  test("what could not be stored is new again, and nobody is answered", () => {
    const recent = new RecentPackets();
    const answered: string[] = [];
    const { key } = recent.note(bytes("a"), ignore);
    recent.note(bytes("a"), () => answered.push("wrongly"));
    recent.settled(key, false);
    expect(answered).toEqual([]);
    expect(recent.note(bytes("a"), ignore).kind).toBe("new");
  });

  test("memory is bounded: the oldest is forgotten", () => {
    const recent = new RecentPackets();
    for (let n = 0; n < 200; n++) recent.settled(recent.note(bytes(`packet ${n}`), ignore).key, true);
    expect(recent.note(bytes("packet 199"), ignore).kind).toBe("durable");
    expect(recent.note(bytes("packet 0"), ignore).kind).toBe("new");
  });
});

test("unclaimed devices: counted, newest last, at most 200", () => {
  const unclaimed = new Unclaimed();
  for (let n = 0; n < 250; n++) unclaimed.note(`mn-${n}`, "10.0.0.1", n);
  unclaimed.note("mn-100", "10.0.0.2", 1_000);
  expect(unclaimed.list()).toHaveLength(200);
  expect(unclaimed.list().at(-1)).toEqual({ name: "mn-100", address: "10.0.0.2", lastPacketAt: 1_000, packets: 2 });
  unclaimed.claimed("mn-100");
  expect(unclaimed.list().some(({ name }) => name === "mn-100")).toBe(false);
});

describe("numbered packets", () => {
  const part = (number: number, overrides: Partial<Part> = {}): Part => ({
    ...{ command: "2051", systemCode: "32", dataTime: "20260315080000", total: 3, number },
    ...overrides,
  });

  test("all there, in any order and twice: no gap", () => {
    const tracker = new PartTracker();
    for (const number of [3, 1, 1, 2]) tracker.note(part(number), 0);
    tracker.sweep(PARTS_MS_MAX);
    expect(tracker.gaps).toEqual([]);
  });

  test("a missing number is reported after 5 min of silence, not before", () => {
    const tracker = new PartTracker();
    tracker.note(part(1), 0);
    tracker.note(part(3), 60_000);
    tracker.sweep(PARTS_MS_MAX);
    expect(tracker.gaps).toEqual([]);
    tracker.sweep(60_000 + PARTS_MS_MAX);
    expect(tracker.gaps).toEqual([
      { command: "2051", dataTime: "20260315080000", total: 3, missing: [2], at: 60_000 + PARTS_MS_MAX },
    ]);
  });

  test("a part without DataTime belongs to the message before it", () => {
    const tracker = new PartTracker();
    tracker.note(part(1), 0);
    for (const number of [2, 3]) tracker.note(part(number, { dataTime: "" }), 0);
    tracker.sweep(PARTS_MS_MAX);
    expect(tracker.gaps).toEqual([]);
  });

  test.each([
    { total: 0, number: 1 },
    { total: 3, number: 4 },
    { total: 3, number: 0 },
    { total: Number.NaN, number: 1 },
    { total: 1e9, number: 1 },
  ])("numbers without sense are ignored: %o", (overrides) => {
    const tracker = new PartTracker();
    tracker.note(part(1, overrides), 0);
    tracker.sweep(PARTS_MS_MAX);
    expect(tracker.gaps).toEqual([]);
  });

  test("memory is bounded: 1,000 unfinished messages leave 16 open and the newest 20 gaps", () => {
    const tracker = new PartTracker();
    for (let n = 0; n < 1_000; n++) tracker.note(part(1, { dataTime: String(n) }), n);
    expect(tracker.gaps).toHaveLength(20);
    expect(tracker.gaps.at(-1)).toMatchObject({ dataTime: "983", missing: [2, 3] });
  });
});
