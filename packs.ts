/** The limit packs with the rows that named persons of this installation have confirmed. Read at start. */
import { join } from "node:path";
import { readConfirmedRows } from "./alerts/packs/confirmed.ts";
import { loadPacks, type Packs } from "./alerts/packs/load.ts";

export function confirmedFile(dataDir: string): string {
  return join(dataDir, "confirmed-rows.yaml");
}

export function packsOf(dataDir: string): Packs {
  return loadPacks(undefined, readConfirmedRows(confirmedFile(dataDir)));
}
