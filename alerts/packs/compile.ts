/**
 * Turns a checked pack file into what limits and grading work with: bounds in canonical units, clause texts, and whether
 * a row may fire an alarm. Done once at start.
 */
import { type Conversion, conversion, convert, quantitySpec } from "../../core/quantity.ts";
import type { Confidence, LimitName, PackFile, PackRow, Range } from "./pack.ts";
import { isWaterClass, LEVELS_OF_LIMIT, rowKey } from "./pack.ts";
import { hull, type Span } from "./range.ts";

/** A doubtful row that a named person confirmed. `at`: ms since 1970 UTC. */
export interface EnabledRow {
  readonly pack: string;
  readonly row: string;
  readonly by: string;
  readonly at: number;
}

/** One level of a row, in the canonical unit. */
export interface Rung {
  readonly level: LimitName;
  /** What passes here and was not taken by a better class. */
  readonly ranges: readonly Range[];
  /** What passes here or at a better class; null where nothing is bounded (class V of groundwater). */
  readonly span: Span | null;
  /** Standard, table, item and level, e.g. "GB/T 14848-2017 table 1 no. 24 class III". */
  readonly clause: string;
  readonly confidence: Confidence;
  readonly enforceable: boolean;
}

/** A pack row in the canonical unit of its quantity. */
export interface LimitRow {
  readonly key: string;
  readonly source: PackRow;
  readonly quantity: string;
  readonly unit: string;
  /** Best level first. */
  readonly ladder: readonly Rung[];
  readonly rungs: Readonly<Partial<Record<LimitName, Rung>>>;
}

export interface Pack {
  readonly id: string;
  /** The id without its year: names all editions of the standard. */
  readonly family: string;
  readonly version: number;
  readonly standard: PackFile["standard"];
  readonly media: PackFile["media"];
  readonly scheme: PackFile["scheme"];
  readonly beyond: "V" | ">V" | null;
  readonly rows: readonly LimitRow[];
  readonly byQuantity: ReadonlyMap<string, readonly LimitRow[]>;
  /** Basic items that every sample should have, in the order of the standard. */
  readonly routine: readonly { readonly quantity: string; readonly rows: readonly LimitRow[] }[];
}

/** "gbt14848-2017" → "gbt14848"; an id without a year is its own family. */
export function familyOf(id: string): string {
  return id.replace(/-\d{4}$/, "");
}

/** Adds faults of meaning (unknown quantity, unit that does not fit, typing errors) to `faults`. */
export function compilePack(file: PackFile, enabledRows: readonly EnabledRow[], faults: string[]): Pack {
  const rows: LimitRow[] = [];
  const keys = new Set<string>();
  for (const source of file.rows) {
    const key = rowKey(source);
    const fault = (what: string): void => void faults.push(`${file.id}.json: row ${key}: ${what}`);
    if (keys.has(key)) fault("the same row stands twice");
    keys.add(key);
    const row = compileRow(file, source, enabledRows, fault);
    if (row) rows.push(row);
  }
  const byQuantity = new Map<string, LimitRow[]>();
  for (const row of rows) {
    const known = byQuantity.get(row.quantity);
    if (known) known.push(row);
    else byQuantity.set(row.quantity, [row]);
  }
  const routine = [...byQuantity]
    .map(([quantity, all]) => ({ quantity, rows: all.filter((row) => row.source.routine) }))
    .filter((entry) => entry.rows.length > 0);
  const { id, version, standard, media, scheme, beyond = null } = file;
  return { id, family: familyOf(id), version, standard, media, scheme, beyond, rows, byQuantity, routine };
}

function compileRow(
  file: PackFile,
  source: PackRow,
  enabledRows: readonly EnabledRow[],
  fault: (what: string) => void,
): LimitRow | undefined {
  const spec = quantitySpec(source.quantity, file.media[0] ?? "groundwater");
  if (!spec) return void fault(`quantity ${source.quantity} is not known in ${file.media.join(", ")}`);
  const conversions = file.media.map((medium) => conversion(source.quantity, medium, source.unit));
  const toCanonical = conversions[0];
  if (!toCanonical || conversions.includes(null))
    return void fault(`unit ${source.unit} does not fit ${source.quantity}`);
  if (Object.keys(source.bounds).length === 0 && !source.weeklyMeanChange) fault("it has no bounds");

  const key = rowKey(source);
  const { confidence } = source;
  const isConfirmed = enabledRows.some((enabled) => enabled.pack === file.id && enabled.row === key);
  const enforceable = isConfirmed || (confidence !== "memory" && confidence !== "engineering");
  const ladder: Rung[] = [];
  let better: readonly Range[] = [];
  for (const level of LEVELS_OF_LIMIT) {
    const bound = source.bounds[level];
    if (!bound) continue;
    const ranges = (Array.isArray(bound) ? bound : [bound]).map((range) => canonicalRange(range, toCanonical));
    better = isWaterClass(level) ? [...better, ...ranges] : ranges; // class III also holds what I and II hold
    ladder.push({
      level,
      ranges,
      span: hull(better) ?? null,
      clause: clauseOf(file, source, level),
      confidence,
      enforceable,
    });
  }
  const rungs = Object.fromEntries(ladder.map((rung) => [rung.level, rung]));
  checkOrder(ladder, fault);
  return { key, source, quantity: source.quantity, unit: spec.unit, ladder, rungs };
}

function canonicalRange(range: Range, toCanonical: Conversion): Range {
  const canonical: Range = { ...range };
  for (const side of ["le", "lt", "ge", "gt"] as const) {
    const value = range[side];
    if (value !== undefined) canonical[side] = convert(value, toCanonical);
  }
  return canonical;
}

function clauseOf(file: PackFile, { table, item, kind }: PackRow, level: LimitName): string {
  const place = /^\d+$/.test(table) ? `table ${table}` : table;
  const number = item === undefined ? "" : ` no. ${item}`;
  const name = isWaterClass(level) ? `class ${level}` : kind ? KIND_TEXT[kind] : level;
  return `${file.standard.number} ${place}${number} ${name}`;
}
const KIND_TEXT = { mcl: "MCL", "action-level": "action level", secondary: "secondary level" } as const;

/** A level that holds less than a better one (an intervention value below screening) is a typing error. */
function checkOrder(ladder: readonly Rung[], fault: (what: string) => void): void {
  let before: Span | undefined;
  for (const { level, ranges } of ladder) {
    const own = hull(ranges);
    const isLower = own?.high && before?.high && own.high.value < before.high.value;
    const isHigher = own?.low && before?.low && own.low.value > before.low.value;
    if (isLower || isHigher) fault(`${level} is stricter than the level before it`);
    before = own;
  }
}
