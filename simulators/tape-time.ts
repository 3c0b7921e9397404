/** Times of a tape: ISO 8601 with or without offset, in the map's zone. Hours are looked up once, minutes are added. */
import { DateTime } from "luxon";
import { Refused } from "../core/errors.ts";
import type { CsvRow } from "./tape-cells.ts";

const HOUR_MS = 3_600_000;

/** Reads column `index`, ms since 1970 UTC. @throws Refused `CSV_UNREADABLE`. */
export type TimeReader = (row: CsvRow, index: number) => number;

/** @param zone IANA zone or offset, for times that say none. */
export function createTimeReader(zone: string, file: string): TimeReader {
  const zoneName = /^[+-]\d/.test(zone) ? `UTC${zone}` : zone;
  const slow = (text: string, row: CsvRow, index: number): number => {
    const time = DateTime.fromISO(text.replace(" ", "T"), { zone: zoneName, setZone: false });
    if (time.isValid) return time.toMillis();
    throw new Refused("CSV_UNREADABLE", {
      what: `"${text}" is not a time: ${time.invalidExplanation ?? time.invalidReason ?? ""}`,
      where: `${file} line ${row.line} column ${index + 1}`,
      mend: "use ISO 8601, e.g. 2016-08-03T09:49Z or 2016-08-03 09:49",
    });
  };
  /** Start of an hour of the zone; NaN for one in which the clocks change. */
  const hours = new Map<number, number>();
  const hourOf = (key: number, text: string): number => {
    const known = hours.get(key);
    if (known !== undefined) return known;
    const hour = text.slice(0, 13).replace(" ", "T");
    const mark = text.endsWith("Z") ? "Z" : "";
    const [first, last] = ["00", "59"].map((minute) =>
      DateTime.fromISO(`${hour}:${minute}${mark}`, { zone: zoneName }),
    );
    const whole = first?.isValid && last && last.toMillis() - first.toMillis() === HOUR_MS - 60_000;
    const start = whole ? first.toMillis() : Number.NaN;
    hours.set(key, start);
    return start;
  };
  return (row, index) => {
    const start = row.cells[2 * index] as number;
    const minutes = fastMinutes(row.bytes, start, row.cells[2 * index + 1] as number);
    if (minutes >= 0) {
      const key = hourKey(row.bytes, start) * 2 + (lastByte(row, index) === 0x5a ? 1 : 0);
      const hour = hours.get(key) ?? hourOf(key, row.text(index));
      if (!Number.isNaN(hour)) return hour + minutes;
    }
    return slow(row.text(index), row, index);
  };
}

function lastByte(row: CsvRow, index: number): number {
  return row.bytes[(row.cells[2 * index + 1] as number) - 1] as number;
}

/** `YYYY-MM-DD?HH` as a number of ten digits. */
function hourKey(bytes: Uint8Array, at: number): number {
  const two = (from: number): number => ((bytes[from] as number) - 48) * 10 + (bytes[from + 1] as number) - 48;
  return (((two(at) * 100 + two(at + 2)) * 100 + two(at + 5)) * 100 + two(at + 8)) * 100 + two(at + 11);
}

/** Ms since the full hour of `YYYY-MM-DDTHH:MM[:SS[.fff]][Z]`; -1 for another form. */
function fastMinutes(bytes: Uint8Array, from: number, to: number): number {
  const end = bytes[to - 1] === 0x5a ? to - 1 : to;
  const length = end - from;
  if (length !== 16 && length !== 19 && length !== 23) return -1;
  for (let index = 0; index < length; index++) {
    const byte = bytes[from + index] as number;
    const wanted = SHAPE[index] as number;
    if (wanted === 0 ? byte < 48 || byte > 57 : byte !== wanted && !(index === 10 && byte === 0x20)) return -1;
  }
  const two = (at: number): number => ((bytes[at] as number) - 48) * 10 + (bytes[at + 1] as number) - 48;
  const [minute, second] = [two(from + 14), length > 16 ? two(from + 17) : 0];
  if (minute > 59 || second > 59) return -1;
  const ms = length === 23 ? two(from + 20) * 10 + (bytes[from + 22] as number) - 48 : 0;
  return minute * 60_000 + second * 1_000 + ms;
}

/** 0 where a digit stands. */
const SHAPE = [..."0000-00-00T00:00:00.000"].map((sign) => (sign === "0" ? 0 : sign.charCodeAt(0)));
