/** What holds for every kind over several stations: saved memory continues exactly, and no order of anything matters. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createComposite } from "../../../../alerts/detect/composite.ts";
import { createCrossMedium } from "../../../../alerts/detect/cross-medium.ts";
import type { GroupDetector, GroupMember } from "../../../../alerts/detect/group.ts";
import type { LimitOf } from "../../../../alerts/detect/group-scope.ts";
import { createPlume } from "../../../../alerts/detect/plume.ts";
import { createSpread } from "../../../../alerts/detect/spread.ts";
import { createTailings } from "../../../../alerts/detect/tailings.ts";
import { CompositeRule, CrossMediumRule, PlumeRule, SpreadRule, TailingsRule } from "../../../../core/rule-group.ts";
import { aMember, type Row, run, unordered } from "../../../support/group-tape.ts";

const members = [
  aMember({ id: "src", type: "source", lat: 30.01, lon: 105 }),
  aMember({ id: "d1", type: "downgradient", lat: 30.005, lon: 105.001 }),
  aMember({ id: "d2", type: "downgradient", lat: 30, lon: 105 }),
  aMember({ id: "up", type: "upgradient", lat: 30.02, lon: 105 }),
  aMember({ id: "soil", type: "basic", medium: "soil", lat: 30.004, lon: 105.002 }),
];
const common = { id: "r", on: {}, level: "red" };
const ten: LimitOf = () => [{ value: 10, passes: "<=" }];
const baseline = { readings: 4 };

const KINDS: Readonly<Record<string, (members: readonly GroupMember[]) => GroupDetector>> = {
  composite: (list) =>
    createComposite(
      CompositeRule.parse({
        ...common,
        kind: "composite",
        within: "5d",
        combine: { atLeast: 2 },
        deadband: 2,
        conditions: [
          { quantity: "cd", stationType: "downgradient", above: 10, stations: 2 },
          { quantity: "cd", station: "src", above: 12 },
          { quantity: "cd", medium: "soil", below: 6 },
        ],
      }),
      list,
    ),
  "cross-medium": (list) =>
    createCrossMedium(
      CrossMediumRule.parse({
        ...common,
        kind: "cross-medium",
        family: ["cd"],
        media: [
          { medium: "groundwater", within: "5d", pack: "p", above: "III", baseline },
          { medium: "soil", within: "9d", baseline },
        ],
      }),
      list,
      ten,
    ),
  spread: (list) =>
    createSpread(
      SpreadRule.parse({
        ...common,
        kind: "spread",
        within: "6d",
        above: 10,
        baseline,
        offSite: "tell",
        frontSpan: "30d",
      }),
      list,
    ),
  plume: (list) =>
    createPlume(
      PlumeRule.parse({
        ...common,
        kind: "plume",
        above: 10,
        receptor: "d2",
        within: "9000d",
        frontSpan: "30d",
        draws: 50,
        aquifer: { conductivity: [2, 20], gradient: [0.003, 0.008], kd: { cd: [0, 1] } },
      }),
      list,
    ),
  tailings: (list) =>
    createTailings(
      TailingsRule.parse({
        ...common,
        kind: "tailings",
        deadband: 0.5,
        items: [
          { quantity: "cd", blue: 8, yellow: 12, orange: 16, red: 19 },
          { quantity: "cd", item: "speed", measure: "rate", over: "3d", blue: 2, yellow: 5 },
        ],
      }),
      list,
    ),
};

const row: fc.Arbitrary<Row> = fc.tuple(
  fc.integer({ min: 0, max: 40 }).map((half) => half / 2),
  fc.constantFrom("src", "d1", "d2", "up", "soil"),
  fc.integer({ min: 0, max: 20 }),
  fc.constantFrom(undefined, undefined, undefined, "<" as const, ">" as const, "bad" as const),
);
/** At one time a series has one reading. */
const tape = fc.uniqueArray(row, { selector: ([day, station]) => `${day} ${station}`, minLength: 10, maxLength: 60 });

describe.each(Object.entries(KINDS))("%s", (_, create) => {
  test("goes on from a saved memory as if nothing had been", () => {
    fc.assert(
      fc.property(tape, fc.nat(40), (rows, cut) => {
        expect(run(() => create(members), members, rows, cut)).toEqual(run(() => create(members), members, rows));
      }),
      { numRuns: 25 },
    );
  });

  test("neither the order of rows nor of members matters", () => {
    fc.assert(
      fc.property(tape, fc.shuffledSubarray(members, { minLength: 5 }), (rows, shuffled) => {
        const wanted = unordered(
          run(() => create(members), members, rows),
          members,
        );
        const found = run(() => create(shuffled), shuffled, [...rows].reverse());
        expect(unordered(found, shuffled)).toEqual(wanted);
      }),
      { numRuns: 25 },
    );
  });

  test("says all three of violated, kept and not judged on some tape", () => {
    const said = new Set<number>();
    for (const rows of fc.sample(tape, { numRuns: 60, seed: 7 })) {
      for (const { judgement } of run(() => create(members), members, [
        ...rows,
        [99, "src", 1, "<"],
        [99.5, "src", Number.NaN],
      ]))
        said.add(judgement);
    }
    expect(said.size).toBe(3);
  });
});
