/** Brings a registry file into the registry: what is new or changed, and a secret for each device that has none. */
import type { DeviceCredential, Registry, RegistryContents, RegistrySnapshot } from "../core/ports.ts";
import { hmacSecret, newSecret } from "../core/secret.ts";
import { canonicalJson } from "./canonical-json.ts";
import { type FileOfFaults, refuseFaults } from "./registry-check.ts";
import type { RegistryFile } from "./registry-file.ts";

export interface ImportOutcome {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  /** What is added and changed, one by one: "add devices/dev-1", "change sites/park". */
  readonly changes: readonly string[];
  /** Secrets made now: shown once, kept only as HMAC. Empty on a dry run. */
  readonly secrets: readonly { readonly device: string; readonly secret: string }[];
  /** Devices that have or get a credential from this import. */
  readonly credentials: readonly string[];
  /** Devices whose written secret is short enough to be guessed. */
  readonly weak: readonly string[];
  /** Devices whose written secret was rotated out or revoked: an old file does not bring it back. */
  readonly ended: readonly string[];
}

/** Shorter than this, a secret may be found by trying should the database and the pepper leak. */
const SECRET_LENGTH_SAFE = 16;

/**
 * A device without `secret` in the file keeps the credential it has. A dry run checks everything and writes nothing.
 *
 * @param parts a surveyed file with faults is refused with all of them, those that only the registry as a whole shows included.
 * @throws Refused `REGISTRY_INVALID` naming every dangling reference, unknown quantity and unfit unit;
 *   `REGISTRY_FILE_INVALID` when the file has faults of its own.
 */
export async function importRegistry(
  parts: FileOfFaults & {
    readonly registry: Registry;
    readonly pepper: Buffer;
    readonly file: RegistryFile;
    readonly dryRun: boolean;
    readonly by: string;
  },
): Promise<ImportOutcome> {
  const { registry, pepper, file, dryRun, by } = parts;
  const present = await registry.snapshot();
  const contents = { ...file, devices: file.devices.map(({ secret: _secret, ...device }) => device) };
  const { put, changes, ...counts } = compare(present, contents);
  refuseFaults(present, put, parts);
  const { credentials, secrets, ended } = newCredentials(present, file, pepper);
  if (!dryRun) {
    if (changes.length > 0) await registry.put(put, by);
    await registry.putCredentials(credentials, by);
  }
  const weak = file.devices.filter(({ secret }) => secret !== undefined && secret.length < SECRET_LENGTH_SAFE);
  return {
    ...counts,
    changes,
    secrets: dryRun ? [] : secrets,
    credentials: credentials.map(({ device }) => device),
    weak: weak.map(({ id }) => id),
    ended,
  };
}

function compare(present: RegistryContents, wanted: RegistryContents) {
  const changes: string[] = [];
  const counts = { added: 0, changed: 0, unchanged: 0 };
  const differing = <T extends { readonly id: string }>(kind: string, old: readonly T[], fresh: readonly T[]): T[] => {
    const byId = new Map(old.map((one) => [one.id, canonicalJson(one)]));
    return fresh.filter((one) => {
      const before = byId.get(one.id);
      const isNew = before === undefined;
      const isSame = before === canonicalJson(one);
      counts[isSame ? "unchanged" : isNew ? "added" : "changed"]++;
      if (!isSame) changes.push(`${isNew ? "add" : "change"} ${kind}/${one.id}`);
      return !isSame;
    });
  };
  const put: RegistryContents = {
    tenants: differing("tenants", present.tenants, wanted.tenants),
    sites: differing("sites", present.sites, wanted.sites),
    stations: differing("stations", present.stations, wanted.stations),
    devices: differing("devices", present.devices, wanted.devices),
  };
  return { put, changes, ...counts };
}

function newCredentials(present: RegistrySnapshot, file: RegistryFile, pepper: Buffer) {
  const known = new Map<string, DeviceCredential[]>();
  for (const credential of present.credentials) {
    known.set(credential.device, [...(known.get(credential.device) ?? []), credential]);
  }
  const secrets: { device: string; secret: string }[] = [];
  const ended: string[] = [];
  const credentials = file.devices.flatMap(({ id: device, secret: written }) => {
    const before = known.get(device);
    if (written === undefined && before) return [];
    const secret = written ?? newSecret();
    if (written === undefined) secrets.push({ device, secret });
    const hmac = hmacSecret(pepper, secret);
    const same = before?.find((one) => one.hmac === hmac);
    if (same?.validUntil !== undefined) ended.push(device);
    return same ? [] : [{ device, hmac }];
  });
  return { credentials, secrets, ended };
}
