/**
 * The registry as a table, in CSV and in spreadsheets: one tenant, site, station or device a row. Column `type` names
 * which; the station's own type is column `station_type`. An empty cell is a field not given. `name_zh` and `name_en`
 * make a name in both languages; `quantities` is `cd=mg/L;ph=pH`; `profile` and `qc` are JSON.
 */
import { CsvError, type Info, parse as parseCsv } from "csv-parse/sync";
import type { RegistryContents } from "../core/ports.ts";
import { formatDuration } from "../core/site.ts";
import type { FileFault, WrittenForm } from "./registry-forms.ts";

/** Row types and where their objects belong. */
export const KINDS = { tenant: "tenants", site: "sites", station: "stations", device: "devices" } as const;
export type RowType = keyof typeof KINDS;

/** Columns of each row type, in the order in which they are written. `secret` is read, never written. */
export const COLUMNS_OF: Readonly<Record<RowType, readonly string[]>> = {
  tenant: ["id", "name", "name_zh", "name_en"],
  site: ["id", "tenant", "kind", "area", "name", "name_zh", "name_en", "lat", "lon"],
  station: [
    ...["id", "site", "name", "name_zh", "name_en", "medium", "station_type", "control", "land", "crop"],
    ...["targetClass", "ph", "lat", "lon", "qc"],
  ],
  device: ["id", "station", "interval", "quantities", "via", "profile"],
};
const COLUMNS = ["type", ...new Set(Object.values(COLUMNS_OF).flat()), "secret"];
const NUMBER_COLUMNS = ["lat", "lon", "ph", "interval"];

/** A header and rows, from wherever. */
export interface Table {
  /** Type of every row, where no column tells it. */
  readonly type?: RowType;
  readonly header: readonly string[];
  readonly rows: readonly { readonly cells: readonly string[]; readonly line: number }[];
  /** Column -1 is the row as a whole. */
  place(line: number, column: number): string | undefined;
}

export function readCsv(text: string): WrittenForm {
  const faults: FileFault[] = [];
  const [header, ...rows] = csvRows(text, faults);
  const table: Table = { header: header?.cells ?? [], rows, place: () => undefined };
  return faults.length > 0 ? { raw: {}, faults, isPartial: true, lineOf: () => 1 } : readTables([table]);
}

/** Objects of all tables together, and where each of their fields stands. */
export function readTables(tables: readonly Table[]): WrittenForm {
  const raw: Record<string, object[]> = { tenants: [], sites: [], stations: [], devices: [] };
  const origins = new Map<
    object,
    { readonly table: Table; readonly line: number; readonly header: readonly string[] }
  >();
  const faults: FileFault[] = [];
  let isPartial = false;
  for (const table of tables) {
    const header = table.header.map((name) => name.trim());
    const fault = (what: string, line: number, column = -1): void => {
      const at = table.place(line, column);
      faults.push({ what, line, path: "", ...(at === undefined ? {} : { at }) });
    };
    if (!judgeHeader(table, header, fault)) {
      isPartial = true;
      continue;
    }
    for (const { cells, line } of table.rows) {
      if (cells.length !== header.length) fault(`${cells.length} cells, but ${header.length} columns`, line);
      const row = new Map(header.map((name, at) => [name, (cells[at] ?? "").trim()]));
      const type = row.get("type") ?? table.type ?? "";
      if (!isRowType(type)) {
        fault(`type "${type}" is none of ${Object.keys(KINDS).join(", ")}`, line, header.indexOf("type"));
        isPartial = true;
        continue;
      }
      const object = rowObject(row, (what, column) => fault(what, line, header.indexOf(column)));
      raw[KINDS[type]]?.push(object);
      origins.set(object, { table, line, header });
    }
  }
  const originOf = (path: readonly PropertyKey[]) => origins.get(raw[String(path[0])]?.[Number(path[1])] ?? raw);
  return {
    raw,
    faults,
    isPartial,
    lineOf: (path) => originOf(path)?.line ?? 1,
    placeOf: (path) => {
      const origin = originOf(path);
      const column = origin ? columnOf(path, origin.header) : -1;
      return origin?.table.place(origin.line, column) ?? "";
    },
  };
}

function judgeHeader(
  table: Table,
  header: readonly string[],
  fault: (what: string, line: number, column?: number) => void,
): boolean {
  const unknown = header.flatMap((name, at) => (COLUMNS.includes(name) ? [] : [[name, at] as const]));
  for (const [name, at] of unknown) fault(`no column "${name}" is known`, 1, at);
  const isTyped = header.includes("type") || table.type !== undefined;
  if (!isTyped) fault('the first line must name a column "type"', 1);
  return unknown.length === 0 && isTyped;
}

function isRowType(type: string): type is RowType {
  return Object.hasOwn(KINDS, type);
}

/** The column of a field: a station's type is in `station_type`, a name in two languages in two columns. */
function columnOf([kind, , field = "id", part]: readonly PropertyKey[], header: readonly string[]): number {
  const name = kind === "stations" && field === "type" ? "station_type" : String(field);
  const language = part === "en" ? "name_en" : "name_zh";
  const at = header.indexOf(name);
  return at < 0 && name === "name" ? header.indexOf(language) : at;
}

function csvRows(text: string, faults: FileFault[]): { readonly cells: readonly string[]; readonly line: number }[] {
  const options = { bom: true, info: true, relax_column_count: true, skip_empty_lines: true };
  try {
    const rows = parseCsv(text, options) as unknown as { record: string[]; info: Info }[];
    return rows
      .filter(({ record }) => record.some((cell) => cell.trim()))
      .map(({ record, info }) => ({ cells: record.map(unguarded), line: info.lines }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    faults.push({ what: error.message, line: Number(error["lines"]) || 1, path: "" });
    return [];
  }
}

type CellFault = (what: string, column: string) => void;

function rowObject(row: ReadonlyMap<string, string>, fault: CellFault): object {
  const fields: [string, unknown][] = [];
  for (const [column, cell] of row) {
    if (cell === "" || column === "type" || column.startsWith("name_")) continue;
    if (column === "quantities") fields.push([column, quantities(cell, fault)]);
    else if (column === "profile" || column === "qc") fields.push([column, json(cell, column, fault)]);
    else if (column === "station_type") fields.push(["type", cell]);
    else fields.push([column, NUMBER_COLUMNS.includes(column) && isNumber(cell) ? Number(cell) : cell]);
  }
  const [chinese, english] = [row.get("name_zh") ?? "", row.get("name_en") ?? ""];
  if (chinese !== "" || english !== "") {
    if (row.get("name")) fault("give either name, or name_zh and name_en", "name");
    fields.push(["name", { "zh-CN": chinese, en: english }]);
  }
  return Object.fromEntries(fields);
}

function isNumber(cell: string): boolean {
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(cell);
}

function quantities(cell: string, fault: CellFault): object {
  const pairs = cell
    .split(";")
    .filter((pair) => pair.trim())
    .map((pair) => {
      const at = pair.indexOf("=");
      if (at < 0) fault(`"${pair.trim()}" in quantities: write cd=mg/L;ph=pH`, "quantities");
      return [pair.slice(0, Math.max(at, 0)).trim(), pair.slice(at + 1).trim()] as const;
    });
  const names = pairs.map(([name]) => name);
  for (const name of names)
    if (names.indexOf(name) !== names.lastIndexOf(name)) fault(`quantity "${name}" twice`, "quantities");
  return Object.fromEntries(pairs);
}

function json(cell: string, column: string, fault: CellFault): unknown {
  try {
    return JSON.parse(cell) as unknown;
  } catch (error) {
    fault(`${column} is not JSON: ${(error as Error).message}`, column);
    return {};
  }
}

/** The cells of one row type, below `COLUMNS_OF`. */
export function writtenRows(contents: RegistryContents, type: RowType): readonly (readonly string[])[] {
  const objects: readonly object[] = contents[KINDS[type]];
  return objects.map((object) => COLUMNS_OF[type].map((column) => writtenCell(object, column)));
}

function writtenCell(object: object, column: string): string {
  const fields = object as Readonly<Record<string, unknown>>;
  const { name } = fields;
  const value = fields[column === "station_type" ? "type" : column];
  if (column === "name") return typeof name === "string" ? name : "";
  if (column === "name_zh" || column === "name_en") {
    const names = typeof name === "object" && name !== null ? (name as Readonly<Record<string, string>>) : {};
    return names[column === "name_zh" ? "zh-CN" : "en"] ?? "";
  }
  if (value === undefined) return "";
  if (column === "interval") return Number.isSafeInteger(value) ? formatDuration(Number(value)) : String(value);
  if (column === "profile" || column === "qc") return JSON.stringify(value);
  if (column !== "quantities") return String(value);
  return Object.entries(value as Readonly<Record<string, string>>)
    .map((pair) => pair.join("="))
    .join(";");
}

/** CSV that `readCsv` reads back as the same contents, and that no spreadsheet takes for formulas. */
export function writeCsv(contents: RegistryContents): string {
  const columns = COLUMNS.filter((column) => column !== "secret");
  const rows = (Object.keys(KINDS) as RowType[]).flatMap((type) =>
    writtenRows(contents, type).map((cells) => {
      const byColumn = new Map(COLUMNS_OF[type].map((column, at) => [column, cells[at] ?? ""]));
      return columns.map((column) => (column === "type" ? type : (byColumn.get(column) ?? "")));
    }),
  );
  return [columns, ...rows].map((cells) => `${cells.map(quoted).join(",")}\r\n`).join("");
}

const FORMULA = /^[=+\-@\t]/;

function quoted(cell: string): string {
  const text = FORMULA.test(cell) && !isNumber(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function unguarded(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell.slice(1)) ? cell.slice(1) : cell;
}
