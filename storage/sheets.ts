/** Any workbook (XLSX) as rows of text, and rows of text as a workbook; registry-sheets.ts does it for the registry. */
import readWorkbook from "read-excel-file/node";
import writeWorkbook from "write-excel-file/node";
import { Refused } from "../core/errors.ts";

/**
 * The first sheet, row by row. A date cell bears no zone: it becomes a local date and time without one.
 * @throws Refused `FILE_UNREADABLE`.
 */
export async function readFirstSheet(bytes: Uint8Array): Promise<string[][]> {
  try {
    const [first] = await readWorkbook(Buffer.from(bytes));
    return (first?.data ?? []).map((cells) => cells.map(textOf));
  } catch (error) {
    throw new Refused("FILE_UNREADABLE", { what: `no readable XLSX: ${(error as Error).message}`, where: "the file" });
  }
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  return value instanceof Date ? value.toISOString().slice(0, 19).replace("T", " ") : String(value).trim();
}

/** Every cell is text: no formula, no rounded number. */
export async function writeSheet(sheet: string, rows: readonly (readonly string[])[]): Promise<Buffer> {
  const data = rows.map((cells, at) =>
    cells.map((value) => ({ value, type: String, ...(at === 0 ? { fontWeight: "bold" as const } : {}) })),
  );
  return writeWorkbook([{ sheet, data, stickyRowsCount: 1 }]).toBuffer();
}
