/** Two media within their own tolerances, and which station is the probable source. */
import { describe, expect, test } from "vitest";
import { createCrossMedium, crossMediumGroups } from "../../../../alerts/detect/cross-medium.ts";
import type { LimitOf } from "../../../../alerts/detect/group-scope.ts";
import { CrossMediumRule } from "../../../../core/rule-group.ts";
import { aMember, line, onlyGroup, type Row, run } from "../../../support/group-tape.ts";

/** North is up, water flows south; west of the park lies one smelter, east another. */
const members = [
  aMember({ id: "west", type: "source", lat: 30.01, lon: 105 }, "cd"),
  aMember({ id: "east", type: "risk", lat: 30.01, lon: 105.02 }, "zn"),
  aMember({ id: "gw", type: "downgradient", lat: 30, lon: 105 }, "cd"),
  aMember({ id: "river", medium: "surface-water", type: "basic", lat: 29.99, lon: 105.001 }, "pb"),
  aMember({ id: "field", medium: "soil", type: "basic", lat: 30.005, lon: 105 }, "cd", { unit: "mg/kg" }),
  aMember({ id: "up", type: "upgradient", lat: 30.02, lon: 105 }, "cd"),
];
const LIMITS: Readonly<Record<string, number>> = { groundwater: 0.005, "surface-water": 0.05, soil: 0.6 };
const limitOf: LimitOf = ({ station }) => [{ value: LIMITS[station.medium] ?? Number.NaN, passes: "<=" }];

function rule(more: object = {}): CrossMediumRule {
  return CrossMediumRule.parse({
    kind: "cross-medium",
    id: "x",
    on: {},
    level: "orange",
    family: ["cd", "pb", "zn"],
    media: [
      { medium: "groundwater", within: "60d", pack: "gbt14848-2017", above: "III" },
      { medium: "surface-water", within: "7d", pack: "gb3838-2002", above: "III" },
      { medium: "soil", within: "365d", pack: "gb15618-2018", above: "screening" },
    ],
    ...more,
  });
}
function told(rows: readonly Row[], more: object = {}) {
  return run(() => createCrossMedium(rule(more), members, limitOf), members, rows);
}
const sourceOf = (rows: readonly Row[], more: object = {}): string | null => {
  const index = told(rows, more).at(-1)?.figures["source"] ?? -1;
  return members[index]?.station.id ?? null;
};

describe("media within their tolerances", () => {
  test.each`
    rows                                                          | line     | why
    ${[[0, "gw", 0.01], [50, "river", 0.1]]}                      | ${".!"}  | ${"60 days of groundwater reach to the river's finding"}
    ${[[0, "river", 0.1], [50, "gw", 0.01]]}                      | ${".?"}  | ${"7 days of the river do not reach, nor is it over"}
    ${[[0, "gw", 0.01], [0, "west", 0.02]]}                       | ${"."}   | ${"two wells are one medium"}
    ${[[0, "up", 0.01], [0, "river", 0.1]]}                       | ${"."}   | ${"an up-gradient well makes no medium count"}
    ${[[0, "field", 0.7], [300, "gw", 0.01], [301, "gw", 0.001]]} | ${".!."} | ${"soil holds a year"}
    ${[[0, "field", 0.6], [1, "gw", 0.005]]}                      | ${".."}  | ${"at the limit passes"}
  `("$why", ({ rows, line: wanted }) => {
    expect(line(told(rows))).toBe(wanted);
  });

  test("three of three", () => {
    const rows: Row[] = [
      [0, "field", 0.7],
      [1, "gw", 0.01],
      [2, "river", 0.1],
    ];
    expect(line(told(rows, { atLeast: 3 }))).toBe("..!");
    expect(told(rows).at(-1)).toMatchObject({
      score: 3,
      by: ["gw/cd/total/rtd", "river/pb/total/rtd", "field/cd/total/rtd"],
    });
  });

  test("a medium without a pack is judged by its own past", () => {
    const media = [
      { medium: "groundwater", within: "60d", baseline: { readings: 4 } },
      { medium: "soil", within: "365d", pack: "gb15618-2018", above: "screening" },
    ];
    const calm = [1, 2, 3, 4].map((day): Row => [day, "gw", 0.001]);
    expect(line(told([[0, "field", 0.7], ...calm, [5, "gw", 0.002]], { media }))).toBe(".????!".replace(/\?/g, "?"));
  });
});

describe("the probable source", () => {
  const both: Row[] = [
    [0, "gw", 0.01],
    [1, "river", 0.1],
  ];
  test("lies up-gradient of the findings, nearest", () => {
    expect(sourceOf(both)).toBe("west");
  });
  test("has findings of its own, even if farther", () => {
    expect(sourceOf([...both, [1, "east", 0.02]])).toBe("east");
  });
  test("is not down-gradient of what it should have caused", () => {
    expect(sourceOf([...both, [1, "east", 0.02]], { flowTowards: 0 })).toBe("east");
    const north = aMember({ id: "north", type: "risk", lat: 29.995, lon: 105.0005 }, "zn");
    const all = [...members, north];
    const of = (flowTowards: number) => {
      const last = run(() => createCrossMedium(rule({ flowTowards }), all, limitOf), all, both).at(-1);
      return all[last?.figures["source"] ?? -1]?.station.id;
    };
    expect([of(180), of(0)]).toEqual(["west", "north"]);
  });
  test("is outside when up-gradient water was beyond no later", () => {
    const last = told([
      [0, "up", 0.01],
      [0, "gw", 0.01],
      [1, "river", 0.1],
    ]).at(-1);
    expect(last?.figures).toMatchObject({ offSite: 1, source: -1 });
    expect(
      told([
        [0, "gw", 0.01],
        [1, "up", 0.01],
        [1, "river", 0.1],
      ]).at(-1)?.figures,
    ).toMatchObject({ offSite: 0 });
  });
});

test("one group a site with enough media, told at the source", () => {
  const poor = aMember({ id: "only", site: "other", medium: "soil" }, "cd");
  expect(onlyGroup(crossMediumGroups(rule(), [poor, ...members])).station).toBe("west");
});
