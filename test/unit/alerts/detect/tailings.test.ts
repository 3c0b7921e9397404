/** Grades of points, items and ponds; rates, inverse velocity, freeboard; grades without a design value do not run. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Movement } from "../../../../alerts/detect/movement.ts";
import {
  createTailings,
  itemGrade,
  levelOfScore,
  pondGrade,
  tailingsGroups,
} from "../../../../alerts/detect/tailings.ts";
import { TailingsRule } from "../../../../core/rule-group.ts";
import { aMember, DAY, onlyGroup, type Row, run, T0 } from "../../../support/group-tape.ts";

const pond = (id: string, quantity: string) =>
  aMember({ id, site: "pond", medium: "tailings", type: "basic" }, quantity, { unit: "m", resolution: 0.01 });

function rule(items: object[], more: object = {}): TailingsRule {
  return TailingsRule.parse({ kind: "tailings", id: "t", on: {}, items, ...more });
}
function scores(items: object[], members: readonly ReturnType<typeof pond>[], rows: readonly Row[], more: object = {}) {
  return run(() => createTailings(rule(items, more), members), members, rows).map(({ score }) => score);
}

describe("aggregation of GB 39496-2020 5.5.4", () => {
  test.each`
    points                | grade | why
    ${[0, 0]}             | ${0}  | ${"calm"}
    ${[1, 1, 1]}          | ${1}  | ${"three at blue stay blue"}
    ${[1, 1, 1, 1]}       | ${2}  | ${"four at blue are yellow"}
    ${[2, 2]}             | ${2}  | ${"two at yellow stay yellow"}
    ${[2, 2, 2]}          | ${3}  | ${"three at yellow are orange"}
    ${[3]}                | ${3}  | ${"one at orange"}
    ${[3, 3]}             | ${4}  | ${"two at orange are red"}
    ${[4, 1]}             | ${4}  | ${"one at red is red"}
    ${[2, 2, 1, 1, 1, 1]} | ${2}  | ${"a raised item is no raised point"}
  `("$points: $why", ({ points, grade }) => {
    expect(itemGrade(points)).toBe(grade);
  });

  test("across items: four at blue count as one at yellow, and nothing beyond that", () => {
    expect(
      [
        [1, 1, 1],
        [1, 1, 1, 1],
        [2, 2, 2],
        [3, 3],
        [0, 4],
      ].map(pondGrade),
    ).toEqual([1, 2, 2, 3, 4]);
  });

  test("a worse point never lowers the grade", () => {
    const grades = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(grades, fc.nat(7), (points, at) => {
        const worse = points.map((grade, index) => (index === at % points.length ? Math.min(4, grade + 1) : grade));
        expect(itemGrade(worse)).toBeGreaterThanOrEqual(itemGrade(points));
        expect(pondGrade(worse)).toBeGreaterThanOrEqual(pondGrade(points));
      }),
    );
  });

  test("scores are levels", () => {
    expect([1, 2, 3, 4].map(levelOfScore)).toEqual(["blue", "yellow", "orange", "red"]);
  });
});

describe("points", () => {
  const beach = { quantity: "dry_beach", blue: 110, yellow: 100, orange: 85, red: 70 };
  test("a short beach is worse, the design value itself counts, the deadband holds a grade", () => {
    const rows: Row[] = [110.1, 110, 100, 85.1, 70, 70.5, 72, 200].map((value, day): Row => [day, "b1", value]);
    expect(scores([beach], [pond("b1", "dry_beach")], rows, { deadband: 1 })).toEqual([0, 1, 2, 2, 4, 4, 3, 0]);
  });

  test("two points at orange are red; a silent point keeps its grade", () => {
    const members = [pond("b1", "dry_beach"), pond("b2", "dry_beach")];
    expect(
      scores([beach], members, [
        [0, "b1", 80],
        [90, "b2", 80],
        [91, "b2", 120],
      ]),
    ).toEqual([3, 4, 3]);
  });

  test("a grade without a design value does not run; orange of the phreatic line follows from red", () => {
    const phreatic = { quantity: "phreatic_depth", red: 8, orangeFactor: 1.1 };
    const rows: Row[] = [9, 8.8, 8].map((value, day): Row => [day, "p1", value]);
    expect(scores([phreatic], [pond("p1", "phreatic_depth")], rows)).toEqual([0, 3, 4]);
    expect(scores([{ quantity: "phreatic_depth", red: 8 }], [pond("p1", "phreatic_depth")], rows)).toEqual([0, 0, 4]);
  });

  test("freeboard is the crest minus the pool level; rain counts upwards, by its own unit", () => {
    const freeboard = {
      quantity: "pool_level",
      item: "freeboard",
      measure: "freeboard",
      crest: 512,
      yellow: 1.5,
      red: 0.7,
    };
    const rain = { quantity: "rainfall_24h", unit: "cm", yellow: 5 };
    const members = [pond("w1", "pool_level"), pond("r1", "rainfall_24h")];
    expect(
      scores([freeboard, rain], members, [
        [0, "w1", 510],
        [1, "w1", 510.6],
        [2, "w1", 511.4],
      ]),
    ).toEqual([0, 2, 4]);
    expect(
      scores([freeboard, rain], members, [
        [0, "r1", 49],
        [1, "r1", 50],
      ]),
    ).toEqual([0, 2]);
  });

  test("displacement: either direction, its rate, and its value are one point of one item", () => {
    const items = [
      { quantity: "displacement_surface", blue: 30, red: 60 },
      { quantity: "displacement_surface", measure: "rate", over: "2d", yellow: 4 },
    ];
    const rows: Row[] = Array.from({ length: 9 }, (_, at): Row => [at / 2, "d1", -2.5 * at]);
    const told = run(
      () => createTailings(rule(items), [pond("d1", "displacement_surface")]),
      [pond("d1", "displacement_surface")],
      rows,
    );
    expect(told.map(({ score }) => score)).toEqual([0, 0, 2, 2, 2, 2, 2, 2, 2]);
    expect(told.at(-1)?.figures).toMatchObject({ grade: 2, pointsYellow: 1, itemsYellow: 1, pointsBlue: 0 });
  });

  test("design values that do not worsen step by step are refused", () => {
    expect(() => rule([{ ...beach, orange: 105 }])).toThrow(/worse step by step/);
    expect(() => rule([{ quantity: "dry_beach" }])).toThrow(/at least one grade/);
  });
});

describe("inverse velocity", () => {
  /** Displacement whose velocity is 1/(0.01·(20 − t)) mm/d: it fails on day 20. */
  const moving = (day: number): number => -100 * Math.log(1 - day / 20);
  const filled = (until: number): Movement => {
    const movement = new Movement(24 * DAY);
    for (let day = 0; day <= until; day++) movement.take(T0 + day * DAY, moving(day));
    return movement;
  };
  test("meets the day of failure", () => {
    expect(filled(14).daysToFailure(T0 + 14 * DAY, 0.1)).toBeCloseTo(6, 1);
  });
  test("says nothing of steady creep, of few values, or of movement within five times the noise", () => {
    const creep = new Movement(24 * DAY);
    for (let day = 0; day <= 14; day++) creep.take(T0 + day * DAY, 3 * day);
    expect(creep.daysToFailure(T0 + 14 * DAY, 0.1)).toBe(Number.POSITIVE_INFINITY);
    expect(filled(4).daysToFailure(T0 + 4 * DAY, 0.1)).toBe(Number.POSITIVE_INFINITY);
    expect(filled(14).daysToFailure(T0 + 14 * DAY, 5)).toBe(Number.POSITIVE_INFINITY);
  });
  test("grades by days left", () => {
    const item = { quantity: "displacement_surface", measure: "failure", over: "24d", yellow: 10, orange: 7, red: 3 };
    const rows = Array.from({ length: 19 }, (_, day): Row => [day, "d1", moving(day)]);
    const found = scores([item], [pond("d1", "displacement_surface")], rows);
    expect([found[9], found[12], found[14], found[18]]).toEqual([0, 2, 3, 4]);
  });
});

test("one group a pond", () => {
  const group = onlyGroup(
    tailingsGroups(rule([{ quantity: "dry_beach", red: 70 }]), [pond("x", "ph"), pond("b1", "dry_beach")]),
  );
  expect([group.station, group.members.length]).toEqual(["b1", 1]);
});
