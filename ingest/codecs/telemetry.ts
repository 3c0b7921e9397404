/**
 * Telemetry v1 and its short form (core/wire.ts holds the schemas, the only truth about the shape) → readings as sent.
 *
 * A message of the wrong shape is refused as a whole. A reading that is well-formed but says nothing usable (no real
 * date, a number beyond a double, null as a normal value) is a fault of its own, and the others of the message are used.
 */
import type { z } from "zod";
import { parseWireTime, READINGS_MAX, ShortTelemetry, Telemetry, WireReading, type WireTime } from "../../core/wire.ts";
import {
  type Decoded,
  type DecodedReading,
  type DeviceHealth,
  type Fault,
  fault,
  type Refusal,
  refuse,
  type SenderProfile,
} from "./codec.ts";
import { checkedMs } from "./instant.ts";
import { parseJsonBytes } from "./json-bytes.ts";
import { isUsual } from "./telemetry-usual.ts";

/** Up to so many readings are checked in one go, which is fastest when nothing is wrong. */
const AT_ONCE_MAX = 16;

type Issue = z.core.$ZodIssue;
type Time = z.infer<typeof WireTime>;

/**
 * Reasons for a message: NOT_UTF8, MALFORMED_JSON, GZIP_BROKEN, GZIP_TOO_LARGE, WRONG_SHAPE, TOO_MANY_READINGS, and the
 * time reasons when `ts` is at fault. For a reading: TIME_WITHOUT_OFFSET, TIME_NOT_A_DATE, TIME_OUT_OF_RANGE,
 * VALUE_NOT_FINITE, NULL_WITHOUT_QUALIFIER.
 */
export function decodeTelemetry(bytes: Uint8Array, _sender: SenderProfile): Decoded | Refusal {
  const parsed = parseJsonBytes(bytes);
  if ("refused" in parsed) return parsed;
  const { json } = parsed;
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return refuse("WRONG_SHAPE", `expected an object, got ${kindOf(json)}`);
  }
  return "m" in json && !("r" in json) ? decodeShort(json) : decodeFull(json);
}

function decodeFull(json: object): Decoded | Refusal {
  if (isUsual(json)) return assemble(json, json.r, []);
  const { r } = json as { r?: unknown };
  if (Array.isArray(r) && r.length > READINGS_MAX) return refuse("TOO_MANY_READINGS", `at r: ${tooMany(r.length)}`);
  if (!Array.isArray(r) || r.length <= AT_ONCE_MAX) {
    const checked = Telemetry.safeParse(json);
    if (checked.success) return assemble(checked.data, checked.data.r, []);
    if (!Array.isArray(r) || r.length === 0) return { refused: explainFirst(checked.error, json) };
  }
  return decodeOneByOne(json, r);
}

/** Finds the readings that can be used, and stops at the first of a wrong shape: every fault found costs time. */
function decodeOneByOne(json: object, r: readonly unknown[]): Decoded | Refusal {
  const head = Telemetry.safeParse({ ...json, r: [{ p: "any", v: 0 }] });
  if (!head.success) return { refused: explainFirst(head.error, json) };
  const usable: WireReading[] = [];
  const faults: Fault[] = [];
  for (const [index, reading] of r.entries()) {
    const checked = WireReading.safeParse(reading);
    if (checked.success) usable.push(checked.data);
    else {
      const found = explainFirst(checked.error, json, ["r", index]);
      if (found.code === "WRONG_SHAPE") return { refused: found };
      faults.push(found);
    }
  }
  return assemble(head.data, usable, faults);
}

function decodeShort(json: object): Decoded | Refusal {
  const values = (json as { m: unknown }).m;
  // The schema passes over this one key of a record, and a passed-over reading would be lost without a word.
  if (typeof values === "object" && values !== null && Object.hasOwn(values, "__proto__")) {
    return refuse("WRONG_SHAPE", "at m.__proto__: not a quantity");
  }
  const count = countKeys(values);
  if (count > READINGS_MAX) return refuse("TOO_MANY_READINGS", `at m: ${tooMany(count)}`);
  const checked = ShortTelemetry.safeParse(json);
  if (checked.success) {
    const faults: Fault[] = [];
    const readings: WireReading[] = [];
    for (const [p, v] of Object.entries(checked.data.m)) {
      if (v === null) faults.push(fault("NULL_WITHOUT_QUALIFIER", `at m.${p}: null needs telemetry v1 with q`));
      else readings.push({ p, v });
    }
    return assemble(checked.data, readings, faults);
  }
  const faults: Fault[] = [];
  for (const issue of checked.error.issues) {
    const found = explain(issue, issue.path, json);
    if (found.code !== "VALUE_NOT_FINITE") return { refused: found };
    faults.push(found);
  }
  const rest = Object.fromEntries(Object.entries(values as object).filter(([, v]) => v === null || Number.isFinite(v)));
  if (Object.keys(rest).length === 0) return assemble(json, [], faults);
  const again = decodeShort({ ...json, m: rest });
  return "refused" in again ? again : { ...again, faults: [...again.faults, ...faults] };
}

function assemble(
  message: {
    readonly boot?: string | undefined;
    readonly seq?: number | undefined;
    readonly ts?: Time | undefined;
    readonly backfill?: boolean | undefined;
    readonly sig?: Telemetry["sig"];
  },
  wire: readonly WireReading[],
  faults: Fault[],
): Decoded | Refusal {
  let messageTime: number | null = null;
  if (message.ts !== undefined) {
    const time = instant(message.ts, "ts");
    if (typeof time !== "number") return { refused: time };
    messageTime = time;
  }
  const readings: DecodedReading[] = [];
  for (let index = 0; index < wire.length; index++) {
    const { p, v, u, cmp, q, t, agg, fraction } = wire[index] as WireReading;
    const time = t === undefined ? messageTime : instant(t, `t of "${p}"`);
    if (time !== null && typeof time !== "number") {
      faults.push(time);
      continue;
    }
    readings.push({
      quantity: p,
      value: v,
      unit: u,
      cmp: cmp ?? "",
      qualifier: q ?? "N",
      time,
      aggregate: agg ?? "rtd",
      fraction: fraction ?? "total",
    });
  }
  // Written out: spreading an object into this literal costs more than the whole check of the schema (measured).
  const { boot = "", seq = -1, backfill = false, sig } = message;
  return sig === undefined
    ? { boot, seq, backfill, readings, faults }
    : { boot, seq, backfill, readings, faults, health: healthOf(sig) };
}

function healthOf({ rssi, bat }: NonNullable<Telemetry["sig"]>): DeviceHealth {
  return { ...(rssi === undefined ? {} : { rssi }), ...(bat === undefined ? {} : { batteryVolts: bat }) };
}

function instant(time: Time, where: string): number | Fault {
  const ms = parseWireTime(time);
  return checkedMs(ms, where, time);
}

const LACKS_OFFSET = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$/;

function explainFirst(error: z.core.$ZodError, json: object, below: readonly PropertyKey[] = []): Fault {
  // The worst first: a reading of the wrong shape is not saved by a fault that could be passed over.
  const found = error.issues.map((issue) => explain(issue, [...below, ...issue.path], json));
  return found.find(({ code }) => code === "WRONG_SHAPE") ?? (found[0] as Fault);
}

/** A schema issue as one of our reasons, with the path and, where it helps, the value. */
function explain(issue: Issue, path: readonly PropertyKey[], json: object): Fault {
  const where = pathText(path);
  const found = valueAt(json, path);
  const last = path.at(-1);
  if (last === "ts" || last === "t" || last === "from") {
    if (typeof found === "string") {
      const code = LACKS_OFFSET.test(found) ? "TIME_WITHOUT_OFFSET" : "TIME_NOT_A_DATE";
      return fault(code, `at ${where}: "${found}"; ${issue.message}`);
    }
    if (typeof found === "number") return fault("TIME_NOT_A_DATE", `at ${where}: ${found}; ${issue.message}`);
  }
  const isValue = last === "v" || path[0] === "m";
  if (isValue && typeof found === "number" && !Number.isFinite(found))
    return fault("VALUE_NOT_FINITE", `at ${where}: beyond a double`);
  if (issue.code === "custom" && path[0] === "r" && path.length === 2) {
    return fault("NULL_WITHOUT_QUALIFIER", `at ${where}: ${issue.message}`);
  }
  return fault("WRONG_SHAPE", where === "" ? issue.message : `at ${where}: ${issue.message}`);
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === "number" ? `${text}[${key}]` : text === "" ? String(key) : `${text}.${String(key)}`),
    "",
  );
}

function valueAt(json: object, path: readonly PropertyKey[]): unknown {
  let at: unknown = json;
  for (const key of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return at;
}

function tooMany(count: number): string {
  return `${count} readings; at most ${READINGS_MAX}`;
}

function countKeys(value: unknown): number {
  return typeof value === "object" && value !== null ? Object.keys(value).length : 0;
}

function kindOf(json: unknown): string {
  if (json === null) return "null";
  return Array.isArray(json) ? "a list" : `a ${typeof json}`;
}
