/** Plans and zones against the registry: faults by name, remarks that stop nothing. */
import { describe, expect, test } from "vitest";
import { isInside, planFaults, planRemarks, zoneRemarks } from "../../../../alerts/regulation/check.ts";
import { ControlZone, PlanFile } from "../../../../core/plan.ts";
import { aSite, aStation } from "../../../support/builders.ts";

const places = {
  sites: [aSite(), aSite({ id: "site-2" }), aSite({ id: "plot", kind: "contaminated-plot" })],
  stations: [
    ...[aStation(), aStation({ id: "s-1", medium: "soil" }), aStation({ id: "far", site: "site-2" })],
    ...[
      aStation({ id: "p-1", site: "plot", lat: 30.5, lon: 105.5 }),
      aStation({ id: "p-2", site: "plot", lat: 32, lon: 105.5 }),
    ],
  ],
};
const plan = {
  ...{ id: "p", site: "site-1", from: "2026-01-01" },
  units: [{ id: "u1", class: 1, concerns: ["cd"] }],
  points: [{ id: "w1", station: "mw-1", unit: "u1", object: "groundwater" }],
};
const zone = { id: "z", site: "plot", name: "Z", state: "in-force", since: "2026-01-01", stations: ["p-1"] };
const faultsOf = (file: object): string => planFaults(PlanFile.parse(file), places).join("\n");

test("a plan and a zone that fit have no faults", () => {
  expect(faultsOf({ plans: [plan], zones: [zone] })).toBe("");
});

test.each`
  why                      | file                                                                                       | fault
  ${"site"}                | ${{ plans: [{ ...plan, site: "x" }] }}                                                     | ${"plan p: there is no site x"}
  ${"station"}             | ${{ plans: [{ ...plan, points: [{ ...plan.points[0], station: "x" }] }] }}                 | ${"point w1: there is no station x"}
  ${"another site"}        | ${{ plans: [{ ...plan, points: [{ ...plan.points[0], station: "far" }] }] }}               | ${"station far belongs to site site-2"}
  ${"medium"}              | ${{ plans: [{ ...plan, points: [{ ...plan.points[0], station: "s-1" }] }] }}               | ${"groundwater is measured in groundwater"}
  ${"unit"}                | ${{ plans: [{ ...plan, points: [{ ...plan.points[0], unit: "x" }] }] }}                    | ${"there is no unit x"}
  ${"soil without a unit"} | ${{ plans: [{ ...plan, points: [{ id: "a", station: "s-1", object: "surface-soil" }] }] }} | ${"only a control well has no unit"}
  ${"quantity"}            | ${{ plans: [{ ...plan, units: [{ ...plan.units[0], concerns: ["unobtainium"] }] }] }}      | ${"quantity unobtainium"}
  ${"id twice"}            | ${{ plans: [plan, plan] }}                                                                 | ${'the id "p" is given twice'}
  ${"kind of the plot"}    | ${{ zones: [{ ...zone, site: "site-1", stations: ["mw-1"] }] }}                            | ${"site site-1 is of kind industrial-park"}
  ${"a zone of nothing"}   | ${{ zones: [{ ...zone, stations: [] }] }}                                                  | ${"give a polygon or stations"}
`("a fault of $why is named", ({ file, fault }) => expect(faultsOf(file)).toContain(fault));

test("faults come all at once", () => {
  const both = { plans: [{ ...plan, site: "x", points: [{ ...plan.points[0], station: "y" }] }] };
  expect(planFaults(PlanFile.parse(both), places)).toHaveLength(2);
});

test("what the guideline would have otherwise is remarked", () => {
  const [small] = PlanFile.parse({ plans: [{ ...plan, units: [{ ...plan.units[0], areaM2: 7_000 }] }] }).plans;
  expect(small && planRemarks(small).map(({ code }) => code)).toEqual([
    ...["control-well-missing", "wells-too-few", "unit-too-large", "unit-without-surface-soil"],
  ]);
});

describe("zones", () => {
  const square = [
    [105, 30],
    [106, 30],
    [106, 31],
    [105, 31],
  ];
  const full = { ...zone, media: ["groundwater"], polygon: square, sign: "2026-01-02", notice: "2026-01-03" };
  const codes = (changes: object): string[] =>
    zoneRemarks(ControlZone.parse({ ...full, ...changes }), places).map(({ code }) => code);

  test.each`
    why                               | changes                                   | expected
    ${"complete"}                     | ${{}}                                     | ${[]}
    ${"all four media unless told"}   | ${{ media: undefined }}                   | ${["medium-unwatched", "medium-unwatched", "medium-unwatched"]}
    ${"no sign, no notice"}           | ${{ sign: undefined, notice: undefined }} | ${["sign-missing", "notice-missing"]}
    ${"a point outside"}              | ${{ stations: ["p-1", "p-2"] }}           | ${["station-outside"]}
    ${"nothing is asked once lifted"} | ${{ state: "lifted", sign: undefined }}   | ${[]}
  `("$why", ({ changes, expected }) => expect(codes(changes)).toEqual(expected));

  test("inside and outside of a ring with a notch", () => {
    const notched = [
      [0, 0],
      [4, 0],
      [4, 4],
      [2, 1],
      [0, 4],
    ] as [number, number][];
    expect([
      isInside(notched, 2, 0.5),
      isInside(notched, 2, 2),
      isInside(notched, 0.5, 2),
      isInside(notched, 5, 1),
    ]).toEqual([...[true, false, true, false]]);
  });
});
