/**
 * Loads limit packs: reads every `*.json` of a folder and refuses the whole set, with every fault, when one row is wrong.
 * A wrong limit must stop the start, not mislead an officer.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { Misconfigured } from "../../core/errors.ts";
import { compilePack, type EnabledRow, type Pack } from "./compile.ts";
import { PackFile } from "./pack.ts";

export interface Packs {
  readonly list: readonly Pack[];
  get(id: string): Pack | undefined;
}

/**
 * @param folder where the pack files lie; the packs that come with the product when left out.
 * @param more a second folder, of packs that people imported; may be absent. An id stands in one of them only.
 * @throws Misconfigured `PACK_INVALID` with every fault of every file.
 */
export function loadPacks(folder: URL | string = DATA, enabledRows: readonly EnabledRow[] = [], more?: string): Packs {
  const path = folder instanceof URL ? fileURLToPath(folder) : folder;
  const faults: string[] = [];
  const list: Pack[] = [];
  const byId = new Map<string, Pack>();
  for (const from of more !== undefined && existsSync(more) ? [path, more] : [path]) {
    for (const name of packFiles(from)) {
      const file = readPack(`${from}/${name}`, faults);
      if (!file) continue;
      if (`${file.id}.json` !== name)
        faults.push(`${name}: its id is ${file.id}; the file must be called ${file.id}.json`);
      if (byId.has(file.id))
        faults.push(`${from}/${name}: a pack ${file.id} comes with the product; give it another id`);
      const pack = compilePack(file, enabledRows, faults);
      list.push(pack);
      byId.set(file.id, pack);
    }
  }
  for (const { pack, row } of enabledRows) {
    if (!byId.get(pack)?.rows.some(({ key }) => key === row)) faults.push(`enabled row ${pack} ${row}: no such row`);
  }
  if (faults.length > 0) {
    throw new Misconfigured("PACK_INVALID", {
      what: `${faults.length} fault${faults.length === 1 ? "" : "s"} in the limit packs\n  ${faults.join("\n  ")}`,
      where: path,
      mend: "correct the rows named above",
    });
  }
  return { list, get: (id) => byId.get(id) };
}

const DATA = new URL("./data/", import.meta.url);

/** True for a pack that comes with the product. */
export function isShipped(id: string): boolean {
  return packFiles(fileURLToPath(DATA)).includes(`${id}.json`);
}

function packFiles(path: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(path);
  } catch (cause) {
    throw new Misconfigured(
      "PACK_INVALID",
      { what: "the folder of limit packs cannot be read", where: path },
      { cause },
    );
  }
  return names.filter((name) => name.endsWith(".json")).sort();
}

function readPack(path: string, faults: string[]): PackFile | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    faults.push(`${name}: not JSON (${error instanceof Error ? error.message : String(error)})`);
    return undefined;
  }
  return parsePack(json, name, faults);
}

/** Adds every fault of form to `faults`, each with the file's name. */
export function parsePack(json: unknown, name: string, faults: string[]): PackFile | undefined {
  const parsed = PackFile.safeParse(json);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) faults.push(`${name}: ${z.core.toDotPath(issue.path)}: ${issue.message}`);
  return undefined;
}
