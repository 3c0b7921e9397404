/**
 * A CSV with its map as a tape: batches of readings in columns, in the order of arrival. Streams when the file is in
 * that order; a file that is not (one station after the other, say) is sorted in memory first, up to a bound.
 */
import { Refused } from "../core/errors.ts";
import type { Aggregate, Fraction } from "../core/reading.ts";
import type { MapFile } from "./map-file.ts";
import { type CsvRow, scanCsv } from "./tape-cells.ts";
import { createTimeReader, type TimeReader } from "./tape-time.ts";

/** What one column, or one pair of station and parameter, becomes. */
export interface TapeTarget {
  readonly station: string;
  readonly quantity: string;
  readonly unit: string;
  readonly fraction: Fraction;
  readonly aggregate: Aggregate;
  /** Ms, as the map says; null when it does not. */
  readonly interval: number | null;
}

/** Columns of one batch; valid until the next one is asked for. */
export interface TapeBatch {
  count: number;
  time: Float64Array;
  arrival: Float64Array;
  value: Float64Array;
  /** Index into `Tape.targets`. */
  target: Uint32Array;
  /** 0 plain, 1 `<`, 2 `>`. */
  cmp: Uint8Array;
}

export interface TapeCounts {
  rows: number;
  readings: number;
  censored: number;
  missing: number;
  /** Long shape: rows of parameters that the map does not name. */
  skipped: number;
}

export interface Tape {
  readonly file: string;
  /** Grows while a long tape is read; complete after `surveyTape`. */
  readonly targets: readonly TapeTarget[];
  readonly isSorted: boolean;
  /** First and last arrival, ms; NaN when there is no row. */
  readonly first: number;
  readonly last: number;
  readonly counts: Readonly<TapeCounts>;
  read(): AsyncGenerator<TapeBatch>;
}

/** Readings of a file that is not in order of arrival: 33 bytes each. */
const SORT_READINGS_MAX = 8_000_000;

/** Reads the file once: is it in order, which stations and quantities does it hold, is every cell readable? */
export async function surveyTape(file: string, map: MapFile): Promise<Tape> {
  const targets = new Targets();
  const counts: TapeCounts = { rows: 0, readings: 0, censored: 0, missing: 0, skipped: 0 };
  let [first, last, isSorted] = [Number.NaN, Number.NEGATIVE_INFINITY, true];
  let smallest = Number.POSITIVE_INFINITY;
  for await (const batch of readings(file, map, targets, counts, map.shape === "wide")) {
    for (let row = 0; row < batch.count; row++) {
      const arrival = batch.arrival[row] as number;
      if (arrival < last) isSorted = false;
      else last = arrival;
      if (arrival < smallest) smallest = arrival;
    }
  }
  if (smallest !== Number.POSITIVE_INFINITY) first = smallest;
  const read = (): AsyncGenerator<TapeBatch> => {
    Object.assign(counts, { rows: 0, readings: 0, censored: 0, missing: 0, skipped: 0 });
    return isSorted ? readings(file, map, targets, counts, false) : sorted(file, map, targets, counts);
  };
  return { file, targets: targets.list, isSorted, first, last, counts, read };
}

/** @param onlyTimes the order of the rows is all that is asked: one entry a row, its values unread. */
async function* readings(
  file: string,
  map: MapFile,
  targets: Targets,
  counts: TapeCounts,
  onlyTimes: boolean,
): AsyncGenerator<TapeBatch> {
  const batch = emptyBatch(65_536);
  let take: ((row: CsvRow) => void) | null = null;
  const onRow = (row: CsvRow): void => {
    if (take === null) {
      const names = Array.from({ length: row.count }, (_, index) => row.text(index));
      take = rowTaker({ file, map, targets, counts, batch, onlyTimes }, names);
      return;
    }
    counts.rows++;
    take(row);
  };
  for await (const _ of scanCsv(file, onRow)) {
    if (batch.count > 0) yield batch;
    batch.count = 0;
  }
}

interface Taking {
  readonly file: string;
  readonly map: MapFile;
  readonly targets: Targets;
  readonly counts: TapeCounts;
  readonly batch: TapeBatch;
  readonly onlyTimes: boolean;
}

function rowTaker(taking: Taking, names: readonly string[]): (row: CsvRow) => void {
  const { file, map, batch, onlyTimes } = taking;
  const column = (name: string): number => {
    const index = names.indexOf(name);
    if (index >= 0) return index;
    throw new Refused("CSV_UNREADABLE", {
      what: `there is no column "${name}"`,
      where: `${file} line 1`,
      mend: `the header names: ${names.join(", ")}`,
    });
  };
  const time: [TimeReader, number] = [createTimeReader(map.time.zone, file), column(map.time.column)];
  const arrival: [TimeReader, number] | null = map.arrival
    ? [createTimeReader(map.arrival.zone, file), column(map.arrival.column)]
    : null;
  const cellsOf = map.shape === "wide" ? wideCells(taking, map, column) : longCells(taking, map, column);
  return (row) => {
    if (row.count < names.length) {
      throw faulty(file, row, `${row.count} cells, the header names ${names.length}`, "mend the line");
    }
    const at = time[0](row, time[1]);
    const came = arrival ? arrival[0](row, arrival[1]) : at;
    if (onlyTimes) put(batch, at, came, 0, 0, 0);
    else cellsOf(row, at, came);
  };
}

type CellsOf = (row: CsvRow, time: number, arrival: number) => void;

function wideCells(
  taking: Taking,
  map: Extract<MapFile, { shape: "wide" }>,
  column: (name: string) => number,
): CellsOf {
  const readCell = cellReader(taking);
  const columns = Object.entries(map.columns).map(
    ([name, { station, quantity, unit, fraction = "total", agg = "rtd", interval = null }]) => {
      const target = { station, quantity, unit, fraction, aggregate: agg, interval };
      return { index: column(name), name, target: taking.targets.of(target) };
    },
  );
  return (row, time, arrival) => {
    for (let each = 0; each < columns.length; each++) {
      const { index, name, target } = columns[each] as (typeof columns)[number];
      readCell(row, index, name, "", target, time, arrival);
    }
  };
}

function longCells(
  taking: Taking,
  map: Extract<MapFile, { shape: "long" }>,
  column: (name: string) => number,
): CellsOf {
  const readCell = cellReader(taking);
  const { counts, targets, file } = taking;
  const [station, quantity, value] = [map.columns.station, map.columns.quantity, map.columns.value].map(column) as [
    number,
    number,
    number,
  ];
  const censor = map.columns.censor === undefined ? -1 : column(map.columns.censor);
  const known = new Map<string, Map<string, number>>();
  const idOf = stationIds(file);
  return (row, time, arrival) => {
    const name = row.text(station);
    let byParameter = known.get(name);
    if (!byParameter) {
      byParameter = new Map();
      known.set(name, byParameter);
    }
    const parameter = row.text(quantity);
    let target = byParameter.get(parameter);
    if (target === undefined) {
      const mapped = map.quantities[parameter];
      if (!mapped) target = -1;
      else {
        const { quantity: id, unit, fraction = "total", agg = "rtd" } = mapped;
        const interval = map.interval ?? null;
        target = targets.of({ station: idOf(name, row), quantity: id, unit, fraction, aggregate: agg, interval });
      }
      byParameter.set(parameter, target);
    }
    if (target < 0) counts.skipped++;
    else readCell(row, value, map.columns.value, censor < 0 ? "" : row.text(censor), target, time, arrival);
  };
}

/** Remarks that say "not detected"; every other remark than > is a comment (for example E, estimated). */
const NON_DETECT_REMARKS = ["<", "U", "ND"];

function cellReader({ file, map, counts, batch }: Taking) {
  const missing = new Set(map.missing);
  const missingNumbers = map.missing
    .filter((text) => text.trim() !== "")
    .map(Number)
    .filter(Number.isFinite);
  return (row: CsvRow, index: number, name: string, remark: string, target: number, time: number, arrival: number) => {
    let value = row.number(index);
    let cmp = remark === "" ? 0 : remarkSign(remark);
    if (Number.isNaN(value) || missingNumbers.includes(value)) {
      const text = row.text(index);
      if (missing.has(text)) {
        counts.missing++;
        return;
      }
      if (text.startsWith("<")) cmp = 1;
      else if (text.startsWith(">")) cmp = 2;
      const number = text.replace(/^[<>]\s*/, "");
      value = number === "" ? Number.NaN : Number(number);
      if (!Number.isFinite(value)) {
        throw faulty(
          file,
          row,
          `"${text}" is not a number`,
          "mend the cell, or list it under `missing` in the map",
          name,
        );
      }
    }
    counts.readings++;
    if (cmp !== 0) counts.censored++;
    put(batch, time, arrival, value, target, cmp);
  };
}

function remarkSign(remark: string): number {
  return NON_DETECT_REMARKS.includes(remark) ? 1 : remark === ">" ? 2 : 0;
}

function faulty(file: string, row: CsvRow, what: string, mend: string, name?: string): Refused {
  const where = `${file} line ${row.line}${name === undefined ? "" : ` column ${name}`}`;
  return new Refused("CSV_UNREADABLE", { what, where, mend });
}

/** Source names as ids; refuses two names that become one. */
function stationIds(file: string): (name: string, row: CsvRow) => string {
  const nameOf = new Map<string, string>();
  return (name, row) => {
    const id = name.replace(/[^A-Za-z0-9_.-]/g, "_").slice(0, 64);
    const known = nameOf.get(id);
    if (known === undefined) nameOf.set(id, name);
    else if (known !== name) {
      throw faulty(file, row, `stations "${known}" and "${name}" both become id ${id}`, "rename one of them");
    }
    return id;
  };
}

class Targets {
  readonly list: TapeTarget[] = [];
  readonly #indexes = new Map<string, number>();

  of(target: TapeTarget): number {
    const { station, quantity, unit, fraction, aggregate } = target;
    const key = [station, quantity, unit, fraction, aggregate].join("/");
    let index = this.#indexes.get(key);
    if (index === undefined) {
      index = this.list.push(target) - 1;
      this.#indexes.set(key, index);
    }
    return index;
  }
}

function emptyBatch(rows: number): TapeBatch {
  return {
    count: 0,
    time: new Float64Array(rows),
    arrival: new Float64Array(rows),
    value: new Float64Array(rows),
    target: new Uint32Array(rows),
    cmp: new Uint8Array(rows),
  };
}

function put(batch: TapeBatch, time: number, arrival: number, value: number, target: number, cmp: number): void {
  const row = batch.count++;
  if (row === batch.time.length) grow(batch);
  batch.time[row] = time;
  batch.arrival[row] = arrival;
  batch.value[row] = value;
  batch.target[row] = target;
  batch.cmp[row] = cmp;
}

function grow(batch: TapeBatch): void {
  const bigger = emptyBatch(batch.time.length * 2);
  bigger.time.set(batch.time);
  bigger.arrival.set(batch.arrival);
  bigger.value.set(batch.value);
  bigger.target.set(batch.target);
  bigger.cmp.set(batch.cmp);
  Object.assign(batch, { ...bigger, count: batch.count });
}

/** The whole file in memory, by arrival; rows that came in at the same time keep their order. */
async function* sorted(file: string, map: MapFile, targets: Targets, counts: TapeCounts): AsyncGenerator<TapeBatch> {
  const all = emptyBatch(65_536);
  for await (const batch of readings(file, map, targets, counts, false)) {
    if (all.count + batch.count > SORT_READINGS_MAX) {
      throw new Refused("TAPE_UNSORTED", {
        what: `the rows are not in order of time, and over ${SORT_READINGS_MAX} readings are too many to sort in memory`,
        where: file,
        mend: "sort the file by its time column, or split it into one file a station: files are merged by time",
      });
    }
    while (all.count + batch.count > all.time.length) grow(all);
    for (const column of ["time", "arrival", "value", "target", "cmp"] as const) {
      all[column].set(batch[column].subarray(0, batch.count), all.count);
    }
    all.count += batch.count;
  }
  const order = Uint32Array.from({ length: all.count }, (_, index) => index);
  order.sort((a, b) => (all.arrival[a] as number) - (all.arrival[b] as number) || a - b);
  const batch = emptyBatch(65_536);
  for (const row of order) {
    const { time, arrival, value, target, cmp } = all;
    put(
      batch,
      time[row] as number,
      arrival[row] as number,
      value[row] as number,
      target[row] as number,
      cmp[row] as number,
    );
    if (batch.count < 65_536) continue;
    yield batch;
    batch.count = 0;
  }
  if (batch.count > 0) yield batch;
}
