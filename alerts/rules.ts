/**
 * Rules as YAML files: reads a folder, checks every rule of every file against the schema, the quantities and the limit
 * packs, and reports all faults at once. `watchRules` loads again on change; a broken edit keeps the rules as they were.
 */
import { readdirSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMap, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { z } from "zod";
import type { Clock } from "../core/clock.ts";
import { Misconfigured } from "../core/errors.ts";
import type { Logger } from "../core/observe.ts";
import { conversion } from "../core/quantity.ts";
import { Rule, type VersionedRule } from "../core/rule.ts";
import { INSTRUMENT_RULE } from "./detect/instrument.ts";
import { NEWEST_EDITION, packNamed } from "./packs/editions.ts";
import type { Packs } from "./packs/load.ts";
import { groupFaults, type MeaningFault, quantityFaults } from "./rules-group.ts";

/** The rules that come with the product. */
export const SHIPPED_RULES = new URL("./rules/", import.meta.url);

/** @throws Misconfigured `RULES_INVALID` with every fault of the text. */
export function parseRules(text: string, file: string, packs: Packs): Rule[] {
  const found = readRules(text, packs);
  refuse(found.faults.length > 0 ? [{ file, faults: found.faults }] : []);
  return found.rules.map(({ rule }) => rule);
}

/**
 * All rules of the `*.yaml` and `*.yml` files of a folder, in the order of file names.
 * @throws Misconfigured `RULES_INVALID` with every fault of every file, `RULES_UNREADABLE` when the folder cannot be read.
 */
export function loadRules(folder: URL | string, packs: Packs): Rule[] {
  const path = folder instanceof URL ? fileURLToPath(folder) : folder;
  const seen = new Map<string, string>();
  const broken: { file: string; faults: string[] }[] = [];
  const rules: Rule[] = [];
  for (const file of ruleFiles(path)) {
    const full = join(path, file);
    const found = readRules(readText(full), packs);
    for (const { rule, at } of found.rules) {
      const first = seen.get(rule.id);
      if (first !== undefined) found.faults.push(`✖ rule id ${rule.id} is taken already by ${first}\n  → at ${at}.id`);
      seen.set(rule.id, first ?? full);
      rules.push(rule);
    }
    if (found.faults.length > 0) broken.push({ file: full, faults: found.faults });
  }
  refuse(broken);
  return rules;
}

/** Rules that the registry has and the files no longer hold, switched off: leaving a file ends what it watched. */
export function retired(loaded: readonly Rule[], known: readonly VersionedRule[]): Rule[] {
  const ids = new Set(loaded.map(({ id }) => id));
  return known.filter(({ rule }) => rule.enabled && !ids.has(rule.id)).map(({ rule }) => ({ ...rule, enabled: false }));
}

const DEBOUNCE_MS = 300;

/**
 * Calls `onChange` with all rules after files of the folder have changed. A fault is logged with its text and nothing
 * else happens. @returns a function that stops watching.
 */
export function watchRules(parts: {
  readonly folder: URL | string;
  readonly packs: Packs;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onChange: (rules: readonly Rule[]) => void;
}): () => void {
  const path = parts.folder instanceof URL ? fileURLToPath(parts.folder) : parts.folder;
  const stop = new AbortController();
  let waiting = false;
  const reload = (): void => {
    waiting = false;
    if (stop.signal.aborted) return;
    try {
      const rules = loadRules(path, parts.packs);
      parts.log.info({ rules: rules.length }, "alarm rules loaded");
      parts.onChange(rules);
    } catch (error) {
      if (!(error instanceof Misconfigured)) throw error;
      parts.log.error({ err: error, code: error.code }, "the changed alarm rules have faults; the old ones stay");
    }
  };
  const watcher = watch(path, () => {
    if (waiting) return; // an editor writes in several steps
    waiting = true;
    parts.clock.sleep(DEBOUNCE_MS, stop.signal).then(reload);
  });
  watcher.on("error", (error) => parts.log.warn({ err: error }, "the rules folder can no longer be watched"));
  return () => {
    stop.abort();
    watcher.close();
  };
}

interface Found {
  readonly rules: { readonly rule: Rule; readonly at: string }[];
  /** As people read them, with the path inside the file and its line. */
  readonly faults: string[];
}

function readRules(text: string, packs: Packs): Found {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true });
  const found: Found = { rules: [], faults: document.errors.map(({ message }) => `✖ ${message.trim()}`) };
  if (found.faults.length > 0) return found;
  const list: unknown = document.toJS() ?? [];
  if (!Array.isArray(list)) {
    found.faults.push("✖ a file of rules is a list: begin each rule with `- id:`");
    return found;
  }
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    const lineOf = (path: readonly PropertyKey[]): string =>
      `[${index}]${z.core.toDotPath([...path]).replace(/^(?=[^[])/, path.length > 0 ? "." : "")}, line ${lineAt(document.contents, [index, ...path], lines)}`;
    const parsed = Rule.safeParse(item);
    if (!parsed.success) {
      for (const issue of parsed.error.issues) {
        found.faults.push(`✖ ${expected(issue)}\n  → at ${lineOf(issue.path)}`);
      }
      const partly = whatParsed(item, parsed.error.issues);
      if (!partly) continue;
      for (const { what, path } of meaningFaults(partly, packs)) found.faults.push(`✖ ${what}\n  → at ${lineOf(path)}`);
      continue;
    }
    const rule = parsed.data;
    for (const { what, path } of meaningFaults(rule, packs)) found.faults.push(`✖ ${what}\n  → at ${lineOf(path)}`);
    if (seen.has(rule.id)) found.faults.push(`✖ rule id ${rule.id} stands twice\n  → at ${lineOf(["id"])}`);
    seen.add(rule.id);
    found.rules.push({ rule, at: `[${index}]` });
  }
  return found;
}

/** What a fault of the schema asks for: a union says what each of its kinds expects. */
function expected(issue: z.core.$ZodIssue): string {
  if (issue.path.at(-1) === "onDelay" || issue.path.at(-1) === "offDelay") {
    return 'expected a number of readings such as "2 readings" or a duration such as "10m"';
  }
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return issue.message;
  return [...new Set(issue.errors.flat().map(({ message }) => message))].join("; or ");
}

/** The rule without the fields that have faults, for the checks of meaning; null when too little is left. */
function whatParsed(item: unknown, issues: readonly z.core.$ZodIssue[]): Rule | null {
  if (typeof item !== "object" || item === null) return null;
  const wrong = new Set(
    issues.flatMap(({ path, code, ...issue }) =>
      path[0] === undefined && "keys" in issue ? (issue.keys as string[]) : [path[0]],
    ),
  );
  const filler = { id: "unnamed", level: "blue", on: {}, enabled: true };
  const kept = Object.fromEntries(Object.entries(item).filter(([key]) => !wrong.has(key)));
  const parsed = Rule.safeParse({ ...filler, ...kept });
  return parsed.success ? parsed.data : null;
}

/** What the schema cannot see: names that must exist and combinations that would watch nothing. */
function* meaningFaults(rule: Rule, packs: Packs): Generator<MeaningFault> {
  if (rule.id === INSTRUMENT_RULE.id) yield { what: `the id ${rule.id} belongs to the built-in rule`, path: ["id"] };
  for (const quantity of rule.on.quantity ?? []) {
    yield* quantityFaults(quantity, ["on", "quantity"]);
  }
  if (rule.kind === "limit") yield* limitFaults(rule, packs);
  if (rule.kind === "trend" && rule.pack !== undefined && rule.above !== undefined) {
    yield* limitFaults({ on: rule.on, pack: rule.pack, above: rule.above }, packs);
  }
  if (rule.kind === "class") yield* classFaults(rule, packs);
  if (rule.kind === "level") yield* levelFaults(rule);
  yield* groupFaults(rule, packs);
}

function* classFaults(rule: Rule & { kind: "class" }, packs: Packs): Generator<MeaningFault> {
  const fitting = packs.list.filter(({ scheme }) => scheme === "classes");
  if (!fitting.some(({ id, family }) => id === rule.pack || family === rule.pack)) {
    const ids = fitting.map(({ id }) => id).join(", ");
    yield { what: `pack ${rule.pack} has no classes of water; these have: ${ids}`, path: ["pack"] };
  }
}

function* limitFaults(
  rule: Pick<Rule & { kind: "limit" }, "on" | "pack" | "above">,
  packs: Packs,
): Generator<MeaningFault> {
  const edition = packNamed(packs, rule.pack, NEWEST_EDITION);
  if (!edition.found) {
    const known = packs.list.map(({ id }) => id).join(", ");
    yield { what: `pack ${rule.pack} is not known; there are ${known}`, path: ["pack"] };
    return;
  }
  const { pack } = edition;
  const media = rule.on.medium;
  if (media && !media.some((medium) => (pack.media as readonly string[]).includes(medium))) {
    yield { what: `pack ${pack.id} is for ${pack.media.join(", ")}`, path: ["on", "medium"] };
  }
  if (rule.above === "target") return; // the station names the class
  const { above } = rule;
  for (const quantity of rule.on.quantity ?? []) {
    const rows = pack.byQuantity.get(quantity);
    if (!rows) yield { what: `pack ${pack.id} has no limit for ${quantity}`, path: ["on", "quantity"] };
    else if (!rows.some(({ rungs }) => rungs[above]?.span)) {
      yield { what: `pack ${pack.id} has no bound ${above} for ${quantity}`, path: ["above"] };
    }
  }
  if (!rule.on.quantity && !pack.rows.some(({ rungs }) => rungs[above])) {
    yield { what: `pack ${pack.id} has no bounds called ${above}`, path: ["above"] };
  }
}

function* levelFaults(rule: Rule & { kind: "level" }): Generator<MeaningFault> {
  const { quantity, medium } = rule.on;
  if (!quantity) yield { what: "a level is a number of one quantity: name it", path: ["on"] };
  const { unit } = rule;
  if (unit === undefined) return;
  for (const name of quantity ?? []) {
    for (const each of medium ?? []) {
      if (!conversion(name, each, unit))
        yield { what: `unit ${unit} is not known for ${name} in ${each}`, path: ["unit"] };
    }
  }
}

/** Line of the deepest node on the path that the file really holds. */
function lineAt(root: unknown, path: readonly PropertyKey[], lines: LineCounter): number {
  let node = root as Node | null;
  let offset = 0;
  for (const step of path) {
    const next: unknown = isMap(node) || isSeq(node) ? node.get(step, true) : undefined;
    if (typeof next !== "object" || next === null || !("range" in next)) break;
    node = next as Node;
    offset = node.range?.[0] ?? offset;
  }
  return lines.linePos(offset).line;
}

function refuse(broken: readonly { readonly file: string; readonly faults: readonly string[] }[]): void {
  if (broken.length === 0) return;
  throw new Misconfigured("RULES_INVALID", {
    what: broken.map(({ file, faults }) => `in ${file}:\n${faults.join("\n")}`).join("\n"),
    mend: "compare with alerts/rules/README.md, then run `jingtu rules check`",
  });
}

function ruleFiles(path: string): string[] {
  try {
    return readdirSync(path)
      .filter((name) => /\.ya?ml$/.test(name) && !/\.test\.ya?ml$/.test(name))
      .sort();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw unreadable(path, cause);
  }
}
function unreadable(path: string, cause: unknown): Misconfigured {
  const fault = { what: (cause as Error).message, where: path, mend: "give a readable folder of YAML files" };
  return new Misconfigured("RULES_UNREADABLE", fault, { cause });
}
