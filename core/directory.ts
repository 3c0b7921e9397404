/** The in-memory copy of the registry that the hot paths ask, and the loop that keeps it fresh. */
import type { Clock } from "./clock.ts";
import type { MaintenanceWindow } from "./maintenance.ts";
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
  const maintenance = new Map<string, MaintenanceWindow[]>();
  for (const window of snapshot.maintenance) {
    const others = maintenance.get(window.station);
    if (others) others.push(window);
    else maintenance.set(window.station, [window]);
  }
  const revoked = new Map(snapshot.revoked.map(({ device, since }) => [device, since]));
  const revokedSince = (id: string): number | undefined => {
    const via = devices.get(id)?.device.via;
    const [own, carrier] = [revoked.get(id), via === undefined ? undefined : revoked.get(via)];
    return own === undefined || carrier === undefined ? (own ?? carrier) : Math.min(own, carrier);
  };
  return {
    version: snapshot.version,
    snapshot,
    external: (name) => external.get(name),
    revokedSince,
    carriedBy: (account) => carried.get(account) ?? [],
    device: (id) => devices.get(id),
    station: (id) => stations.get(id),
    maintenance: (station) => maintenance.get(station),
    credentials: (device) => credentials.get(device) ?? NO_CREDENTIALS,
  };
}

/** Names a device goes by in foreign protocols; unique in the registry. */
export function externalNames({ profile }: Device): readonly string[] {
  const { hj212, lorawan, sparkplug } = profile ?? {};
  return [
    ...(hj212 ? [externalName.mn(hj212.mn)] : []),
    ...(lorawan ? [externalName.devEui(lorawan.devEui)] : []),
    ...(lorawan?.downlink?.server === "tts"
      ? [externalName.tts(lorawan.downlink.application, lorawan.downlink.device)]
      : []),
    ...(sparkplug ? [externalName.sparkplug(sparkplug.group, sparkplug.edge, sparkplug.device)] : []),
  ];
}

export const externalName = {
  mn: (mn: string): string => `mn:${mn}`,
  /** Case of the hexadecimal digits does not matter. */
  devEui: (eui: string): string => `eui:${eui.toUpperCase()}`,
  /** As The Things Stack's topics name it; some of its events leave the EUI out. */
  tts: (application: string, device: string): string => `tts:${application}/${device}`,
  sparkplug: (group: string, edge: string, device?: string): string =>
    `spb:${group}/${edge}${device === undefined ? "" : `/${device}`}`,
};

const POLL_MS = 500;

export interface FollowedRegistry {
  /** The newest copy. */
  readonly directory: () => Directory;
  /** Resolves once the copy holds every change committed before the call. A registry that cannot be read: the old copy stays. */
  readonly refresh: () => Promise<void>;
  readonly stop: () => void;
}

/**
 * Reads the registry, and again whenever any process or thread has changed it.
 *
 * @param parts.before awaited between reading a newer copy and putting it in force: what must not be older than it.
 */
export async function followRegistry(
  registry: Registry,
  { clock, log, before }: { clock: Clock; log: Logger; before?: () => Promise<void> },
): Promise<FollowedRegistry> {
  let current = createDirectory(await registry.snapshot());
  let isReadable = true;
  const poll = async (): Promise<void> => {
    try {
      if ((await registry.version()) !== current.version) {
        const next = createDirectory(await registry.snapshot());
        await before?.();
        current = next;
      }
      if (!isReadable) log.info({}, "registry can be read again");
      isReadable = true;
    } catch (error) {
      if (isReadable) log.warn({ err: error }, "registry could not be read; the old copy stays");
      isReadable = false;
    }
  };
  let queued = 0;
  let last: Promise<void> = Promise.resolve();
  const refresh = (): Promise<void> => {
    queued += 1;
    last = last.then(poll).finally(() => {
      queued -= 1;
    });
    return last;
  };
  const stop = clock.every(POLL_MS, () => {
    if (queued === 0) void refresh();
  });
  return { directory: () => current, refresh, stop };
}
