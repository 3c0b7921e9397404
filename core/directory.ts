/** The in-memory copy of the registry that the hot paths ask, and the loop that keeps it fresh. */
import type { Clock } from "./clock.ts";
import type { Logger } from "./observe.ts";
import type { DeviceCredential, Directory, Registry, RegistrySnapshot } from "./ports.ts";
import type { Device, DeviceContext, Site, Station } from "./site.ts";

const NO_CREDENTIALS: readonly DeviceCredential[] = [];

export function createDirectory(snapshot: RegistrySnapshot): Directory {
  const sites = new Map(snapshot.sites.map((site) => [site.id, site]));
  const stations = new Map<string, { station: Station; site: Site }>();
  for (const station of snapshot.stations) {
    const site = sites.get(station.site);
    if (site) stations.set(station.id, { station, site });
  }
  const devices = new Map<string, DeviceContext>();
  for (const device of snapshot.devices) {
    const place = stations.get(device.station);
    if (place) devices.set(device.id, { device, ...place });
  }
  const credentials = new Map<string, DeviceCredential[]>();
  for (const credential of snapshot.credentials) {
    const others = credentials.get(credential.device);
    if (others) others.push(credential);
    else credentials.set(credential.device, [credential]);
  }
  const external = new Map<string, DeviceContext>();
  const carried = new Map<string, DeviceContext[]>();
  for (const context of devices.values()) {
    const { via } = context.device;
    for (const name of externalNames(context.device)) external.set(name, context);
    if (via === undefined) continue;
    const others = carried.get(via);
    if (others) others.push(context);
    else carried.set(via, [context]);
  }
  return {
    version: snapshot.version,
    snapshot,
    external: (name) => external.get(name),
    carriedBy: (account) => carried.get(account) ?? [],
    device: (id) => devices.get(id),
    station: (id) => stations.get(id),
    credentials: (device) => credentials.get(device) ?? NO_CREDENTIALS,
  };
}

/** Names a device goes by in foreign protocols; unique in the registry. */
export function externalNames({ profile }: Device): readonly string[] {
  const { hj212, lorawan, sparkplug } = profile ?? {};
  return [
    ...(hj212 ? [externalName.mn(hj212.mn)] : []),
    ...(lorawan ? [externalName.devEui(lorawan.devEui)] : []),
    ...(sparkplug ? [externalName.sparkplug(sparkplug.group, sparkplug.edge, sparkplug.device)] : []),
  ];
}

export const externalName = {
  mn: (mn: string): string => `mn:${mn}`,
  /** Case of the hexadecimal digits does not matter. */
  devEui: (eui: string): string => `eui:${eui.toUpperCase()}`,
  sparkplug: (group: string, edge: string, device?: string): string =>
    `spb:${group}/${edge}${device === undefined ? "" : `/${device}`}`,
};

const POLL_MS = 500;

/** Calls `onChange` with a fresh directory whenever any process changed the registry. Returns a function that stops it. */
export function followRegistry(
  registry: Registry,
  from: number,
  onChange: (directory: Directory) => void,
  parts: { clock: Clock; log: Logger },
): () => void {
  let version = from;
  let busy = false;
  return parts.clock.every(POLL_MS, () => {
    if (busy) return;
    busy = true;
    const poll = async (): Promise<void> => {
      if ((await registry.version()) === version) return;
      const snapshot = await registry.snapshot();
      version = snapshot.version;
      onChange(createDirectory(snapshot));
    };
    poll()
      .catch((error) => parts.log.warn({ err: error }, "registry could not be read; the old copy stays"))
      .finally(() => {
        busy = false;
      });
  });
}
