/**
 * A CSV file as rows of byte ranges (RFC 4180: quotes, doubled quotes, newlines inside quotes, BOM), some 1 GB in a few
 * seconds: a tape of a year holds tens of millions of cells, and an object or a string for each would cost more than
 * all detectors together. Cells become numbers straight from their bytes.
 */
import { createReadStream } from "node:fs";
import { Refused } from "../core/errors.ts";

const CHUNK_BYTES = 1 << 20;
const ROW_BYTES_MAX = 16 << 20;
const [QUOTE, COMMA, LF, CR] = [0x22, 0x2c, 0x0a, 0x0d];

/** One row; reused, so read it before the next. Cell `i` is `bytes` from `cells[2 * i]` to before `cells[2 * i + 1]`. */
export class CsvRow {
  bytes: Buffer = Buffer.alloc(0);
  cells = new Int32Array(256);
  count = 0;
  /** Line of the file on which the row begins, from 1. */
  line = 0;

  /** The cell without blanks around it and without its quotes. */
  text(index: number): string {
    const [start, end] = [this.cells[2 * index] as number, this.cells[2 * index + 1] as number];
    const text = this.bytes.toString("utf8", start, end).trim();
    return text.startsWith('"') && text.endsWith('"') && text.length > 1
      ? text.slice(1, -1).replaceAll('""', '"').trim()
      : text;
  }

  /** The cell as a plain decimal number; NaN for anything else (empty, signs of censoring, words, exponents). */
  number(index: number): number {
    return parseDecimal(this.bytes, this.cells[2 * index] as number, this.cells[2 * index + 1] as number);
  }
}

/**
 * Rows in file order, empty lines left out, the header included. Groups of them come by `onRow`, synchronously; the
 * generator yields after each chunk of the file.
 * @throws Refused `CSV_UNREADABLE`.
 */
export async function* scanCsv(file: string, onRow: (row: CsvRow) => void): AsyncGenerator<void> {
  const row = new CsvRow();
  let rest: Buffer = Buffer.alloc(0);
  let line = 1;
  let isFirst = true;
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (isFirst && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3);
      isFirst = false;
      const taken = scanRows(bytes, row, line, onRow);
      line = taken.line;
      rest = bytes.subarray(taken.end);
      if (rest.length > ROW_BYTES_MAX) throw unreadable(file, line, "a quote that is never closed");
      yield;
    }
  } catch (error) {
    if (error instanceof Refused || !("syscall" in (error as object))) throw error;
    throw new Refused(
      "CSV_UNREADABLE",
      { what: (error as Error).message, where: file, mend: "give a readable CSV file" },
      400,
      { cause: error },
    );
  }
  if (rest.length === 0) return;
  const end = scanRows(Buffer.concat([rest, Buffer.from("\n")]), row, line, onRow).end;
  if (end <= rest.length) throw unreadable(file, line, "a quote that is never closed");
  yield;
}

function unreadable(file: string, line: number, what: string): Refused {
  return new Refused("CSV_UNREADABLE", {
    what,
    where: `${file} line ${line}`,
    mend: "give a UTF-8 CSV with a header line",
  });
}

/** All whole rows of `bytes`. @returns where the first row that is not whole begins, and on which line. */
function scanRows(
  bytes: Buffer,
  row: CsvRow,
  firstLine: number,
  onRow: (row: CsvRow) => void,
): { readonly end: number; readonly line: number } {
  const { length } = bytes;
  let line = firstLine;
  let cells = row.cells;
  let [begin, start, at, count, newlines] = [0, 0, 0, 0, 0];
  row.bytes = bytes;
  while (at < length) {
    const byte = bytes[at] as number;
    if (byte === QUOTE && at === start) {
      at++;
      for (; at < length; at++) {
        if (bytes[at] === LF) newlines++;
        if (bytes[at] !== QUOTE) continue;
        if (at + 1 < length && bytes[at + 1] === QUOTE) at++;
        else break;
      }
      if (at >= length - 1) break; // the quote may go on in the next chunk
      at++;
      continue;
    }
    if (byte !== COMMA && byte !== LF) {
      at++;
      continue;
    }
    if (2 * count + 2 > cells.length) {
      const bigger = new Int32Array(cells.length * 2);
      bigger.set(cells);
      row.cells = bigger;
      cells = bigger;
    }
    cells[2 * count] = start;
    cells[2 * count + 1] = byte === LF && at > start && bytes[at - 1] === CR ? at - 1 : at;
    count++;
    at++;
    start = at;
    if (byte === COMMA) continue;
    row.count = count;
    row.line = line;
    if (count > 1 || (cells[1] as number) > (cells[0] as number)) onRow(row);
    line += 1 + newlines;
    count = 0;
    newlines = 0;
    begin = at;
  }
  return { end: begin, line };
}

const POWERS = Array.from({ length: 23 }, (_, power) => 10 ** power);

/**
 * Decimal digits as the nearest double: up to 15 significant digits over a power of ten up to 22 are both exact, so one
 * division rounds right (Clinger 1990). NaN for what is longer or no plain decimal.
 */
export function parseDecimal(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  let end = to;
  while (at < end && (bytes[at] as number) <= 0x20) at++;
  while (end > at && (bytes[end - 1] as number) <= 0x20) end--;
  const isNegative = bytes[at] === 0x2d;
  if (isNegative) at++;
  const digitsMax = at + 16;
  if (at >= end || end > digitsMax) return Number.NaN;
  let mantissa = 0;
  let decimals = -1;
  let digits = 0;
  for (; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === 0x2e && decimals < 0) decimals = 0;
    else if (byte >= 0x30 && byte <= 0x39) {
      mantissa = mantissa * 10 + (byte - 0x30);
      digits++;
      if (decimals >= 0) decimals++;
    } else return Number.NaN;
  }
  if (digits === 0 || digits > 15) return Number.NaN;
  const value = decimals > 0 ? mantissa / (POWERS[decimals] as number) : mantissa;
  return isNegative ? -value : value;
}
