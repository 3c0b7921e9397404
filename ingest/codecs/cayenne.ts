/**
 * Cayenne LPP: `channel(1) type(1) value(n)`, repeated, big endian. Names are `temperature_3` for channel 3, and
 * `gps_1.latitude` where a value has parts; units are those of the format.
 *
 * A type that is not known has no known length: what came before it is kept, the rest is a fault.
 * Source: myDevicesIoT/CayenneLPP (original types), ElectronicCats/CayenneLPP (112 to 142). Forks differ in signs.
 */
import { READINGS_MAX } from "../../core/wire.ts";
import { type Decoded, type Fault, fault, type Refusal, refuse, type SenderProfile } from "./codec.ts";
import { leavesOf, readLeaves } from "./value-tree.ts";

interface Type {
  readonly name: string;
  /** Bytes of one part. */
  readonly size: 1 | 2 | 3 | 4;
  readonly signed?: true;
  /** The raw number is divided by it; one for each part where they differ. */
  readonly divisor: number | readonly number[];
  readonly parts?: readonly string[];
  readonly unit?: string;
}

const XYZ = ["x", "y", "z"];
const TYPES: ReadonlyMap<number, Type> = new Map<number, Type>([
  [0, { name: "digital_input", size: 1, divisor: 1 }],
  [1, { name: "digital_output", size: 1, divisor: 1 }],
  [2, { name: "analog_input", size: 2, signed: true, divisor: 100 }],
  [3, { name: "analog_output", size: 2, signed: true, divisor: 100 }],
  [100, { name: "generic", size: 4, divisor: 1 }],
  [101, { name: "luminosity", size: 2, divisor: 1, unit: "lx" }],
  [102, { name: "presence", size: 1, divisor: 1 }],
  [103, { name: "temperature", size: 2, signed: true, divisor: 10, unit: "Cel" }],
  [104, { name: "humidity", size: 1, divisor: 2, unit: "%" }],
  [113, { name: "accelerometer", size: 2, signed: true, divisor: 1_000, parts: XYZ, unit: "g" }],
  [115, { name: "barometric_pressure", size: 2, divisor: 10, unit: "hPa" }],
  [116, { name: "voltage", size: 2, divisor: 100, unit: "V" }],
  [117, { name: "current", size: 2, divisor: 1_000, unit: "A" }],
  [118, { name: "frequency", size: 4, divisor: 1, unit: "Hz" }],
  [120, { name: "percentage", size: 1, divisor: 1, unit: "%" }],
  [121, { name: "altitude", size: 2, signed: true, divisor: 1, unit: "m" }],
  [125, { name: "concentration", size: 2, divisor: 1, unit: "ppm" }],
  [128, { name: "power", size: 2, divisor: 1, unit: "W" }],
  [130, { name: "distance", size: 4, divisor: 1_000, unit: "m" }],
  [131, { name: "energy", size: 4, divisor: 1_000, unit: "kWh" }],
  [132, { name: "direction", size: 2, divisor: 1, unit: "deg" }],
  [133, { name: "unixtime", size: 4, divisor: 1, unit: "s" }],
  [134, { name: "gyrometer", size: 2, signed: true, divisor: 100, parts: XYZ, unit: "deg/s" }],
  [135, { name: "colour", size: 1, divisor: 1, parts: ["r", "g", "b"] }],
  [
    136,
    {
      name: "gps",
      size: 3,
      signed: true,
      divisor: [10_000, 10_000, 100],
      parts: ["latitude", "longitude", "altitude"],
    },
  ],
  [142, { name: "switch", size: 1, divisor: 1 }],
]);

export interface CayenneItem {
  readonly channel: number;
  readonly type: string;
  readonly value: number | Readonly<Record<string, number>>;
  readonly unit: string | undefined;
}

/** Faults: CAYENNE_TYPE_UNKNOWN, CAYENNE_CUT. */
export function parseCayenne(bytes: Uint8Array): {
  readonly items: readonly CayenneItem[];
  readonly fault: Fault | null;
} {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const items: CayenneItem[] = [];
  for (let at = 0; at < buffer.length; ) {
    const [channel = 0, code] = [buffer[at], buffer[at + 1]];
    if (code === undefined) return { items, fault: fault("CAYENNE_CUT", `at byte ${at}: a channel without a type`) };
    const type = TYPES.get(code);
    if (!type)
      return { items, fault: fault("CAYENNE_TYPE_UNKNOWN", `at byte ${at}: type ${code} of channel ${channel}`) };
    const { name, size, parts, unit } = type;
    const end = at + 2 + size * (parts?.length ?? 1);
    if (end > buffer.length)
      return {
        items,
        fault: fault("CAYENNE_CUT", `at byte ${at}: ${name} needs ${end - at} bytes, ${buffer.length - at} are left`),
      };
    items.push({ channel, type: name, value: valueAt(buffer, at + 2, type), unit });
    at = end;
  }
  return { items, fault: null };
}

function valueAt(buffer: Buffer, at: number, { size, signed, divisor, parts }: Type): CayenneItem["value"] {
  const part = (index: number): number => {
    const raw = signed ? buffer.readIntBE(at + index * size, size) : buffer.readUIntBE(at + index * size, size);
    return raw / (typeof divisor === "number" ? divisor : (divisor[index] as number));
  };
  return parts ? Object.fromEntries(parts.map((name, index) => [name, part(index)])) : part(0);
}

/** As an object, so that it can be read like any decoded payload: `{temperature_3: 27.2, gps_1: {latitude: …}}`. */
export function cayenneObject(items: readonly CayenneItem[]): {
  readonly object: Readonly<Record<string, CayenneItem["value"]>>;
  /** By dotted path. */
  readonly units: ReadonlyMap<string, string>;
} {
  const object: Record<string, CayenneItem["value"]> = {};
  const units = new Map<string, string>();
  for (const { channel, type, value, unit } of items) {
    const name = `${type}_${channel}`;
    object[name] = value;
    if (unit === undefined) continue;
    if (typeof value === "number") units.set(name, unit);
    else for (const part of Object.keys(value)) units.set(`${name}.${part}`, unit);
  }
  return { object, units };
}

/** Refuses only what holds nothing usable: CAYENNE_TYPE_UNKNOWN, CAYENNE_CUT, CAYENNE_EMPTY; TOO_MANY_READINGS. */
export function decodeCayenne(bytes: Uint8Array, sender: SenderProfile): Decoded | Refusal {
  const { items, fault: found } = parseCayenne(bytes);
  if (items.length === 0) return found ? { refused: found } : refuse("CAYENNE_EMPTY", "no bytes");
  const { object, units } = cayenneObject(items);
  const { leaves, isTooMany } = leavesOf(object, sender);
  if (isTooMany) return refuse("TOO_MANY_READINGS", `at most ${READINGS_MAX}`);
  const { readings, health } = readLeaves(leaves, null, sender, units);
  return { boot: "", seq: -1, backfill: false, readings, faults: found ? [found] : [], ...(health ? { health } : {}) };
}
