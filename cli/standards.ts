/** `jingtu standards grade|list` and `jingtu rules check`: the law in the box, without a server. */
import { readFileSync } from "node:fs";
import { gradeCsv, listStandards } from "../alerts/packs/grade-csv.ts";
import { loadPacks } from "../alerts/packs/load.ts";
import { loadRules, SHIPPED_RULES } from "../alerts/rules.ts";
import { EXIT, Refused } from "../core/errors.ts";
import { LAND_USES } from "../core/site.ts";
import { UsageError, type Verb } from "./verb.ts";

const gradeVerb: Verb = {
  name: "standards grade",
  summary: "grade samples of a CSV by a limit pack, one JSON object a sample",
  operands: "",
  options: {
    pack: { type: "string", value: "ID", help: "e.g. gbt14848-2017; `jingtu standards list` shows all" },
    csv: { type: "string", value: "FILE", help: "first column `sample`, others `quantity[unit]`; - reads stdin" },
    land: { type: "string", value: "USE", help: `soil: ${LAND_USES.join(", ")}` },
    crop: { type: "string", value: "CROP", help: "irrigation water: paddy, dryland, vegetable_cooked, vegetable_raw" },
  },
  run: async ({ text, out }) => {
    const [packId, csv] = [text("pack"), text("csv")];
    if (!packId || !csv) throw new UsageError("--pack and --csv are needed");
    const bytes = readCsv(csv);
    const [land, crop] = [text("land"), text("crop")];
    let failed = false;
    for (const row of gradeCsv({
      packs: loadPacks(),
      packId,
      csv: bytes,
      file: csv,
      ...(land ? { land } : {}),
      ...(crop ? { crop } : {}),
    })) {
      failed ||= "error" in row;
      out.result(row);
    }
    return failed ? EXIT.failed : EXIT.ok;
  },
};

function readCsv(path: string): Buffer {
  try {
    return readFileSync(path === "-" ? 0 : path);
  } catch (error) {
    throw new Refused("CSV_UNREADABLE", {
      what: (error as Error).message,
      where: path,
      mend: "give a readable CSV file, or - for standard input",
    });
  }
}

const listVerb: Verb = {
  name: "standards list",
  summary: "list the limit packs, their rows and how far each is trusted",
  operands: "",
  options: {},
  run: async ({ out }) => {
    for (const pack of listStandards(loadPacks())) out.result(pack);
    return EXIT.ok;
  },
};

const rulesCheckVerb: Verb = {
  name: "rules check",
  summary: "check rule files and report every fault at once",
  operands: "[DIR]",
  options: {},
  run: async ({ operands, out, config }) => {
    const folder = operands[0] ?? config().rulesDir ?? SHIPPED_RULES;
    const rules = loadRules(folder, loadPacks());
    const enabled = rules.filter((rule) => rule.enabled).length;
    out.result({ rules: rules.length, enabled }, `${rules.length} rules, ${enabled} enabled, no fault`);
    return EXIT.ok;
  },
};

export const standardsVerbs: readonly Verb[] = [gradeVerb, listVerb, rulesCheckVerb];
