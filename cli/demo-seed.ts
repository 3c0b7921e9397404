/** What the demonstration starts from: the registry of the city, people with fresh passwords, every sender's own credential. */
import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import { fieldSecretPurpose } from "../core/field-secret.ts";
import { loadSealingKey, seal } from "../core/sealed.ts";
import { hmacSecret, loadPepper, newSecret } from "../core/secret.ts";
import type { Role } from "../core/site.ts";
import { devicePrefix } from "../core/wire.ts";
import { hashPassword } from "../dashboards/passwords.ts";
import type { DemoCity } from "../simulators/city.ts";
import type { DeviceIdentity } from "../simulators/device.ts";
import type { Equipment } from "../simulators/equipment.ts";
import { type Ledger, openLedger } from "../storage/sql-sqlite.ts";

export interface Person {
  readonly name: string;
  readonly role: Role;
  readonly tenant: string | null;
  readonly password: string;
}

const PEOPLE: readonly Omit<Person, "password">[] = [
  { name: "admin", role: "admin", tenant: null },
  { name: "officer", role: "officer", tenant: null },
  { name: "regulator", role: "regulator", tenant: null },
  { name: "smelter", role: "enterprise", tenant: "demo-smelter" },
];

export interface DemoSeed {
  readonly people: readonly Person[];
  /** Of every account over MQTT, and every HJ 212 password. */
  readonly secrets: ReadonlyMap<string, string>;
}

export async function seedLedger(dataDir: string, { contents }: DemoCity, equipment: Equipment): Promise<DemoSeed> {
  const pepper = loadPepper(dataDir);
  const ledger = await openLedger({ file: join(dataDir, "ledger.db"), clock: systemClock });
  try {
    await ledger.registry.put(contents, "demo");
    const people = PEOPLE.map((person) => ({ ...person, password: newSecret().slice(0, 16) }));
    for (const { password, ...person } of people)
      await ledger.accounts.putUser({ ...person, passwordHash: await hashPassword(password), totp: null });
    const passwords = await putLoggerPasswords(ledger, dataDir, equipment);
    // What an account carries, and a logger, has no MQTT connection of its own.
    const accounts = contents.devices.filter(({ id, via }) => via === undefined && !passwords.has(id));
    const secrets = new Map(accounts.map(({ id }) => [id, newSecret()]));
    await ledger.registry.putCredentials(
      [...secrets].map(([device, secret]) => ({ device, hmac: hmacSecret(pepper, secret) })),
      "demo",
    );
    return { people, secrets: new Map([...secrets, ...passwords]) };
  } finally {
    await ledger.close();
  }
}

/** HJ 212-2017 table 3: PW has 6 characters. */
const LOGGER_PASSWORD_LENGTH = 6;

async function putLoggerPasswords(
  { fieldSecrets }: Ledger,
  dataDir: string,
  { loggers }: Equipment,
): Promise<ReadonlyMap<string, string>> {
  const key = loadSealingKey(dataDir);
  const passwords = new Map(loggers.map(({ device }) => [device.id, newSecret().slice(0, LOGGER_PASSWORD_LENGTH)]));
  for (const [device, password] of passwords) {
    const secret = { device, kind: "hj212-password" } as const;
    await fieldSecrets.put({ ...secret, sealed: seal(key, password, fieldSecretPurpose(secret)) }, "demo");
  }
  return passwords;
}

/** Devices that speak our own format, by station. */
export function fleetIdentities(
  { contents }: DemoCity,
  equipment: Equipment,
  secrets: ReadonlyMap<string, string>,
): readonly (DeviceIdentity & { readonly station: string; readonly quantities: Readonly<Record<string, string>> })[] {
  const stations = new Map(contents.stations.map((station) => [station.id, station]));
  const sites = new Map(contents.sites.map((site) => [site.id, site]));
  return contents.devices.flatMap((device) => {
    const station = stations.get(device.station);
    const site = station && sites.get(station.site);
    if (!station || !site || equipment.ids.has(device.id)) return [];
    const { id, quantities } = device;
    const prefix = devicePrefix(site, station, device);
    return [{ id, secret: secrets.get(id) ?? "", prefix, station: station.id, quantities }];
  });
}
