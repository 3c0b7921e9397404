/**
 * The two written forms of the registry, YAML and CSV, as plain objects that registry-file.ts then checks, with the line
 * on which each thing stands.
 */
import { CsvError, type Info, parse as parseCsv } from "csv-parse/sync";
import { type Document, isPair, isScalar, LineCounter, type Pair, parseDocument, visit } from "yaml";

export interface FileFault {
  readonly what: string;
  /** From 1. */
  readonly line: number;
  readonly path: string;
}

export interface WrittenForm {
  readonly raw: unknown;
  /** Faults of the form itself. */
  readonly faults: readonly FileFault[];
  lineOf(path: readonly PropertyKey[]): number;
}

/** Fields that are text even where a number was written without quotes, such as the area 512021. */
const TEXT_FIELDS = ["id", "tenant", "site", "station", "area", "secret", "name", "zh-CN", "en"];

export function readYaml(text: string): WrittenForm {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const broken = (what: string, line = 1): FileFault => ({ what, line, path: "" });
  const faults = document.errors.map((error) => broken(error.message, lines.linePos(error.pos[0]).line));
  if (faults.length > 0) return { raw: {}, faults, lineOf: () => 1 };
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let depth = path.length; depth > 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as { range?: readonly number[] } | undefined;
      const start = node?.range?.[0];
      if (start !== undefined) return lines.linePos(start).line;
    }
    return 1;
  };
  keepText(document);
  try {
    return { raw: document.toJS() ?? {}, faults: [], lineOf };
  } catch (error) {
    // More aliases than the library expands: a file that would grow beyond all bounds.
    return { raw: {}, faults: [broken((error as Error).message)], lineOf };
  }
}

function keepText(document: Document): void {
  visit(document, {
    Pair(_key, pair, path) {
      const value = pair.value;
      if (!isScalar(value) || typeof value.value !== "number") return;
      const isUnit = path.some((outer) => isPair(outer) && keyOf(outer) === "quantities");
      if (isUnit || TEXT_FIELDS.includes(keyOf(pair))) value.value = value.source ?? String(value.value);
    },
  });
}

function keyOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : "";
}

/** Row types of the CSV form and where their objects belong. */
const KINDS: Readonly<Record<string, string>> = {
  tenant: "tenants",
  site: "sites",
  station: "stations",
  device: "devices",
};
const COLUMNS = [
  ...["type", "id", "tenant", "site", "station", "kind", "area", "name", "name_zh", "name_en", "lat", "lon", "medium"],
  ...["station_type", "control", "land", "crop", "targetClass", "ph", "interval", "quantities", "secret"],
];
const NUMBER_COLUMNS = ["lat", "lon", "ph", "interval"];

/**
 * One tenant, site, station or device a row, named by column `type`; the station's own type is column `station_type`.
 * An empty cell is a field not given. `name_zh` and `name_en` make a name in both languages; `quantities` is
 * `cd=mg/L;ph=pH`.
 */
export function readCsv(text: string): WrittenForm {
  const raw: Record<string, object[]> = { tenants: [], sites: [], stations: [], devices: [] };
  const lines: Record<string, number[]> = { tenants: [], sites: [], stations: [], devices: [] };
  const faults: FileFault[] = [];
  const lineOf = (path: readonly PropertyKey[]): number => lines[String(path[0])]?.[Number(path[1])] ?? 1;
  const rows = csvRows(text, faults);
  const header = (rows[0]?.cells ?? []).map((name) => name.trim());
  for (const column of header) {
    if (!COLUMNS.includes(column)) faults.push({ what: `no column "${column}" is known`, line: 1, path: "" });
  }
  if (!header.includes("type")) faults.push({ what: 'the first line must name a column "type"', line: 1, path: "" });
  if (faults.length > 0) return { raw, faults, lineOf };
  for (const { cells, line } of rows.slice(1)) {
    const fault = (what: string): void => void faults.push({ what, line, path: "" });
    if (cells.length !== header.length) fault(`${cells.length} cells, but ${header.length} columns`);
    const row = new Map(header.map((name, at) => [name, (cells[at] ?? "").trim()]));
    const kind = KINDS[row.get("type") ?? ""];
    if (kind) {
      raw[kind]?.push(rowObject(row, fault));
      lines[kind]?.push(line);
    } else fault(`type "${row.get("type")}" is none of ${Object.keys(KINDS).join(", ")}`);
  }
  return { raw, faults, lineOf };
}

interface CsvRow {
  readonly cells: readonly string[];
  readonly line: number;
}

function csvRows(text: string, faults: FileFault[]): CsvRow[] {
  const options = { bom: true, info: true, relax_column_count: true, skip_empty_lines: true };
  try {
    const rows = parseCsv(text, options) as unknown as { record: string[]; info: Info }[];
    return rows
      .filter(({ record }) => record.some((cell) => cell.trim()))
      .map(({ record, info }) => {
        return { cells: record, line: info.lines };
      });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    faults.push({ what: error.message, line: Number(error["lines"]) || 1, path: "" });
    return [];
  }
}

function rowObject(row: ReadonlyMap<string, string>, fault: (what: string) => void): object {
  const fields: [string, unknown][] = [];
  for (const [column, cell] of row) {
    if (cell === "" || column === "type" || column.startsWith("name_")) continue;
    if (column === "quantities") fields.push([column, quantities(cell, fault)]);
    else if (column === "station_type") fields.push(["type", cell]);
    else fields.push([column, NUMBER_COLUMNS.includes(column) && isNumber(cell) ? Number(cell) : cell]);
  }
  const [chinese, english] = [row.get("name_zh") ?? "", row.get("name_en") ?? ""];
  if (chinese !== "" || english !== "") {
    if (row.get("name")) fault("give either name, or name_zh and name_en");
    fields.push(["name", { "zh-CN": chinese, en: english }]);
  }
  return Object.fromEntries(fields);
}

function isNumber(cell: string): boolean {
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(cell);
}

function quantities(cell: string, fault: (what: string) => void): object {
  const pairs = cell
    .split(";")
    .filter((pair) => pair.trim())
    .map((pair) => {
      const at = pair.indexOf("=");
      if (at < 0) fault(`"${pair.trim()}" in quantities: write cd=mg/L;ph=pH`);
      return [pair.slice(0, Math.max(at, 0)).trim(), pair.slice(at + 1).trim()] as const;
    });
  const names = pairs.map(([name]) => name);
  for (const name of names) if (names.indexOf(name) !== names.lastIndexOf(name)) fault(`quantity "${name}" twice`);
  return Object.fromEntries(pairs);
}
