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

/** Reference results of one kind of statistic. */
export function statisticsVectors<Input, Expected>(
  kind: string,
): readonly { readonly name: string; readonly input: Input; readonly expected: Expected }[] {
  if (shared === undefined) return [];
  const file = JSON.parse(readFileSync(join(shared, "data/stats-vectors/vectors.json"), "utf8")) as {
    vectors: { kind: string; name: string; input: Input; expected: Expected }[];
  };
  return file.vectors.filter((vector) => vector.kind === kind);
}
