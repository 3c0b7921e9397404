/**
 * Sparkplug B payloads (protobuf 2, Tahu's sparkplug_b.proto): bytes → metrics as sent.
 *
 * By hand, because the kept library gives null for a metric without datatype, which is how every DATA message is meant
 * to be. Bounded and without exceptions: whatever the bytes, the answer is a payload or a named fault, in one pass, with
 * nothing allocated that the bytes do not hold. DataSet, Template and arrays are passed over: they are no readings.
 */

/** In one message; a birth of a large edge node has some hundreds. */
export const METRICS_MAX = 5_000;
const PROPERTIES_MAX = 64;
/** Of a metric name, in bytes. */
export const NAME_BYTES_MAX = 256;

/** Data types of the specification (6.4.16) that matter here; those from `String` on are no numbers. */
export const DATATYPE = {
  Int8: 1,
  Int16: 2,
  Int32: 3,
  Int64: 4,
  UInt8: 5,
  UInt16: 6,
  UInt32: 7,
  UInt64: 8,
  Float: 9,
  Double: 10,
  Boolean: 11,
  String: 12,
  DateTime: 13,
  Text: 14,
} as const;
export type NumericType = Exclude<keyof typeof DATATYPE, "String" | "DateTime" | "Text">;

/** Field of the `value` oneof, as numbered in the proto; "none" when the metric carries no value. */
export type ValueField = "none" | "int" | "long" | "float" | "double" | "boolean" | "string" | "other";

export interface Metric {
  name: string | null;
  /** Beyond 2^53 it is not exact, and not usable. */
  alias: number | null;
  /** Ms since 1970 UTC. */
  time: number | null;
  datatype: number | null;
  isHistorical: boolean;
  isTransient: boolean;
  isNull: boolean;
  /** Property `Quality`: 0 bad, 192 good, 500 stale. */
  quality: number | null;
  field: ValueField;
  /** As unsigned where the field is int or long; 0 or 1 for a boolean. Doubles hold 53 bits, as readings do. */
  value: number;
  /** The same bits as two's complement of 32 (int) or 64 (long) bits. */
  signed: number;
  text: string | null;
}

export interface Payload {
  readonly time: number | null;
  readonly seq: number | null;
  readonly uuid: string | null;
  readonly metrics: readonly Metric[];
}

export interface Unreadable {
  readonly code: "MALFORMED_PROTOBUF" | "TOO_MANY_METRICS";
  readonly detail: string;
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;
const TWO_32 = 2 ** 32;

/** Reads forward only; after the first fault every read gives 0 and `more` is false. */
class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #end: number;
  fault: string | null = null;
  /** Of the field last begun. */
  field = 0;
  wire = 0;
  /** Of the varint last read. */
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.byteLength;
  }

  fail(what: string): number {
    this.fault ??= `${what} at byte ${this.#at}`;
    return 0;
  }

  /** Begins the next field of the message at hand; false at its end or after a fault. */
  more(): boolean {
    if (this.fault !== null || this.#at >= this.#end) return false;
    this.varint();
    this.field = this.low >>> 3;
    this.wire = this.low & 7;
    if (this.high !== 0 || this.field === 0) this.fail("no such field number");
    return this.fault === null;
  }

  /** Leaves `low` and `high` as unsigned 32 bits each; returns them as one number. */
  varint(): number {
    this.low = 0;
    this.high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= this.#end) return this.fail("a number is cut off");
      const byte = this.#bytes[this.#at++] as number;
      const bits = byte & 0x7f;
      if (shift < 28) this.low |= bits << shift;
      else if (shift === 28) {
        this.low |= bits << 28;
        this.high = bits >>> 4;
      } else if (shift < 63) this.high |= bits << (shift - 32);
      else this.high |= (bits & 1) << 31;
      if (byte < 0x80) {
        this.low >>>= 0;
        this.high >>>= 0;
        return this.high * TWO_32 + this.low;
      }
    }
    return this.fail("a number is longer than 10 bytes");
  }

  /** The varint last read as two's complement of 64 bits. */
  signed64(): number {
    return (this.high | 0) * TWO_32 + this.low;
  }
  float(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getFloat32(at, true);
  }
  double(): number {
    const at = this.#take(8);
    return at < 0 ? 0 : this.#view.getFloat64(at, true);
  }
  text(bytesMax: number): string {
    const length = this.varint();
    const at = this.#take(length);
    if (at < 0) return "";
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + at, Math.min(length, bytesMax)).toString("utf8");
  }

  /** Enters a message inside this one; give the result to `leave`. */
  enter(): number {
    const length = this.varint();
    const outer = this.#end;
    const at = this.#at;
    if (this.#take(length) < 0) return outer;
    this.#at = at;
    this.#end = at + length;
    return outer;
  }
  leave(outer: number): void {
    if (this.fault !== null) return;
    this.#at = this.#end;
    this.#end = outer;
  }

  skip(): void {
    if (this.wire === VARINT) this.varint();
    else if (this.wire === FIXED64) this.#take(8);
    else if (this.wire === LENGTH) this.#take(this.varint());
    else if (this.wire === FIXED32) this.#take(4);
    else this.fail(`wire type ${this.wire} is not used by Sparkplug`);
  }

  /** Where `length` bytes begin, which are then behind; -1 when there are not so many. */
  #take(length: number): number {
    if (this.fault === null && length > this.#end - this.#at) this.fail("a field reaches beyond its end");
    if (this.fault !== null) return -1;
    const at = this.#at;
    this.#at += length;
    return at;
  }
}

export function readSparkplug(bytes: Uint8Array): Payload | Unreadable {
  const cursor = new Cursor(bytes);
  const metrics: Metric[] = [];
  let time: number | null = null;
  let seq: number | null = null;
  let uuid: string | null = null;
  while (cursor.more()) {
    const { field, wire } = cursor;
    if (field === 2 && wire === LENGTH) {
      if (metrics.length >= METRICS_MAX)
        return { code: "TOO_MANY_METRICS", detail: `over ${METRICS_MAX} metrics in one message` };
      const outer = cursor.enter();
      metrics.push(readMetric(cursor));
      cursor.leave(outer);
    } else if (field === 1 && wire === VARINT) time = cursor.varint();
    else if (field === 3 && wire === VARINT) seq = cursor.varint();
    else if (field === 4 && wire === LENGTH) uuid = cursor.text(NAME_BYTES_MAX);
    else cursor.skip();
  }
  if (cursor.fault !== null) return { code: "MALFORMED_PROTOBUF", detail: cursor.fault };
  return { time, seq, uuid, metrics };
}

function readMetric(cursor: Cursor): Metric {
  const metric: Metric = {
    name: null,
    alias: null,
    time: null,
    datatype: null,
    isHistorical: false,
    isTransient: false,
    isNull: false,
    quality: null,
    field: "none",
    value: 0,
    signed: 0,
    text: null,
  };
  while (cursor.more()) {
    if (cursor.wire === VARINT) readVarintField(cursor, metric);
    else if (cursor.field === 1 && cursor.wire === LENGTH) metric.name = cursor.text(NAME_BYTES_MAX);
    else if (cursor.field === 9 && cursor.wire === LENGTH) {
      const outer = cursor.enter();
      metric.quality = readQuality(cursor);
      cursor.leave(outer);
    } else if (cursor.field === 12 && cursor.wire === FIXED32) setNumber(metric, "float", cursor.float());
    else if (cursor.field === 13 && cursor.wire === FIXED64) setNumber(metric, "double", cursor.double());
    else if (cursor.field === 15 && cursor.wire === LENGTH) {
      metric.field = "string";
      metric.text = cursor.text(NAME_BYTES_MAX);
    } else {
      if (cursor.field >= 16 && cursor.field <= 18) metric.field = "other";
      cursor.skip();
    }
  }
  return metric;
}

function readVarintField(cursor: Cursor, metric: Metric): void {
  const { field } = cursor;
  const value = cursor.varint();
  if (field === 2) metric.alias = value;
  else if (field === 3) metric.time = value;
  else if (field === 4) metric.datatype = value;
  else if (field === 5) metric.isHistorical = value !== 0;
  else if (field === 6) metric.isTransient = value !== 0;
  else if (field === 7) metric.isNull = value !== 0;
  else if (field === 10) {
    // uint32 on the wire: a writer that sends 64 bits of a negative number means its lower half.
    setNumber(metric, "int", cursor.low);
    metric.signed = cursor.low | 0;
  } else if (field === 11) {
    setNumber(metric, "long", value);
    metric.signed = cursor.signed64();
  } else if (field === 14) setNumber(metric, "boolean", value === 0 ? 0 : 1);
}

function setNumber(metric: Metric, field: ValueField, value: number): void {
  metric.field = field;
  metric.value = value;
  metric.signed = value;
}

/** PropertySet: keys and values are two lists of one order; the key is `Quality` in the specification, `quality` in the field. */
function readQuality(cursor: Cursor): number | null {
  let place = -1;
  let keys = 0;
  const values: (number | null)[] = [];
  while (cursor.more()) {
    if (cursor.field === 1 && cursor.wire === LENGTH) {
      if (cursor.text(16).toLowerCase() === "quality") place = keys;
      keys += 1;
    } else if (cursor.field === 2 && cursor.wire === LENGTH && values.length < PROPERTIES_MAX) {
      const outer = cursor.enter();
      values.push(readPropertyNumber(cursor));
      cursor.leave(outer);
    } else cursor.skip();
  }
  return values[place] ?? null;
}

/** Null when the property is no integer. */
function readPropertyNumber(cursor: Cursor): number | null {
  let value: number | null = null;
  while (cursor.more()) {
    if ((cursor.field === 3 || cursor.field === 4) && cursor.wire === VARINT) value = cursor.varint();
    else cursor.skip();
  }
  return value;
}
