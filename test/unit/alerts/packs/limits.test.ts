/** Limits as found for stations: values typed by hand from the standards, so that a fault of the data files is seen. */
import { describe, expect, it } from "vitest";
import { createLimitBook, type LimitQuestion, limitFor } from "../../../../alerts/packs/limits.ts";
import { loadPacks } from "../../../../alerts/packs/load.ts";
import type { Medium, Site, Station } from "../../../../core/site.ts";

const packs = loadPacks();
const MEDIUM: Record<string, Medium> = {
  "gbt14848-2017": "groundwater",
  "gb3838-2002": "surface-water",
  "gb15618-2018": "soil",
  "gb36600-2018": "soil",
  "gb5749-2022": "drinking-water",
  "gb5084-2021": "irrigation-water",
  "who-gdwq": "drinking-water",
  "us-epa-mcl": "drinking-water",
};

function ask(id: string, quantity: string, above: LimitQuestion["above"], station: LimitQuestion["station"] = {}) {
  const pack = packs.get(id);
  if (!pack) throw new Error(`no pack ${id}`);
  return limitFor(pack, { quantity, medium: MEDIUM[id] ?? "soil", station, above });
}
function bounds(...question: Parameters<typeof ask>): string {
  const limit = ask(...question);
  if (!limit.found) return limit.reason;
  return `${limit.bounds.map(({ passes, value }) => `${passes}${value}`).join(" ")} ${limit.unit}`;
}

describe("values typed by hand from the standards", () => {
  it.each([
    // GB/T 14848-2017
    ["gbt14848-2017", "cd", "III", {}, "<=0.005 mg/L"],
    ["gbt14848-2017", "cd", "IV", {}, "<=0.01 mg/L"],
    ["gbt14848-2017", "as", "III", {}, "<=0.01 mg/L"],
    ["gbt14848-2017", "pb", "III", {}, "<=0.01 mg/L"],
    ["gbt14848-2017", "hg", "III", {}, "<=0.001 mg/L"],
    ["gbt14848-2017", "mn", "III", {}, "<=0.1 mg/L"],
    ["gbt14848-2017", "cr6", "III", {}, "<=0.05 mg/L"],
    ["gbt14848-2017", "no3n", "III", {}, "<=20 mg/L"],
    ["gbt14848-2017", "tce", "III", {}, "<=0.07 mg/L"],
    ["gbt14848-2017", "bap", "III", {}, "<=0.00001 mg/L"],
    ["gbt14848-2017", "ph", "III", {}, ">=6.5 <=8.5 1"],
    ["gbt14848-2017", "ph", "IV", {}, ">=5.5 <=9 1"],
    // GB 3838-2002
    ["gb3838-2002", "do", "III", {}, ">=5 mg/L"],
    ["gb3838-2002", "codmn", "III", {}, "<=6 mg/L"],
    ["gb3838-2002", "tp", "III", { waterBody: "river" }, "<=0.2 mg/L"],
    ["gb3838-2002", "tp", "III", { waterBody: "lake" }, "<=0.05 mg/L"],
    ["gb3838-2002", "mn", "limit", {}, "<=0.1 mg/L"],
    ["gb3838-2002", "fecal_coliform", "III", {}, "<=10000 MPN/L"],
    // GB 15618-2018, table 1 and 3
    ["gb15618-2018", "cd", "screening", { land: "paddy", ph: 5.5 }, "<=0.3 mg/kg"],
    ["gb15618-2018", "cd", "screening", { land: "paddy", ph: 6.5 }, "<=0.4 mg/kg"],
    ["gb15618-2018", "cd", "screening", { land: "paddy", ph: 7.5 }, "<=0.6 mg/kg"],
    ["gb15618-2018", "cd", "screening", { land: "paddy", ph: 7.51 }, "<=0.8 mg/kg"],
    ["gb15618-2018", "as", "screening", { land: "paddy", ph: 5 }, "<=30 mg/kg"],
    ["gb15618-2018", "as", "screening", { land: "paddy", ph: 8 }, "<=20 mg/kg"],
    ["gb15618-2018", "as", "intervention", { land: "upland", ph: 8 }, "<=100 mg/kg"],
    ["gb15618-2018", "cu", "screening", { land: "orchard", ph: 6 }, "<=150 mg/kg"],
    ["gb15618-2018", "cu", "screening", { land: "upland", ph: 6 }, "<=50 mg/kg"],
    // GB 36600-2018
    ["gb36600-2018", "cd", "screening", { land: "class1" }, "<=20 mg/kg"],
    ["gb36600-2018", "cd", "screening", { land: "class2" }, "<=65 mg/kg"],
    ["gb36600-2018", "cd", "intervention", { land: "class1" }, "<=47 mg/kg"],
    ["gb36600-2018", "cd", "intervention", { land: "class2" }, "<=172 mg/kg"],
    ["gb36600-2018", "as", "screening", { land: "class1" }, "<=20 mg/kg"],
    ["gb36600-2018", "as", "screening", { land: "class2" }, "<=60 mg/kg"],
    // drinking and irrigation water
    ["gb5749-2022", "pb", "limit", {}, "<=0.01 mg/L"],
    ["gb5749-2022", "no3n", "limit", {}, "<=10 mg/L"],
    ["gb5749-2022", "no3n", "limit", { supply: "small" }, "<=20 mg/L"],
    ["gb5084-2021", "as", "limit", { crop: "dryland" }, "<=0.1 mg/L"],
    ["who-gdwq", "cd", "limit", {}, "<=0.003 mg/L"],
    ["us-epa-mcl", "as", "limit", {}, "<=0.01 mg/L"],
  ] as const)("%s %s %s %o is %s", (id, quantity, above, station, expected) => {
    expect(bounds(id, quantity, above, station)).toBe(expected);
  });

  it("reads WHO nitrate, stated as NO3, as N", () => {
    const limit = ask("who-gdwq", "no3n", "limit");
    expect(limit.found && limit.bounds[0]?.value).toBeCloseTo(11.3, 2);
  });
});

describe("limitFor", () => {
  it("names standard, table, item and class", () => {
    expect(ask("gbt14848-2017", "no3n", "III")).toMatchObject({
      clause: "GB/T 14848-2017 table 1 no. 24 class III",
      standard: "GB/T 14848-2017",
      confidence: "two-stored",
      enforceable: true,
      assumed: [],
      row: "1/no3n",
    });
    expect(ask("gb15618-2018", "cd", "screening", { land: "paddy", ph: 6 })).toMatchObject({
      clause: "GB 15618-2018 table 1 screening",
      row: "1/cd/screening/paddy/5.5-6.5",
    });
    expect(ask("us-epa-mcl", "pb", "limit")).toMatchObject({ clause: "US EPA NPDWR 40 CFR 141 action level" });
  });

  it.each([
    ["gbt14848-2017", "cod", "III", {}, "quantity-not-limited"],
    ["gbt14848-2017", "cd", "screening", {}, "level-not-in-row"],
    ["gbt14848-2017", "cd", "V", {}, "level-unbounded"],
    ["gbt14848-2017", "alpha", "IV", {}, "level-unbounded"],
    ["gbt14848-2017", "cd", "target", {}, "target-class-unknown"],
    ["gb3838-2002", "temp", "III", {}, "limits-change-not-value"],
    ["gb3838-2002", "tn", "III", { waterBody: "river" }, "no-row-for-place"],
    ["gb15618-2018", "cd", "screening", { land: "class1" }, "land-not-covered"],
    ["gb36600-2018", "cd", "screening", { land: "paddy" }, "land-not-covered"],
    ["gb36600-2018", "mn", "screening", { land: "class1" }, "quantity-not-limited"],
  ] as const)("%s %s %s %o has no limit: %s", (id, quantity, above, station, reason) => {
    expect(ask(id, quantity, above, station)).toEqual({ found: false, reason });
  });

  it("refuses a pack for another medium", () => {
    const pack = packs.get("gb3838-2002");
    expect(pack && limitFor(pack, { quantity: "cd", medium: "groundwater", station: {}, above: "III" })).toEqual({
      found: false,
      reason: "medium-not-covered",
    });
  });

  it("resolves the target class of the station", () => {
    expect(bounds("gb3838-2002", "nh3n", "target", { targetClass: "II" })).toBe("<=0.5 mg/L");
  });

  it("takes the strictest pH band when pH is unknown and says so, for cadmium the lowest and for arsenic the highest", () => {
    const cd = ask("gb15618-2018", "cd", "screening", { land: "paddy" });
    const as = ask("gb15618-2018", "as", "screening", { land: "paddy" });
    expect(cd.found && cd.bounds[0]?.value).toBe(0.3);
    expect(as.found && as.bounds[0]?.value).toBe(20);
    expect(as.found && as.assumed).toEqual(["ph: soil pH unknown, the strictest pH band applies"]);
  });

  it("assumes nothing where all pH bands agree", () => {
    const bap = ask("gb15618-2018", "bap", "screening", { land: "paddy" });
    expect(bap.found && [bap.bounds[0]?.value, bap.assumed]).toEqual([0.55, []]);
  });

  it("takes the stricter of paddy and upland on rotation land, item by item", () => {
    expect(bounds("gb15618-2018", "pb", "screening", { land: "rotation", ph: 6 })).toBe("<=90 mg/kg");
    expect(bounds("gb15618-2018", "as", "screening", { land: "rotation", ph: 6 })).toBe("<=30 mg/kg");
  });

  it("takes the strictest land when land use is unknown and says so", () => {
    const cd = ask("gb36600-2018", "cd", "screening", { land: "undefined" });
    expect(cd.found && [cd.bounds[0]?.value, cd.assumed]).toEqual([
      20,
      ["land: land use unknown, the strictest applies"],
    ]);
  });

  it("lets a memory row fire only after a named person enabled it", () => {
    expect(ask("gb5749-2022", "benzene", "limit")).toMatchObject({ confidence: "memory", enforceable: false });
    const enabled = loadPacks(undefined, [{ pack: "gb5749-2022", row: "3/benzene", by: "li.wei", at: 0 }]);
    const pack = enabled.get("gb5749-2022");
    expect(
      pack && limitFor(pack, { quantity: "benzene", medium: "drinking-water", station: {}, above: "limit" }),
    ).toMatchObject({ enforceable: true });
  });

  it("marks a row that was seen in one copy only", () => {
    expect(ask("gb5749-2022", "pb", "limit")).toMatchObject({ enforceable: true, confidence: "one-stored" });
  });
});

describe("createLimitBook", () => {
  const site: Site = { id: "s", tenant: "t", kind: "farmland", area: "512021", name: "s", lat: 30, lon: 104 };
  const station: Station = { id: "p", site: "s", medium: "soil", type: "basic", control: "city", land: "paddy", ph: 6 };
  const book = createLimitBook(packs);
  const lines = (at: Partial<Station>, where: Partial<Site>, quantity: string) =>
    book
      .lines({ station: { ...station, ...at }, site: { ...site, ...where } }, quantity)
      .map(({ pack, above, passes, value }) => `${pack} ${above} ${passes}${value}`);

  it("gives the bounds that apply at a place", () => {
    expect(lines({}, {}, "cd")).toEqual(["gb15618-2018 screening <=0.4", "gb15618-2018 intervention <=2"]);
    expect(lines({ land: "class2" }, {}, "cd")).toEqual([
      "gb36600-2018 screening <=65",
      "gb36600-2018 intervention <=172",
    ]);
    expect(lines({ medium: "groundwater", land: undefined }, {}, "cd")).toHaveLength(4);
    expect(lines({ medium: "groundwater", land: undefined }, {}, "ph")).toContain("gbt14848-2017 IV >=5.5");
  });

  it("never borrows a construction-land value for farmland", () => {
    expect(lines({ land: undefined }, {}, "sb")).toEqual([]);
    expect(lines({ land: undefined }, { kind: "industrial-park" }, "sb")).toHaveLength(2);
  });

  it("leaves source-water limits out at other waters, and foreign guidelines everywhere", () => {
    const river = { medium: "surface-water", land: undefined } as const;
    expect(lines(river, { kind: "irrigation" }, "mn")).toEqual([]);
    expect(lines(river, { kind: "water-source" }, "mn")).toEqual(["gb3838-2002 limit <=0.1"]);
    expect(lines({ medium: "drinking-water", land: undefined }, {}, "cd")).toEqual(["gb5749-2022 limit <=0.005"]);
  });
});
