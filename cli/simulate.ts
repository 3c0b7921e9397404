/**
 * `jingtu simulate`: with `--csv` replays real measurements through real MQTT as devices, with their original times; with
 * `--protocol` simulates equipment of other worlds (simulate-field.ts).
 */
import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import { EXIT, Misconfigured } from "../core/errors.ts";
import type { RegistryContents } from "../core/ports.ts";
import { hmacSecret, loadPepper, newSecret } from "../core/secret.ts";
import { devicePrefix } from "../core/wire.ts";
import { replayCsv, tapeRegistry } from "../simulators/csv.ts";
import type { DeviceIdentity } from "../simulators/device.ts";
import { parseMapFile } from "../simulators/map-file.ts";
import { parseRegistryFile } from "../storage/registry-file.ts";
import { openLedger } from "../storage/sql-sqlite.ts";
import { simulateField } from "./simulate-field.ts";
import { readText, UsageError, type Verb } from "./verb.ts";

export const simulateVerb: Verb = {
  name: "simulate",
  summary: "replay a CSV of real measurements as devices over MQTT, or simulate equipment of a protocol",
  operands: "",
  options: {
    csv: { type: "string", value: "FILE", help: "the measurements" },
    map: { type: "string", value: "FILE", help: "how its columns become readings, see simulators/README.md" },
    speed: { type: "string", value: "max|N", help: "as fast as acknowledged (default), or N times real time" },
    url: { type: "string", value: "URL", help: "broker, default mqtt://127.0.0.1:<EWS_MQTT_PORT>" },
    registry: { type: "string", value: "FILE", help: "registry YAML with the secrets of the devices" },
    provision: { type: "boolean", help: "register the stations and devices of the file in EWS_DATA_DIR first" },
    protocol: {
      type: "string",
      value: "NAME",
      help: "instead of --csv: hj212, sparkplug, chirpstack or tts; modelled values of the registry file's devices until Ctrl-C",
    },
    interval: { type: "string", value: "30s", help: "with --protocol: time between values" },
    days: { type: "string", value: "N", help: "with --protocol: days of history first, default 0" },
    seed: { type: "string", value: "N", help: "with --protocol: seed of the modelled values, default 1" },
    hj212: { type: "string", value: "HOST:PORT", help: "with --protocol hj212, default 127.0.0.1:<EWS_HJ212_PORT>" },
    "password-file": {
      type: "string",
      value: "FILE",
      help: "with --protocol hj212: PW of the loggers, default 123456",
    },
    boot: { type: "string", value: "ID", help: "boot id of the replayed messages, default made from the time" },
  },
  run: async (call) => {
    if (call.text("protocol") !== undefined) return await simulateField(call);
    const [csv, mapFile] = [call.text("csv"), call.text("map")];
    if (!csv || !mapFile) throw new UsageError("--csv and --map are needed, or --protocol");
    const config = call.config();
    const map = parseMapFile(readText(mapFile), mapFile);
    const registryFile = call.text("registry");
    const identities = call.flag("provision")
      ? await provision(config, await tapeRegistry(csv, map))
      : registryFile
        ? identitiesOf(registryFile)
        : undefined;
    if (!identities) throw new UsageError("give --registry FILE with the devices' secrets, or --provision");
    const report = await replayCsv({
      file: csv,
      map,
      url: call.text("url") ?? `mqtt://127.0.0.1:${config.mqttPort}`,
      identities,
      speed: parseSpeed(call.text("speed")),
      boot: call.text("boot") ?? `replay-${systemClock.now().toString(36)}`,
      clock: systemClock,
      signal: call.signal,
      onTrouble: (what) => call.out.say(what),
    });
    call.out.result(report);
    return report.acknowledged === report.messages ? EXIT.ok : EXIT.failed;
  },
};

function parseSpeed(text: string | undefined): "max" | number {
  if (text === undefined || text === "max") return "max";
  const speed = Number(text);
  if (!(speed > 0)) throw new UsageError(`--speed takes "max" or a number above 0, not "${text}"`);
  return speed;
}

/**
 * Registers what the tape needs, with new secrets. A running server knows it within a second; devices try again until
 * then. Places that exist already stay as they are.
 */
async function provision(config: Config, contents: RegistryContents): Promise<Map<string, DeviceIdentity>> {
  const pepper = loadPepper(config.dataDir);
  const ledger = await openLedger({ file: join(config.dataDir, "ledger.db"), clock: systemClock });
  try {
    const secrets = new Map(contents.devices.map((device) => [device.id, newSecret()]));
    const known = await ledger.registry.snapshot();
    const absent = <T extends { readonly id: string }>(
      wanted: readonly T[],
      present: readonly { readonly id: string }[],
    ): T[] => wanted.filter(({ id }) => !present.some((entry) => entry.id === id));
    const added = {
      tenants: absent(contents.tenants, known.tenants),
      sites: absent(contents.sites, known.sites),
      stations: absent(contents.stations, known.stations),
      devices: contents.devices, // devices of a replay are the replay's own: `replay-<station>`
    };
    await ledger.registry.put(added, "simulate");
    await ledger.registry.putCredentials(
      [...secrets].map(([device, secret]) => ({ device, hmac: hmacSecret(pepper, secret) })),
      "simulate",
    );
    // Where a place existed already, its own site and tenant are in the topic.
    return identityMap({ ...(await ledger.registry.snapshot()), devices: contents.devices }, secrets);
  } finally {
    await ledger.close();
  }
}

function identitiesOf(file: string): Map<string, DeviceIdentity> {
  const registry = parseRegistryFile(readText(file), "yaml");
  const secrets = new Map(
    registry.devices.flatMap((device) => (device.secret ? [[device.id, device.secret] as const] : [])),
  );
  const missing = registry.devices.filter((device) => !secrets.has(device.id)).map((device) => device.id);
  if (missing.length > 0)
    throw new Misconfigured("SECRET_MISSING", {
      what: `no secret for ${missing.join(", ")}`,
      where: file,
      mend: "add `secret:` to each device of the file",
    });
  return identityMap(registry, secrets);
}

function identityMap(contents: RegistryContents, secrets: ReadonlyMap<string, string>): Map<string, DeviceIdentity> {
  const stations = new Map(contents.stations.map((station) => [station.id, station]));
  const sites = new Map(contents.sites.map((site) => [site.id, site]));
  const identities = new Map<string, DeviceIdentity>();
  for (const device of contents.devices) {
    const station = stations.get(device.station);
    const site = station && sites.get(station.site);
    const secret = secrets.get(device.id);
    if (station && site && secret)
      identities.set(station.id, { id: device.id, secret, prefix: devicePrefix(site, station, device) });
  }
  return identities;
}
