/** Rules with a memory, and rules over several series: the same alarms from the same readings, whatever order they come in. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Reading } from "../../../core/reading.ts";
import { NOW } from "../../support/builders.ts";
import { lastTold, MINUTE, outcomes, readings, Timeline } from "../../support/timeline.ts";
import { TOY_DETECTORS, toyRule } from "../../support/toy-detectors.ts";

const rules = [toyRule("drift"), toyRule("event")];
const channel = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom<number | string | null | undefined>(6, 7, 8, 9, 10, 12, 14, 20) },
    { weight: 2, arbitrary: fc.constantFrom<number | string | null | undefined>("12?", "<20", "9F", null, undefined) },
  ),
  { minLength: 1, maxLength: 80 },
);

const both = fc
  .tuple(channel, channel)
  .map(([cd, ph]) => [
    ...readings(cd, { series: "mw-1/cd/total/rtd" }),
    ...readings(ph, { series: "mw-1/ph/total/rtd" }),
  ]);

function inDataTime(tape: readonly Reading[]): Reading[] {
  return [...tape].sort((a, b) => a.time - b.time || (a.series < b.series ? -1 : 1));
}

function play(blocks: readonly (readonly Reading[])[], windowBytesMax = 1e9): Timeline {
  const timeline = new Timeline({ rules, detectors: TOY_DETECTORS, windowBytesMax });
  for (const block of blocks) timeline.feed(block);
  timeline.tick(NOW + 1_000 * MINUTE);
  return timeline;
}

const straight = (tape: readonly Reading[]): Timeline => play(inDataTime(tape).map((reading) => [reading]));

test("any order, repetition and splitting gives the same alarms", () => {
  let raised = 0;
  fc.assert(
    fc.property(
      both.chain((tape) =>
        fc.tuple(
          fc.constant(tape),
          fc.shuffledSubarray([...tape, ...tape], { minLength: tape.length * 2, maxLength: tape.length * 2 }),
          fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 20 }),
        ),
      ),
      ([tape, sent, sizes]) => {
        const blocks: Reading[][] = [];
        for (let at = 0, next = 0; at < sent.length; at += sizes[next++ % sizes.length] ?? 1) {
          blocks.push(sent.slice(at, at + (sizes[next % sizes.length] ?? 1)));
        }
        const expected = outcomes(straight(tape).alarms);
        expect(outcomes(play(blocks).alarms)).toEqual(expected);
        raised += expected.length;
      },
    ),
    { numRuns: 100 },
  );
  expect(raised).toBeGreaterThan(150);
});

/** 2,000 minutes of two channels that rise together for 30 minutes every 200. */
function longTape(): Reading[] {
  const cd = Array.from({ length: 2_000 }, (_, index) =>
    index % 200 > 150 && index % 200 <= 180 ? 14 : 6 + (index % 3),
  );
  const ph = cd.map((value) => value / 2 + 3);
  return inDataTime([
    ...readings(cd, { series: "mw-1/cd/total/rtd" }),
    ...readings(ph, { series: "mw-1/ph/total/rtd" }),
  ]);
}

test("windows that slide forget nothing that comes in order, however large the blocks", () => {
  const tape = longTape();
  const outcomesWith = (windowBytesMax: number, size: number) => {
    const blocks = Array.from({ length: Math.ceil(tape.length / size) }, (_, at) =>
      tape.slice(at * size, (at + 1) * size),
    );
    return outcomes(play(blocks, windowBytesMax).alarms);
  };
  const whole = outcomesWith(1e9, 2);
  expect(whole.filter(({ rule }) => rule === "toy-event")).toHaveLength(10);
  expect(whole.filter(({ rule }) => rule === "toy-drift").length).toBeGreaterThan(10);
  for (const size of [1, 2, 7, 400, 4_000]) expect(outcomesWith(1, size)).toEqual(whole);
});

test("a little disorder costs no folding of the whole window, and changes nothing", () => {
  const tape = longTape();
  const swapped = [...tape];
  for (let at = 4; at + 4 < swapped.length; at += 10) {
    const [a, b] = [swapped[at] as Reading, swapped[at + 4] as Reading];
    swapped[at] = b;
    swapped[at + 4] = a;
  }
  const blocks = swapped.map((reading) => [reading]);
  expect(outcomes(play(blocks).alarms)).toEqual(outcomes(straight(tape).alarms));
});

test("an alarm of a group names its members' readings and the memory to compute it again", () => {
  const alarm = lastTold(straight(longTape()).events).find(({ rule }) => rule === "toy-event");
  expect(alarm).toMatchObject({ series: "mw-1/event/toy-event/rtd", quantity: "event", station: "mw-1" });
  const computation = alarm?.evidence.computation;
  expect(computation?.members?.map(({ series }) => series)).toEqual(["mw-1/cd/total/rtd", "mw-1/ph/total/rtd"]);
  expect(computation?.members?.[0]?.readings.at(-1)?.value).toBe(14);
  const memory = computation?.memory as { newest: number[]; level: number };
  expect(memory.newest).toHaveLength(2);
  // The sum 24 moves the remembered level over 16.
  expect(memory.level).toBeLessThan(16);
  expect(memory.level + 0.3 * (24 - memory.level)).toBeGreaterThan(16);
});

test("an alarm of a rule with a memory keeps the readings from its first on, and the memory before them", () => {
  const alarm = lastTold(straight(longTape()).events).find(({ rule }) => rule === "toy-drift");
  const { readings: used, computation } = alarm?.evidence ?? { readings: [] };
  const memory = computation?.memory as { mean: number } | undefined;
  expect(used.at(0)?.value).toBeGreaterThan(1.3 * (memory?.mean ?? Number.POSITIVE_INFINITY));
  expect(computation?.members).toBeNull();
});

test("a group whose rule is switched off ends its alarm, with the reason", () => {
  const timeline = play(
    longTape()
      .slice(0, 2 * 170)
      .map((reading) => [reading]),
  );
  expect(timeline.alarms.filter(({ rule, end }) => rule === "toy-event" && end === null)).toHaveLength(1);
  const events = timeline.rules([toyRule("drift")]);
  const ended = events.filter(({ alarm }) => alarm.rule === "toy-event");
  expect(ended).toMatchObject([{ kind: "cleared", note: "rule-removed" }]);
  expect(timeline.judge.groups.groups.size).toBe(0);
});
