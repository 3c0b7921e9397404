/**
 * Which equipment of other worlds a registry describes, and how it names and counts what it measures: the profiles of
 * devices read the other way round. Loggers on HJ 212, Sparkplug edge nodes with devices, LoRaWAN network servers with
 * end-devices. Pure.
 */
import type { MappedQuantity } from "../core/device-profile.ts";
import { findHj212Code } from "../core/hj212-codes.ts";
import type { RegistryContents } from "../core/ports.ts";
import { type Conversion, conversion, convert, findQuantity } from "../core/quantity.ts";
import type { Device, Medium } from "../core/site.ts";
import { cayenneUnit } from "./cayenne.ts";

/** A quantity as the equipment sends it. */
export interface Channel {
  /** Code, metric, path in the object, or Cayenne type with channel. */
  readonly name: string;
  readonly quantity: string;
  /** From the unit the device is registered with. */
  readonly toWire: (value: number) => number;
}

export interface FieldDevice {
  readonly device: Device;
  readonly channels: readonly Channel[];
}
export interface FieldLogger extends FieldDevice {
  readonly mn: string;
}
export interface FieldEdge {
  readonly account: string;
  readonly group: string;
  readonly edge: string;
  readonly devices: readonly (FieldDevice & { readonly name: string })[];
}
export interface FieldNetwork {
  readonly account: string;
  readonly devices: readonly (FieldDevice & { readonly devEui: string; readonly payload: "cayenne" | "object" })[];
}

export interface Equipment {
  readonly loggers: readonly FieldLogger[];
  readonly edges: readonly FieldEdge[];
  readonly networks: readonly FieldNetwork[];
  /** Ids of all devices and accounts in it. */
  readonly ids: ReadonlySet<string>;
}

type Growing<T extends { readonly devices: readonly unknown[] }> = Omit<T, "devices"> & {
  readonly devices: T["devices"][number][];
};

/** Devices behind an account count where the account is in the registry too; what is neither is left out. */
export function equipmentOf({ devices, stations }: Pick<RegistryContents, "devices" | "stations">): Equipment {
  const mediumOf = new Map(stations.map(({ id, medium }) => [id, medium]));
  const known = new Map(devices.map((device) => [device.id, device]));
  const loggers: FieldLogger[] = [];
  const edges = new Map<string, Growing<FieldEdge>>();
  const networks = new Map<string, Growing<FieldNetwork>>();
  for (const device of devices) {
    const medium = mediumOf.get(device.station);
    const { hj212, sparkplug, lorawan } = device.profile ?? {};
    const account = device.via ?? device.id;
    if (medium === undefined || !known.has(account)) continue;
    if (hj212) loggers.push({ device, mn: hj212.mn, channels: channelsOf(device, medium, HJ212) });
    if (sparkplug?.device !== undefined) {
      const { group, edge, device: name } = sparkplug;
      const found = entry(edges, `${account}/${group}/${edge}`, { account, group, edge, devices: [] });
      found.devices.push({ device, name, channels: channelsOf(device, medium, PLAIN) });
    }
    if (lorawan) {
      const { devEui, payload } = lorawan;
      const channels = channelsOf(device, medium, payload === "cayenne" ? CAYENNE : PLAIN);
      entry(networks, account, { account, devices: [] }).devices.push({ device, devEui, payload, channels });
    }
  }
  const ids = new Set([
    ...loggers.map(({ device }) => device.id),
    ...[...edges.values()].flatMap(({ account, devices: own }) => [account, ...own.map(({ device }) => device.id)]),
    ...[...networks.values()].flatMap(({ account, devices: own }) => [account, ...own.map(({ device }) => device.id)]),
  ]);
  return { loggers, edges: [...edges.values()], networks: [...networks.values()], ids };
}

/** How a protocol names a quantity that the map does not, and the unit that it fixes for a name. */
interface Naming {
  readonly nameOf: (quantity: string) => string | undefined;
  readonly unitOf: (name: string, mapped: MappedQuantity | undefined) => string | undefined;
}
const PLAIN: Naming = { nameOf: (quantity) => quantity, unitOf: (_name, mapped) => mapped?.unit };
const HJ212: Naming = {
  nameOf: (quantity) => findQuantity(quantity)?.hj212,
  unitOf: (name, mapped) => mapped?.unit ?? findHj212Code(name)?.unit,
};
/** A bare quantity is none of its types: only what the map names can be sent. */
const CAYENNE: Naming = {
  nameOf: () => undefined,
  unitOf: (name, mapped) => cayenneUnit(name) ?? mapped?.unit,
};

function channelsOf(device: Device, medium: Medium, { nameOf, unitOf }: Naming): readonly Channel[] {
  const names = new Map(Object.entries(device.profile?.map ?? {}).map(([name, { quantity }]) => [quantity, name]));
  return Object.entries(device.quantities).flatMap(([quantity, registered]) => {
    const name = names.get(quantity) ?? nameOf(quantity);
    if (name === undefined) return [];
    const mapped = device.profile?.map?.[name];
    const from = conversion(quantity, medium, registered);
    const to = conversion(quantity, medium, unitOf(name, mapped) ?? registered);
    if (!from || !to) return [];
    const { factor = 1 } = mapped ?? {};
    const toWire = (value: number): number => Number((toUnit(convert(value, from), to) / factor).toPrecision(12));
    return [{ name, quantity, toWire }];
  });
}

/** From the canonical unit back to the one that the conversion comes from, without decimal dust. */
export function toUnit(canonical: number, { factor, divisor, offset }: Conversion): number {
  return Number((((canonical - offset) * divisor) / factor).toPrecision(12));
}

function entry<T>(map: Map<string, T>, key: string, fresh: T): T {
  const known = map.get(key);
  if (known) return known;
  map.set(key, fresh);
  return fresh;
}
