/**
 * SenML JSON (RFC 8428): a pack of records with base values → readings. `resolveSenml` is the RFC's own resolution;
 * `decodeSenml` says in our words what it means.
 *
 * A record of ours differs from the RFC in one point: with a base value but no value of its own it is dropped, as the
 * RFC's editors do in their examples (a record may hold base fields only).
 */
import type { Aggregate } from "../../core/reading.ts";
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
import { checkedMs, isInstant } from "./instant.ts";
import { parseJsonBytes } from "./json-bytes.ts";
import { isObject } from "./json-fields.ts";

/** RFC 8428, 4.5.3: smaller times are relative to now. */
const RELATIVE_MAX_S = 2 ** 28;
/** RFC 8428, 4.4: version 10. RFC 9100 reads the number as bits: 26 adds units of the secondary registry (RFC 8798). */
const VERSIONS: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 26]);
/** RFC 8428, 4.5.1 */
const NAME = /^[A-Za-z0-9][A-Za-z0-9\-:./_]*$/;
/** Labels of base fields and of a record's own fields, in the order in which their faults are told. */
const BASE_KINDS = { bn: "string", bt: "number", bu: "string", bv: "number", bs: "number", bver: "number" } as const;
const OWN_KINDS = {
  n: "string",
  u: "string",
  t: "number",
  ut: "number",
  s: "number",
  v: "number",
  vs: "string",
  vb: "boolean",
  vd: "string",
} as const;
const BASE_LABELS = Object.keys(BASE_KINDS) as readonly (keyof typeof BASE_KINDS)[];
const OWN_LABELS = Object.keys(OWN_KINDS) as readonly (keyof typeof OWN_KINDS)[];
const VALUE_LABELS = ["v", "vs", "vb", "vd"] as const;
const BASE64URL = /^[A-Za-z0-9_-]*$/;

/** One resolved record, with the labels of RFC 8428; `t` in Unix seconds. */
export interface SenmlRecord {
  readonly n: string;
  readonly t: number;
  readonly u?: string;
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
/** A record as sent. JSON makes own fields only, and no label is a name that every object has: fields are read directly. */
type Sent = Readonly<Partial<Record<keyof typeof BASE_KINDS | keyof typeof OWN_KINDS, unknown>>>;
/** A record whose own fields have been looked at. */
type Own = { readonly [Label in keyof typeof OWN_KINDS]?: SenmlRecord[Label] };

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
  for (let index = 0; index < json.length; index++) {
    const record: unknown = json[index];
    if (!isObject(record)) return refuse("WRONG_SHAPE", `at [${index}]: a record is an object`);
    // RFC 8428, 4.4: no label that is known ends so.
    const bad = Object.keys(record).find((label) => label.endsWith("_"));
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
function moveBase(base: Base, record: Sent, index: number): Fault | null {
  for (const label of BASE_LABELS) {
    const value = record[label];
    if (value === undefined) continue;
    if (!isSound(BASE_KINDS[label], value))
      return fault("WRONG_SHAPE", `at [${index}].${label}: not a usable ${BASE_KINDS[label]}`);
    if (label === "bver") {
      if (!VERSIONS.has(value as number)) return fault("SENML_VERSION", `at [${index}]: version ${value} is not known`);
      if (base.bver !== undefined && base.bver !== value)
        return fault("SENML_VERSION", `at [${index}]: version ${value} after ${base.bver}; all records must agree`);
    }
    base[label] = value as never;
  }
  return null;
}

function resolveRecord(
  base: Base,
  record: Sent,
  { index, receivedAt }: { readonly index: number; readonly receivedAt: number },
): SenmlRecord | Fault | null {
  const own = ownOf(record);
  if (!own) return unsoundField(record, index);
  const count =
    Number(own.v !== undefined) +
    Number(own.vs !== undefined) +
    Number(own.vb !== undefined) +
    Number(own.vd !== undefined);
  if (count === 0 && own.s === undefined) return null;
  if (count > 1) {
    const values = VALUE_LABELS.filter((label) => own[label] !== undefined);
    return fault("SENML_VALUES", `at [${index}]: ${values.join(" and ")}; exactly one value is allowed`);
  }
  const n = own.n === undefined ? base.bn : base.bn + own.n;
  if (!NAME.test(n))
    return fault("SENML_NAME", `at [${index}]: name "${n}" is empty or holds other characters than A-Za-z0-9-:./_`);
  const seconds = own.t === undefined ? base.bt : base.bt + own.t;
  const sent = Math.round(seconds * 1_000);
  const ms = seconds < RELATIVE_MAX_S ? receivedAt + sent : sent;
  const outside = isInstant(ms) ? null : checkedMs(ms, `[${index}].t`, seconds);
  if (outside !== null && typeof outside !== "number") return outside;
  if (own.vd !== undefined && !BASE64URL.test(own.vd)) return fault("WRONG_SHAPE", `at [${index}].vd: not base64url`);
  return valued({ n, t: ms / 1_000 }, own, base) ?? fault("VALUE_NOT_FINITE", `at [${index}]: beyond a double`);
}

/** Null when a sum with a base value leaves the doubles. */
function valued(
  record: { -readonly [Label in keyof SenmlRecord]: SenmlRecord[Label] },
  own: Own,
  base: Base,
): SenmlRecord | null {
  const u = own.u ?? base.bu;
  if (u !== undefined) record.u = u;
  if (own.v !== undefined) {
    record.v = plus(base.bv, own.v);
    if (!Number.isFinite(record.v)) return null;
  }
  if (own.vs !== undefined) record.vs = own.vs;
  if (own.vb !== undefined) record.vb = own.vb;
  if (own.vd !== undefined) record.vd = own.vd;
  if (own.s !== undefined) {
    record.s = plus(base.bs, own.s);
    if (!Number.isFinite(record.s)) return null;
  }
  if (own.ut !== undefined) record.ut = own.ut;
  return record;
}

/** Null when a field is not of its kind. Written out: this is where the time goes. */
function ownOf(record: Sent): Own | null {
  const { n, u, t, ut, s, v, vs, vb, vd } = record;
  const areText = isText(n) && isText(u) && isText(vs) && isText(vd);
  const areNumbers = isNumber(t) && isNumber(ut) && isNumber(s) && isNumber(v);
  return areText && areNumbers && (vb === undefined || typeof vb === "boolean") ? (record as Own) : null;
}
function isText(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}
function isNumber(value: unknown): boolean {
  return value === undefined || Number.isFinite(value);
}

function unsoundField(record: Sent, index: number): Fault | null {
  for (const label of OWN_LABELS) {
    const value = record[label];
    const kind = OWN_KINDS[label];
    if (value === undefined || isSound(kind, value)) continue;
    return typeof value === "number" && kind === "number"
      ? fault("VALUE_NOT_FINITE", `at [${index}].${label}: beyond a double`)
      : fault("WRONG_SHAPE", `at [${index}].${label}: not a ${kind}`);
  }
  return null;
}

function isSound(kind: "string" | "number" | "boolean", value: unknown): boolean {
  return kind === "number" ? Number.isFinite(value) : typeof value === kind;
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
    takeReadings(record, readings);
    if (record.u === "%EL" && record.v !== undefined && record.v >= 0 && record.v <= 100)
      health = { batteryPercent: record.v };
  }
  return { boot: "", seq: -1, backfill: false, readings, faults: pack.faults, ...(health ? { health } : {}) };
}

/** A unit that a device calls `constructor` is not found. */
function ownUnit(units: Readonly<Record<string, string>>, unit: string, otherwise: string): string {
  return Object.hasOwn(units, unit) ? (units[unit] ?? otherwise) : otherwise;
}

function takeReadings({ n, u, t, v, vb, s }: SenmlRecord, readings: DecodedReading[]): void {
  const time = Math.round(t * 1_000);
  const value = v ?? (vb === undefined ? undefined : Number(vb));
  const take = (value: number, unit: string | undefined, aggregate: Aggregate): void => {
    const reading = { quantity: n, cmp: "", qualifier: "N", time, fraction: "total", value, unit, aggregate } as const;
    readings.push(u === "%EL" ? { ...reading, incidental: true } : reading);
  };
  if (value !== undefined) take(value, u === undefined ? u : ownUnit(UNITS, u, u), "rtd");
  if (s !== undefined) take(s, u === undefined ? u : ownUnit(SUM_UNITS, u, `${u}*s`), "sum");
}
