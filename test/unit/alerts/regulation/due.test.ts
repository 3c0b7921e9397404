/** Due dates of a plan: base frequencies, first round, doubled and back, overdue marks, items. */
import { describe, expect, test } from "vitest";
import { loadPacks } from "../../../../alerts/packs/load.ts";
import { baseMonths, dueList, initialItems } from "../../../../alerts/regulation/due.ts";
import type { Result } from "../../../../alerts/regulation/rounds.ts";
import { chinaMidnight } from "../../../../core/china-day.ts";
import { Plan } from "../../../../core/plan.ts";
import { aStation } from "../../../support/builders.ts";

const packs = loadPacks();
const stations = [
  aStation({ id: "mw-1", targetClass: "III" }),
  aStation({ id: "mw-2", targetClass: "IV" }),
  aStation({ id: "s-1", medium: "soil", land: "class2" }),
];

function aPlan(changes: object = {}): Plan {
  return Plan.parse({
    ...{ id: "p", site: "site-1", from: "2025-01-01", firstRoundBy: "2025-06-30" },
    units: [
      { id: "u1", class: 1, concerns: ["cd"] },
      { id: "u2", class: 2, concerns: ["pb", "tph_c10_c40"] },
    ],
    points: [{ id: "w1", station: "mw-1", unit: "u1", object: "groundwater" }],
    ...changes,
  });
}
const initialWater = initialItems(packs, "groundwater", "2025-01-01");

/** Results of a whole first round, then rounds of cadmium. */
function results(first: string, rounds: Record<string, number>): Result[] {
  const whole = initialWater.map((quantity) => ({
    quantity,
    time: chinaMidnight(first),
    value: 0.0001,
    cmp: "<" as const,
  }));
  const cadmium = Object.entries(rounds).map(([date, value]) => {
    return { quantity: "cd", time: chinaMidnight(date), value, cmp: "" as const };
  });
  return [...whole.filter(({ quantity }) => quantity !== "cd"), ...cadmium];
}
function dueOf(plan: Plan, on: string, found: Readonly<Record<string, readonly Result[]>> = {}) {
  const station = (id: string) => stations.find((one) => one.id === id);
  return dueList({ plan, packs, station, results: new Map(Object.entries(found)), on });
}

describe("base frequency in months (clause 5.3.2)", () => {
  test.each`
    object            | unit         | sensitive | months
    ${"groundwater"}  | ${"u1"}      | ${false}  | ${6}
    ${"groundwater"}  | ${"u1"}      | ${true}   | ${3}
    ${"groundwater"}  | ${"u2"}      | ${false}  | ${12}
    ${"groundwater"}  | ${"u2"}      | ${true}   | ${6}
    ${"groundwater"}  | ${undefined} | ${false}  | ${6}
    ${"surface-soil"} | ${"u2"}      | ${true}   | ${12}
    ${"deep-soil"}    | ${"u1"}      | ${true}   | ${36}
  `("$object of $unit, sensitive $sensitive: $months", ({ object, unit, sensitive, months }) => {
    const plan = aPlan({ sensitive, points: [{ id: "x", station: "mw-1", object, ...(unit ? { unit } : {}) }] });
    const [point] = plan.points;
    if (point) expect(baseMonths(plan, point).months).toBe(months);
  });

  test("a permit may ask for more, never for less", () => {
    const [often, rarely] = aPlan({
      points: [1, 24].map((everyMonths) => ({
        id: `e${everyMonths}`,
        station: "mw-1",
        unit: "u1",
        object: "groundwater",
        everyMonths,
      })),
    }).points;
    if (often) expect(baseMonths(aPlan(), often).months).toBe(1);
    if (rarely) expect(baseMonths(aPlan(), rarely).months).toBe(6);
  });
});

test("the first round asks for the routine indices without microbes and radioactivity, and the concerns", () => {
  expect(initialWater).toHaveLength(35); // 39 routine indices less 2 microbial and 2 radioactive
  expect(initialItems(packs, "surface-soil", "2025-01-01")).toHaveLength(45);
  const [due] = dueOf(aPlan(), "2025-03-01");
  expect(due).toMatchObject({
    reason: "first-round",
    due: "2025-06-30",
    status: "scheduled",
    lastRound: null,
    rounds: 0,
  });
  expect(due?.analytes).toEqual([...new Set([...initialWater, "cd"])].sort());
});

test.each`
  why                                         | on              | rounds                                                                | due             | status         | doubled
  ${"due half a year after the first round"}  | ${"2025-08-01"} | ${{ "2025-05-10": 0.001 }}                                            | ${"2025-11-10"} | ${"scheduled"} | ${false}
  ${"told a month before"}                    | ${"2025-10-11"} | ${{ "2025-05-10": 0.001 }}                                            | ${"2025-11-10"} | ${"due-soon"}  | ${false}
  ${"on the day itself it is not overdue"}    | ${"2025-11-10"} | ${{ "2025-05-10": 0.001 }}                                            | ${"2025-11-10"} | ${"due-soon"}  | ${false}
  ${"the day after it is"}                    | ${"2025-11-11"} | ${{ "2025-05-10": 0.001 }}                                            | ${"2025-11-10"} | ${"overdue"}   | ${false}
  ${"above class III: a quarter"}             | ${"2025-06-01"} | ${{ "2025-05-10": 0.0051 }}                                           | ${"2025-08-10"} | ${"scheduled"} | ${true}
  ${"one clean round: still a quarter"}       | ${"2025-08-12"} | ${{ "2025-05-10": 0.0051, "2025-08-01": 0.001 }}                      | ${"2025-11-01"} | ${"scheduled"} | ${true}
  ${"two clean rounds: half a year again"}    | ${"2025-11-02"} | ${{ "2025-05-10": 0.0051, "2025-08-01": 0.001, "2025-11-01": 0.001 }} | ${"2026-05-01"} | ${"scheduled"} | ${false}
  ${"results after the day do not count yet"} | ${"2025-06-01"} | ${{ "2025-05-10": 0.001, "2025-08-01": 0.9 }}                         | ${"2025-11-10"} | ${"scheduled"} | ${false}
`("$why", ({ on, rounds, due, status, doubled }) => {
  const [point] = dueOf(aPlan(), on, { w1: results("2025-05-10", rounds) });
  expect(point).toMatchObject({ due, status, doubled });
  expect(point?.text["zh-CN"]).toContain(due);
});

test("a round that measured pH alone leaves its items due", () => {
  const found = [{ quantity: "ph", time: chinaMidnight("2025-05-10"), value: 7, cmp: "" as const }];
  const [point] = dueOf(aPlan(), "2025-07-02", { w1: found });
  expect(point).toMatchObject({ reason: "never-measured", due: "2025-06-30", status: "overdue", daysOverdue: 2 });
  expect(point?.analytes).not.toContain("ph");
});

test("results from before the plan serve for comparison, and are no first round", () => {
  const found = results("2024-05-10", { "2024-05-10": 0.001, "2025-02-01": 0.0014 });
  const [point] = dueOf(aPlan(), "2025-03-01", { w1: found });
  // Cadmium alone was measured under the plan; the items of 2024 are still due with its first round.
  expect(point).toMatchObject({ reason: "doubled", due: "2025-05-01", doubled: true, analytes: ["cd"] });
  expect(point?.findings).toMatchObject([{ rule: "groundwater-jump", previous: 0.001, jump: 0.4 }]);
});

test("what exceeded at one point of a unit stays in every round of the unit's points", () => {
  const points = ["w1", "w2"].map((id) => ({ id, station: "mw-1", unit: "u1", object: "groundwater" }));
  const nitrate = { quantity: "no3n", time: chinaMidnight("2025-05-10"), value: 25, cmp: "" as const };
  const found = results("2025-05-10", { "2025-05-10": 0.001 });
  const [, second] = dueOf(aPlan({ points }), "2025-11-01", { w1: [...found, nitrate], w2: found });
  expect(second).toMatchObject({ doubled: false, due: "2025-11-10", analytes: ["cd", "no3n"] });
});

test("the well's own target class, and the land of a soil point, choose the limit", () => {
  const points = [
    { id: "iv", station: "mw-2", unit: "u1", object: "groundwater" },
    { id: "soil", station: "s-1", unit: "u1", object: "surface-soil" },
  ];
  const cd = (value: number): Result => ({ quantity: "cd", time: chinaMidnight("2025-05-10"), value, cmp: "" });
  // Class IV of cadmium ends at 0.01 mg/L; class 2 land is screened at 65 mg/kg.
  const at = dueOf(aPlan({ points }), "2025-06-01", { iv: [cd(0.01)], soil: [cd(65)] });
  expect(at.map(({ findings }) => findings)).toEqual([[], []]);
  const above = dueOf(aPlan({ points }), "2025-06-01", { iv: [cd(0.011)], soil: [cd(65.1)] });
  expect(above.flatMap(({ findings }) => findings.map(({ rule, limit }) => [rule, limit]))).toEqual([
    ["groundwater-above-limit", 0.01],
    ["soil-above-limit", 65],
  ]);
  expect(above[1]).toMatchObject({ everyMonths: 6, baseMonths: 12 });
});
