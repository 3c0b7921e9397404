/**
 * Equipment of the demonstration city that does not speak our own format: two HJ 212 loggers, a Sparkplug edge node with
 * two devices, and end-devices of two LoRaWAN network servers. Here is how the registry names them; equipment.ts makes
 * what they send of it.
 */
import type { DeviceProfile, MappedQuantity } from "../core/device-profile.ts";
import type { Device, Station } from "../core/site.ts";

export type Protocol = "hj212" | "sparkplug" | "chirpstack" | "tts";

/** Accounts whose connection carries others. They measure nothing themselves and stand at the first station they carry. */
const ACCOUNT_OF: Readonly<Record<Protocol, string | null>> = {
  hj212: null,
  sparkplug: "edge-plating-park",
  chirpstack: "lorawan-chirpstack",
  tts: "lorawan-tts",
};
const EDGE = { group: "demo-smelter", edge: "plating-park" };

/** What runs on a battery for years reports less often: every so many intervals of the others. */
const BATTERY_INTERVALS = 6;

type Names = Readonly<Record<string, MappedQuantity>>;

/** A logger has no code for the depth of groundwater: its maker's own, the others are of HJ 212-2017 table B.1. */
const LOGGER_NAMES: Names = { wl001: { quantity: "gw_level", unit: "m" } };
const EDGE_NAMES: Names = {
  "Analyser/Cd": { quantity: "cd", unit: "µg/L" },
  "Analyser/As": { quantity: "as", unit: "µg/L" },
  "Analyser/Pb": { quantity: "pb", unit: "µg/L" },
  "Analyser/Mn": { quantity: "mn", unit: "mg/L" },
  "Water/pH": { quantity: "ph", unit: "pH" },
  "Water/Conductivity": { quantity: "ec", unit: "µS/cm" },
  "Well/Depth": { quantity: "gw_level", unit: "m" },
};
/** Cayenne LPP: type and channel. */
const PROBE_NAMES: Names = {
  temperature_1: { quantity: "soil_temp" },
  humidity_2: { quantity: "soil_moisture" },
  analog_input_3: { quantity: "soil_ec", unit: "mS/cm" },
  voltage_4: { quantity: "battery_v" },
};
/** Paths in the object that the network server decodes. */
const PIEZOMETER_NAMES: Names = {
  "water.depth_m": { quantity: "gw_level", unit: "m" },
  "water.temp": { quantity: "temp", unit: "°C" },
  "water.ec": { quantity: "ec", unit: "mS/cm" },
  battery_mv: { quantity: "battery_v", unit: "mV" },
};

/** Gives the devices of the city's stations their protocol; devices of our own format stay as they are. */
export class FieldRegistry {
  readonly #accounts = new Map<string, Device>();
  #count = 0;

  /** The device with its profile and the account that carries it. */
  equip(device: Device, station: Station, by: Protocol | undefined): Device {
    if (by === undefined) return device;
    this.#count += 1;
    const account = ACCOUNT_OF[by];
    if (account !== null && !this.#accounts.has(account)) {
      const sparkplug = by === "sparkplug" ? { profile: { sparkplug: EDGE } } : {};
      const { station: at, interval } = device;
      this.#accounts.set(account, { id: account, station: at, interval, quantities: {}, ...sparkplug });
    }
    const profile = profileOf(by, device, station, this.#count);
    const interval = device.interval * (profile.lorawan ? BATTERY_INTERVALS : 1);
    return { ...device, interval, ...(account === null ? {} : { via: account }), profile };
  }

  accounts(): readonly Device[] {
    return [...this.#accounts.values()];
  }
}

function profileOf(by: Protocol, device: Device, { medium }: Station, n: number): DeviceProfile {
  const named = (names: Names): Names =>
    Object.fromEntries(Object.entries(names).filter(([, { quantity }]) => Object.hasOwn(device.quantities, quantity)));
  switch (by) {
    case "hj212": {
      // HJ 212-2017 table 3: 24 characters; here the division code of the city, and a number of the maker's.
      const mn = `512000DEMO${String(n).padStart(14, "0")}`;
      return { hj212: { mn, edition: "2017", crc: "hj212", zone: "Asia/Shanghai" }, map: named(LOGGER_NAMES) };
    }
    case "sparkplug":
      return { sparkplug: { ...EDGE, device: device.station }, map: named(EDGE_NAMES) };
    case "chirpstack":
    case "tts": {
      const isProbe = medium === "soil";
      const devEui = `A84041FFFF${String(n).padStart(6, "0")}`;
      const map = named(isProbe ? PROBE_NAMES : PIEZOMETER_NAMES);
      return { lorawan: { devEui, payload: isProbe ? "cayenne" : "object" }, map };
    }
  }
}

/** Which network server an account is. */
export function serverKind(account: string): "chirpstack" | "tts" {
  return account === ACCOUNT_OF.tts ? "tts" : "chirpstack";
}
