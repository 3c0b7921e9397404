/** Metrics → Sparkplug B payload bytes: for commands of the host, the simulated edge node and tests. */
import { DATATYPE, type NumericType } from "./sparkplug-wire.ts";

export interface OutgoingMetric {
  readonly name?: string;
  readonly alias?: number;
  /** Ms since 1970 UTC. */
  readonly time?: number;
  /** How `value` is written; also sent as the datatype unless `isTyped` is false, as DATA messages want it. */
  readonly type: NumericType | "String" | "DateTime";
  readonly isTyped?: boolean;
  /** Null is sent as is_null. */
  readonly value: number | bigint | boolean | string | null;
  readonly isHistorical?: boolean;
  readonly isTransient?: boolean;
  readonly quality?: 0 | 192 | 500;
}

export interface OutgoingPayload {
  readonly time?: number;
  /** 0 to 255; NDEATH has none. */
  readonly seq?: number;
  readonly metrics: readonly OutgoingMetric[];
}

export function writeSparkplug({ time, seq, metrics }: OutgoingPayload): Uint8Array {
  const writer = new Writer();
  if (time !== undefined) writer.varint(1, time);
  for (const metric of metrics) writer.bytes(2, metricBytes(metric));
  if (seq !== undefined) writer.varint(3, seq);
  return writer.done();
}

/** What a host sends to have everything said anew (6.4.21, NCMD). */
export function rebirthCommand(time: number): Uint8Array {
  return writeSparkplug({ time, metrics: [{ name: REBIRTH, time, type: "Boolean", value: true }] });
}
export const REBIRTH = "Node Control/Rebirth";

function metricBytes(metric: OutgoingMetric): Uint8Array {
  const writer = new Writer();
  if (metric.name !== undefined) writer.bytes(1, Buffer.from(metric.name));
  if (metric.alias !== undefined) writer.varint(2, metric.alias);
  if (metric.time !== undefined) writer.varint(3, metric.time);
  if (metric.isTyped !== false) writer.varint(4, DATATYPE[metric.type]);
  if (metric.isHistorical) writer.varint(5, 1);
  if (metric.isTransient) writer.varint(6, 1);
  if (metric.value === null) writer.varint(7, 1);
  if (metric.quality !== undefined) writer.bytes(9, qualityBytes(metric.quality));
  if (metric.value !== null) writeValue(writer, metric.type, metric.value);
  return writer.done();
}

function writeValue(writer: Writer, type: OutgoingMetric["type"], value: number | bigint | boolean | string): void {
  if (type === "String") writer.bytes(15, Buffer.from(String(value)));
  else if (type === "Boolean") writer.varint(14, value ? 1 : 0);
  else if (type === "Float") writer.float(12, Number(value));
  else if (type === "Double") writer.double(13, Number(value));
  else if (type === "Int64" || type === "UInt64" || type === "DateTime") writer.varint(11, BigInt(value));
  else writer.varint(10, Number(value) >>> 0); // two's complement in an unsigned field
}

function qualityBytes(quality: number): Uint8Array {
  const value = new Writer();
  value.varint(1, DATATYPE.Int32);
  value.varint(3, quality);
  const set = new Writer();
  set.bytes(1, Buffer.from("Quality"));
  set.bytes(2, value.done());
  return set.done();
}

class Writer {
  readonly #parts: Uint8Array[] = [];

  varint(field: number, value: number | bigint): void {
    this.#parts.push(varint(BigInt(field << 3)), varint(BigInt.asUintN(64, BigInt(value))));
  }
  float(field: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    this.#parts.push(varint(BigInt((field << 3) | 5)), bytes);
  }
  double(field: number, value: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    this.#parts.push(varint(BigInt((field << 3) | 1)), bytes);
  }
  bytes(field: number, bytes: Uint8Array): void {
    this.#parts.push(varint(BigInt((field << 3) | 2)), varint(BigInt(bytes.byteLength)), bytes);
  }
  done(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
