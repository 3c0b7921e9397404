/** And, or, k-of-n over stations with a tolerance in time; levels of packs; silence neither raises nor clears. */
import { describe, expect, test } from "vitest";
import { compositeGroups, createComposite } from "../../../../alerts/detect/composite.ts";
import type { LimitOf } from "../../../../alerts/detect/group-scope.ts";
import { CompositeRule } from "../../../../core/rule-group.ts";
import { aMember, line, onlyGroup, type Row, run } from "../../../support/group-tape.ts";

const members = [
  aMember({ id: "a", type: "downgradient" }),
  aMember({ id: "b", type: "downgradient" }),
  aMember({ id: "c", type: "downgradient" }, "ph", { unit: "1" }),
];

function rule(more: object): CompositeRule {
  return CompositeRule.parse({ kind: "composite", id: "c", on: {}, level: "red", within: "2d", ...more });
}
function told(more: object, rows: readonly Row[], limitOf?: LimitOf): string {
  return line(run(() => createComposite(rule(more), members, limitOf), members, rows));
}

const cd = { quantity: "cd", above: 5, unit: "µg/L" };
const acid = { quantity: "ph", below: 6 };

describe("conditions within two days of each other", () => {
  test.each`
    combine           | rows                                                         | line      | why
    ${"and"}          | ${[[0, "a", 0.006], [1, "c", 5]]}                            | ${".!"}   | ${"the older one still counts"}
    ${"and"}          | ${[[0, "a", 0.006], [3, "c", 5]]}                            | ${".?"}   | ${"three days apart are not together, nor is the older one over"}
    ${"and"}          | ${[[0, "a", 0.006], [1, "c", 5], [2, "a", 0.001]]}           | ${".!."}  | ${"a newer calm reading ends it"}
    ${"and"}          | ${[[0, "a", 0.005], [1, "c", 5]]}                            | ${".."}   | ${"at the number is not above it"}
    ${"and"}          | ${[[0, "a", 0.006], [1, "c", 5], [9, "c", 5], [10, "c", 7]]} | ${".!?."} | ${"silence of a does not clear, calm of c does"}
    ${"or"}           | ${[[0, "a", 0.006], [1, "c", 7], [2, "a", 0.001]]}           | ${"!!."}  | ${"either is enough"}
    ${"or"}           | ${[[0, "b", 0.009, "<"], [1, "a", 0.006, ">"]]}              | ${"?!"}   | ${"a non-detect above the bound proves nothing"}
    ${{ atLeast: 2 }} | ${[[0, "a", 0.006], [0, "c", 5]]}                            | ${"!"}    | ${"two of two at one time"}
  `("$combine: $why", ({ combine, rows, line: wanted }) => {
    expect(told({ combine, conditions: [cd, acid] }, rows)).toBe(wanted);
  });

  test("k of n stations of a type", () => {
    const two = { conditions: [{ quantity: "cd", stationType: "downgradient", above: 0.005, stations: 2 }] };
    expect(
      told(two, [
        [0, "a", 0.006],
        [1, "b", 0.007],
        [4, "a", 0.008],
      ]),
    ).toBe(".!?");
  });

  test("the level of a pack, asked for each member", () => {
    const limitOf: LimitOf = ({ station }, { pack, above }) =>
      pack === "gbt14848-2017" && above === "III" && station.id === "a" ? [{ value: 0.005, passes: "<=" }] : [];
    const byPack = { combine: "or", conditions: [{ quantity: "cd", pack: "gbt14848-2017", above: "III" }] };
    expect(
      told(
        byPack,
        [
          [0, "a", 0.006],
          [1, "a", 0.005],
          [2, "b", 9],
        ],
        limitOf,
      ),
    ).toBe("!.?");
  });

  test("the tolerance of a condition overrides the rule's, inside a deadband a finding stays", () => {
    const slow = { conditions: [{ ...cd, within: "30d" }, acid], deadband: "10 %" };
    expect(
      told(slow, [
        [0, "a", 0.006],
        [20, "c", 5],
        [21, "a", 0.0047],
        [22, "a", 0.0045],
      ]),
    ).toBe(".!!.");
  });
});

test("contributors most first, and the numbers behind the verdict", () => {
  const created = run(() => createComposite(rule({ combine: "or", conditions: [cd, acid] }), members), members, [
    [0, "a", 0.006],
    [0, "b", 0.05],
    [1, "c", 5.9],
  ]);
  expect(created.at(-1)).toMatchObject({
    score: 2,
    by: ["b/cd/total/rtd", "a/cd/total/rtd", "c/ph/total/rtd"],
    figures: { conditions: 2, needed: 1, held: 2, stations1: 2, stations2: 1 },
  });
});

test("one group a site, told at a station of the first condition or where the rule says", () => {
  const other = aMember({ id: "z", site: "elsewhere" }, "orp");
  const group = onlyGroup(compositeGroups(rule({ conditions: [acid, cd] }), [...members, other]));
  expect([group.station, group.members.map(({ station }) => station.id)]).toEqual(["c", ["a", "b", "c"]]);
  expect(onlyGroup(compositeGroups(rule({ at: "b", conditions: [acid] }), members)).station).toBe("b");
});

test("a rule that could never hold is refused", () => {
  expect(() => rule({ combine: { atLeast: 3 }, conditions: [cd, acid] })).toThrow(/more conditions than there are/);
  expect(() => rule({ conditions: [{ quantity: "cd", above: "III" }] })).toThrow(/a pack and above/);
});
