/** CSV in, one object a sample out: golden files, and what happens to bad headers and bad cells. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gradeCsv, listStandards } from "../../../../alerts/packs/grade-csv.ts";
import { loadPacks } from "../../../../alerts/packs/load.ts";
import { Refused } from "../../../../core/errors.ts";

const packs = loadPacks();
const grade = (csv: string | Uint8Array, more: { packId?: string; land?: string; crop?: string } = {}) => [
  ...gradeCsv({ packs, packId: "gbt14848-2017", csv, ...more }),
];
/** The refusal that the call throws. */
function refusal(...question: Parameters<typeof grade>): Refused {
  try {
    grade(...question);
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const GOLDEN = new URL("../../../golden/grade/", import.meta.url);

describe("golden files", () => {
  it.each(readdirSync(GOLDEN))("%s", (name) => {
    const read = (file: string) => readFileSync(new URL(`${name}/${file}`, GOLDEN));
    const question = JSON.parse(read("question.json").toString()) as { packId: string; land?: string; crop?: string };
    const results = grade(read("samples.csv"), question);
    expect(existsSync(new URL(`${name}/expected.jsonl`, GOLDEN))).toBe(true);
    const expected = read("expected.jsonl").toString().trim().split("\n");
    expect(results.map((result) => JSON.stringify(result))).toEqual(expected);
  });
});

describe("header", () => {
  it("is refused with every fault at once", () => {
    const { code, message } = refusal("id,foo[mg/L],cd[zz],cd,as[mg/L],as[ug/L],soil_moisture[%]\n");
    expect(code).toBe("GRADE_HEADER_INVALID");
    for (const text of [
      'column 1 is "id"; it must be "sample"',
      'column 2 "foo[mg/L]": quantity foo is not in the dictionary',
      'column 3 "cd[zz]": unit zz does not fit cd in groundwater; for example mg/L',
      'column 4 "cd": not of the form quantity[unit]',
      'column 6 "as[ug/L]": as also stands in as[mg/L]',
      'column 7 "soil_moisture[%]": soil_moisture is not measured in groundwater',
    ]) {
      expect(message).toContain(text);
    }
  });

  it.each(["", "\n\n", "sample\n", "__proto__[mg/L]\n", "sample,constructor[mg/L]\n"])("%j is refused", (csv) => {
    expect(refusal(csv).code).toBe("GRADE_HEADER_INVALID");
  });

  it.each(["cd[µg/L]", "cd[μg/L]", "cd[ug/L]", "w20115[ug/L]", " cd[ug/L] "])("understands %s", (column) => {
    expect(grade(`sample,${column}\nw,6\n`)).toMatchObject([{ class: "IV", byQuantity: { cd: { value: 0.006 } } }]);
  });

  it("reads nitrate stated as the ion", () => {
    expect(grade("sample,no3n[mg/L as NO3]\nw,88\n")).toMatchObject([{ class: "III" }]);
    expect(grade("sample,no3n[mg/L]\nw,88\n")).toMatchObject([{ class: "V" }]);
  });
});

describe("text", () => {
  it("may start with a byte order mark, end lines with CR LF and quote cells", () => {
    const bytes = Buffer.from('\uFEFFsample,"cd[µg/L]"\r\n"well ""3"", north",4\r\n\r\n,\r\n');
    expect(grade(bytes)).toMatchObject([{ sample: 'well "3", north', class: "III" }]);
    expect(grade(bytes.toString())).toMatchObject([{ class: "III" }]);
  });

  it("is refused when it is not UTF-8", () => {
    const gb18030 = Uint8Array.from([...Buffer.from("sample,cd[mg/L]\n"), 0xb5, 0xd8, 0xcf, 0xc2, 0x2c, 0x31]);
    expect(refusal(gb18030)).toMatchObject({ code: "CSV_NOT_UTF8", fault: { where: "the CSV" } });
  });

  it("is refused when a quote is never closed, with the row", () => {
    expect(refusal('sample,cd[mg/L]\n"w,1\n')).toMatchObject({ code: "CSV_MALFORMED" });
  });
});

describe("cells", () => {
  it.each(["abc", "0,5", "0.5L", "1.2.3", "--1", "<", "NaN", "Infinity", "1e999", "-0.1", "<0", "0x10", "１"])(
    "%j spoils its sample only",
    (cell) => {
      const results = grade(`sample,cd[mg/L]\na,0.001\nb,"${cell}"\nc,0.1\n`);
      expect(results).toMatchObject([
        { sample: "a", class: "II" },
        { sample: "b", error: { code: "CELL_INVALID", where: "row 3, column cd[mg/L]" } },
        { sample: "c", class: "V" },
      ]);
      expect(JSON.stringify(results[1])).toContain('"mend":');
    },
  );

  it.each([
    ["5e-3", "III"],
    [".005", "III"],
    ["+0.005", "III"],
    ["< 0.005", "III"],
    [">1000", "V"],
  ])("%s is %s", (cell, expected) => {
    expect(grade(`sample,cd[mg/L]\nb,${cell}\n`)).toMatchObject([{ class: expected }]);
  });

  it("refuses a physically impossible value instead of grading it", () => {
    expect(grade("sample,ph[pH]\na,15\n")).toMatchObject([{ error: { code: "CELL_INVALID" } }]);
    expect(grade("sample,do[mg/L]\na,80\n", { packId: "gb3838-2002" })).toMatchObject([{ error: {} }]);
  });

  it("reports rows of another length and samples without a name", () => {
    expect(grade("sample,cd[mg/L],as[mg/L]\na,1\nb,1,1,1\n,1,1\n")).toMatchObject([
      { sample: "a", error: { code: "ROW_LENGTH", where: "row 2" } },
      { sample: "b", error: { code: "ROW_LENGTH", where: "row 3" } },
      { sample: "", error: { code: "SAMPLE_UNNAMED", where: "row 4, column sample" } },
    ]);
  });
});

describe("options", () => {
  it.each([
    [{ packId: "gb9999" }, "PACK_UNKNOWN"],
    [{ packId: "gb15618-2018", land: "forest" }, "GRADE_OPTION_INVALID"],
    [{ packId: "gb5084-2021", crop: "tea" }, "GRADE_OPTION_INVALID"],
    [{ packId: "gb15618-2018", land: "class1" }, "LAND_NOT_COVERED"],
    [{ packId: "gb36600-2018", land: "paddy" }, "LAND_NOT_COVERED"],
  ])("%o is refused as %s before any sample", (more, code) => {
    expect(refusal("sample,cd[mg/kg]\n", more).code).toBe(code);
  });
});

describe("listStandards", () => {
  it("tells rows and trust of every pack", () => {
    const list = listStandards(packs);
    expect(list.map(({ id }) => id)).toEqual([
      "gb15618-2018",
      "gb36600-2018",
      "gb3838-2002",
      "gb5084-2021",
      "gb5749-2022",
      "gbt14848-2017",
      "us-epa-mcl",
      "who-gdwq",
    ]);
    expect(list.find(({ id }) => id === "gbt14848-2017")).toMatchObject({ rows: 93, routine: 39, enforceable: 93 });
    expect(list.find(({ id }) => id === "gb5084-2021")).toMatchObject({ routine: 16, enforceable: 0 });
    expect(list.find(({ id }) => id === "gb36600-2018")).toMatchObject({ quantities: 85, routine: 45 });
  });
});
