/**
 * Bounded history of one series in data time, late-data aware: rows sorted by time in one typed array that grows as
 * needed. Appending is O(1); a late row is moved into its place; a row at a known time is a repeat or a correction.
 *
 * When it is full the oldest eighth is handed to the caller, who keeps what they meant, and dropped.
 */
import type { Origin } from "../core/reading.ts";
import { cmpOf, flagOf, isBackfill, MARKS_BITS, qualifierOf } from "./detect/marks.ts";

/** Columns of a row: time, value, receivedAt, seq, marks. */
const COLUMNS = 5;
const TIME = 0;
const VALUE = 1;
const RECEIVED = 2;
const SEQ = 3;
const MARKS = 4;
const FIRST_CAPACITY = 16;
/** Smallest bound on rows a series; a smaller window could not hold a run of readings. */
export const WINDOW_ROWS_MIN = 64;
/** 2 h at one reading a second, rounded up to a power of two. */
export const WINDOW_ROWS_MAX = 8_192;
export const BYTES_A_ROW = COLUMNS * 8;
const SOURCES_MAX = 64;

export interface Row {
  readonly time: number;
  /** NaN when there is none. */
  readonly value: number;
  /** 0 plain, 1 `<`, 2 `>`. */
  readonly cmp: number;
  readonly flag: number;
  /** Character code of its letter. */
  readonly qualifier: number;
  readonly origin: Origin;
}

/** Which device sent a row, in which run of it; shared by rows. */
export interface Source {
  readonly device: string;
  readonly boot: string;
}

export const ADDED = 0;
export const CORRECTED = 1;
/** The same value at the same time, or a value that an older message of the same boot carries. */
export const REPEATED = 2;
/** Older than everything the window still holds, after it has dropped rows. */
export const TOO_OLD = 3;
export type Placed = typeof ADDED | typeof CORRECTED | typeof REPEATED | typeof TOO_OLD;

export interface WindowContents {
  readonly rows: Float64Array;
  readonly sources: readonly Source[];
  readonly capacity: number;
  readonly edge: number;
}

export class Window {
  #rows = new Float64Array(FIRST_CAPACITY * COLUMNS);
  #capacity = FIRST_CAPACITY;
  #head = 0;
  #count = 0;
  #sources: Source[] = [];
  /** Data time of the newest row that was dropped; -Infinity while the window holds everything that ever came. */
  edge = Number.NEGATIVE_INFINITY;
  newest = Number.NEGATIVE_INFINITY;

  get count(): number {
    return this.#count;
  }
  get bytes(): number {
    return this.#rows.byteLength;
  }

  time(index: number): number {
    return this.#rows[(this.#head + index) * COLUMNS + TIME] as number;
  }
  value(index: number): number {
    return this.#rows[(this.#head + index) * COLUMNS + VALUE] as number;
  }
  receivedAt(index: number): number {
    return this.#rows[(this.#head + index) * COLUMNS + RECEIVED] as number;
  }
  marks(index: number): number {
    return this.#rows[(this.#head + index) * COLUMNS + MARKS] as number;
  }
  row(index: number): Row {
    const at = (this.#head + index) * COLUMNS;
    const marks = this.#rows[at + MARKS] as number;
    const source = this.#sources[marks >> MARKS_BITS];
    return {
      time: this.#rows[at + TIME] as number,
      value: this.#rows[at + VALUE] as number,
      cmp: cmpOf(marks),
      flag: flagOf(marks),
      qualifier: qualifierOf(marks),
      origin: {
        device: source?.device ?? "",
        boot: source?.boot ?? "",
        seq: this.#rows[at + SEQ] as number,
        receivedAt: this.#rows[at + RECEIVED] as number,
        backfill: isBackfill(marks),
      },
    };
  }

  /** Index of the first row at or after `time`; `count` when there is none. */
  find(time: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.time(middle) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** How many of the oldest rows to give up before the next one fits into `rowsMax`; 0 while there is room. */
  surplus(rowsMax: number): number {
    if (this.#count < this.#capacity) return 0;
    return this.#capacity * 2 <= rowsMax ? 0 : Math.max(1, this.#capacity >> 3);
  }
  /** Forgets the oldest rows. */
  drop(count: number): void {
    if (count === 0) return;
    this.edge = this.time(count - 1);
    this.#head += count;
    this.#count -= count;
  }

  /** Adds a row that is newer than all others. There must be room (`surplus`). */
  append(time: number, value: number, origin: Origin, source: Source, marks: number): void {
    const all = marks | (this.#sourceIndex(source) << MARKS_BITS);
    this.#makeRoom();
    this.#write(this.#head + this.#count++, time, value, origin, all);
    this.newest = time;
  }

  /** Puts a row that is not the newest into its place. There must be room (`surplus`). */
  place(time: number, value: number, origin: Origin, source: Source, marks: number): Placed {
    if (time <= this.edge) return TOO_OLD;
    const index = this.find(time);
    if (index < this.#count && this.time(index) === time) return this.#correct(index, value, origin, source, marks);
    const all = marks | (this.#sourceIndex(source) << MARKS_BITS);
    this.#makeRoom();
    const at = (this.#head + index) * COLUMNS;
    this.#rows.copyWithin(at + COLUMNS, at, (this.#head + this.#count++) * COLUMNS);
    this.#write(this.#head + index, time, value, origin, all);
    return ADDED;
  }

  /** Same key, other value: the higher seq within one boot wins, else the later arrival (CONTRACTS 1.5). */
  #correct(index: number, value: number, origin: Origin, source: Source, marks: number): Placed {
    const at = (this.#head + index) * COLUMNS;
    const old = this.#rows[at + MARKS] as number;
    if (Object.is(this.#rows[at + VALUE], value) && cmpOf(old) === cmpOf(marks)) return REPEATED;
    const holder = this.#sources[old >> MARKS_BITS];
    const sameBoot = holder?.device === source.device && holder.boot === source.boot && source.boot !== "";
    if (sameBoot && origin.seq < (this.#rows[at + SEQ] as number)) return REPEATED;
    const all = marks | (this.#sourceIndex(source) << MARKS_BITS);
    this.#write(this.#head + index, this.time(index), value, origin, all);
    return CORRECTED;
  }

  #write(slot: number, time: number, value: number, origin: Origin, marks: number): void {
    const at = slot * COLUMNS;
    const rows = this.#rows;
    rows[at + TIME] = time;
    rows[at + VALUE] = value;
    rows[at + RECEIVED] = origin.receivedAt;
    rows[at + SEQ] = origin.seq;
    rows[at + MARKS] = marks;
  }

  #sourceIndex(source: Source): number {
    const sources = this.#sources;
    for (let index = sources.length - 1; index >= 0; index--) if (sources[index] === source) return index;
    const known = sources.findIndex(({ device, boot }) => device === source.device && boot === source.boot);
    if (known >= 0) {
      sources[known] = source; // the newer object is found by identity next time
      return known;
    }
    if (sources.length >= SOURCES_MAX) this.#dropUnusedSources();
    return this.#sources.push(source) - 1;
  }

  /** A device that restarts often leaves boots behind that no row names any more. */
  #dropUnusedSources(): void {
    const moved = new Map<number, number>();
    const kept: Source[] = [];
    for (let index = 0; index < this.#count; index++) {
      const at = (this.#head + index) * COLUMNS + MARKS;
      const marks = this.#rows[at] as number;
      const from = marks >> MARKS_BITS;
      let to = moved.get(from);
      if (to === undefined) {
        to = kept.push(this.#sources[from] as Source) - 1;
        moved.set(from, to);
      }
      this.#rows[at] = (marks & ((1 << MARKS_BITS) - 1)) | (to << MARKS_BITS);
    }
    this.#sources = kept;
  }

  #makeRoom(): void {
    if (this.#head + this.#count < this.#capacity) return;
    if (this.#head > 0) {
      this.#rows.copyWithin(0, this.#head * COLUMNS, (this.#head + this.#count) * COLUMNS);
      this.#head = 0;
      return;
    }
    this.#capacity *= 2;
    const bigger = new Float64Array(this.#capacity * COLUMNS);
    bigger.set(this.#rows);
    this.#rows = bigger;
  }

  /** A copy for a snapshot. */
  contents(): WindowContents {
    const from = this.#head * COLUMNS;
    const rows = this.#rows.slice(from, from + this.#count * COLUMNS);
    return { rows, sources: [...this.#sources], capacity: this.#capacity, edge: this.edge };
  }
  static from({ rows, sources, capacity, edge }: WindowContents): Window {
    const window = new Window();
    window.#rows = new Float64Array(capacity * COLUMNS);
    window.#rows.set(rows);
    window.#capacity = capacity;
    window.#count = rows.length / COLUMNS;
    window.#sources = [...sources];
    window.edge = edge;
    window.newest = window.#count > 0 ? window.time(window.#count - 1) : edge;
    return window;
  }
}
