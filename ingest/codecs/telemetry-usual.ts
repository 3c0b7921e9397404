/**
 * A quick look at telemetry v1: is this message of the usual shape, beyond doubt? Twice as fast as asking the schema, which
 * stays the only truth: what is not clearly usual is left to it. A property test holds that nothing passes here that the
 * schema would refuse or change.
 */
import { AGGREGATES, FRACTIONS, QUALIFIERS } from "../../core/reading.ts";
import { isOffsetTime, READINGS_MAX, type Telemetry, type WireReading } from "../../core/wire.ts";

const BOOT = /^[A-Za-z0-9_.-]{1,64}$/;

/** False says nothing: the schema must be asked. */
export function isUsual(json: object): json is Telemetry {
  const { v, r } = json as { readonly v?: unknown; readonly r?: unknown };
  if (v !== 1 || !Array.isArray(r) || r.length === 0 || r.length > READINGS_MAX) return false;
  for (const key in json) {
    const value = (json as Record<string, unknown>)[key];
    switch (key) {
      case "v":
      case "r":
        break;
      case "boot":
        if (typeof value !== "string" || !BOOT.test(value)) return false;
        break;
      case "seq":
        if (!Number.isSafeInteger(value) || (value as number) < 0) return false;
        break;
      case "ts":
        if (!isUsualTime(value)) return false;
        break;
      case "backfill":
        if (typeof value !== "boolean") return false;
        break;
      default:
        return false;
    }
  }
  for (let index = 0; index < r.length; index++) if (!isUsualReading(r[index])) return false;
  return true;
}

function isUsualReading(reading: unknown): reading is WireReading {
  if (typeof reading !== "object" || reading === null || Array.isArray(reading)) return false;
  const { p, v } = reading as { readonly p?: unknown; readonly v?: unknown };
  if (!isShortText(p) || typeof v !== "number" || !Number.isFinite(v)) return false;
  for (const key in reading) {
    const value = (reading as Record<string, unknown>)[key];
    switch (key) {
      case "p":
      case "v":
        break;
      case "u":
        if (!isShortText(value)) return false;
        break;
      case "t":
      case "from":
        if (!isUsualTime(value)) return false;
        break;
      case "q":
        if (!isOneOf(QUALIFIERS, value)) return false;
        break;
      case "cmp":
        if (value !== "<" && value !== ">") return false;
        break;
      case "agg":
        if (!isOneOf(AGGREGATES, value)) return false;
        break;
      case "fraction":
        if (!isOneOf(FRACTIONS, value)) return false;
        break;
      default:
        return false;
    }
  }
  return true;
}

function isShortText(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= 40;
}
function isOneOf(words: readonly string[], value: unknown): boolean {
  return typeof value === "string" && words.includes(value);
}
function isUsualTime(value: unknown): boolean {
  if (typeof value === "string") return isOffsetTime(value);
  return Number.isSafeInteger(value) && Math.abs(value as number) >= 1e11;
}
