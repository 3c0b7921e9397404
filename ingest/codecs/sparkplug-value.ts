/** One Sparkplug metric → a reading as sent. Types come from the metric or, in DATA messages, from the birth. */
import type { Qualifier } from "../../core/reading.ts";
import { DATATYPE, type Metric } from "../../core/sparkplug-wire.ts";
import { type DecodedReading, type Fault, fault } from "./codec.ts";

const TIME_MS_MAX = 8.64e15;
/** Sparkplug B 3.0, 6.4.12: the three codes there are. */
const QUALITY_BAD = 0;
const QUALITY_STALE = 500;

/** Range of an integer type, and whether its sign travels as two's complement. */
const INTEGERS: ReadonlyMap<number, { readonly bits: number; readonly isSigned: boolean }> = new Map([
  [DATATYPE.Int8, { bits: 8, isSigned: true }],
  [DATATYPE.Int16, { bits: 16, isSigned: true }],
  [DATATYPE.Int32, { bits: 32, isSigned: true }],
  [DATATYPE.Int64, { bits: 64, isSigned: true }],
  [DATATYPE.UInt8, { bits: 8, isSigned: false }],
  [DATATYPE.UInt16, { bits: 16, isSigned: false }],
  [DATATYPE.UInt32, { bits: 32, isSigned: false }],
  [DATATYPE.UInt64, { bits: 64, isSigned: false }],
]);

export function isNumeric(datatype: number): boolean {
  return datatype >= DATATYPE.Int8 && datatype <= DATATYPE.Boolean;
}

/** Session control, and what an edge node says of itself to be written to: never readings. */
export function isControl(name: string): boolean {
  return name === "bdSeq" || name.startsWith("Node Control/") || name.startsWith("Device Control/");
}

/** Null for is_null and for a metric without a value. Reasons: VALUE_OF_OTHER_TYPE, VALUE_NOT_FINITE. */
export function numberOf(metric: Metric, name: string, datatype: number): number | null | Fault {
  if (metric.isNull || metric.field === "none") return null;
  if (metric.field === "string" || metric.field === "other") {
    return fault(
      "VALUE_OF_OTHER_TYPE",
      `"${name}" is said to be a number (type ${datatype}) and holds a ${metric.field}`,
    );
  }
  if (!Number.isFinite(metric.value)) return fault("VALUE_NOT_FINITE", `"${name}" is not a finite number`);
  const integer = INTEGERS.get(datatype);
  if (!integer || (metric.field !== "int" && metric.field !== "long")) return metric.value;
  const found = integer.isSigned ? metric.signed : metric.value;
  const limit = 2 ** (integer.isSigned ? integer.bits - 1 : integer.bits);
  if (found < limit && found >= (integer.isSigned ? -limit : 0)) return found;
  // Some encoders cut a negative Int8 to one byte instead of extending its sign.
  if (integer.isSigned && metric.value < 2 * limit) return metric.value - 2 * limit;
  return fault("VALUE_OF_OTHER_TYPE", `"${name}" holds ${metric.value}, beyond its ${integer.bits} bits`);
}

/**
 * Reasons besides those of `numberOf`: TIME_OUT_OF_RANGE, HISTORY_WITHOUT_TIME.
 *
 * @param messageTime the payload's, for metrics without a time of their own.
 */
export function readingOf(
  metric: Metric,
  name: string,
  datatype: number,
  messageTime: number | null,
): DecodedReading | Fault {
  const value = numberOf(metric, name, datatype);
  if (typeof value === "object" && value !== null) return value;
  // The payload's time is when it was sent: taken for an old value, it would make it a new one.
  if (metric.isHistorical && metric.time === null)
    return fault("HISTORY_WITHOUT_TIME", `"${name}" is historical and has no timestamp of its own`);
  const time = metric.time ?? messageTime;
  if (time !== null && time > TIME_MS_MAX) return fault("TIME_OUT_OF_RANGE", `"${name}": ${time} ms names no date`);
  return {
    quantity: name,
    value,
    unit: undefined,
    cmp: "",
    qualifier: qualifierOf(metric.quality, value === null),
    time,
    aggregate: "rtd",
    fraction: "total",
  };
}

/**
 * Bad is D (fault), stale is B (the instrument does not reach its edge node), and so is a null without further word: the
 * point exists and gave no value. Any code outside the specification passes as normal: silence would be worse.
 */
function qualifierOf(quality: number | null, isNull: boolean): Qualifier {
  if (quality === QUALITY_BAD) return "D";
  return quality === QUALITY_STALE || isNull ? "B" : "N";
}
