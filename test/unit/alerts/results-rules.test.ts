/** Rules of results through the engine: what they raise and clear, in any order of arrival, and silence on sensors. */
import { describe, expect, test } from "vitest";
import { engineOf } from "../../../alerts/detectors.ts";
import { loadPacks } from "../../../alerts/packs/load.ts";
import type { Reading } from "../../../core/reading.ts";
import { aDevice, aDirectory, aVersionedRule, NOW } from "../../support/builders.ts";
import { aContext, DAY, fitting, letters, run, stepsOf } from "../../support/detectors.ts";
import { outcomes, readings, Timeline } from "../../support/timeline.ts";

const { bindLimit, detectors } = engineOf(loadPacks());
const WRITTEN = [
  { kind: "jump", id: "jump" },
  { kind: "rise", id: "rise" },
  { kind: "rate", id: "rate", above: 0.002, per: "1d", over: "1d" },
  { kind: "trend", id: "trend", pack: "gbt14848-2017", above: "III", within: "365d" },
  { kind: "shewhart-cusum", id: "chart" },
  { kind: "ewma", id: "ewma" },
  { kind: "prediction", id: "limit" },
];

/** Cadmium, mg/L, class III at 0.005: a well that is calm, then rises. */
const WELL = [10, 12, 11, 10, 12, 11, 12, 10, 11, 12, 14, 17, 21, 26, 32, 60, 12, 11, 10, 11, 12].map((x) => x / 1e4);
/** A result a day. */
const results: Reading[] = readings(WELL).map((reading, index) => ({ ...reading, time: NOW + index * DAY }));

function alarmsOf(blocks: readonly (readonly Reading[])[], interval: number) {
  const rules = WRITTEN.map((written) => aVersionedRule({ ...written, level: "blue" }));
  const directory = aDirectory({ rules, devices: [aDevice({ interval })] });
  const timeline = new Timeline({ directory, bindLimit, detectors });
  for (const block of blocks) timeline.feed(block);
  return outcomes(timeline.alarms)
    .map(({ rule, start, end }) => `${rule} ${start / 1_440} to ${end === null ? "now" : end / 1_440}`)
    .sort();
}

describe("a well that is calm and then rises", () => {
  const found = alarmsOf([results], 7 * DAY);

  test("every kind sees it; jump at the last step only", () => {
    expect(found.map((alarm) => alarm.split(" ")[0])).toEqual(expect.arrayContaining(WRITTEN.map(({ id }) => id)));
    expect(found).toContain("jump 15 to 16");
    expect(found).toContain("rise 10 to 16");
  });

  test("the same alarms one by one, backwards, and in parts that overlap", () => {
    expect(
      alarmsOf(
        results.map((reading) => [reading]),
        7 * DAY,
      ),
    ).toEqual(found);
    expect(
      alarmsOf(
        results.toReversed().map((reading) => [reading]),
        7 * DAY,
      ),
    ).toEqual(found);
    const parts = [results.slice(9, 18), results.slice(0, 12), results.slice(5), results.slice(0, 3)];
    expect(alarmsOf(parts, 7 * DAY)).toEqual(found);
  });

  test("pH is watched on both sides, cadmium on one", () => {
    const fall = stepsOf([7, 7.1, 7, 6.9, 7, 7.1, 7, 6.9, 5]);
    for (const [quantity, last] of [
      ["ph", "V"],
      ["cd", "k"],
    ] as const) {
      const { rule } = aVersionedRule({ kind: "shewhart-cusum", on: { quantity } });
      expect(letters(run(fitting(detectors.ofSeries(rule, aContext({ quantity }))), fall)).at(-1)).toBe(last);
    }
  });

  test("the same numbers from a sensor of ten minutes are no results: only the rate is judged", () => {
    expect([...new Set(alarmsOf([results], 600_000).map((alarm) => alarm.split(" ")[0]))]).toEqual(["rate"]);
  });
});
