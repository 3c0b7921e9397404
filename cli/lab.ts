/** `jingtu lab import|template`: laboratory results from a file into the same stream as readings of devices. */
import { writeFileSync } from "node:fs";
import { callControl } from "../control.ts";
import { systemClock } from "../core/clock.ts";
import { createDirectory } from "../core/directory.ts";
import type { RawMessage } from "../core/envelope.ts";
import { EXIT } from "../core/errors.ts";
import type { LabReport } from "../core/lab.ts";
import { TEMPLATE_ROWS } from "../ingest/lab/columns.ts";
import { appendRaw, codeMessages, createLabDesk } from "../lab.ts";
import { writeSheet } from "../storage/sheets.ts";
import { withWriter } from "./data.ts";
import { ACTOR, withLedger } from "./ledger.ts";
import { operand, readBytes, UsageError, type Verb } from "./verb.ts";

const importVerb: Verb = {
  name: "lab import",
  summary: "take laboratory results (CSV or XLSX) as readings: stored, judged and alarmed like those of devices",
  more: "With a fault in any row nothing is taken, unless --partial is given. Columns: see `jingtu lab template`.",
  operands: "FILE",
  options: {
    "dry-run": { type: "boolean", help: "only look: tell every fault with row and column" },
    partial: { type: "boolean", help: "take the rows without fault although others have one" },
    zone: { type: "string", value: "ZONE", help: "of times without one: +08:00 or an IANA name" },
  },
  run: async (call) => {
    const file = operand(call, 0, "FILE");
    const form = /\.xlsx$/i.test(file) ? "xlsx" : /\.csv$/i.test(file) ? "csv" : null;
    if (!form) throw new UsageError("FILE ends in .csv or .xlsx");
    const bytes = readBytes(file);
    const zone = call.text("zone");
    const report = await withLedger(call, async (ledger, dataDir) => {
      const desk = createLabDesk({
        directory: async () => createDirectory(await ledger.registry.snapshot()),
        registry: ledger.registry,
        accounts: ledger.accounts,
        append: (messages) => appendAnywhere(dataDir, messages),
        clock: systemClock,
      });
      const asked = { dryRun: call.flag("dry-run"), partial: call.flag("partial"), by: ACTOR, via: "cli" };
      return await desk.import({ bytes, form, ...asked, ...(zone === undefined ? {} : { zone }), mayUse: () => true });
    });
    call.out.result(report, textOf(report));
    const isRefused = report.faults.length > 0 && !(call.flag("partial") && report.imported > 0);
    return isRefused ? EXIT.failed : EXIT.ok;
  },
};

/** Through the running server, whose journal has one writer; else into the journal itself. */
async function appendAnywhere(dataDir: string, messages: readonly RawMessage[]): Promise<void> {
  const running = await callControl(dataDir, "lab-append", { messages: codeMessages(messages) });
  if (!running) await withWriter(dataDir, (journal) => appendRaw(journal)(messages));
}

function textOf({ rows, imported, results, faults }: LabReport): string {
  const lines = faults.map((fault) => `row ${fault.row}, ${fault.column || "row"}: ${fault["zh-CN"]} / ${fault.en}`);
  return [...lines, `${rows} rows, ${results.length} without fault, ${imported} imported`].join("\n");
}

const templateVerb: Verb = {
  name: "lab template",
  summary: "write an empty table for laboratory results, with two rows as examples",
  operands: "",
  options: { out: { type: "string", value: "FILE", help: "FILE.xlsx" } },
  run: async (call) => {
    const out = call.text("out");
    if (!out) throw new UsageError("--out FILE.xlsx is needed");
    writeFileSync(out, await writeSheet("lab-results", TEMPLATE_ROWS));
    call.out.result({ file: out }, out);
    return EXIT.ok;
  },
};

export const labVerbs: readonly Verb[] = [importVerb, templateVerb];
