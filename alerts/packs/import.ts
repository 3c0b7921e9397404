/**
 * The slot for a provincial pack: a file is checked like a national one and put into the data folder, where the next
 * start reads it. The version must grow with every change, so that evidence can name what judged.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Refused } from "../../core/errors.ts";
import { compilePack, type EnabledRow } from "./compile.ts";
import { isShipped, parsePack } from "./load.ts";
import type { PackFile } from "./pack.ts";

export interface ImportedPack {
  readonly id: string;
  readonly version: number;
  readonly rows: number;
  /** Version that lay there before; null for a new pack. */
  readonly replaced: number | null;
}

/**
 * Checks the whole file and writes it in one step as `<folder>/<id>.json`.
 * @param confirmed rows that persons confirmed: a new version must still have those of its own pack.
 * @throws Refused `PACK_INVALID` with every fault, `PACK_SHIPPED` for an id of the product, `PACK_VERSION` when the
 *   contents changed and the version did not grow.
 */
export function importPack(folder: string, text: string, confirmed: readonly EnabledRow[]): ImportedPack {
  const file = checkedPack(text, confirmed);
  const path = join(folder, `${file.id}.json`);
  const before = storedPack(path);
  const isSame = before !== undefined && JSON.stringify(before) === JSON.stringify(file);
  if (before && !isSame && file.version <= before.version) {
    throw new Refused("PACK_VERSION", {
      what: `${file.id} version ${before.version} is here with other contents; this file says version ${file.version}`,
      where: path,
      mend: `write "version": ${before.version + 1}`,
    });
  }
  if (!isSame) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
  return { id: file.id, version: file.version, rows: file.rows.length, replaced: before?.version ?? null };
}

function checkedPack(text: string, confirmed: readonly EnabledRow[]): PackFile {
  const faults: string[] = [];
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid([`not JSON (${(error as Error).message})`]);
  }
  const file = parsePack(json, "pack", faults);
  if (!file) throw invalid(faults);
  if (isShipped(file.id)) {
    throw new Refused("PACK_SHIPPED", {
      what: `a pack ${file.id} comes with the product`,
      mend: "give the file an id of its own, e.g. db51-2978-2023",
    });
  }
  const pack = compilePack(file, [], faults);
  for (const { pack: id, row } of confirmed) {
    if (id === file.id && !pack.rows.some(({ key }) => key === row))
      faults.push(`row ${row} was confirmed by a person and is missing`);
  }
  if (faults.length > 0) throw invalid(faults);
  return file;
}

function storedPack(path: string): PackFile | undefined {
  try {
    return parsePack(JSON.parse(readFileSync(path, "utf8")), path, []);
  } catch {
    return undefined; // absent, or spoilt: then the import is its mend
  }
}

function invalid(faults: readonly string[]): Refused {
  return new Refused("PACK_INVALID", {
    what: `${faults.length} fault${faults.length === 1 ? "" : "s"} in the pack\n  ${faults.join("\n  ")}`,
    mend: "correct the rows named above; alerts/packs/README.md tells how to write a pack",
  });
}
