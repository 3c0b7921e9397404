/**
 * A decoded object of any shape (LoRaWAN payload formatters, ThingsBoard values) → readings named by dotted path.
 *
 * Numbers and booleans count; text that is a number and elements of lists only where the device's profile maps their path.
 * Everything else is left out, by name.
 */
import { READINGS_MAX } from "../../core/wire.ts";
import type { DecodedReading, DeviceHealth, SenderProfile } from "./codec.ts";

const DEPTH_MAX = 8;
const LIST_MAX = 64;
const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;

export interface Leaf {
  readonly path: string;
  readonly value: number;
}
interface Leaves {
  readonly leaves: readonly Leaf[];
  /** Paths that hold something else. */
  readonly ignored: readonly string[];
  /** More than a message may hold: not all of it was read. */
  readonly isTooMany: boolean;
}

export function leavesOf(object: object, { profile }: SenderProfile): Leaves {
  const leaves: Leaf[] = [];
  const ignored: string[] = [];
  const map = profile?.map ?? {};
  let isTooMany = false;
  const isMapped = (path: string): boolean => Object.hasOwn(map, path);
  const visit = (value: unknown, path: string, depth: number, onlyMapped: boolean): void => {
    if (isTooMany) return;
    if (Array.isArray(value) && depth < DEPTH_MAX) {
      const before = leaves.length;
      for (const [index, element] of value.slice(0, LIST_MAX).entries())
        visit(element, `${path}.${index}`, depth + 1, true);
      if (leaves.length === before && !onlyMapped) ignored.push(path);
    } else if (typeof value === "object" && value !== null) {
      if (depth >= DEPTH_MAX) {
        if (!onlyMapped) ignored.push(path);
      } else
        for (const [key, inner] of Object.entries(value))
          visit(inner, path === "" ? key : `${path}.${key}`, depth + 1, onlyMapped);
    } else {
      const number = numberOf(value, isMapped(path));
      if (number !== null && (!onlyMapped || isMapped(path))) leaves.push({ path, value: number });
      else if (!onlyMapped) ignored.push(path);
    }
    isTooMany ||= leaves.length > READINGS_MAX || ignored.length > READINGS_MAX;
  };
  visit(object, "", 0, false);
  return { leaves, ignored, isTooMany };
}

function numberOf(value: unknown, isMapped: boolean): number | null {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  return isMapped && typeof value === "string" && NUMBER.test(value) ? Number(value) : null;
}

/** A plain reading of what a foreign name says. */
function readingOf(
  { path, value }: Leaf,
  time: number | null,
  { unit, incidental }: { readonly unit?: string | undefined; readonly incidental?: boolean } = {},
): DecodedReading {
  return {
    quantity: path,
    value,
    unit,
    cmp: "",
    qualifier: "N",
    time,
    aggregate: "rtd",
    fraction: "total",
    ...(incidental ? { incidental } : {}),
  };
}

const BATTERY = /^(?:.*\.)?(?:battery|bat|batt)$/i;
const BATTERY_VOLTS = /^(?:.*\.)?(?:bat(?:t|tery)?[_-]?v(?:olt(?:age|s)?)?|v[_-]?bat(?:t(?:ery)?)?)$/i;
const BATTERY_PERCENT = /^(?:.*\.)?bat(?:t|tery)?[_-]?(?:level|percent(?:age)?|pct|soc)$/i;

/**
 * What a value says of the device's battery: by the profile's mapping to `battery_v`, or by its name. A bare `battery`
 * that could be volts or percent says nothing.
 */
function batteryOf({ path, value }: Leaf, { profile }: SenderProfile): DeviceHealth | null {
  const mapped = profile?.map !== undefined && Object.hasOwn(profile.map, path) ? profile.map[path] : undefined;
  const isNamed = BATTERY.test(path);
  if (mapped?.quantity === "battery_v" || BATTERY_VOLTS.test(path)) {
    const volts = mapped?.unit === "mV" || value > 500 ? value / 1_000 : value * (mapped?.factor ?? 1);
    return volts >= 0 && volts <= 100 ? { batteryVolts: volts } : null;
  }
  if (BATTERY_PERCENT.test(path) || (isNamed && mapped?.unit === "%")) {
    return value >= 0 && value <= 100 ? { batteryPercent: value } : null;
  }
  if (!isNamed) return null;
  if (value > 30 && value <= 100 && Number.isInteger(value)) return { batteryPercent: value };
  return value > 0 && value <= 30 && !Number.isInteger(value) ? { batteryVolts: value } : null;
}

/** Readings of leaves, and what they say of the battery. @param unitOf of formats that name units. */
export function readLeaves(
  leaves: readonly Leaf[],
  time: number | null,
  sender: SenderProfile,
  unitOf?: ReadonlyMap<string, string>,
): { readonly readings: readonly DecodedReading[]; readonly health: DeviceHealth | undefined } {
  let health: DeviceHealth | undefined;
  const readings = leaves.map((leaf) => {
    const battery = batteryOf(leaf, sender);
    if (battery) health = { ...health, ...battery };
    return readingOf(leaf, time, { unit: unitOf?.get(leaf.path), incidental: battery !== null });
  });
  return { readings, health };
}
