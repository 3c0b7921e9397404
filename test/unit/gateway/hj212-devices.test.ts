import { describe, expect, test } from "vitest";
import { RecentPackets, Unclaimed } from "../../../gateway/hj212-devices.ts";
import { PARTS_MS_MAX, type Part, PartTimes, PartTracker } from "../../../gateway/hj212-parts.ts";

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

test("a packet that still waits for its append is not forgotten, however many come after it", () => {
  const recent = new RecentPackets();
  const slow = recent.note(bytes("slow"), ignore);
  for (let n = 0; n < 200; n++) recent.settled(recent.note(bytes(`packet ${n}`), ignore).key, true);
  const answered: string[] = [];
  expect(recent.note(bytes("slow"), () => answered.push("slow")).kind).toBe("waiting");
  recent.settled(slow.key, true);
  expect(answered).toEqual(["slow"]);
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

describe("DataTime of parts that leave it to part 1", () => {
  const TIME = "20260315080000";
  const NEXT = "20260315090000";
  const part = (number: number, dataTime = "", overrides: Partial<Part> = {}): Part => ({
    ...{ command: "2061", systemCode: "32", dataTime, total: 3, number },
    ...overrides,
  });

  test("is that of part 1, sent again too, until the next message has one", () => {
    const times = new PartTimes();
    expect(times.timeOf(part(1, TIME), "a", 0)).toBe(TIME);
    for (const [number, id] of [
      [3, "c"],
      [2, "b"],
      [2, "b"],
    ] as const)
      expect(times.timeOf(part(number), id, 0)).toBe(TIME);
    expect(times.timeOf(part(1, NEXT), "d", 0)).toBe(NEXT);
    expect(times.timeOf(part(2), "e", 0)).toBe(NEXT);
  });

  test("is not guessed: no part 1, another message's part 1, another kind of message, 5 min of silence", () => {
    const times = new PartTimes();
    expect(times.timeOf(part(2), "a", 0)).toBe("");
    times.timeOf(part(1, TIME), "b", 0);
    times.timeOf(part(2), "c", 0);
    for (const overrides of [{ command: "2051" }, { systemCode: "21" }, { total: 4 }])
      expect(times.timeOf(part(3, "", overrides), "x", 0)).toBe("");
    expect(times.timeOf(part(2), "d", 0)).toBe("");
    expect(times.timeOf(part(3), "e", 0)).toBe(""); // of the message of "d"
    times.timeOf(part(1, TIME), "f", 0);
    expect(times.timeOf(part(2), "g", PARTS_MS_MAX - 1)).toBe(TIME);
    expect(times.timeOf(part(3), "h", 2 * PARTS_MS_MAX - 1)).toBe("");
  });

  test("what is no time is lent to nobody, and memory is bounded", () => {
    const times = new PartTimes();
    expect(times.timeOf(part(1, "//;//"), "a", 0)).toBe("//;//");
    expect(times.timeOf(part(2), "b", 0)).toBe("");
    for (let total = 3; total < 100; total++) times.timeOf(part(1, TIME, { total }), "c", 0);
    expect(times.timeOf(part(2, "", { total: 83 }), "d", 0)).toBe("");
    expect(times.timeOf(part(2, "", { total: 84 }), "d", 0)).toBe(TIME);
  });
});
