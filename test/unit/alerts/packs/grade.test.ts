/** Grading of whole samples: worst class, deciding items, censored values, missing items, two-sided and lower limits. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gradeSample, type SampleValue } from "../../../../alerts/packs/grade.ts";
import { loadPacks } from "../../../../alerts/packs/load.ts";
import type { Place } from "../../../../alerts/packs/select.ts";

const packs = loadPacks();
function packOf(id: string) {
  const pack = packs.get(id);
  if (!pack) throw new Error(`no pack ${id}`);
  return pack;
}

/** `{ cd: 0.5, as: "<0.01" }` in canonical units. */
function grade(id: string, results: Record<string, number | string>, place: Place = {}) {
  const sample = Object.entries(results).map(([quantity, result]): SampleValue => {
    const text = String(result);
    const cmp = text.startsWith("<") ? "<" : text.startsWith(">") ? ">" : "";
    return { quantity, value: Number(text.slice(cmp.length)), cmp };
  });
  return gradeSample(packOf(id), sample, place);
}
const GROUND = "gbt14848-2017";
const SURFACE = "gb3838-2002";
const FARM = "gb15618-2018";
const DEVELOPMENT = "gb36600-2018";
const DRINKING = "gb5749-2022";

describe("overall class", () => {
  it("is the worst of all, with the items that caused it", () => {
    const result = grade(GROUND, { cd: 0.004, as: 0.0005, pb: 0.009, hg: 0.0001 });
    expect(result.class).toBe("III");
    expect(result.deciding).toEqual(["cd", "pb"]);
  });

  it("is worse than V on surface water, and V, the last class, on groundwater", () => {
    expect(grade(SURFACE, { cd: 0.02 }).class).toBe(">V");
    expect(grade(SURFACE, { cd: 0.01 }).class).toBe("V");
    expect(grade(GROUND, { cd: 0.02 }).class).toBe("V");
  });

  it("is null when nothing can be graded, never a good class", () => {
    expect(grade(GROUND, {})).toMatchObject({ class: null, deciding: [] });
    expect(grade(GROUND, { cod: 500 })).toMatchObject({ class: null, unlimited: ["cod"] });
  });

  it("never borrows: total chromium is not graded as hexavalent, farmland manganese not at all", () => {
    expect(grade(GROUND, { cr: 10 }).unlimited).toEqual(["cr"]);
    expect(grade(FARM, { mn: 5000, ph: 6 }, { land: "paddy" })).toMatchObject({ class: null, unlimited: ["mn"] });
  });
});

describe("byQuantity", () => {
  it("names the bound that failed, its clause and confidence", () => {
    expect(grade(GROUND, { cd: 0.006 }).byQuantity["cd"]).toEqual({
      class: "IV",
      value: 0.006,
      unit: "mg/L",
      limit: 0.005,
      clause: "GB/T 14848-2017 table 1 no. 31 class III",
      confidence: "two-stored",
    });
  });

  it("names the bound of class I when nothing failed", () => {
    expect(grade(GROUND, { cd: 0.0001 }).byQuantity["cd"]).toMatchObject({ class: "I", limit: 0.0001 });
  });
});

describe("non-detects", () => {
  it.each([
    ["<0.00005", "I", undefined],
    ["<0.0001", "I", undefined],
    ["<0.0002", "II", "I"],
    ["<0.02", "V", "I"],
  ])("groundwater cadmium %s is %s, at best %s", (text, expected, atBest) => {
    const result = grade(GROUND, { cd: text });
    expect([result.class, result.byQuantity["cd"]?.atBest]).toEqual([expected, atBest]);
    expect(result.byQuantity["cd"]).toMatchObject({ cmp: "<", value: Number(text.slice(1)) });
  });

  it("keeps `not detected` by a fine enough method only", () => {
    expect(grade(GROUND, { las: "<0.05" }).byQuantity["las"]).toMatchObject({ class: "I" });
    expect(grade(GROUND, { las: 0.05 }).class).toBe("II");
    expect(grade(GROUND, { las: 0 }).class).toBe("I");
    expect(grade(GROUND, { las: "<0.5" }).byQuantity["las"]).toMatchObject({ class: "V", atBest: "I" });
    expect(grade(DRINKING, { e_coli: "<2" }).class).toBe("pass");
    expect(grade(DRINKING, { e_coli: 1 }).class).toBe("fail");
  });

  it("fails drinking water when the reporting limit is above the limit, and says that it may pass", () => {
    expect(grade(DRINKING, { pb: "<0.05" }).byQuantity["pb"]).toMatchObject({ class: "fail", atBest: "pass" });
  });

  it("counts as below its number where low values are bad", () => {
    expect(grade(SURFACE, { do: "<6" }).byQuantity["do"]).toMatchObject({ class: "III", limit: 6, atWorst: ">V" });
    expect(grade(SURFACE, { do: 6 }).class).toBe("II");
  });
});

describe("values above the range", () => {
  it("count as just above their number and say what they may be", () => {
    expect(grade(GROUND, { cd: ">0.005" }).byQuantity["cd"]).toMatchObject({ class: "IV", atWorst: "V", cmp: ">" });
    expect(grade(GROUND, { cd: ">1000" }).byQuantity["cd"]).not.toHaveProperty("atWorst");
    expect(grade(SURFACE, { do: ">20" }).class).toBe("I");
  });
});

describe("two-sided and lower limits", () => {
  it.each([
    [5.49, "V", 5.5],
    [5.5, "IV", 6.5],
    [6.49, "IV", 6.5],
    [6.5, "I", [6.5, 8.5]],
    [8.5, "I", [6.5, 8.5]],
    [8.51, "IV", 8.5],
    [9, "IV", 8.5],
    [9.01, "V", 9],
  ])("groundwater pH %d is %s by %o", (ph, expected, limit) => {
    expect(grade(GROUND, { ph }).byQuantity["ph"]).toMatchObject({ class: expected, limit });
  });

  it.each([
    [5.99, ">V"],
    [6, "I"],
    [9, "I"],
    [9.01, ">V"],
  ])("surface-water pH %d is %s", (ph, expected) => {
    expect(grade(SURFACE, { ph }).class).toBe(expected);
  });

  it.each([
    [7.5, "I"],
    [7.49, "II"],
    [5, "III"],
    [3, "IV"],
    [2, "V"],
    [1.99, ">V"],
  ])("dissolved oxygen %d mg/L is %s", (value, expected) => {
    expect(grade(SURFACE, { do: value }).class).toBe(expected);
  });

  it("holds residual chlorine between both sides at the outlet", () => {
    const at = (free_cl2: number) => grade(DRINKING, { free_cl2 }, { point: "plant-outlet" }).class;
    expect([0.29, 0.3, 2, 2.01].map(at)).toEqual(["fail", "pass", "pass", "fail"]);
    expect(grade(DRINKING, { free_cl2: 0.1 })).toMatchObject({
      class: "pass",
      assumed: ["point: sampling point unknown, taken as the end of the network"],
    });
  });
});

describe("missing", () => {
  it("lists the basic items that the sample lacks, in the order of the standard", () => {
    expect(grade(GROUND, { cd: 0.1 }).missing).toHaveLength(38);
    expect(grade(GROUND, { cd: 0.1 }).missing.slice(0, 3)).toEqual(["colour", "odour", "turbidity"]);
    expect(grade(GROUND, { benzene: 0.1, be: 0.1 }).missing).not.toContain("be");
  });

  it("asks for total nitrogen of lakes only", () => {
    expect(grade(SURFACE, {}).missing).toHaveLength(22 + 1);
    expect(grade(SURFACE, {}).missing).not.toContain("tn");
    expect(grade(SURFACE, {}, { waterBody: "lake" }).missing).toContain("tn");
  });

  it("counts a non-detect as present", () => {
    expect(grade(FARM, { cd: "<0.1", ph: 6 }, { land: "paddy" }).missing).toEqual([
      "hg",
      "as",
      "pb",
      "cr",
      "cu",
      "ni",
      "zn",
    ]);
  });
});

describe("soil", () => {
  it.each([
    [5.5, 0.3],
    [5.51, 0.4],
    [6.5, 0.4],
    [6.51, 0.6],
    [7.5, 0.6],
    [7.51, 0.8],
  ])("paddy cadmium at pH %d is screened at %d mg/kg", (ph, limit) => {
    expect(grade(FARM, { cd: limit, ph }, { land: "paddy" }).class).toBe("below-screening");
    expect(grade(FARM, { cd: limit + 0.01, ph }, { land: "paddy" }).byQuantity["cd"]).toMatchObject({
      class: "above-screening",
      limit,
    });
  });

  it("takes the pH measured in the sample before the one known of the station", () => {
    expect(grade(FARM, { cd: 0.5, ph: 8 }, { land: "paddy", ph: 5 }).class).toBe("below-screening");
    expect(grade(FARM, { cd: 0.5 }, { land: "paddy", ph: 5 }).class).toBe("above-screening");
  });

  it("says so when it takes the strictest band for want of a pH", () => {
    const result = grade(FARM, { cd: 0.35, as: 22 }, { land: "paddy" });
    expect(result.class).toBe("above-screening");
    expect(result.deciding).toEqual(["cd", "as"]);
    expect(result.assumed).toEqual(["ph: soil pH unknown, the strictest pH band applies"]);
  });

  it("has no intervention value for copper, nickel and zinc", () => {
    expect(grade(FARM, { zn: 99_999, ph: 6 }, { land: "upland" }).class).toBe("above-screening");
    expect(grade(FARM, { cd: 99, ph: 6 }, { land: "upland" }).class).toBe("above-intervention");
  });

  it("sorts construction land by its class", () => {
    const at = (cd: number, land: "class1" | "class2") => grade(DEVELOPMENT, { cd }, { land }).class;
    expect([20, 20.1, 47, 47.1].map((cd) => at(cd, "class1"))).toEqual([
      "below-screening",
      "above-screening",
      "above-screening",
      "above-intervention",
    ]);
    expect(at(65, "class2")).toBe("below-screening");
  });

  it("refuses the pack for the other kind of land", () => {
    expect(() => grade(FARM, { cd: 1 }, { land: "class1" })).toThrow("LAND_NOT_COVERED");
  });
});

describe("trust and side limits", () => {
  it("marks what rests on unconfirmed rows, and the whole when nothing else decides", () => {
    const alone = grade(DRINKING, { benzene: 0.02 });
    expect(alone).toMatchObject({ class: "fail", provisional: true, byQuantity: { benzene: { provisional: true } } });
    const both = grade(DRINKING, { benzene: 0.02, pb: 0.02 });
    expect(both.class).toBe("fail");
    expect(both).not.toHaveProperty("provisional");
  });

  it("tells source-water items of GB 3838 without letting them decide the class", () => {
    const result = grade(SURFACE, { cd: 0.0005, mn: 0.3 });
    expect(result).toMatchObject({ class: "I", deciding: ["cd"], alsoFailed: ["mn"] });
    expect(result.byQuantity["mn"]).toMatchObject({ class: "fail", limit: 0.1 });
  });

  it("tells secondary levels of the US EPA without letting them decide", () => {
    expect(grade("us-epa-mcl", { as: 0.005, fe: 2 })).toMatchObject({ class: "pass", alsoFailed: ["fe"] });
    expect(grade("us-epa-mcl", { al: 0.01 }).byQuantity["al"]).toMatchObject({ class: "pass" });
  });

  it("cannot grade a temperature by a limit on its weekly change", () => {
    expect(grade(SURFACE, { temp: 30 }).unlimited).toEqual(["temp"]);
  });
});

describe("bad samples", () => {
  it.each([
    [[{ quantity: "unobtainium", value: 1, cmp: "" }], "QUANTITY_UNKNOWN"],
    [[{ quantity: "cd", value: 1, cmp: "", unit: "mg/kg" }], "UNIT_UNKNOWN"],
    [
      [
        { quantity: "cd", value: 1, cmp: "" },
        { quantity: "cd", value: 2, cmp: "" },
      ],
      "SAMPLE_DUPLICATE",
    ],
  ] as [SampleValue[], string][])("%o is refused as %s", (sample, code) => {
    expect(() => gradeSample(packOf(GROUND), sample)).toThrow(code);
  });
});

describe("properties", () => {
  const rank = (label: string | null): number => ["I", "II", "III", "IV", "V", ">V"].indexOf(label ?? "");
  const upper = packOf(GROUND).rows.filter(({ ladder }) => ladder[0]?.span?.high && !ladder[0].span.low);

  it("a higher value never improves the class of an upper-limited quantity", () => {
    const pair = fc.record({
      row: fc.constantFrom(...upper),
      low: fc.double({ min: 0, max: 1e5, noNaN: true }),
      high: fc.double({ min: 0, max: 1e5, noNaN: true }),
      scale: fc.constantFrom(1, 1e-3, 1e-6, 1e-8),
    });
    fc.assert(
      fc.property(pair, ({ row, low, high, scale }) => {
        const [less, more] = [Math.min(low, high) * scale, Math.max(low, high) * scale];
        const at = (value: number) => rank(grade(GROUND, { [row.quantity]: value }).class);
        return at(less) <= at(more);
      }),
      { numRuns: 2_000 },
    );
  });

  it("more oxygen never worsens the class", () => {
    const value = fc.double({ min: 0, max: 20, noNaN: true });
    fc.assert(
      fc.property(value, value, (a, b) => {
        const at = (oxygen: number) => rank(grade(SURFACE, { do: oxygen }).class);
        return at(Math.max(a, b)) <= at(Math.min(a, b));
      }),
    );
  });

  it("one more result never improves the class of a sample, and the order of results does not matter", () => {
    const results = fc.uniqueArray(
      fc.record({ row: fc.constantFrom(...upper), value: fc.double({ min: 0, max: 10, noNaN: true }) }),
      { minLength: 2, maxLength: 8, selector: ({ row }) => row.quantity },
    );
    fc.assert(
      fc.property(results, (entries) => {
        const sample = entries.map(({ row, value }): SampleValue => ({ quantity: row.quantity, value, cmp: "" }));
        const whole = gradeSample(packOf(GROUND), sample).class;
        const fewer = gradeSample(packOf(GROUND), sample.slice(1)).class;
        const turned = gradeSample(packOf(GROUND), sample.toReversed());
        return rank(fewer) <= rank(whole) && turned.class === whole;
      }),
      { numRuns: 500 },
    );
  });

  it("a non-detect is graded as its reporting limit wherever the limit is a number", () => {
    const numeric = upper.filter(({ ladder }) => !ladder[0]?.ranges[0]?.notDetected);
    fc.assert(
      fc.property(
        fc.constantFrom(...numeric),
        fc.double({ min: 1e-9, max: 100, noNaN: true }),
        ({ quantity }, value) => {
          const censored = grade(GROUND, { [quantity]: `<${value}` }).byQuantity[quantity];
          const plain = grade(GROUND, { [quantity]: value }).byQuantity[quantity];
          const isOpen = plain?.class !== "I";
          return censored?.class === plain?.class && (censored?.atBest === "I") === isOpen;
        },
      ),
      { numRuns: 500 },
    );
  });
});
