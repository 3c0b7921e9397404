/**
 * `jingtu simulate --protocol`: equipment of other worlds as a registry file describes it, sending modelled values to a
 * running server until Ctrl-C.
 */
import { readFileSync } from "node:fs";
import { systemClock } from "../core/clock.ts";
import { EXIT, Misconfigured } from "../core/errors.ts";
import { Duration } from "../core/site.ts";
import { type Equipment, equipmentOf, type FieldLogger } from "../simulators/equipment.ts";
import { createField } from "../simulators/field.ts";
import { chirpstackFormat, ttsFormat } from "../simulators/lorawan-events.ts";
import { createPlant } from "../simulators/plant.ts";
import { typicalValue } from "../simulators/typical.ts";
import { parseRegistryFile } from "../storage/registry-file.ts";
import { type Call, readText, UsageError } from "./verb.ts";

const DAY_MS = 86_400_000;
/** A logger without a password of its own is answered whatever it sends. */
const PASSWORD_USUAL = "123456";

const FORMATS = {
  chirpstack: chirpstackFormat({ application: "3f0c8a52-6f0e-4a35-9d1c-2f1f0f3f7a10", name: "simulated" }),
  tts: ttsFormat({ application: "simulated", tenant: "ttn" }),
};

export async function simulateField(call: Call): Promise<number> {
  const protocol = call.text("protocol") ?? "";
  const file = call.text("registry");
  if (file === undefined) throw new UsageError("--protocol needs --registry FILE with the devices and their secrets");
  const registry = parseRegistryFile(readText(file), "yaml");
  const equipment = chosen(equipmentOf(registry), protocol, (what) => call.out.say(what));
  if (equipment.ids.size === 0)
    throw new Misconfigured("NO_SUCH_DEVICES", {
      what: `no device of the file speaks ${protocol}`,
      where: file,
      mend: "give devices a profile and `via` as docs/protocols shows",
    });
  const passwordFile = call.text("password-file");
  const secrets = new Map(registry.devices.map(({ id, secret }) => [id, secret]));
  const mediumOf = new Map(registry.stations.map(({ id, medium }) => [id, medium]));
  const unitOf = new Map(
    registry.devices.flatMap(({ station, quantities }) =>
      Object.entries(quantities).map(([quantity, unit]) => [`${station}/${quantity}`, unit] as const),
    ),
  );
  const seed = wholeNumber(call, "seed", 1);
  const plant = createPlant({ seed, scenario: "calm", releasedAt: systemClock.now() });
  const said = new Set<string>();
  const say = (what: string): void => {
    if (!said.has(what)) call.out.say(what);
    said.add(what);
  };
  const field = createField({
    equipment,
    ...addressesOf(call),
    secretOf: (id) => {
      if (equipment.loggers.some(({ device }) => device.id === id))
        return passwordFile === undefined ? PASSWORD_USUAL : readFileSync(passwordFile, "utf8").trim();
      return secrets.get(id) ?? missing(id, file);
    },
    measure: (station, quantity, time) => {
      const [medium, unit] = [mediumOf.get(station), unitOf.get(`${station}/${quantity}`)];
      if (!medium || !unit) return null;
      const value = typicalValue(plant, { station, quantity, medium, unit }, time);
      if (value === null) say(`${quantity} in ${medium} has no usual value here; it is not sent`);
      return value;
    },
    formatOf: () => FORMATS[protocol === "tts" ? "tts" : "chirpstack"],
    clock: systemClock,
    seed,
    air: { lost: 0.02, repeated: 0.01 },
    onTrouble: say,
  });
  try {
    const to = systemClock.now();
    const from = to - wholeNumber(call, "days", 0) * DAY_MS;
    const aborted = new Promise<void>((resolve) =>
      call.signal.addEventListener("abort", () => resolve(), { once: true }),
    );
    await Promise.race([field.backfill({ from, to }, () => undefined), aborted]);
    if (!call.signal.aborted) await field.live(intervalOf(call), call.signal);
    call.out.result({ protocol, devices: equipment.ids.size, acknowledged: field.acknowledged() });
    return EXIT.ok;
  } finally {
    await field.close();
  }
}

function chosen(all: Equipment, protocol: string, say: (what: string) => void): Equipment {
  const none = { loggers: [], edges: [], networks: [] };
  const idsOf = (carriers: readonly { account: string; devices: readonly { device: { id: string } }[] }[]): string[] =>
    carriers.flatMap(({ account, devices }) => [account, ...devices.map(({ device }) => device.id)]);
  switch (protocol) {
    case "hj212": {
      const loggers = all.loggers.filter((logger) => isSpoken(logger, say));
      return { ...none, loggers, ids: new Set(loggers.map(({ device }) => device.id)) };
    }
    case "sparkplug":
      return { ...none, edges: all.edges, ids: new Set(idsOf(all.edges)) };
    case "chirpstack":
    case "tts":
      return { ...none, networks: all.networks, ids: new Set(idsOf(all.networks)) };
    default:
      throw new UsageError(`--protocol takes hj212, sparkplug, chirpstack or tts, not "${protocol}"`);
  }
}

function isSpoken({ device }: FieldLogger, say: (what: string) => void): boolean {
  const { edition, crc } = device.profile?.hj212 ?? {};
  if (edition === "2017" && crc === "hj212") return true;
  say(`${device.id}: the simulated logger speaks edition 2017 with its own check only; it is left out`);
  return false;
}

function missing(id: string, file: string): never {
  throw new Misconfigured("SECRET_MISSING", {
    what: `no secret for ${id}`,
    where: file,
    mend: "add `secret:` to the account's entry in the file",
  });
}

function addressesOf(call: Call): { mqttUrl: string; hj212: { host: string; port: number } } {
  const config = call.config();
  const text = call.text("hj212") ?? `127.0.0.1:${config.hj212Port}`;
  const [, host = "", port = ""] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === "") throw new UsageError(`--hj212 takes HOST:PORT, not "${text}"`);
  return { mqttUrl: call.text("url") ?? `mqtt://127.0.0.1:${config.mqttPort}`, hj212: { host, port: Number(port) } };
}

function intervalOf(call: Call): number {
  const interval = Duration.safeParse(call.text("interval") ?? "30s");
  if (interval.success && interval.data >= 100) return interval.data;
  throw new UsageError(`--interval takes a duration from 100ms on, such as 30s, not "${call.text("interval")}"`);
}

function wholeNumber(call: Call, option: string, usual: number): number {
  const value = Number(call.text(option) ?? usual);
  if (!Number.isInteger(value) || value < 0) throw new UsageError(`--${option} takes a whole number`);
  return value;
}
