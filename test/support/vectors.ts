/** Vector files of the shared material: one JSON object a line. Undefined without EWS_SHARED. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const shared = process.env["EWS_SHARED"];

export function vectorsOf<T>(file: string): readonly T[] {
  if (shared === undefined) return [];
  return readFileSync(join(shared, "protocols/payload-vectors", file), "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as T);
}
