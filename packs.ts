/**
 * The limit packs: those that come with the product, those imported into the data folder (a province's), and the rows
 * that named persons of this installation have confirmed. Read at start.
 */
import { join } from "node:path";
import { readConfirmedRows } from "./alerts/packs/confirmed.ts";
import { loadPacks, type Packs } from "./alerts/packs/load.ts";

export function confirmedFile(dataDir: string): string {
  return join(dataDir, "confirmed-rows.yaml");
}

/** Where `jingtu standards import` puts packs. */
export function importedPacks(dataDir: string): string {
  return join(dataDir, "packs");
}

export function packsOf(dataDir: string): Packs {
  return loadPacks(undefined, readConfirmedRows(confirmedFile(dataDir)), importedPacks(dataDir));
}
