/** The edition in force on the sample's date judges, by family; what older dates get; grading by dates. */
import { describe, expect, it, test } from "vitest";
import { compilePack, familyOf, type Pack } from "../../../../alerts/packs/compile.ts";
import { editionsOf, packFor, packNamed } from "../../../../alerts/packs/editions.ts";
import { gradeCsv } from "../../../../alerts/packs/grade-csv.ts";
import { loadPacks, type Packs } from "../../../../alerts/packs/load.ts";
import { PackFile } from "../../../../alerts/packs/pack.ts";
import { strictestLimit } from "../../../../alerts/packs/strictest.ts";
import { chinaMidnight } from "../../../../core/china-day.ts";
import { Refused } from "../../../../core/errors.ts";

/** A groundwater pack with one row: cadmium, class III at `cd` mg/L. */
function edition(id: string, effective: string | null, cd = 0.005, confidence = "primary"): Pack {
  const faults: string[] = [];
  const file = PackFile.parse({
    ...{ id, version: 1, media: ["groundwater"], scheme: "classes", beyond: "V" },
    standard: { number: id.toUpperCase(), title: id, edition: id, effective, replaces: null },
    rows: [
      {
        ...{ quantity: "cd", table: "1", unit: "mg/L", routine: true, confidence },
        bounds: { I: { le: cd / 10 }, II: { le: cd / 5 }, III: { le: cd }, IV: { le: cd * 2 } },
      },
    ],
  });
  const pack = compilePack(file, [], faults);
  expect(faults).toEqual([]);
  return pack;
}
function packsOf(...list: Pack[]): Packs {
  return { list, get: (id) => list.find((pack) => pack.id === id) };
}
const two = packsOf(edition("gbt1-2030", "2031-05-01", 0.001), edition("gbt1-2017", "2018-05-01"));

describe("families", () => {
  it.each([
    ["gbt14848-2017", "gbt14848"],
    ["us-epa-mcl", "us-epa-mcl"],
    ["db51-2978-2023", "db51-2978"],
  ])("%s belongs to %s", (id, family) => expect(familyOf(id)).toBe(family));

  it("editions come oldest first, whatever the order of files", () => {
    expect(editionsOf(two, "gbt1").map(({ id }) => id)).toEqual(["gbt1-2017", "gbt1-2030"]);
  });
});

test.each`
  date            | id             | inForce  | reason                    | until
  ${"2017-06-30"} | ${"gbt1-2017"} | ${false} | ${"before-first-edition"} | ${"2031-05-01"}
  ${"2018-04-30"} | ${"gbt1-2017"} | ${false} | ${"before-first-edition"} | ${"2031-05-01"}
  ${"2018-05-01"} | ${"gbt1-2017"} | ${true}  | ${"in-force"}             | ${"2031-05-01"}
  ${"2031-04-30"} | ${"gbt1-2017"} | ${true}  | ${"in-force"}             | ${"2031-05-01"}
  ${"2031-05-01"} | ${"gbt1-2030"} | ${true}  | ${"in-force"}             | ${null}
`("on $date $id judges: $reason", ({ date, id, inForce, reason, until }) => {
  expect(packFor(two, "gbt1", chinaMidnight(date))).toMatchObject({
    found: true,
    pack: { id },
    inForce,
    reason,
    until,
  });
});

test("the last millisecond of a day in China still belongs to it", () => {
  const midnight = chinaMidnight("2031-05-01");
  expect(packFor(two, "gbt1", midnight - 1)).toMatchObject({ pack: { id: "gbt1-2017" } });
  expect(packFor(two, "gbt1", midnight)).toMatchObject({ pack: { id: "gbt1-2030" } });
});

test.each`
  name           | date            | id             | reason
  ${"gbt1-2017"} | ${"2032-01-01"} | ${"gbt1-2017"} | ${"superseded"}
  ${"gbt1-2030"} | ${"2020-01-01"} | ${"gbt1-2030"} | ${"not-yet"}
  ${"gbt1-2017"} | ${"2017-01-01"} | ${"gbt1-2017"} | ${"before-first-edition"}
  ${"gbt1"}      | ${"2032-01-01"} | ${"gbt1-2030"} | ${"in-force"}
`("$name on $date: $id, $reason", ({ name, date, id, reason }) => {
  const answer = packNamed(two, name, chinaMidnight(date));
  expect(answer).toMatchObject({ pack: { id }, reason, inForce: reason === "in-force" });
});

test("an unknown family is named as such, and a guideline without a date is in force at any time", () => {
  expect(packFor(two, "gbt2", 0)).toEqual({ found: false, reason: "family-unknown" });
  expect(packFor(packsOf(edition("who", null)), "who", 0)).toMatchObject({ inForce: true, reason: "undated" });
});

test("every shipped pack answers for its own family on the day it came into force, and not the day before", () => {
  const packs = loadPacks();
  for (const pack of packs.list) {
    const { effective } = pack.standard;
    if (effective === null) continue;
    const at = chinaMidnight(effective);
    expect(packFor(packs, pack.family, at)).toMatchObject({ pack: { id: pack.id }, inForce: true });
    expect(packFor(packs, pack.family, at - 1)).toMatchObject({ pack: { id: pack.id }, inForce: false });
  }
});

describe("grading by date", () => {
  const csv = "sample,date,cd[mg/L]\na,2017-06-30,0.003\nb,2020-01-01,0.003\nc,2032-01-01,0.003\n";

  it("each sample by the edition of its own date", () => {
    const graded = [...gradeCsv({ packs: two, packId: "gbt1", csv })];
    expect(graded).toMatchObject([
      { sample: "a", class: "III", edition: { pack: "gbt1-2017", inForce: false, reason: "before-first-edition" } },
      { sample: "b", class: "III", edition: { pack: "gbt1-2017", inForce: true, date: "2020-01-01" } },
      { sample: "c", class: "V", edition: { pack: "gbt1-2030", inForce: true, effective: "2031-05-01" } },
    ]);
  });

  it("--on serves all; without any date the newest edition judges and nothing is said of editions", () => {
    const plain = "sample,cd[mg/L]\na,0.003\n";
    const on = chinaMidnight("2019-01-01");
    expect([...gradeCsv({ packs: two, packId: "gbt1", csv: plain, on })]).toMatchObject([
      { class: "III", edition: { pack: "gbt1-2017" } },
    ]);
    const [undated] = gradeCsv({ packs: two, packId: "gbt1", csv: plain });
    expect(undated).toMatchObject({ class: "V" });
    expect(undated).not.toHaveProperty("edition");
  });

  it("a date that is none, or is missing, is that sample's fault only", () => {
    const bad = "sample,cd[mg/L],date\na,0.003,2020-02-30\nb,0.003,\nc,0.003,2020-02-28\n";
    expect([...gradeCsv({ packs: two, packId: "gbt1", csv: bad })]).toMatchObject([
      { error: { code: "CELL_INVALID", where: "row 2, column date" } },
      { error: { code: "DATE_MISSING" } },
      { class: "III" },
    ]);
  });

  it("an unknown name is refused", () => {
    expect(() => gradeCsv({ packs: two, packId: "gbt9", csv })).toThrow(Refused);
  });
});

describe("the strictest of several limits", () => {
  const national = edition("gbt1-2017", "2018-05-01", 0.005);
  const province = edition("db51-1-2023", "2023-02-01", 0.003);
  const hearsay = edition("db99-1-2023", "2023-02-01", 0.0001, "memory");
  const question = { quantity: "cd", medium: "groundwater", station: {}, above: "III" } as const;

  it.each([
    ["the province is stricter", [national, province], "db51-1-2023"],
    ["whatever the order", [province, national], "db51-1-2023"],
    ["a row from memory never decides", [national, hearsay], "gbt1-2017"],
  ])("%s", (_, packs, id) => expect(strictestLimit(packs, question)?.pack).toBe(id));

  it("is nothing where no pack limits", () => {
    expect(strictestLimit([national], { ...question, quantity: "pb" })).toBeUndefined();
  });
});
