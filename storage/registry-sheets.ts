/** The registry as a spreadsheet (XLSX): one sheet a kind, named as in YAML. The only user of the vendors. */
import readWorkbook from "read-excel-file/node";
import writeWorkbook from "write-excel-file/node";
import type { RegistryContents } from "../core/ports.ts";
import type { FileFault, WrittenForm } from "./registry-forms.ts";
import { COLUMNS_OF, KINDS, type RowType, readTables, type Table, writtenRows } from "./registry-table.ts";

const BYTES_MAX = 16 * 1024 * 1024;

/**
 * Sheets `tenants`, `sites`, `stations`, `devices`, each with its columns in the first row; a sheet of another name is a
 * mixed one with a column `type`, as in CSV. A sheet that is empty does not count.
 */
export async function readSheets(bytes: Buffer): Promise<WrittenForm> {
  const broken = (what: string): WrittenForm => {
    const faults: FileFault[] = [{ what, line: 1, path: "", at: "the file" }];
    return { raw: {}, faults, lineOf: () => 1 };
  };
  if (bytes.length > BYTES_MAX) return broken(`more than ${BYTES_MAX} bytes`);
  let sheets: Awaited<ReturnType<typeof readWorkbook>>;
  try {
    sheets = await readWorkbook(bytes);
  } catch (error) {
    return broken(`no readable XLSX: ${(error as Error).message}`);
  }
  return readTables(sheets.flatMap(({ sheet, data }) => tableOf(sheet, data)));
}

function tableOf(sheet: string, data: readonly (readonly unknown[])[]): Table[] {
  const lines = data
    .map((cells, at) => ({ cells: cells.map(textOf), line: at + 1 }))
    .filter(({ cells }) => cells.some((cell) => cell !== ""));
  const [header, ...rows] = lines;
  if (!header) return [];
  const type = (Object.keys(KINDS) as RowType[]).find((one) => KINDS[one] === sheet.trim().toLowerCase());
  const names = header.cells.slice(0, header.cells.findLastIndex((cell) => cell !== "") + 1);
  const table: Table = {
    header: names,
    // Cells right of the last column are blank or a fault; blank ones at the end are not stored in a file.
    rows: rows.map(({ cells, line }) => {
      const used = cells.findLastIndex((cell) => cell !== "") + 1;
      const padding = new Array<string>(Math.max(0, names.length - cells.length)).fill("");
      return { cells: [...cells, ...padding].slice(0, Math.max(names.length, used)), line };
    }),
    place: (line, column) =>
      `sheet "${sheet}", row ${line === 1 ? header.line : line}${column < 0 ? "" : `, column ${letterOf(column)} (${names[column] ?? ""})`}`,
  };
  return [type ? { ...table, type } : table];
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  return value instanceof Date ? value.toISOString() : String(value).trim();
}

/** 0 → A, 25 → Z, 26 → AA. */
function letterOf(column: number): string {
  const letter = String.fromCharCode(65 + (column % 26));
  return column < 26 ? letter : letterOf(Math.floor(column / 26) - 1) + letter;
}

/** A workbook that `readSheets` reads back as the same contents. Every cell is text: no formula, no rounded number. */
export async function writeSheets(contents: RegistryContents): Promise<Buffer> {
  const sheets = (Object.keys(KINDS) as RowType[]).map((type) => ({
    sheet: KINDS[type],
    data: [COLUMNS_OF[type], ...writtenRows(contents, type)].map((cells, at) =>
      cells.map((value) => ({ value, type: String, ...(at === 0 ? { fontWeight: "bold" as const } : {}) })),
    ),
    stickyRowsCount: 1,
  }));
  return writeWorkbook(sheets).toBuffer();
}
