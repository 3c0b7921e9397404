/** The registry of a replay: places and devices of a file, rules of a folder, nothing of a server. */
import { createDirectory } from "./core/directory.ts";
import type { Directory, RegistryContents } from "./core/ports.ts";
import { findQuantity } from "./core/quantity.ts";
import type { Rule, VersionedRule } from "./core/rule.ts";
import type { Device } from "./core/site.ts";

/** As the registry takes it for a device that says nothing. */
const INTERVAL_MS = 600_000;

/** What a tape holds of one quantity at one station. */
export interface TapeColumn {
  readonly station: string;
  readonly quantity: string;
  readonly unit: string;
  readonly interval: number | null;
}

/** Rules as files give them, as version 1. */
export function versioned(rules: readonly Rule[]): VersionedRule[] {
  return rules.map((rule) => ({ version: 1, rule, changedAt: 0, changedBy: "file" }));
}

/**
 * A directory over places and rules. Quantities of the tape that no device of the file reports get one device a station,
 * `replay-<station>`, so that a file without devices will do.
 */
export function replayDirectory(
  contents: RegistryContents,
  rules: readonly VersionedRule[],
  columns: readonly TapeColumn[],
): Directory {
  const devices = [...contents.devices, ...missingDevices(contents.devices, columns)];
  const base = { version: 1, tenants: contents.tenants, sites: contents.sites, stations: contents.stations };
  return createDirectory({ ...base, devices, credentials: [], revoked: [], rules, maintenance: [] });
}

function missingDevices(devices: readonly Device[], columns: readonly TapeColumn[]): Device[] {
  const reported = new Set(
    devices.flatMap((device) => Object.keys(device.quantities).map((name) => keyOf(device.station, name))),
  );
  const made = new Map<string, Device>();
  for (const { station, quantity, unit, interval } of columns) {
    if (reported.has(keyOf(station, quantity))) continue;
    const device = made.get(station);
    const quantities = { ...device?.quantities, [quantity]: unit };
    const span = Math.min(device?.interval ?? Number.POSITIVE_INFINITY, interval ?? INTERVAL_MS);
    made.set(station, { id: `replay-${station}`.slice(0, 64), station, interval: span, quantities });
  }
  return [...made.values()];
}

function keyOf(station: string, quantity: string): string {
  return `${station}/${findQuantity(quantity)?.id ?? quantity}`;
}
