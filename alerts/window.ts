/**
 * Bounded history of one series in data time, late-data aware: rows sorted by time in one ring that grows as needed.
 * Appending is O(1); a late row pushes its newer neighbours on; a row at a known time is a repeat or a correction.
 *
 * When it is full the oldest eighth is handed to the caller, who keeps what they meant, and dropped.
 */
import type { Origin } from "../core/reading.ts";
import { cmpOf, flagOf, isBackfill, MARKS_BITS, qualifierOf, SAID_MASK } from "./detect/marks.ts";

/** Columns of a row: time, value, receivedAt, seq, marks. */
export const COLUMNS = 5;
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
/** The same reading at the same time, or one that an older message of the same boot carries. */
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
    return this.#rows[this.#at(index) + TIME] as number;
  }
  value(index: number): number {
    return this.#rows[this.#at(index) + VALUE] as number;
  }
  marks(index: number): number {
    return this.#rows[this.#at(index) + MARKS] as number;
  }
  /** Wall time of arrival, ms. */
  received(index: number): number {
    return this.#rows[this.#at(index) + RECEIVED] as number;
  }
  device(index: number): string {
    return this.#sources[(this.#rows[this.#at(index) + MARKS] as number) >> MARKS_BITS]?.device ?? "";
  }
  row(index: number): Row {
    const at = this.#at(index);
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

  has(time: number): boolean {
    const index = this.find(time);
    return index < this.#count && this.time(index) === time;
  }

  /** True when a row from `start` to before `end` (data time) arrived after `arrival` (wall time). */
  hasArrival(start: number, end: number, arrival: number): boolean {
    for (let index = this.find(start); index < this.#count && this.time(index) < end; index++) {
      if ((this.#rows[this.#at(index) + RECEIVED] as number) > arrival) return true;
    }
    return false;
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
    this.#head = (this.#head + count) & (this.#capacity - 1);
    this.#count -= count;
  }

  /** Adds a row that is newer than all others. Grows when it is full: see `surplus`. */
  append(time: number, value: number, origin: Origin, source: Source, marks: number): void {
    const all = marks | (this.#sourceIndex(source) << MARKS_BITS);
    if (this.#count === this.#capacity) this.#grow();
    this.#write(this.#count++, time, value, origin, all);
    this.newest = time;
  }

  /** Puts a row that is not the newest into its place. Grows when it is full: see `surplus`. */
  place(time: number, value: number, origin: Origin, source: Source, marks: number): Placed {
    if (time <= this.edge) return TOO_OLD;
    const index = this.find(time);
    if (index < this.#count && this.time(index) === time) return this.#correct(index, value, origin, source, marks);
    const all = marks | (this.#sourceIndex(source) << MARKS_BITS);
    if (this.#count === this.#capacity) this.#grow();
    this.#openAt(index);
    this.#write(index, time, value, origin, all);
    return ADDED;
  }

  /** Same key, another value, sign, flag or qualifier: the higher seq within one boot wins, else the later arrival (CONTRACTS 1.5). */
  #correct(index: number, value: number, origin: Origin, source: Source, marks: number): Placed {
    const at = this.#at(index);
    const old = this.#rows[at + MARKS] as number;
    const saysTheSame = (old & SAID_MASK) === (marks & SAID_MASK);
    if (saysTheSame && Object.is(this.#rows[at + VALUE], value)) return REPEATED;
    const holder = this.#sources[old >> MARKS_BITS];
    const sameBoot = holder?.device === source.device && holder.boot === source.boot && source.boot !== "";
    if (sameBoot && origin.seq < (this.#rows[at + SEQ] as number)) return REPEATED;
    const all = marks | (this.#sourceIndex(source) << MARKS_BITS);
    this.#write(index, this.time(index), value, origin, all);
    return CORRECTED;
  }

  /** Makes a free row at `index` by moving the shorter side of the ring by one; there is room. */
  #openAt(index: number): void {
    const end = this.#capacity - 1;
    const gap = (this.#head + index) & end;
    if (index * 2 >= this.#count) {
      const tail = (this.#head + this.#count) & end;
      if (gap <= tail) this.#move(gap, tail, 1);
      else {
        this.#move(0, tail, 1);
        this.#rows.copyWithin(0, end * COLUMNS, (end + 1) * COLUMNS);
        this.#move(gap, end, 1);
      }
    } else {
      const head = this.#head;
      this.#head = (head - 1) & end;
      if (index > 0 && head > 0 && head <= gap) this.#move(head, gap, -1);
      else if (index > 0) {
        if (head > 0) this.#move(head, end + 1, -1);
        this.#rows.copyWithin(end * COLUMNS, 0, COLUMNS);
        this.#move(1, gap, -1);
      }
    }
    this.#count++;
  }
  /** Moves the slots `from` to before `to` by `by`. */
  #move(from: number, to: number, by: number): void {
    if (from < to) this.#rows.copyWithin((from + by) * COLUMNS, from * COLUMNS, to * COLUMNS);
  }

  #at(index: number): number {
    return ((this.#head + index) & (this.#capacity - 1)) * COLUMNS;
  }

  #write(index: number, time: number, value: number, origin: Origin, marks: number): void {
    const at = this.#at(index);
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
      const at = this.#at(index) + MARKS;
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

  #grow(): void {
    const bigger = new Float64Array(this.#capacity * 2 * COLUMNS);
    this.#copyInto(bigger);
    this.#rows = bigger;
    this.#capacity *= 2;
    this.#head = 0;
  }

  /** Copies all rows, oldest first. */
  #copyInto(target: Float64Array): void {
    const firstRows = Math.min(this.#count, this.#capacity - this.#head);
    target.set(this.#rows.subarray(this.#head * COLUMNS, (this.#head + firstRows) * COLUMNS));
    target.set(this.#rows.subarray(0, (this.#count - firstRows) * COLUMNS), firstRows * COLUMNS);
  }

  /** A copy for a snapshot. */
  contents(): WindowContents {
    const rows = new Float64Array(this.#count * COLUMNS);
    this.#copyInto(rows);
    return { rows, sources: [...this.#sources], capacity: this.#capacity, edge: this.edge };
  }
  static from({ rows, sources, capacity, edge }: WindowContents): Window {
    const window = new Window();
    window.#rows = new Float64Array(capacity * COLUMNS);
    window.#rows.set(rows);
    window.#capacity = capacity; // a power of two: the ring's mask relies on it
    window.#count = rows.length / COLUMNS;
    window.#sources = [...sources];
    window.edge = edge;
    window.newest = window.#count > 0 ? window.time(window.#count - 1) : edge;
    return window;
  }
}
