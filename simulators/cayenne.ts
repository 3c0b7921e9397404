/**
 * Cayenne LPP as an end-device writes it: `channel(1) type(1) value(n)`, big endian, rounded to the type's resolution.
 * Values are named as decoders name them, `temperature_3` for channel 3.
 * Source: myDevicesIoT/CayenneLPP (original types), ElectronicCats/CayenneLPP (100 to 133).
 */

interface Type {
  readonly code: number;
  readonly bytes: 1 | 2 | 4;
  readonly isSigned?: true;
  /** Steps in one unit. */
  readonly steps: number;
  /** That of the format; the others have none. */
  readonly unit?: string;
}

const TYPES: Readonly<Record<string, Type>> = {
  digital_input: { code: 0, bytes: 1, steps: 1 },
  digital_output: { code: 1, bytes: 1, steps: 1 },
  analog_input: { code: 2, bytes: 2, isSigned: true, steps: 100 },
  analog_output: { code: 3, bytes: 2, isSigned: true, steps: 100 },
  generic: { code: 100, bytes: 4, steps: 1 },
  luminosity: { code: 101, bytes: 2, steps: 1, unit: "lx" },
  presence: { code: 102, bytes: 1, steps: 1 },
  temperature: { code: 103, bytes: 2, isSigned: true, steps: 10, unit: "Cel" },
  humidity: { code: 104, bytes: 1, steps: 2, unit: "%" },
  barometric_pressure: { code: 115, bytes: 2, steps: 10, unit: "hPa" },
  voltage: { code: 116, bytes: 2, steps: 100, unit: "V" },
  current: { code: 117, bytes: 2, steps: 1_000, unit: "A" },
  percentage: { code: 120, bytes: 1, steps: 1, unit: "%" },
  altitude: { code: 121, bytes: 2, isSigned: true, steps: 1, unit: "m" },
  concentration: { code: 125, bytes: 2, steps: 1, unit: "ppm" },
  distance: { code: 130, bytes: 4, steps: 1_000, unit: "m" },
};

export const CAYENNE_TYPES: readonly string[] = Object.keys(TYPES);

/** Of a value's type; undefined where the format states none. */
export function cayenneUnit(name: string): string | undefined {
  return typeOf(name)?.type.unit;
}

/** @throws RangeError naming the value that no type or byte can hold. */
export function writeCayenne(values: Readonly<Record<string, number>>): Uint8Array {
  return Buffer.concat(Object.entries(values).map(([name, value]) => itemOf(name, value)));
}

function itemOf(name: string, value: number): Buffer {
  const found = typeOf(name);
  if (!found) throw new RangeError(`"${name}" is no Cayenne LPP type with a channel from 0 to 255`);
  const { code, bytes, isSigned, steps } = found.type;
  const raw = Math.round(value * steps);
  const span = 256 ** bytes;
  const [lowest, limit] = isSigned ? [-span / 2, span / 2] : [0, span];
  if (!(raw >= lowest && raw < limit)) throw new RangeError(`${name}: ${value} does not fit into ${bytes} bytes`);
  const item = Buffer.alloc(2 + bytes);
  item.writeUInt8(found.channel, 0);
  item.writeUInt8(code, 1);
  item.writeUIntBE(raw < 0 ? raw + span : raw, 2, bytes);
  return item;
}

function typeOf(name: string): { readonly type: Type; readonly channel: number } | null {
  const [, typeName = "", digits = ""] = /^([a-z_]+)_(\d{1,3})$/.exec(name) ?? [];
  const type = Object.hasOwn(TYPES, typeName) ? TYPES[typeName] : undefined;
  const channel = Number(digits);
  return type && channel <= 255 ? { type, channel } : null;
}
