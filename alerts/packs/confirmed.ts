/**
 * The doubtful pack rows that a named person confirmed, as a YAML file of its own: who, when, and why. Read at start and
 * given to `loadPacks`; `confirmRow` adds one.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { Misconfigured, Refused } from "../../core/errors.ts";
import type { EnabledRow } from "./compile.ts";
import type { Packs } from "./load.ts";

/** `at` in ms since 1970 UTC; `note` says what the person compared the row with. */
export const ConfirmedRow = z.strictObject({
  pack: z.string().min(1).max(64),
  row: z.string().min(1).max(200),
  by: z.string().trim().min(1).max(100),
  at: z.int().nonnegative(),
  note: z.string().max(500).optional(),
});
export type ConfirmedRow = z.infer<typeof ConfirmedRow>;

/** Empty when there is no such file. @throws Misconfigured `CONFIRMED_INVALID` with every fault of the file. */
export function readConfirmedRows(file: string): EnabledRow[] {
  return read(file);
}

/**
 * Adds a row, or renews its confirmation. The file is replaced in one step and only its owner can read it.
 * @throws Refused `ROW_UNKNOWN` with rows of similar names, `CONFIRMATION_INVALID` for an entry that the schema refuses.
 * @throws Misconfigured `CONFIRMED_INVALID` when the file as it is has faults.
 */
export function confirmRow(file: string, confirmed: ConfirmedRow, packs: Packs): void {
  const parsed = ConfirmedRow.safeParse(confirmed);
  if (!parsed.success) {
    throw new Refused("CONFIRMATION_INVALID", { what: z.prettifyError(parsed.error), mend: "give pack, row and name" });
  }
  const entry = parsed.data;
  refuseUnknown(entry, packs);
  const others = read(file).filter(({ pack, row }) => pack !== entry.pack || row !== entry.row);
  const written = `${file}.new`;
  writeFileSync(written, stringify([...others, entry]), { mode: 0o600 });
  renameSync(written, file);
}

function read(file: string): ConfirmedRow[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw invalid(file, (error as Error).message, error);
  }
  let list: unknown;
  try {
    list = parse(text) ?? [];
  } catch (error) {
    throw invalid(file, (error as Error).message, error);
  }
  const parsed = z.array(ConfirmedRow).safeParse(list);
  if (!parsed.success) throw invalid(file, z.prettifyError(parsed.error));
  return parsed.data;
}

function invalid(file: string, what: string, cause?: unknown): Misconfigured {
  const mend = "correct the file, or confirm the rows again with `jingtu standards confirm PACK ROW --by NAME`";
  return new Misconfigured("CONFIRMED_INVALID", { what, where: file, mend }, { cause });
}

const NEAR_MAX = 5;

function refuseUnknown({ pack, row }: ConfirmedRow, packs: Packs): void {
  const known = packs.get(pack);
  if (known?.rows.some(({ key }) => key === row)) return;
  const what = known ? `pack ${pack} has no row ${row}` : `pack ${pack} is not known`;
  const names = known ? known.rows.map(({ key }) => key) : packs.list.map(({ id }) => id);
  const near = nearest(known ? row : pack, names);
  throw new Refused("ROW_UNKNOWN", { what, mend: `is it one of ${near.join(", ")}?` }, 404);
}

/** Names that share most of their pairs of letters with the wanted one. */
function nearest(wanted: string, names: readonly string[]): readonly string[] {
  const pairsOf = (name: string) => new Set(Array.from({ length: name.length - 1 }, (_, at) => name.slice(at, at + 2)));
  const pairs = pairsOf(wanted);
  const likeness = (name: string): number => {
    const other = pairsOf(name);
    return [...other].filter((pair) => pairs.has(pair)).length / (other.size + pairs.size);
  };
  return [...names].sort((a, b) => likeness(b) - likeness(a)).slice(0, NEAR_MAX);
}
