/** Three categories of farmland, a person's word, and the yearly reminder of counties. */
import { describe, expect, it, test } from "vitest";
import { loadPacks } from "../../../../alerts/packs/load.ts";
import { countyReminders } from "../../../../alerts/regulation/county.ts";
import { farmlandHistory, farmlandState, isFarmland, withCrop } from "../../../../alerts/regulation/farmland.ts";
import type { Round } from "../../../../alerts/regulation/rounds.ts";
import type { ConfirmedCategory, CropResult, FarmlandState } from "../../../../core/regulation.ts";
import { aSite, aStation } from "../../../support/builders.ts";

const packs = loadPacks();
const station = aStation({ id: "f-1", medium: "soil", land: "paddy", ph: 6 });
const site = aSite({ kind: "farmland" });

function round(date: string, values: Readonly<Record<string, number>>): Round {
  return { date, values: new Map(Object.entries(values).map(([id, value]) => [id, { value, cmp: "" as const }])) };
}
function categoryOf(values: Readonly<Record<string, number>>, crops: readonly CropResult[] = [], date = "2026-03-01") {
  return farmlandHistory(packs, station, { rounds: [round(date, values)], crops }).at(-1)?.category;
}
function stateOf(rounds: readonly Round[], decisions: readonly ConfirmedCategory[] = [], id = "f-1"): FarmlandState {
  const own = { ...station, id };
  return farmlandState({ station: own, site }, farmlandHistory(packs, own, { rounds, crops: [] }), decisions);
}

// GB 15618-2018 table 1 and 3, paddy, 5.5 < pH ≤ 6.5: cadmium 0.4 and 2.0 mg/kg.
test.each`
  why                                        | values                   | category
  ${"at screening"}                          | ${{ cd: 0.4 }}           | ${"priority-protection"}
  ${"above screening"}                       | ${{ cd: 0.4000001 }}     | ${"safe-use"}
  ${"at intervention"}                       | ${{ cd: 2 }}             | ${"safe-use"}
  ${"above intervention"}                    | ${{ cd: 2.0000001 }}     | ${"strict-control"}
  ${"the worst item decides"}                | ${{ cd: 0.1, pb: 1000 }} | ${"strict-control"}
  ${"an item with screening only"}           | ${{ cu: 10000 }}         | ${"safe-use"}
  ${"the pH of the sample chooses the band"} | ${{ cd: 0.7, ph: 7.6 }}  | ${"priority-protection"}
  ${"nothing that the standard knows"}       | ${{ ph: 7 }}             | ${undefined}
`("$why: $category", ({ values, category }) => expect(categoryOf(values)).toBe(category));

describe("produce", () => {
  const crop = (exceeded: number, on = "2025-10-01"): CropResult => ({ on, samples: 5, exceeded });
  it.each([
    ["clean produce changes nothing", 0.1, [crop(0)], "priority-protection"],
    ["exceeding produce calls for safe use", 0.1, [crop(1)], "safe-use"],
    ["clean produce never makes it milder", 1, [crop(0)], "safe-use"],
    ["produce of other years does not count", 0.1, [crop(1, "2022-10-01")], "priority-protection"],
    ["the nearest sampling counts", 0.1, [crop(1, "2025-06-01"), crop(0)], "priority-protection"],
  ])("%s", (_, cd, crops, category) => expect(categoryOf({ cd }, crops)).toBe(category));

  it("never makes strict control milder", () => {
    expect(withCrop("strict-control", { exceeded: 0 })).toBe("strict-control");
  });
});

test("each round has its edition, and dates before the first one say so", () => {
  const rounds = [round("2017-06-30", { cd: 1 }), round("2019-06-30", { cd: 1 })];
  expect(farmlandHistory(packs, station, { rounds, crops: [] })).toMatchObject([
    { date: "2017-06-30", pack: "gb15618-2018", inForce: false, index: 2.5 },
    { date: "2019-06-30", inForce: true },
  ]);
});

test.each`
  land         | medium           | kind                 | is
  ${"paddy"}   | ${"soil"}        | ${"industrial-park"} | ${true}
  ${undefined} | ${"soil"}        | ${"farmland"}        | ${true}
  ${undefined} | ${"soil"}        | ${"industrial-park"} | ${false}
  ${"class2"}  | ${"soil"}        | ${"farmland"}        | ${false}
  ${"paddy"}   | ${"groundwater"} | ${"farmland"}        | ${false}
`("$medium on $land of a $kind is farmland: $is", ({ land, medium, kind, is }) => {
  expect(isFarmland(aStation({ medium, ...(land ? { land } : {}) }), aSite({ kind }))).toBe(is);
});

const word = (
  category: ConfirmedCategory["category"],
  suggested: ConfirmedCategory["suggested"],
  at = "2025-06-01",
) => {
  return { station: "f-1", category, suggested, reason: "r", by: "li.wei", via: "cli" as const, at: Date.parse(at) };
};
test.each`
  why                                                   | cd          | decisions                                               | open
  ${"nobody has spoken"}                                | ${[0.1]}    | ${[]}                                                   | ${true}
  ${"confirmed as suggested"}                           | ${[0.1]}    | ${[word("priority-protection", "priority-protection")]} | ${false}
  ${"a person decided otherwise, results say the same"} | ${[0.1]}    | ${[word("safe-use", "priority-protection")]}            | ${false}
  ${"results have changed since"}                       | ${[0.1, 1]} | ${[word("priority-protection", "priority-protection")]} | ${true}
  ${"results have come to what the person said"}        | ${[0.1, 1]} | ${[word("safe-use", "priority-protection")]}            | ${false}
`(
  "$why: to confirm $open",
  ({ cd, decisions, open }: { cd: number[]; decisions: ConfirmedCategory[]; open: boolean }) => {
    const rounds = cd.map((value, index) => round(`${2025 + index}-03-01`, { cd: value }));
    expect(stateOf(rounds, decisions).toConfirm).toBe(open);
  },
);

describe("counties", () => {
  /** Cadmium of each point by year from 2020 on. */
  const county = (...points: readonly (readonly number[])[]): readonly FarmlandState[] =>
    points.map((values, at) => {
      const rounds = values.map((cd, index) => round(`${2020 + index}-05-01`, { cd }));
      return stateOf(rounds, [], `f-${at + 1}`);
    });

  test("one sample over the line changes one point and gives one reminder", () => {
    const calm = county([0.3, 0.3], [0.3, 0.3]);
    expect(countyReminders(calm, 2021)).toMatchObject([{ area: "512021", reasons: [], trend: null }]);
    const moved = county([0.3, 0.3], [0.3, 0.41]);
    const [reminder, ...others] = countyReminders(moved, 2021);
    expect(others).toEqual([]);
    expect(reminder).toMatchObject({ reasons: ["points-worsened"], year: 2021 });
    expect(reminder?.years.at(-1)).toMatchObject({ points: 2, worsened: ["f-2"], worsenedShare: 0.5, lostShare: 0.5 });
    expect(reminder?.text["zh-CN"]).toContain("预警提醒");
  });

  test("a point that fell stays in the statistics, and falls only once", () => {
    const [reminder] = countyReminders(county([0.3, 0.5, 0.5], [0.3, 0.3, 0.3]), 2022);
    expect(reminder?.years.map(({ lostShare }) => lostShare)).toEqual([0, 0.5, 0.5]);
    expect(reminder?.reasons).toEqual([]);
  });

  test("a significant rise below the limit is reminded, a flat county is not", () => {
    const rising = [0.1, 0.12, 0.14, 0.16, 0.18];
    const [up] = countyReminders(county(rising, rising), 2024);
    expect(up).toMatchObject({ reasons: ["rising-trend"], trend: { of: "median-index", n: 5, s: 10 } });
    const [flat] = countyReminders(county([0.1, 0.12, 0.1, 0.12, 0.1]), 2024);
    expect(flat).toMatchObject({ reasons: [], trend: { significant: false } });
  });

  test("three years are too few for a trend, four rising ones are just enough", () => {
    const trendOf = (values: readonly number[]) => countyReminders(county(values), 2019 + values.length)[0]?.trend;
    expect(trendOf([0.1, 0.12, 0.14])).toBeNull();
    expect(trendOf([0.1, 0.12, 0.14, 0.16])).toMatchObject({ s: 6, p: 1 / 24, significant: true });
  });

  test("points that never were in priority protection, and years without results, do not count", () => {
    expect(countyReminders(county([1, 3]), 2021)).toEqual([]);
    expect(countyReminders(county([0.1, 0.1]), 2025)).toEqual([]);
  });
});
