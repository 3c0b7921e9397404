/** `jingtu standards grade|list` and `jingtu rules check`: the law in the box, without a server. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { confirmRow, readConfirmedRows } from "../alerts/packs/confirmed.ts";
import { gradeCsv, listStandards } from "../alerts/packs/grade-csv.ts";
import { importPack } from "../alerts/packs/import.ts";
import { loadRules, SHIPPED_RULES } from "../alerts/rules.ts";
import { systemClock } from "../core/clock.ts";
import { EXIT, Refused } from "../core/errors.ts";
import { loadPepper } from "../core/secret.ts";
import { LAND_USES } from "../core/site.ts";
import { confirmedFile, importedPacks, packsOf } from "../packs.ts";
import { openLedger } from "../storage/sql-sqlite.ts";
import { audit, withLedger } from "./ledger.ts";
import { rulesTestVerb } from "./rules-test.ts";
import { dayOf, operand, readText, UsageError, type Verb } from "./verb.ts";

const gradeVerb: Verb = {
  name: "standards grade",
  summary: "grade samples of a CSV by a limit pack, one JSON object a sample",
  operands: "",
  options: {
    pack: { type: "string", value: "ID", help: "e.g. gbt14848-2017, or gbt14848 for the edition of the sample's date" },
    csv: {
      type: "string",
      value: "FILE",
      help: "first column `sample`, others `quantity[unit]`, and `date` if you like; - reads stdin",
    },
    on: { type: "string", value: "DATE", help: "day of sampling, 2017-06-30; a column `date` comes first" },
    land: { type: "string", value: "USE", help: `soil: ${LAND_USES.join(", ")}` },
    crop: { type: "string", value: "CROP", help: "irrigation water: paddy, dryland, vegetable_cooked, vegetable_raw" },
  },
  run: async ({ text, out, config }) => {
    const [packId, csv] = [text("pack"), text("csv")];
    if (!packId || !csv) throw new UsageError("--pack and --csv are needed");
    const bytes = readCsv(csv);
    const [land, crop, on] = [text("land"), text("crop"), dayOf(text("on"), "--on")];
    let failed = false;
    for (const row of gradeCsv({
      packs: packsOf(config().dataDir),
      packId,
      csv: bytes,
      file: csv,
      ...(land ? { land } : {}),
      ...(crop ? { crop } : {}),
      ...(on === undefined ? {} : { on }),
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
  run: async ({ out, config }) => {
    for (const pack of listStandards(packsOf(config().dataDir))) out.result(pack);
    return EXIT.ok;
  },
};

const confirmVerb: Verb = {
  name: "standards confirm",
  summary: "let a doubtful row of a pack fire alarms, in your name, after you compared it with the standard",
  operands: "PACK ROW",
  options: {
    by: { type: "string", value: "NAME", help: "who compared it" },
    note: { type: "string", value: "TEXT", help: "with what" },
  },
  run: async (call) => {
    const [pack, row] = [operand(call, 0, "PACK"), operand(call, 1, "ROW")];
    const [by, note] = [call.text("by"), call.text("note")];
    if (!by) throw new UsageError("--by NAME is needed: a confirmation is a person's word");
    const { dataDir } = call.config();
    loadPepper(dataDir); // makes the folder on first use
    const at = systemClock.now();
    confirmRow(confirmedFile(dataDir), { pack, row, by, at, ...(note ? { note } : {}) }, packsOf(dataDir));
    const ledger = await openLedger({ file: join(dataDir, "ledger.db"), clock: systemClock });
    try {
      await ledger.accounts.audit({
        at,
        actor: by,
        via: "cli",
        action: "standards.confirm",
        object: `${pack} ${row}`,
        detail: note ?? "",
      });
    } finally {
      await ledger.close();
    }
    call.out.result(
      { pack, row, by },
      `${pack} ${row} confirmed by ${by}; a running server takes it at its next start`,
    );
    return EXIT.ok;
  },
};

const importVerb: Verb = {
  name: "standards import",
  summary: "check a provincial pack and put it into the data folder; the next start judges by it too",
  operands: "FILE.json",
  options: {},
  run: async (call) => {
    const file = operand(call, 0, "FILE.json");
    const text = readText(file);
    return withLedger(call, async (ledger, dataDir) => {
      const pack = importPack(importedPacks(dataDir), text, readConfirmedRows(confirmedFile(dataDir)));
      packsOf(dataDir); // all packs together still stand
      const { id, version, rows, replaced } = pack;
      await audit(ledger, "standards.import", id, `version ${version}, ${rows} rows`);
      const before = replaced === null ? "new" : replaced === version ? "unchanged" : `in place of version ${replaced}`;
      call.out.result(
        pack,
        `${id} version ${version}, ${rows} rows, ${before}; a running server takes it at its next start`,
      );
      return EXIT.ok;
    });
  },
};

const rulesCheckVerb: Verb = {
  name: "rules check",
  summary: "check rule files and report every fault at once",
  operands: "[DIR]",
  options: {},
  run: async ({ operands, out, config }) => {
    const folder = operands[0] ?? config().rulesDir ?? SHIPPED_RULES;
    const rules = loadRules(folder, packsOf(config().dataDir));
    const enabled = rules.filter((rule) => rule.enabled).length;
    out.result({ rules: rules.length, enabled }, `${rules.length} rules, ${enabled} enabled, no fault`);
    return EXIT.ok;
  },
};

export const standardsVerbs: readonly Verb[] = [
  gradeVerb,
  listVerb,
  confirmVerb,
  importVerb,
  rulesCheckVerb,
  rulesTestVerb,
];
