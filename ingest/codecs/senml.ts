/**
 * SenML JSON (RFC 8428): a pack of records with base values → readings. `resolveSenml` is the RFC's own resolution;
 * `decodeSenml` says in our words what it means.
 *
 * A record of ours differs from the RFC in one point: with a base value but no value of its own it is dropped, as the
 * RFC's editors do in their examples (a record may hold base fields only).
 */
import { READINGS_MAX } from "../../core/wire.ts";
import {
  type Decoded,
  type DecodedReading,
  type DeviceHealth,
  type Envelope,
  type Fault,
  fault,
  type Refusal,
  refuse,
  type SenderProfile,
} from "./codec.ts";
import { checkedMs } from "./instant.ts";
import { parseJsonBytes } from "./json-bytes.ts";
import { field, isObject, type JsonObject } from "./json-fields.ts";

/** RFC 8428, 4.5.3: smaller times are relative to now. */
const RELATIVE_MAX_S = 2 ** 28;
/** RFC 8428, 4.4: version 10. RFC 9100 reads the number as bits: 26 adds units of the secondary registry (RFC 8798). */
const VERSIONS: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 26]);
/** RFC 8428, 4.5.1 */
const NAME = /^[A-Za-z0-9][A-Za-z0-9\-:./_]*$/;
const LABELS: ReadonlyMap<string, "string" | "number" | "boolean"> = new Map([
  ["bn", "string"],
  ["bt", "number"],
  ["bu", "string"],
  ["bv", "number"],
  ["bs", "number"],
  ["bver", "number"],
  ["n", "string"],
  ["u", "string"],
  ["v", "number"],
  ["vs", "string"],
  ["vb", "boolean"],
  ["vd", "string"],
  ["s", "number"],
  ["t", "number"],
  ["ut", "number"],
]);
const VALUE_LABELS = ["v", "vs", "vb", "vd"] as const;
const BASE64URL = /^[A-Za-z0-9_-]*$/;

/** One resolved record, with the labels of RFC 8428; `t` in Unix seconds. */
export interface SenmlRecord {
  readonly n: string;
  readonly u?: string;
  readonly t: number;
  readonly v?: number;
  readonly vs?: string;
  readonly vb?: boolean;
  readonly vd?: string;
  readonly s?: number;
  readonly ut?: number;
}
export interface SenmlPack {
  readonly records: readonly SenmlRecord[];
  readonly faults: readonly Fault[];
}

interface Base {
  bn: string;
  bt: number;
  bu: string | undefined;
  bv: number;
  bs: number;
  bver: number | undefined;
}

/**
 * Reasons for the pack: WRONG_SHAPE, TOO_MANY_READINGS, SENML_VERSION, SENML_MUST_UNDERSTAND. For a record: WRONG_SHAPE,
 * SENML_VALUES, SENML_NAME, VALUE_NOT_FINITE, TIME_NOT_A_DATE, TIME_OUT_OF_RANGE.
 */
export function resolveSenml(json: unknown, receivedAt: number): SenmlPack | Refusal {
  if (!Array.isArray(json)) return refuse("WRONG_SHAPE", "a SenML pack is a list of records");
  if (json.length === 0) return refuse("WRONG_SHAPE", "the pack holds no record");
  if (json.length > READINGS_MAX) return refuse("TOO_MANY_READINGS", `${json.length} records; at most ${READINGS_MAX}`);
  const base: Base = { bn: "", bt: 0, bu: undefined, bv: 0, bs: 0, bver: undefined };
  const records: SenmlRecord[] = [];
  const faults: Fault[] = [];
  for (const [index, record] of json.entries()) {
    if (!isObject(record)) return refuse("WRONG_SHAPE", `at [${index}]: a record is an object`);
    const bad = Object.keys(record).find((label) => label.endsWith("_") && !LABELS.has(label));
    if (bad !== undefined) return refuse("SENML_MUST_UNDERSTAND", `at [${index}]: label "${bad}" must be understood`);
    const wrong = moveBase(base, record, index);
    if (wrong) return { refused: wrong };
    const resolved = resolveRecord(base, record, { index, receivedAt });
    if (resolved === null) continue;
    if ("code" in resolved) faults.push(resolved);
    else records.push(resolved);
  }
  return { records, faults };
}

/** RFC 8428, 4.1: base fields hold for their own record and all later ones. A faulty one spoils what follows. */
function moveBase(base: Base, record: JsonObject, index: number): Fault | null {
  for (const label of ["bn", "bt", "bu", "bv", "bs", "bver"] as const) {
    const value = field(record, label);
    if (value === undefined) continue;
    if (!isSound(label, value))
      return fault("WRONG_SHAPE", `at [${index}].${label}: not a usable ${LABELS.get(label)}`);
    if (label === "bver") {
      if (!VERSIONS.has(value as number)) return fault("SENML_VERSION", `at [${index}]: version ${value} is not known`);
      if (base.bver !== undefined && base.bver !== value)
        return fault("SENML_VERSION", `at [${index}]: version ${value} after ${base.bver}; all records must agree`);
    }
    Object.assign(base, { [label]: value });
  }
  return null;
}

function resolveRecord(
  base: Base,
  record: JsonObject,
  { index, receivedAt }: { readonly index: number; readonly receivedAt: number },
): SenmlRecord | Fault | null {
  const at = `at [${index}]`;
  for (const label of ["n", "u", "t", "ut", "s", ...VALUE_LABELS]) {
    const value = field(record, label);
    if (value === undefined || isSound(label, value)) continue;
    const beyond = typeof value === "number" && LABELS.get(label) === "number";
    return beyond
      ? fault("VALUE_NOT_FINITE", `${at}.${label}: beyond a double`)
      : fault("WRONG_SHAPE", `${at}.${label}: not a ${LABELS.get(label)}`);
  }
  const values = VALUE_LABELS.filter((label) => Object.hasOwn(record, label));
  const sum = field(record, "s") as number | undefined;
  if (values.length === 0 && sum === undefined) return null;
  if (values.length > 1) return fault("SENML_VALUES", `${at}: ${values.join(" and ")}; exactly one value is allowed`);
  const n = base.bn + ((field(record, "n") as string | undefined) ?? "");
  if (!NAME.test(n))
    return fault("SENML_NAME", `${at}: name "${n}" is empty or holds other characters than A-Za-z0-9-:./_`);
  const seconds = base.bt + ((field(record, "t") as number | undefined) ?? 0);
  const ms = Math.round(seconds * 1_000);
  const time = checkedMs(seconds < RELATIVE_MAX_S ? receivedAt + ms : ms, `[${index}].t`, seconds);
  if (typeof time !== "number") return time;
  const u = (field(record, "u") as string | undefined) ?? base.bu;
  const ut = field(record, "ut") as number | undefined;
  const [label] = values;
  const own = label === undefined ? undefined : field(record, label);
  if (label === "vd" && !BASE64URL.test(own as string)) return fault("WRONG_SHAPE", `${at}.vd: not base64url`);
  const v = label === "v" ? plus(base.bv, own as number) : own;
  const s = sum === undefined ? undefined : plus(base.bs, sum);
  if ((typeof v === "number" && !Number.isFinite(v)) || (s !== undefined && !Number.isFinite(s)))
    return fault("VALUE_NOT_FINITE", `${at}: beyond a double`);
  return {
    n,
    ...(u === undefined ? {} : { u }),
    t: time / 1_000,
    ...(label === undefined ? {} : { [label]: v }),
    ...(s === undefined ? {} : { s }),
    ...(ut === undefined ? {} : { ut }),
  };
}

function isSound(label: string, value: unknown): boolean {
  return typeof value === LABELS.get(label) && (typeof value !== "number" || Number.isFinite(value));
}

/** Without the dust of binary sums: 100 + 0.3 is 100.3. */
function plus(base: number, own: number): number {
  return base === 0 ? own : Number((base + own).toPrecision(15));
}

/** Where the SenML registry (RFC 8428, 12.1; RFC 8798) writes a unit otherwise than core/quantity.ts. */
const UNITS: Readonly<Record<string, string>> = {
  "%RH": "%",
  "%EL": "%",
  "/": "1",
  "/100": "%",
  count: "1",
  l: "L",
  "l/s": "L/s",
};
/** RFC 8428, 4.2: `s` is in the unit multiplied by seconds. */
const SUM_UNITS: Readonly<Record<string, string>> = { "m3/s": "m3", "l/s": "L", W: "J", A: "C" };

/** Reasons: those of `resolveSenml` and of `parseJsonBytes`. Text and blobs are no readings. */
export function decodeSenml(bytes: Uint8Array, _sender: SenderProfile, { receivedAt }: Envelope): Decoded | Refusal {
  const parsed = parseJsonBytes(bytes);
  if ("refused" in parsed) return parsed;
  const pack = resolveSenml(parsed.json, receivedAt);
  if ("refused" in pack) return pack;
  const readings: DecodedReading[] = [];
  let health: DeviceHealth | undefined;
  for (const record of pack.records) {
    readings.push(...readingsOf(record));
    if (record.u === "%EL" && record.v !== undefined && record.v >= 0 && record.v <= 100)
      health = { batteryPercent: record.v };
  }
  return { boot: "", seq: -1, backfill: false, readings, faults: pack.faults, ...(health ? { health } : {}) };
}

/** A unit that a device calls `constructor` is not found. */
function ownUnit(units: Readonly<Record<string, string>>, unit: string, otherwise: string): string {
  return Object.hasOwn(units, unit) ? (units[unit] ?? otherwise) : otherwise;
}

function* readingsOf({ n, u, t, v, vb, s }: SenmlRecord): Generator<DecodedReading> {
  const reading = {
    quantity: n,
    cmp: "",
    qualifier: "N",
    time: Math.round(t * 1_000),
    fraction: "total",
    ...(u === "%EL" ? { incidental: true } : {}),
  } as const;
  const value = v ?? (vb === undefined ? undefined : Number(vb));
  if (value !== undefined)
    yield { ...reading, value, unit: u === undefined ? u : ownUnit(UNITS, u, u), aggregate: "rtd" };
  if (s !== undefined) {
    const unit = u === undefined ? u : ownUnit(SUM_UNITS, u, `${u}*s`);
    yield { ...reading, value: s, unit, aggregate: "sum" };
  }
}
