/** Class change of a groundwater station by GB/T 14848-2017: cadmium I to V at 0.0001, 0.001, 0.005, 0.01 mg/L. */
import { describe, expect, test } from "vitest";
import { createClass } from "../../../../alerts/detect/class.ts";
import type { GroupMember } from "../../../../alerts/detect/group.ts";
import { FORM } from "../../../../alerts/detect/marks.ts";
import { TREND_STEPS } from "../../../../alerts/explain/texts-trend.ts";
import { createClassRank } from "../../../../alerts/packs/class-rank.ts";
import { loadPacks } from "../../../../alerts/packs/load.ts";
import { ClassRule } from "../../../../core/rule-trend.ts";
import { aSite, aStation, NOW } from "../../../support/builders.ts";
import { aContext, DAY, letters } from "../../../support/detectors.ts";

const pack = loadPacks().get("gbt14848-2017");
if (!pack) throw new Error("the groundwater pack is gone");
const members: GroupMember[] = ["cd", "pb"].map((quantity) => ({
  ...aContext(),
  key: `mw-1/${quantity}/total/rtd`,
  quantity,
  fraction: "total",
  aggregate: "rtd",
  station: aStation(),
  site: aSite(),
}));

type Value = number | string | null;
const rule = (written: Readonly<Record<string, unknown>>) =>
  ClassRule.parse({ kind: "class", id: "r", on: {}, level: "yellow", pack: "gbt14848-2017", ...written });
const detectorOf = (written: Readonly<Record<string, unknown>>) =>
  createClass(rule(written), members, createClassRank(pack));

function stepOf(values: readonly Value[], day: number) {
  const plain = values.map((value) => (value === null ? Number.NaN : Number(String(value).replace(/[<>?]/, ""))));
  const form = (value: Value): number => {
    if (value === null) return FORM.unfit;
    return String(value).startsWith("<") ? FORM.below : String(value).startsWith(">") ? FORM.above : FORM.plain;
  };
  return {
    time: NOW + day * DAY,
    values: Float64Array.from(plain),
    forms: Uint8Array.from(values.map(form)),
    flags: Uint8Array.from(values.map((value) => (value === null ? 9 : String(value).endsWith("?") ? 4 : 1))),
  };
}

describe("samples [cadmium, lead] in mg/L", () => {
  test.each`
    why                                             | rule                                | samples                                              | verdicts   | classes
    ${"worse than the sample before"}               | ${{}}                               | ${[[0.0005, 0], [0.002, 0], [0.0005, 0]]}            | ${"-Vk"}   | ${[2, 3, 2]}
    ${"still worse than before the change"}         | ${{}}                               | ${[[0.0005, 0], [0.02, 0], [0.002, 0]]}              | ${"-VV"}   | ${[2, 5, 3]}
    ${"settles as the new class"}                   | ${{ settleAfter: 2 }}               | ${[[0, 0], [0.02, 0], [0.02, 0], [0.02, 0], [0, 0]]} | ${"-VVkk"} | ${[1, 5, 5, 5, 1]}
    ${"better is never told"}                       | ${{}}                               | ${[[0.02, 0], [0.002, 0], [0, 0]]}                   | ${"-kk"}   | ${[5, 3, 1]}
    ${"but is what the next is compared with"}      | ${{}}                               | ${[[0.02, 0], [0.0005, 0], [0.002, 0]]}              | ${"-kV"}   | ${[5, 2, 3]}
    ${"the worst quantity decides"}                 | ${{}}                               | ${[[0, 0], [0, 0.5]]}                                | ${"-V"}    | ${[1, 5]}
    ${"a sample that lacks the worst is no change"} | ${{}}                               | ${[[0.02, 0], [null, 0], [0.02, null]]}              | ${"-kk"}   | ${[5, 5, 5]}
    ${"until its class is too old"}                 | ${{ hold: "1d" }}                   | ${[[0.02, 0], [null, 0], [null, 0]]}                 | ${"-kk"}   | ${[5, 5, 1]}
    ${"a high reporting limit proves nothing"}      | ${{}}                               | ${[[0, 0], ["<0.02", 0]]}                            | ${"-k"}    | ${[1, 1]}
    ${"over range does"}                            | ${{}}                               | ${[[0, 0], [">0.01", 0]]}                            | ${"-V"}    | ${[1, 5]}
    ${"a failed reading is left out"}               | ${{}}                               | ${[[0, 0], ["0.02?", 0]]}                            | ${"-k"}    | ${[1, 1]}
    ${"nothing measured"}                           | ${{}}                               | ${[[0, 0], [null, null]]}                            | ${"--"}    | ${[1, 1]}
    ${"a fixed class, from the first sample on"}    | ${{ worseThan: "III" }}             | ${[[0.02, 0], [0.005, 0]]}                           | ${"Vk"}    | ${[5, 3]}
    ${"in two samples in a row"}                    | ${{ worseThan: "III", samples: 2 }} | ${[[0.02, 0], [0, 0], [0.02, 0], [0.006, 0]]}        | ${"-k-V"}  | ${[5, 1, 5, 4]}
  `("$why", ({ rule, samples, verdicts, classes }) => {
    const detector = detectorOf(rule);
    const found: number[] = [];
    const judgements = (samples as Value[][]).map((values, day) => {
      const judgement = detector.step(stepOf(values, day));
      found.push(detector.score);
      return judgement;
    });
    expect(letters(judgements)).toBe(verdicts);
    expect(found).toEqual(classes);
  });

  test("says which quantities decide, and in words", () => {
    const detector = detectorOf({});
    detector.step(stepOf([0, 0], 0));
    detector.step(stepOf([0.002, 0.5], 1));
    expect(detector.contributors().map((index) => members[index]?.quantity)).toEqual(["pb"]);
    expect(TREND_STEPS.class(detector.figures()).en).toEqual([
      "Single-factor evaluation: the worst class of 2 quantities is V (1 decide it).",
      "Before, it was class I.",
      "Worse 1 times in a row; 1 are needed.",
    ]);
  });

  test("continues from a saved memory at any point", () => {
    const samples: Value[][] = [
      [0, 0],
      [0.002, 0],
      [null, 0.5],
      [0.02, 0],
      [0, 0],
      [0, 0.05],
      [0, "<9"],
    ];
    const whole = detectorOf({ samples: 2 });
    const expected = samples.map((values, day) => whole.step(stepOf(values, day)));
    for (let at = 0; at <= samples.length; at++) {
      const first = detectorOf({ samples: 2 });
      const before = samples.slice(0, at).map((values, day) => first.step(stepOf(values, day)));
      const second = detectorOf({ samples: 2 });
      second.step(stepOf([0.02, 0.5], 0));
      second.load(JSON.parse(JSON.stringify(first.save())));
      const after = samples.slice(at).map((values, day) => second.step(stepOf(values, at + day)));
      expect([...before, ...after]).toEqual(expected);
    }
  });
});

test("what the pack has no classes for is not judged", () => {
  const other = members.map((member) => ({ ...member, quantity: "level" }));
  const detector = createClass(rule({}), other, createClassRank(pack));
  expect(letters([detector.step(stepOf([1, 2], 0))])).toBe("-");
});
