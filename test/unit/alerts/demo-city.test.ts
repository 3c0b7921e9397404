/**
 * All shipped rules over the demonstration city, through normaliser and quality control: silent on calm data, a cadmium
 * alarm at the leak's well in 3 minutes.
 */
import { describe, expect, test } from "vitest";
import { demoCity } from "../../../simulators/city.ts";
import { NOW } from "../../support/builders.ts";
import { runCity } from "../../support/city-run.ts";

const SECOND = 1_000;
const DAY = 86_400 * SECOND;
const every = (ms: number, count: number): number[] => Array.from({ length: count }, (_, index) => NOW + index * ms);
const told = (run: ReturnType<typeof runCity>) => run.alarms.map(({ rule, series }) => `${rule} ${series}`);

describe("calm: no alarm of any rule", () => {
  test.each([1, 2, 3])("at full pace, seed %i", (seed) => {
    expect(told(runCity({ seed, times: every(5 * SECOND, 60), intervalMs: 5 * SECOND }))).toEqual([]);
  });

  test.each([1, 2])("a day at the pace of stations, seed %i", (seed) => {
    expect(told(runCity({ seed, times: every(1_800 * SECOND, 49), intervalMs: 1_800 * SECOND }))).toEqual([]);
  });

  test("twelve days at four hours, in which the rules on whole days have judged", () => {
    expect(told(runCity({ seed: 1, times: every(14_400 * SECOND, 72), intervalMs: 14_400 * SECOND }))).toEqual([]);
  });

  test("two years of monthly results, which the rules on a series' own past watch", () => {
    expect(told(runCity({ seed: 1, times: every(30.4375 * DAY, 25), intervalMs: 365 * DAY }))).toEqual([]);
  });
});

test("plume: a cadmium alarm at the well of the leak within three minutes, no other of a pollutant", () => {
  const run = runCity({ seed: 1, scenario: "plume", times: every(5 * SECOND, 36), intervalMs: 5 * SECOND });
  const { plumeStation } = demoCity(5_000);
  expect(run.alarms.map(({ rule, level, series }) => `${rule} ${level} ${series}`)).toEqual([
    `gw-toxic-class-iii yellow ${plumeStation}/cd/total/rtd`,
    `gw-toxic-class-v orange ${plumeStation}/cd/total/rtd`,
  ]);
});
