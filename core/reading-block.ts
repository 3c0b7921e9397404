/**
 * A batch of readings as one self-contained journal entry of stream `readings`: columns, so that a reader scans typed
 * arrays instead of parsing objects.
 *
 * Layout (little-endian): magic "JRB1", u32 header bytes, header JSON (series and message dictionaries, row count, the
 * packed tests of rows that are not good, what devices said where a maintenance window gave another
 * qualifier, and from which row on known readings come again with another flag or qualifier), zero padding to 8, then columns time f64, value f64, series u32, message u32, cmp u8, flag u8, qualifier u8.
 */
import { Unavailable } from "./errors.ts";
import type { PackedTests } from "./qc.ts";
import type { Comparison, Origin, QcFlag, Qualifier, Reading } from "./reading.ts";

/** A correction noticed on the way in: row `row` replaces `oldValue` at the same (series, time). */
export interface Correction {
  readonly row: number;
  readonly oldValue: number;
  readonly oldCmp: Comparison;
}

export interface ReadingBlock {
  readonly count: number;
  /** Dictionary of series keys. */
  readonly series: readonly string[];
  /** Dictionary of messages, in arrival order. */
  readonly messages: readonly Origin[];
  readonly time: Float64Array;
  readonly value: Float64Array;
  readonly seriesIndex: Uint32Array;
  readonly messageIndex: Uint32Array;
  /** 0 plain, 1 `<`, 2 `>`. */
  readonly cmp: Uint8Array;
  readonly flag: Uint8Array;
  /** Character code of the qualifier letter. */
  readonly qualifier: Uint8Array;
  readonly corrections: readonly Correction[];
  /** Packed tests (core/qc.ts) of the rows whose flag is not 1; none in blocks of before they were kept. */
  readonly tests: ReadonlyMap<number, PackedTests>;
  /** What the device itself said of rows whose qualifier a maintenance window gave: character codes. */
  readonly said: ReadonlyMap<number, number>;
  /** Rows from here on repeat readings of before with another flag or qualifier: no fresh ones, no corrections. `count` when none. */
  readonly revisedFrom: number;
}

const COMPARISONS: readonly Comparison[] = ["", "<", ">"];
const NONE: ReadonlyMap<number, number> = new Map();
const MAGIC = 0x3142524a; // "JRB1"
const BYTES_A_ROW = 27;

export function comparisonOf(code: number): Comparison {
  return COMPARISONS[code] ?? "";
}
export function comparisonCode(cmp: Comparison): number {
  return COMPARISONS.indexOf(cmp);
}

/** Row `row` as an object; for evidence and tests, not for the hot path. */
export function readingAt(block: ReadingBlock, row: number): Reading {
  return {
    series: block.series[block.seriesIndex[row] ?? 0] ?? "",
    time: block.time[row] ?? 0,
    value: block.value[row] ?? Number.NaN,
    cmp: comparisonOf(block.cmp[row] ?? 0),
    flag: (block.flag[row] ?? 2) as QcFlag,
    qualifier: String.fromCharCode(block.qualifier[row] ?? 78) as Qualifier,
    origin: block.messages[block.messageIndex[row] ?? 0] as Origin,
  };
}

/** Collects rows and encodes them; grows as needed and can be reused after `clear`. */
export class ReadingBlockBuilder {
  #series: string[] = [];
  #seriesIds = new Map<string, number>();
  #messages: Origin[] = [];
  #corrections: Correction[] = [];
  #tests: [row: number, packed: PackedTests][] = [];
  #said: [row: number, qualifier: number][] = [];
  #revisedFrom = -1;
  #time = new Float64Array(1024);
  #value = new Float64Array(1024);
  #seriesIndex = new Uint32Array(1024);
  #messageIndex = new Uint32Array(1024);
  #cmp = new Uint8Array(1024);
  #flag = new Uint8Array(1024);
  #qualifier = new Uint8Array(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Starts a message; rows added next belong to it. */
  message(origin: Origin): void {
    this.#messages.push(origin);
  }

  /** @param qualifier character code of the letter, e.g. 78 for N. */
  row(series: string, time: number, value: number, cmp: number, flag: number, qualifier: number): void {
    const row = this.#count++;
    if (row === this.#time.length) this.#grow();
    let id = this.#seriesIds.get(series);
    if (id === undefined) {
      id = this.#series.push(series) - 1;
      this.#seriesIds.set(series, id);
    }
    this.#time[row] = time;
    this.#value[row] = value;
    this.#seriesIndex[row] = id;
    this.#messageIndex[row] = this.#messages.length - 1;
    this.#cmp[row] = cmp;
    this.#flag[row] = flag;
    this.#qualifier[row] = qualifier;
  }

  /** Says that the row added last replaces an older value at the same series and time. */
  correct(oldValue: number, oldCmp: Comparison): void {
    this.#corrections.push({ row: this.#count - 1, oldValue, oldCmp });
  }

  /** Says which tests the row added last did not pass. */
  tests(packed: PackedTests): void {
    if (packed !== 0) this.#tests.push([this.#count - 1, packed]);
  }

  /** Says which qualifier the device itself sent with the row added last. */
  said(qualifier: number): void {
    this.#said.push([this.#count - 1, qualifier]);
  }

  /** Says that all rows from here on are known ones with another flag. */
  revisions(): void {
    if (this.#revisedFrom < 0) this.#revisedFrom = this.#count;
  }

  encode(): Uint8Array {
    const count = this.#count;
    const header = Buffer.from(
      JSON.stringify({
        count,
        series: this.#series,
        messages: this.#messages.map((m) => [m.device, m.boot, m.seq, m.receivedAt, m.backfill ? 1 : 0]),
        corrections: this.#corrections.map((c) => [c.row, Number.isNaN(c.oldValue) ? null : c.oldValue, c.oldCmp]),
        ...(this.#tests.length === 0 ? {} : { tests: this.#tests }),
        ...(this.#said.length === 0 ? {} : { said: this.#said }),
        ...(this.#revisedFrom < 0 ? {} : { revisedFrom: this.#revisedFrom }),
      }),
    );
    const start = align8(8 + header.length);
    // A fresh ArrayBuffer: offset 0, so that the columns are aligned for typed-array views.
    const bytes = new Uint8Array(start + count * BYTES_A_ROW);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, MAGIC, true);
    view.setUint32(4, header.length, true);
    bytes.set(header, 8);
    let at = start;
    const put = (column: Float64Array | Uint32Array | Uint8Array): void => {
      const part = column.subarray(0, count);
      bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
      at += part.byteLength;
    };
    for (const column of [
      this.#time,
      this.#value,
      this.#seriesIndex,
      this.#messageIndex,
      this.#cmp,
      this.#flag,
      this.#qualifier,
    ])
      put(column);
    return bytes;
  }

  /** The block itself, for a reader in this process; its columns are this builder's own until `clear`. */
  view(): ReadingBlock {
    const count = this.#count;
    return {
      count,
      series: this.#series,
      messages: this.#messages,
      time: this.#time.subarray(0, count),
      value: this.#value.subarray(0, count),
      seriesIndex: this.#seriesIndex.subarray(0, count),
      messageIndex: this.#messageIndex.subarray(0, count),
      cmp: this.#cmp.subarray(0, count),
      flag: this.#flag.subarray(0, count),
      qualifier: this.#qualifier.subarray(0, count),
      corrections: this.#corrections,
      tests: this.#tests.length === 0 ? NONE : new Map(this.#tests),
      said: this.#said.length === 0 ? NONE : new Map(this.#said),
      revisedFrom: this.#revisedFrom < 0 ? count : this.#revisedFrom,
    };
  }

  clear(): void {
    this.#count = 0;
    this.#series = [];
    this.#seriesIds = new Map();
    this.#messages = [];
    this.#corrections = [];
    this.#tests = [];
    this.#said = [];
    this.#revisedFrom = -1;
  }

  #grow(): void {
    const double = <T extends Float64Array | Uint32Array | Uint8Array>(column: T): T => {
      const bigger = new (column.constructor as new (length: number) => T)(column.length * 2);
      bigger.set(column as never);
      return bigger;
    };
    this.#time = double(this.#time);
    this.#value = double(this.#value);
    this.#seriesIndex = double(this.#seriesIndex);
    this.#messageIndex = double(this.#messageIndex);
    this.#cmp = double(this.#cmp);
    this.#flag = double(this.#flag);
    this.#qualifier = double(this.#qualifier);
  }
}

/** Views over `bytes` (copied once when unaligned). @throws Unavailable `BLOCK_UNREADABLE` when it is not a block. */
export function decodeReadingBlock(bytes: Uint8Array): ReadingBlock {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  const view = new DataView(aligned.buffer, aligned.byteOffset, aligned.byteLength);
  if (aligned.byteLength < 8 || view.getUint32(0, true) !== MAGIC) {
    throw new Unavailable("BLOCK_UNREADABLE", {
      what: "an entry of stream readings is not a reading block",
      where: "journal",
    });
  }
  const headerBytes = view.getUint32(4, true);
  const header = JSON.parse(Buffer.from(aligned.buffer, aligned.byteOffset + 8, headerBytes).toString()) as {
    count: number;
    series: string[];
    messages: [string, string, number, number, number][];
    corrections: [number, number | null, Comparison][];
    tests?: [number, number][];
    said?: [number, number][];
    revisedFrom?: number;
  };
  const { count } = header;
  let at = aligned.byteOffset + align8(8 + headerBytes);
  const take = (size: number): number => {
    const start = at;
    at += size * count;
    return start;
  };
  return {
    count,
    series: header.series,
    messages: header.messages.map(([device, boot, seq, receivedAt, backfill]) => ({
      device,
      boot,
      seq,
      receivedAt,
      backfill: backfill === 1,
    })),
    time: new Float64Array(aligned.buffer, take(8), count),
    value: new Float64Array(aligned.buffer, take(8), count),
    seriesIndex: new Uint32Array(aligned.buffer, take(4), count),
    messageIndex: new Uint32Array(aligned.buffer, take(4), count),
    cmp: new Uint8Array(aligned.buffer, take(1), count),
    flag: new Uint8Array(aligned.buffer, take(1), count),
    qualifier: new Uint8Array(aligned.buffer, take(1), count),
    corrections: header.corrections.map(([row, oldValue, oldCmp]) => ({
      row,
      oldValue: oldValue ?? Number.NaN,
      oldCmp,
    })),
    tests: header.tests === undefined ? NONE : new Map(header.tests),
    said: header.said === undefined ? NONE : new Map(header.said),
    revisedFrom: header.revisedFrom ?? count,
  };
}

function align8(size: number): number {
  return (size + 7) & ~7;
}
