/** Episodes follow from the readings alone: order, repetition and splitting change nothing; corrections and late data do what they deserve. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Ledger, SETTLED_MAX } from "../../../alerts/ledger.ts";
import type { Reading } from "../../../core/reading.ts";
import { anAlarm, anOrigin, aReading, aVersionedRule, NOW } from "../../support/builders.ts";
import { lastTold, MINUTE, outcomes, readings, Timeline } from "../../support/timeline.ts";

const rules = [
  aVersionedRule({ id: "high", above: 10, deadband: "10 %", onDelay: "2 readings", offDelay: "2 readings" }),
  aVersionedRule({ id: "low", below: 5, onDelay: "2m", offDelay: "1m", level: "red" }),
];

/** Values around both limits, with doubt, censoring, faults and gaps. */
const tape = fc.array(
  fc.constantFrom<number | string | null | undefined>(
    1,
    4,
    6,
    9.5,
    11,
    15,
    "11?",
    "4?",
    "<3",
    "<20",
    ">12",
    "12T",
    "11F",
    null,
    undefined,
  ),
  { minLength: 1, maxLength: 60 },
);

/** A tape in some order, some readings twice, cut into blocks. */
const shuffled = tape.chain((values) => {
  const inOrder = readings(values);
  if (inOrder.length === 0) return fc.constant({ inOrder, blocks: [] as Reading[][] });
  return fc
    .tuple(
      fc.shuffledSubarray(inOrder, { minLength: inOrder.length, maxLength: inOrder.length }),
      fc.subarray(inOrder),
      fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 30 }),
    )
    .map(([once, again, sizes]) => {
      const all = [...once, ...again];
      const blocks: Reading[][] = [];
      for (let at = 0, next = 0; at < all.length; next++) {
        const size = sizes[next % sizes.length] ?? 1;
        blocks.push(all.slice(at, at + size));
        at += size;
      }
      return { inOrder, blocks };
    });
});

test("any order, repetition and splitting gives the same episodes, and ids are told apart", () => {
  fc.assert(
    fc.property(shuffled, ({ inOrder, blocks }) => {
      const straight = new Timeline({ rules });
      for (const reading of inOrder) straight.feed([reading]);
      const disturbed = new Timeline({ rules });
      for (const block of blocks) disturbed.feed(block);
      expect(outcomes(disturbed.alarms)).toEqual(outcomes(straight.alarms));
      const ids = disturbed.events.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
    }),
    { numRuns: 500 },
  );
});

test("a window that slides forgets nothing that comes in order", () => {
  const values = Array.from({ length: 600 }, (_, index) => (index % 50 < 7 ? 11 : index % 90 === 40 ? "11?" : 6));
  const outcomesWith = (windowBytesMax: number, blockSize: number) => {
    const timeline = new Timeline({ rules, windowBytesMax });
    const all = readings(values);
    for (let at = 0; at < all.length; at += blockSize) timeline.feed(all.slice(at, at + blockSize));
    return outcomes(timeline.alarms);
  };
  const whole = outcomesWith(1e9, 1);
  expect(whole).toHaveLength(12);
  for (const blockSize of [1, 7, 200, 600]) expect(outcomesWith(1, blockSize)).toEqual(whole);
});

test("a 2-hour backlog with 20 minutes of exceedance, late, shuffled and doubled, is exactly one alarm", () => {
  const receivedAt = NOW + 5 * 3_600_000;
  const backlog = readings(Array.from({ length: 120 }, (_, minute) => (minute >= 40 && minute < 60 ? 12 : 6))).map(
    (reading) => ({ ...reading, origin: { ...reading.origin, receivedAt } }),
  );
  fc.assert(
    fc.property(fc.shuffledSubarray([...backlog, ...backlog], { minLength: 240, maxLength: 240 }), (sent) => {
      const timeline = new Timeline({ rules: [aVersionedRule({ id: "high", above: 10, onDelay: "2 readings" })] });
      timeline.feed(sent, receivedAt);
      expect(timeline.events).toHaveLength(1);
      expect(timeline.events[0]).toMatchObject({
        kind: "raised",
        alarm: {
          state: "cleared",
          start: NOW + 40 * MINUTE,
          end: NOW + 60 * MINUTE,
          lateMs: receivedAt - (NOW + 41 * MINUTE),
          backfill: true,
          verified: true,
        },
      });
      expect(timeline.events[0]?.alarm.evidence.readings.map(({ time }) => (time - NOW) / MINUTE)).toEqual([40, 41]);
    }),
    { numRuns: 20 },
  );
});

describe("late data and corrections", () => {
  const rule = aVersionedRule({ above: 10 });
  const at = (minute: number, value: number, seq = minute): Reading =>
    aReading({ time: NOW + minute * MINUTE, value, origin: anOrigin({ seq, receivedAt: NOW + 60 * MINUTE }) });
  const kinds = (timeline: Timeline): string[] => timeline.events.map(({ kind }) => kind);

  test("a late reading before the start extends the episode and keeps its id", () => {
    const timeline = new Timeline({ rules: [rule] });
    timeline.feed([at(0, 1), at(5, 11)]);
    timeline.feed([at(3, 12)]);
    expect(kinds(timeline)).toEqual(["raised", "updated"]);
    expect(timeline.alarms).toMatchObject([{ start: NOW + 3 * MINUTE, end: null }]);
  });

  test("joining two episodes keeps the id raised first; the other says which one it joined", () => {
    const timeline = new Timeline({ rules: [aVersionedRule({ above: 10, offDelay: "2 readings" })] });
    timeline.feed([at(0, 1), at(10, 11), at(12, 1), at(13, 1)]);
    timeline.feed([at(20, 12), at(22, 1), at(23, 1)]);
    const [first, second] = timeline.alarms.map(({ id }) => id);
    timeline.feed([at(12, 12, 99)]); // a correction: the first exceedance was not over
    expect(outcomes(timeline.alarms)).toMatchObject([{ start: 10, end: 22 }]);
    expect(timeline.alarms[0]?.id).toBe(first);
    const joined = timeline.events.at(-1);
    expect(joined).toMatchObject({ kind: "retracted", alarm: { id: second, supersededBy: first, state: "cleared" } });
  });

  test("a correction of the qualifier alone is judged again: D to N raises pollution, N to M takes it back", () => {
    const timeline = new Timeline({ rules: [rule] });
    const said = (qualifier: "D" | "N" | "M", seq: number) => [{ ...at(5, 50, seq), qualifier }];
    const open = () => timeline.alarms.filter(({ end }) => end === null).map(({ category }) => category);
    timeline.feed([at(0, 1)]);
    timeline.feed(said("D", 5));
    expect(open()).toEqual(["instrument"]);
    timeline.feed(said("N", 6));
    expect(open()).toEqual(["pollution"]);
    timeline.feed(said("M", 7));
    expect(open()).toEqual(["instrument"]);
    expect(kinds(timeline).slice(2)).toEqual(expect.arrayContaining(["retracted", "raised"]));
    expect(timeline.feed(said("N", 6))).toEqual([]); // an older message of the same boot corrects nothing
  });

  test("a correction of the flag alone confirms a suspect alarm", () => {
    const timeline = new Timeline({ rules: [rule] });
    timeline.feed([{ ...at(5, 50), flag: 3 }]);
    expect(timeline.alarms).toMatchObject([{ verified: false }]);
    timeline.feed([{ ...at(5, 50, 6), flag: 1 }]);
    expect(timeline.alarms).toMatchObject([{ verified: true, level: "orange" }]);
  });

  test("a correction below the limit retracts the alarm", () => {
    const timeline = new Timeline({ rules: [rule] });
    timeline.feed([at(0, 1), at(1, 11)]);
    timeline.feed([at(1, 1.1, 2)]);
    expect(kinds(timeline)).toEqual(["raised", "retracted"]);
    expect(timeline.events[1]?.alarm).toMatchObject({ supersededBy: "retracted", state: "cleared" });
    expect(timeline.alarms).toEqual([]);
    expect(timeline.judge.ledger.size).toBe(0);
  });

  test("a correction above the limit raises it; an older message of the same boot does not correct", () => {
    const timeline = new Timeline({ rules: [rule] });
    timeline.feed([at(0, 1, 5)]);
    timeline.feed([at(0, 11, 4)]);
    expect(timeline.events).toEqual([]);
    timeline.feed([at(0, 11, 6)]);
    expect(kinds(timeline)).toEqual(["raised"]);
  });

  test("a correction of the reading that ended it reopens it, still acknowledged", () => {
    const timeline = new Timeline({ rules: [rule] });
    timeline.feed([at(0, 11)]);
    timeline.acknowledge(timeline.alarms[0]?.id ?? "");
    timeline.feed([at(1, 1)]);
    timeline.feed([at(1, 12, 9)]);
    expect(kinds(timeline)).toEqual(["raised", "acknowledged", "cleared", "reopened"]);
    expect(timeline.alarms).toMatchObject([{ state: "acknowledged", end: null, acknowledgedBy: "officer" }]);
  });

  test("a late good reading splits an episode: the part that began first keeps the id", () => {
    const timeline = new Timeline({ rules: [rule] });
    timeline.feed([at(0, 11), at(4, 11)]);
    const id = timeline.alarms[0]?.id;
    timeline.feed([at(2, 1)]);
    expect(outcomes(timeline.alarms)).toMatchObject([
      { start: 0, end: 2 },
      { start: 4, end: null },
    ]);
    expect(timeline.alarms.find(({ start }) => start === NOW)?.id).toBe(id);
  });

  test("an excess that doubles is told, a little more is not", () => {
    const timeline = new Timeline({ rules: [rule] });
    for (const reading of [at(0, 11), at(1, 11.5), at(2, 12), at(3, 13), at(4, 20)]) timeline.feed([reading]);
    expect(timeline.events.map(({ alarm }) => alarm.value)).toEqual([11, 12, 20]);
  });

  test("older than the window: told once, as over, though it comes in two batches", () => {
    const timeline = new Timeline({ rules: [rule], windowBytesMax: 1 });
    timeline.feed(
      readings(
        Array.from({ length: 200 }, () => 1),
        { time: NOW },
      ),
    );
    const old = readings([1, 11, 12, 12, 11, 1], { time: NOW - 1_000 * MINUTE });
    timeline.feed(old.slice(0, 3));
    timeline.feed(old.slice(3));
    expect(kinds(timeline)).toEqual(["raised", "updated"]);
    expect(outcomes(timeline.alarms)).toMatchObject([{ start: -999, end: -995 }]);
  });
});

test("a late exceedance that leaves the window within its own block is told all the same", () => {
  const timeline = new Timeline({ rules: [aVersionedRule({ above: 10 })], windowBytesMax: 1 });
  const at = (minute: number, value: number): Reading => aReading({ time: NOW + minute * MINUTE, value });
  timeline.feed(Array.from({ length: 60 }, (_, index) => at(index * 2, 1)));
  const newer = Array.from({ length: 100 }, (_, index) => at(200 + index, 1));
  timeline.feed([at(1, 11), at(3, 12), ...newer]);
  expect(outcomes(timeline.alarms)).toMatchObject([
    { start: 1, end: 2 },
    { start: 3, end: 4 },
  ]);
});

test("cleared alarms that nobody acknowledges are kept up to a bound, the newest ones", () => {
  const ledger = new Ledger();
  for (let index = 0; index < SETTLED_MAX + 5; index++) ledger.settle(ledger.add(anAlarm({ id: `a${index}` })));
  expect(ledger.size).toBe(SETTLED_MAX);
  expect([ledger.get("a4"), ledger.get("a5")?.settled]).toEqual([undefined, true]);
});

test("what leaves the window can still be acknowledged, and is forgotten then", () => {
  const timeline = new Timeline({ rules: [aVersionedRule({ above: 10 })], windowBytesMax: 1 });
  timeline.feed(readings([11, 1, ...Array.from({ length: 300 }, () => 1)]));
  const id = timeline.alarms[0]?.id ?? "";
  expect(timeline.judge.ledger.get(id)?.settled).toBe(true);
  expect(timeline.acknowledge(id)).toMatchObject([{ kind: "acknowledged", alarm: { state: "cleared" } }]);
  expect(timeline.judge.ledger.size).toBe(0);
  expect(timeline.acknowledge(id)).toBeNull();
});

test("the second acknowledgement changes nothing: the first acker stays", () => {
  const timeline = new Timeline({ rules: [aVersionedRule({ above: 10 })] });
  timeline.feed(readings([11]));
  const id = timeline.alarms[0]?.id ?? "";
  expect(timeline.acknowledge(id, "first")).toHaveLength(1);
  expect(timeline.acknowledge(id, "second")).toEqual([]);
  expect(lastTold(timeline.events)).toMatchObject([{ state: "acknowledged", acknowledgedBy: "first" }]);
});
