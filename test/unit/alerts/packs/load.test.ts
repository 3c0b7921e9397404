/** A pack with a fault stops the start, with every fault named. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { compilePack } from "../../../../alerts/packs/compile.ts";
import { loadPacks } from "../../../../alerts/packs/load.ts";
import { PackFile, type PackRow } from "../../../../alerts/packs/pack.ts";
import { Misconfigured } from "../../../../core/errors.ts";

const cd: PackRow = {
  quantity: "cd",
  table: "1",
  unit: "mg/L",
  routine: true,
  bounds: { I: { le: 0.001 }, II: { le: 0.005 }, III: { le: 0.01 } },
  confidence: "primary",
};
const file = (rows: readonly object[]) => ({
  id: "db51-demo",
  version: 1,
  standard: { number: "DB51/T 1", title: "Demo", edition: "2026", effective: null, replaces: null },
  media: ["groundwater"],
  scheme: "classes",
  beyond: ">V",
  rows,
});
function faultsOf(...rows: readonly object[]): string[] {
  const faults: string[] = [];
  compilePack(PackFile.parse(file(rows)), [], faults);
  return faults;
}

describe("faults of meaning", () => {
  it("are none in a good pack", () => {
    expect(faultsOf(cd)).toEqual([]);
  });

  it.each([
    ["a quantity nobody knows", [{ ...cd, quantity: "unobtainium" }], "quantity unobtainium is not known"],
    ["a unit of another medium", [{ ...cd, unit: "mg/kg" }], "unit mg/kg does not fit cd"],
    ["the same row twice", [cd, cd], "row 1/cd: the same row stands twice"],
    [
      "a typing error in the order of classes",
      [{ ...cd, bounds: { ...cd.bounds, III: { le: 0.0001 } } }],
      "III is stricter",
    ],
    [
      "intervention below screening",
      [{ ...cd, bounds: { screening: { le: 2 }, intervention: { le: 1 } } }],
      "intervention is stricter",
    ],
    ["no bounds", [{ ...cd, bounds: {} }], "it has no bounds"],
  ])("%s", (_, rows, fault) => {
    expect(faultsOf(...rows).join("\n")).toContain(fault);
  });

  it("are all told at once", () => {
    expect(faultsOf(cd, cd, { ...cd, unit: "pH" }, { ...cd, quantity: "zzz" }).length).toBeGreaterThanOrEqual(4);
  });
});

describe("faults of form", () => {
  it.each([
    ["an unknown key", { ...cd, colour: 1 }],
    ["a bound without a number", { ...cd, bounds: { I: {} } }],
    ["two upper ends", { ...cd, bounds: { I: { le: 1, lt: 1 } } }],
    ["a text for a number", { ...cd, bounds: { I: { le: "1" } } }],
    ["an unknown level", { ...cd, bounds: { VI: { le: 1 } } }],
    ["an unknown confidence", { ...cd, confidence: "sure" }],
  ])("%s is refused", (_, row) => {
    expect(PackFile.safeParse(file([row])).success).toBe(false);
  });
});

describe("loadPacks", () => {
  it("stops when the folder cannot be read", () => {
    expect(() => loadPacks("/nonexistent/packs")).toThrow(Misconfigured);
  });

  it("stops when a person enabled a row that does not exist", () => {
    const enabled = [{ pack: "gb5749-2022", row: "9/zzz", by: "li.wei", at: 0 }];
    expect(() => loadPacks(undefined, enabled)).toThrow("enabled row gb5749-2022 9/zzz: no such row");
  });
});

describe("the data", () => {
  const fingerprint = (rows: readonly unknown[]): string =>
    createHash("sha256").update(JSON.stringify(rows)).digest("hex").slice(0, 12);

  it("changes only together with its version and this table", () => {
    const table = loadPacks().list.map(({ id, version, rows }) => [
      id,
      version,
      fingerprint(rows.map((row) => row.source)),
    ]);
    expect(table).toEqual([
      ["gb15618-2018", 1, "04ec3998a40f"],
      ["gb36600-2018", 1, "51bd0e8dec13"],
      ["gb3838-2002", 1, "0088c02c7944"],
      ["gb5084-2021", 1, "556931a2714c"],
      ["gb5749-2022", 1, "70d4c88baa30"],
      ["gbt14848-2017", 1, "bab8a42eb92f"],
      ["us-epa-mcl", 1, "546d1a9cf8f3"],
      ["who-gdwq", 1, "ae55c45e40c5"],
    ]);
  });
});
