/**
 * `npm run score [-- event|integrity|qc|all]`: how well detectors do on the labelled public sets. Needs EWS_SHARED.
 */
import { scoreEvent } from "./event.ts";
import { scoreBoth } from "./integrity.ts";
import { printQcScores } from "./qc.ts";
import { type LabelledSet, loadSets } from "./sets.ts";

/** Gives the lines to print. */
type Tool = (sets: readonly LabelledSet[], print: (text: string) => void, shared: string) => void;

const TOOLS: Readonly<Record<string, Tool>> = {
  event: scoreEvent,
  integrity: (_, print, folder) => scoreBoth(folder, print),
  qc: (_, print, folder) => printQcScores(folder, print),
};

const shared = process.env["EWS_SHARED"];
if (shared === undefined) {
  process.stderr.write("EWS_SHARED is not set: name the folder that holds data/gecco2018-train and the other sets\n");
  process.exit(78);
}
const wanted = process.argv[2] ?? "all";
const tools = wanted === "all" ? Object.keys(TOOLS) : [wanted];
const sets = loadSets(shared);
for (const name of tools) {
  const tool = TOOLS[name];
  if (!tool) {
    process.stderr.write(`"${name}" is not known: use ${Object.keys(TOOLS).join(", ")} or all\n`);
    process.exit(2);
  }
  process.stdout.write(`\n${name}\n`);
  tool(sets, (text) => process.stdout.write(`${text}\n`), shared);
}
