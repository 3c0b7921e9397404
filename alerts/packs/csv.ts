/** CSV bytes to records: UTF-8 with or without a byte order mark, commas, quotes, LF or CR LF. */
import { type CsvError, parse } from "csv-parse/sync";
import { Refused } from "../../core/errors.ts";

export const CSV_BYTES_MAX = 64 * 1_024 * 1_024;

export interface CsvRecord {
  /** Line of the file, the header being 1. */
  readonly row: number;
  readonly cells: readonly string[];
}

/**
 * All records of a CSV text; empty lines and lines of commas are left out.
 * @throws Refused `CSV_TOO_LARGE`, `CSV_NOT_UTF8`, `CSV_MALFORMED`.
 */
export function readRecords(csv: string | Uint8Array, file: string): readonly CsvRecord[] {
  const text = typeof csv === "string" ? csv : decode(csv, file);
  try {
    const parsed = parse(text, {
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      trim: true,
    }) as unknown as { info: { lines: number }; record: string[] }[];
    return parsed.map(({ info, record }) => ({ row: info.lines, cells: record }));
  } catch (error) {
    const { code, lines, message } = error as CsvError & { lines?: number };
    if (!code?.startsWith("CSV_")) throw error;
    throw new Refused("CSV_MALFORMED", {
      what: message,
      where: `${file}${lines === undefined ? "" : `, row ${lines}`}`,
      mend: 'close every quote and write a quote inside quotes twice (""); separate cells by commas',
    });
  }
}

function decode(bytes: Uint8Array, file: string): string {
  if (bytes.byteLength > CSV_BYTES_MAX) {
    throw new Refused("CSV_TOO_LARGE", {
      what: `${bytes.byteLength} bytes, at most ${CSV_BYTES_MAX} are read`,
      where: file,
      mend: "split the file",
    });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Refused(
      "CSV_NOT_UTF8",
      { what: "the file is not UTF-8 text", where: file, mend: 'save it as "CSV UTF-8 (comma delimited)"' },
      400,
      { cause },
    );
  }
}
