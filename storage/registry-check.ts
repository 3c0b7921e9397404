/** Pure: whether contents fit into a registry, every fault at once. */
import { externalNames } from "../core/directory.ts";
import { Refused } from "../core/errors.ts";
import type { RegistryContents } from "../core/ports.ts";
import { conversion, findQuantity, quantitySpec } from "../core/quantity.ts";
import type { Device, Medium } from "../core/site.ts";
import { faultText, invalidFile } from "./registry-faults.ts";
import type { IsUnread } from "./registry-salvage.ts";

export interface RegistryFault {
  /** "devices/dev-1/quantities/cd": kind, id and field. */
  readonly where: string;
  readonly what: string;
}

/** Pieces not named are empty. */
export function complete(contents: Partial<RegistryContents>): RegistryContents {
  return { tenants: [], sites: [], stations: [], devices: [], ...contents };
}

/**
 * Faults of `put` when it replaces its namesakes in `present`: doubled ids, references to nothing, quantities that are
 * not known, units that cannot be converted at the station's medium. A station whose medium changes is judged with the
 * devices it has. What `put` does not touch is not judged again.
 *
 * @param isUnread what the file holds besides but could not be read: not missing, though nothing is known of it.
 */
export function registryFaults(
  present: RegistryContents,
  put: RegistryContents,
  isUnread: IsUnread = () => false,
): RegistryFault[] {
  const tenants = new Set(ids(present.tenants, put.tenants));
  const sites = new Set(ids(present.sites, put.sites));
  const known = [...present.stations.filter(({ id }) => !isUnread("stations", id)), ...put.stations];
  const media = new Map(known.map((station) => [station.id, station.medium]));
  const faults = [
    ...doubled("tenants", put.tenants),
    ...doubled("sites", put.sites),
    ...doubled("stations", put.stations),
    ...doubled("devices", put.devices),
  ];
  for (const { id, tenant } of put.sites) {
    if (!tenants.has(tenant) && !isUnread("tenants", tenant))
      faults.push({ where: `sites/${id}/tenant`, what: `no tenant "${tenant}"` });
  }
  for (const { id, site } of put.stations) {
    if (!sites.has(site) && !isUnread("sites", site))
      faults.push({ where: `stations/${id}/site`, what: `no site "${site}"` });
  }
  for (const device of touchedDevices(present, put)) {
    const medium = media.get(device.station);
    if (!medium && !isUnread("stations", device.station))
      faults.push({ where: `devices/${device.id}/station`, what: `no station "${device.station}"` });
    faults.push(...quantityFaults(device, medium));
  }
  const devices = present.devices.filter(({ id }) => !isUnread("devices", id));
  return [
    ...faults,
    ...carrierFaults(devices, put, isUnread),
    ...externalFaults(devices, put),
    ...edgeFaults(devices, put),
  ];
}

/** A carrier is a device with a connection of its own: none that is carried itself. */
function carrierFaults(present: readonly Device[], put: RegistryContents, isUnread: IsUnread): RegistryFault[] {
  const devices = new Map([...present, ...put.devices].map((device) => [device.id, device]));
  return put.devices.flatMap(({ id, via }) => {
    if (via === undefined) return [];
    const where = `devices/${id}/via`;
    const carrier = devices.get(via);
    if (!carrier && isUnread("devices", via)) return [];
    if (!carrier) return [{ where, what: `no device "${via}"` }];
    return carrier.via === undefined ? [] : [{ where, what: `"${via}" is carried by "${carrier.via}" itself` }];
  });
}

/** Two devices with one foreign name could not be told apart. */
function externalFaults(present: readonly Device[], put: RegistryContents): RegistryFault[] {
  const replaced = new Set(ids(put.devices));
  const holders = new Map<string, string>();
  for (const device of present) {
    if (!replaced.has(device.id)) for (const name of externalNames(device)) holders.set(name, device.id);
  }
  return put.devices.flatMap((device) =>
    externalNames(device).flatMap((name) => {
      const holder = holders.get(name);
      holders.set(name, device.id);
      if (holder === undefined) return [];
      return [{ where: `devices/${device.id}/profile`, what: `"${name}" belongs to device "${holder}"` }];
    }),
  );
}

/** One Sparkplug edge node speaks through one account: two could change what each other's numbers and aliases mean. */
function edgeFaults(present: readonly Device[], put: RegistryContents): RegistryFault[] {
  const replaced = new Set(ids(put.devices));
  const carriers = new Map<string, Device>();
  return [...present.filter(({ id }) => !replaced.has(id)), ...put.devices].flatMap((device) => {
    const { sparkplug } = device.profile ?? {};
    if (!sparkplug) return [];
    const edge = `${sparkplug.group}/${sparkplug.edge}`;
    const first = carriers.get(edge);
    if (!first) carriers.set(edge, device);
    if (!first || !replaced.has(device.id) || (first.via ?? first.id) === (device.via ?? device.id)) return [];
    const what = `the edge node "${edge}" speaks through "${first.via ?? first.id}" for device "${first.id}", here through "${device.via ?? device.id}"`;
    return [{ where: `devices/${device.id}/via`, what }];
  });
}

/** The file that contents were read from. */
export interface FileOfFaults {
  /** Where a fault stands in it. */
  readonly placeOf?: (where: string) => string;
  /** Its own faults. */
  readonly faults?: readonly string[];
  readonly isUnread?: IsUnread;
}

/** @throws Refused naming every fault: `REGISTRY_FILE_INVALID` when the file has faults of its own, else `REGISTRY_INVALID`. */
export function refuseFaults(present: RegistryContents, put: RegistryContents, file: FileOfFaults = {}): void {
  const { placeOf = (where) => where, faults: own = [], isUnread } = file;
  const faults = registryFaults(present, put, isUnread).map(({ what, where }) => faultText(what, placeOf(where)));
  if (own.length > 0) throw invalidFile([...own, ...faults]);
  if (faults.length === 0) return;
  throw new Refused("REGISTRY_INVALID", {
    what: `${faults.length} fault(s):\n${faults.join("\n")}`,
    where: "registry",
    mend: "correct what is named above; nothing was changed",
  });
}

type Named = { readonly id: string };

function ids(...lists: (readonly Named[])[]): string[] {
  return lists.flatMap((list) => list.map((one) => one.id));
}

function doubled(kind: string, list: readonly Named[]): RegistryFault[] {
  const seen = new Set<string>();
  return list.flatMap(({ id }) => {
    if (seen.has(id)) return [{ where: `${kind}/${id}`, what: "the id is given twice" }];
    seen.add(id);
    return [];
  });
}

function touchedDevices(present: RegistryContents, put: RegistryContents): Device[] {
  const replaced = new Set(ids(put.devices));
  const stations = new Set(ids(put.stations));
  const standing = present.devices.filter((device) => stations.has(device.station) && !replaced.has(device.id));
  return [...put.devices, ...standing];
}

function quantityFaults({ id, quantities, profile }: Device, medium: Medium | undefined): RegistryFault[] {
  const mapped = Object.entries(profile?.map ?? {}).flatMap(([name, { quantity, unit }]) => {
    const where = `devices/${id}/profile/map/${name}`;
    if (!Object.hasOwn(quantities, quantity)) return [{ where, what: `"${quantity}" is not among its quantities` }];
    const what = unit === undefined ? null : quantityFault(quantity, unit, medium);
    return what === null ? [] : [{ where, what }];
  });
  const own = Object.entries(quantities).flatMap(([name, unit]) => {
    const what = quantityFault(name, unit, medium);
    return what === null ? [] : [{ where: `devices/${id}/quantities/${name}`, what }];
  });
  return [...own, ...mapped];
}

/** Without a medium only the name can be judged. */
function quantityFault(name: string, unit: string, medium: Medium | undefined): string | null {
  const quantity = findQuantity(name)?.id;
  if (quantity === undefined) return `no quantity "${name}" is known`;
  if (medium === undefined) return null;
  const spec = quantitySpec(quantity, medium);
  if (!spec) return `${name} is not measured in ${medium}`;
  if (conversion(quantity, medium, unit)) return null;
  return `unit "${unit}" cannot be converted to ${spec.unit}, the unit of ${name} in ${medium}`;
}
