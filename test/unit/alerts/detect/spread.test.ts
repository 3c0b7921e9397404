/** From the site or from outside, unknown up-gradient water, and the front from well to well. */
import { describe, expect, test } from "vitest";
import { createSpread, spreadGroups } from "../../../../alerts/detect/spread.ts";
import { SpreadRule } from "../../../../core/rule-group.ts";
import { aMember, lastFigures, line, onlyGroup, type Row, run } from "../../../support/group-tape.ts";

const up = aMember({ id: "up", type: "upgradient" });
const d1 = aMember({ id: "d1", type: "downgradient" });
const d2 = aMember({ id: "d2", type: "downgradient" });
const members = [d1, d2, up];

function rule(more: object = {}): SpreadRule {
  return SpreadRule.parse({ kind: "spread", id: "s", on: {}, level: "orange", within: "40d", above: 0.005, ...more });
}
function told(rows: readonly Row[], more: object = {}) {
  return run(() => createSpread(rule(more), members), members, rows);
}

describe("where it came from", () => {
  test.each`
    rows                                                                                              | line       | why
    ${[[0, "up", 0.001], [0, "d1", 0.001], [30, "d1", 0.009]]}                                        | ${".!"}    | ${"down-gradient only: the site"}
    ${[[0, "up", 0.009], [30, "d1", 0.009]]}                                                          | ${"?."}    | ${"up-gradient first: from outside"}
    ${[[0, "up", 0.001], [30, "up", 0.009], [30, "d1", 0.009]]}                                       | ${"?."}    | ${"both at one time: not the site's"}
    ${[[0, "d1", 0.009], [10, "up", 0.001]]}                                                          | ${"?!"}    | ${"nothing is said before up-gradient is known"}
    ${[[0, "up", 0.001], [50, "d1", 0.009]]}                                                          | ${"??"}    | ${"an old up-gradient reading proves nothing"}
    ${[[0, "up", 0.001], [30, "d1", 0.009], [40, "up", 0.009]]}                                       | ${"?!!"}   | ${"what comes up-gradient later changes nothing"}
    ${[[0, "up", 0.009], [20, "up", 0.001], [30, "d1", 0.009]]}                                       | ${"??."}   | ${"a pulse that has just passed up-gradient"}
    ${[[0, "up", 0.001], [30, "d1", 0.009], [40, "d1", 0.001]]}                                       | ${"?!."}   | ${"calm again"}
    ${[[0, "up", 0.001], [30, "d1", 0.009], [80, "up", 0.001]]}                                       | ${"?!?"}   | ${"silence does not clear"}
    ${[[0, "up", 0.001], [20, "d1", 0.009], [30, "d2", 0.009], [35, "up", 0.009], [38, "d1", 0.001]]} | ${"?!!!!"} | ${"the first well clearing does not turn the verdict"}
  `("$why", ({ rows, line: wanted }) => {
    expect(line(told(rows))).toBe(wanted);
  });

  test("off-site is told where the rule asks, with the up-gradient well among those that contribute", () => {
    const last = told(
      [
        [0, "up", 0.05],
        [30, "d1", 0.009],
      ],
      { offSite: "tell" },
    ).at(-1);
    expect(last).toMatchObject({ by: [up.key, d1.key], figures: { offSite: 1, downBeyond: 1 } });
  });

  test("a rise over the well's own past, far below any limit; the rise stays out of the past", () => {
    const calm = Array.from({ length: 8 }, (_, day): Row[] => [
      [day, "up", 1],
      [day, "d1", 1 + (day % 2) * 0.02],
    ]).flat();
    const own = { above: undefined, baseline: { readings: 8 } };
    const rows: Row[] = [
      ...calm,
      [8, "up", 1],
      [8, "d1", 1.3],
      [9, "d1", 1.4],
      [10, "d1", 5, "bad"],
      [11, "d1", 1.4],
      [30, "d1", 1.1],
    ];
    expect(line(told(rows, own)).slice(-5)).toBe(".!!!.");
  });
});

describe("the front", () => {
  const lag = (id: string, day: number): Row[] =>
    Array.from({ length: 30 }, (_, at): Row => [at * 6, id, at * 6 < day ? 0.001 : 0.02]);
  const aquifer = { conductivity: 10, gradient: 0.005, porosity: 0.25, kd: { cd: 0 } };
  const upCalm: Row[] = Array.from({ length: 30 }, (_, at): Row => [at * 6, "up", 0.001]);

  test("velocity from half rises, and how well it agrees with K·i/n", () => {
    const rows = [...upCalm, ...lag("d1", 36), ...lag("d2", 156)];
    const figures = lastFigures(told(rows, { along: { up: -50, d1: 0, d2: 24 }, aquifer }));
    expect(figures).toMatchObject({ frontWells: 2, frontMoves: 1 });
    expect(figures["velocity"]).toBeCloseTo(0.2, 6);
    expect(figures["prior"]).toBeCloseTo(0.2, 12);
    expect(figures["consistency"]).toBeCloseTo(0, 5);
  });

  test("a front that comes from below is no front of this path", () => {
    const rows = [...upCalm, ...lag("d1", 156), ...lag("d2", 36)];
    const figures = lastFigures(told(rows, { along: { up: -50, d1: 0, d2: 24 }, aquifer }));
    expect([figures["frontMoves"], figures["velocity"]]).toEqual([0, undefined]);
  });

  test("without `along` wells lie on the axis from up- to down-gradient", () => {
    const placed = [
      aMember({ id: "d1", type: "downgradient", lat: 30, lon: 105.001 }),
      aMember({ id: "d2", type: "downgradient", lat: 30, lon: 105.002 }),
      aMember({ id: "up", type: "upgradient", lat: 30, lon: 105 }),
    ];
    const rows = [...upCalm, ...lag("d1", 36), ...lag("d2", 156)];
    const figures = lastFigures(run(() => createSpread(rule(), placed), placed, rows));
    expect(figures["velocity"]).toBeCloseTo(96.3 / 120, 2);
  });
});

test("wells of one quantity with both sides make a group, told down-gradient", () => {
  const lone = aMember({ id: "d9", type: "downgradient", site: "other" });
  const ph = aMember({ id: "d1", type: "downgradient" }, "ph");
  const group = onlyGroup(spreadGroups(rule(), [up, lone, d1, ph, d2]));
  expect([group.station, group.about]).toEqual(["d1", "groundwater.cd.total.rtd"]);
  expect(group.members.map(({ key }) => key)).toEqual([d1.key, d2.key, up.key]);
});
