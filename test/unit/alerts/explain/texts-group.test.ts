/** Steps of alarms over several stations: both languages say the same numbers, and what is not known is left out. */
import { expect, test } from "vitest";
import { groupSteps } from "../../../../alerts/explain/texts-group.ts";

const plume = { withinDays: 365, fraction: 0.1, distance: 200, timed: 0, p5: 123.456, p50: 400, began: 0 };

test.each`
  kind              | figures                                                                                                                                   | said
  ${"composite"}    | ${{ conditions: 2, needed: 1, held: 1, stations1: 3, stations2: 0 }}                                                                      | ${["3", "2"]}
  ${"cross-medium"} | ${{ media: 2, needed: 2, findings: 3, offSite: 0, source: 1 }}                                                                            | ${["smelter", "3"]}
  ${"spread"}       | ${{ downBeyond: 2, upCalm: 1, offSite: 0, frontWells: 2, velocity: 0.2, prior: 0.25, consistency: -0.2231 }}                              | ${["0.2", "-0.223", "0.25"]}
  ${"plume"}        | ${plume}                                                                                                                                  | ${["123", "400", "365", "200"]}
  ${"tailings"}     | ${{ grade: 3, pointsRed: 0, pointsOrange: 1, pointsYellow: 5, pointsBlue: 7, itemsRed: 0, itemsOrange: 1, itemsYellow: 0, itemsBlue: 2 }} | ${["5", "7"]}
`("$kind says its figures in both languages", ({ kind, figures, said }) => {
  const steps = groupSteps(kind, figures, ["mw-1", "smelter"]);
  const [zh, en] = [steps.map((step) => step["zh-CN"]).join(""), steps.map((step) => step.en).join(" ")];
  for (const each of said) {
    expect(zh).toContain(each);
    expect(en).toContain(each);
  }
  expect(`${zh}${en}`).not.toMatch(/undefined|NaN/);
  const numbers = (text: string): string[] => (text.match(/\d+(\.\d+)?/g) ?? []).sort();
  expect(numbers(zh)).toEqual(numbers(en.replace("one yellow", "1 yellow")));
});

test("off-site in place of a source; a latest arrival beyond all draws; nothing for other kinds", () => {
  const outside = groupSteps("cross-medium", { media: 2, needed: 2, findings: 2, offSite: 1, source: -1 }, ["a"]);
  expect(outside.at(-1)?.en).toMatch(/outside/);
  expect(groupSteps("cross-medium", { media: 2, offSite: 0, source: -1 }, ["a"]).at(-1)?.en).toMatch(/No station/);
  expect(
    groupSteps("plume", plume, [])
      .map(({ en }) => en)
      .join(),
  ).toContain("latest (P95) never in these draws");
  expect(groupSteps("limit", {}, [])).toEqual([]);
});
