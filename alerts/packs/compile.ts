/**
 * Turns a checked pack file into what limits and grading work with: bounds in canonical units, clause texts, and whether
 * a row may fire an alarm. Done once at start.
 */
import { type Conversion, conversion, convert, quantitySpec } from "../../core/quantity.ts";
import { WATER_CLASSES } from "../../core/site.ts";
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

/** A pack row in the canonical unit of its quantity. */
export interface LimitRow {
  readonly key: string;
  readonly source: PackRow;
  readonly quantity: string;
  readonly unit: string;
  /** What passes, by level. */
  readonly ranges: Readonly<Partial<Record<LimitName, readonly Range[]>>>;
  /** What passes at this level or a better one; absent where nothing is bounded (class V of groundwater). */
  readonly spans: Readonly<Partial<Record<LimitName, Span>>>;
  /** Standard, table, item and level, e.g. "GB/T 14848-2017 table 1 no. 24 class III". */
  readonly clauses: Readonly<Partial<Record<LimitName, string>>>;
  readonly confidence: Confidence;
  readonly enforceable: boolean;
  readonly enabledBy: EnabledRow | null;
}

export interface Pack {
  readonly id: string;
  readonly version: number;
  readonly standard: PackFile["standard"];
  readonly media: PackFile["media"];
  readonly scheme: PackFile["scheme"];
  readonly beyond: "V" | ">V" | null;
  readonly rows: readonly LimitRow[];
  readonly byQuantity: ReadonlyMap<string, readonly LimitRow[]>;
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
  const { id, version, standard, media, scheme, beyond = null } = file;
  return { id, version, standard, media, scheme, beyond, rows, byQuantity };
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

  const ranges: Partial<Record<LimitName, readonly Range[]>> = {};
  const spans: Partial<Record<LimitName, Span>> = {};
  const clauses: Partial<Record<LimitName, string>> = {};
  let better: readonly Range[] = [];
  for (const level of LEVELS_OF_LIMIT) {
    const bound = source.bounds[level];
    if (!bound) continue;
    const own = (Array.isArray(bound) ? bound : [bound]).map((range) => canonicalRange(range, toCanonical));
    better = isWaterClass(level) ? [...better, ...own] : own; // class III also holds what classes I and II hold
    const span = hull(better);
    ranges[level] = own;
    if (span) spans[level] = span;
    clauses[level] = clause(file, source, level);
  }
  checkOrder(source, spans, fault);

  const key = rowKey(source);
  const enabledBy = enabledRows.find((enabled) => enabled.pack === file.id && enabled.row === key) ?? null;
  const trusted = source.confidence !== "memory" && source.confidence !== "engineering";
  return {
    key,
    source,
    quantity: source.quantity,
    unit: spec.unit,
    ranges,
    spans,
    clauses,
    confidence: source.confidence,
    enforceable: trusted || enabledBy !== null,
    enabledBy,
  };
}

function canonicalRange(range: Range, toCanonical: Conversion): Range {
  const canonical: Range = { ...range };
  for (const side of ["le", "lt", "ge", "gt"] as const) {
    const value = range[side];
    if (value !== undefined) canonical[side] = convert(value, toCanonical);
  }
  return canonical;
}

function clause(file: PackFile, { table, item, kind }: PackRow, level: LimitName): string {
  const place = /^\d+$/.test(table) ? `table ${table}` : table;
  const number = item === undefined ? "" : ` no. ${item}`;
  const name = isWaterClass(level) ? `class ${level}` : kind ? KIND_TEXT[kind] : level;
  return `${file.standard.number} ${place}${number} ${name}`;
}
const KIND_TEXT = { mcl: "MCL", "action-level": "action level", secondary: "secondary level" } as const;

/** An intervention value below its screening value, or a class stricter than a better one, is a typing error. */
function checkOrder(source: PackRow, spans: LimitRow["spans"], fault: (what: string) => void): void {
  const { screening, intervention } = spans;
  if (screening?.high && intervention?.high && screening.high.value > intervention.high.value)
    fault("intervention is below screening");
  let previous: number | undefined;
  for (const level of WATER_CLASSES) {
    const bound = source.bounds[level];
    if (!bound || Array.isArray(bound) || bound.le === undefined || bound.ge !== undefined) continue;
    if (previous !== undefined && bound.le < previous) fault(`class ${level} is stricter than the class before it`);
    previous = bound.le;
  }
}
