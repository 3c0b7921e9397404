/**
 * `npm run demo`: a whole city in one process on temporary data. Real broker, real devices over MQTT, 30 days of
 * history, live values, and in scenario `plume` a cadmium alarm within minutes. Ctrl-C removes its data.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type App, startApp } from "../app.ts";
import { systemClock } from "../core/clock.ts";
import { Config } from "../core/config.ts";
import { EXIT } from "../core/errors.ts";
import { createLogger } from "../core/observe.ts";
import { hmacSecret, loadPepper, newSecret } from "../core/secret.ts";
import type { Role } from "../core/site.ts";
import { devicePrefix } from "../core/wire.ts";
import { hashPassword } from "../dashboards/passwords.ts";
import { type DemoCity, demoCity } from "../simulators/city.ts";
import { createFleet, type FleetMember } from "../simulators/fleet.ts";
import { createPlant, type Plant, type Scenario } from "../simulators/plant.ts";
import { openLedger } from "../storage/sql-sqlite.ts";
import { VERSION } from "../version.ts";
import { type Output, UsageError, type Verb } from "./verb.ts";

const HISTORY_STEP_MS = 600_000;
const DAY_MS = 86_400_000;
/** Devices of the demo report this often, more than their registered interval of 10 min asks for, so that people see it live. */
const LIVE_INTERVAL_MS = 5_000;

export const demoVerb: Verb = {
  name: "demo",
  summary: "a demonstration city with simulated devices on temporary data",
  operands: "",
  options: {
    scenario: {
      type: "string",
      value: "NAME",
      help: "plume (default): a cadmium alarm within minutes; calm: no pollution alarm",
    },
    days: { type: "string", value: "N", help: "days of history, default 30" },
    seed: { type: "string", value: "N", help: "seed of the simulated ground, default 1" },
  },
  run: async ({ text, out, signal, env }) => {
    const scenario = scenarioOf(text("scenario"));
    const days = wholeNumber(text("days") ?? "30", "--days");
    const seed = wholeNumber(text("seed") ?? "1", "--seed");
    const dataDir = mkdtempSync(join(tmpdir(), "jingtu-demo-"));
    let app: App | undefined;
    let fleet: ReturnType<typeof createFleet> | undefined;
    try {
      const config = await demoConfig(dataDir, env["EWS_LOG_LEVEL"] ?? "error", out);
      const city = demoCity(HISTORY_STEP_MS);
      // Until the history is in, the ground is calm; the leak begins when people can watch.
      let plant = createPlant({ seed, scenario: "calm", releasedAt: systemClock.now() });
      const { people, members } = await seedLedger(dataDir, city, () => plant);
      let fatal: ((error: Error) => void) | undefined;
      const failed = new Promise<Error>((resolve) => (fatal = resolve));
      app = await startApp({
        config,
        version: VERSION,
        log: createLogger(config.logLevel, "demo"),
        onFirstPassword: () => undefined,
        onFatal: (error) => fatal?.(error),
      });
      fleet = createFleet({ url: `mqtt://127.0.0.1:${app.addresses.mqtt}`, members, boot: "demo", clock: systemClock });
      await backfill(fleet, days, out, signal);
      plant = createPlant({ seed, scenario, releasedAt: systemClock.now() });
      if (!signal.aborted) announce(app, people, city, scenario, out);
      const error = await Promise.race([failed, fleet.live(LIVE_INTERVAL_MS, signal).then(() => undefined)]);
      if (error) throw error;
      return EXIT.ok;
    } finally {
      out.say("Stopping; removing the demo's data.");
      await fleet?.close();
      await app?.stop();
      rmSync(dataDir, { recursive: true, force: true });
    }
  },
};

function scenarioOf(text = "plume"): Scenario {
  if (text !== "plume" && text !== "calm") throw new UsageError(`--scenario takes plume or calm, not "${text}"`);
  return text;
}

function wholeNumber(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new UsageError(`${option} takes a whole number, not "${text}"`);
  return value;
}

/** The usual ports, or the next free ones, said aloud. */
async function demoConfig(dataDir: string, logLevel: string, out: Output): Promise<Config> {
  const [mqttPort, wsPort, httpPort, hj212Port] = [
    await freePort(1883, "MQTT", out),
    await freePort(9001, "WebSocket", out),
    await freePort(8080, "HTTP", out),
    await freePort(9212, "HJ 212", out),
  ];
  return Config.parse({ dataDir, mqttPort, mqttsPort: 0, wsPort, httpPort, hj212Port, logLevel });
}

const PORTS_TRIED_MAX = 50;
async function freePort(wanted: number, name: string, out: Output): Promise<number> {
  for (let port = wanted; port < wanted + PORTS_TRIED_MAX; port++) {
    if (await isFree(port)) {
      if (port !== wanted) out.say(`${name} port ${wanted} is busy; using ${port}.`);
      return port;
    }
  }
  return 0;
}
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

interface Person {
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

/** The registry, the people with fresh passwords, and every device's own credential. */
async function seedLedger(
  dataDir: string,
  city: DemoCity,
  plant: () => Plant,
): Promise<{ people: Person[]; members: FleetMember[] }> {
  const pepper = loadPepper(dataDir);
  const ledger = await openLedger({ file: join(dataDir, "ledger.db"), clock: systemClock });
  try {
    const { contents, behaviours } = city;
    await ledger.registry.put(contents, "demo");
    const people = PEOPLE.map((person) => ({ ...person, password: newSecret().slice(0, 16) }));
    for (const { password, ...person } of people)
      await ledger.accounts.putUser({ ...person, passwordHash: await hashPassword(password), totp: null });
    const stations = new Map(contents.stations.map((station) => [station.id, station]));
    const sites = new Map(contents.sites.map((site) => [site.id, site]));
    const secrets = new Map(contents.devices.map((device) => [device.id, newSecret()]));
    await ledger.registry.putCredentials(
      [...secrets].map(([device, secret]) => ({ device, hmac: hmacSecret(pepper, secret) })),
      "demo",
    );
    const members = contents.devices.flatMap((device): FleetMember[] => {
      const station = stations.get(device.station);
      const site = station && sites.get(station.site);
      if (!station || !site) return [];
      const measure = (time: number) =>
        Object.entries(device.quantities).flatMap(([quantity, unit]) => {
          const behaviour = behaviours.get(`${station.id}/${quantity}`);
          return behaviour
            ? [{ p: quantity, v: plant().value(`${station.id}/${quantity}`, behaviour, time), u: unit }]
            : [];
        });
      return [
        {
          identity: {
            id: device.id,
            secret: secrets.get(device.id) ?? "",
            prefix: devicePrefix(site, station, device),
          },
          measure,
        },
      ];
    });
    return { people, members };
  } finally {
    await ledger.close();
  }
}

async function backfill(
  fleet: ReturnType<typeof createFleet>,
  days: number,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = systemClock.monotonic();
  const to = Math.floor(systemClock.now() / HISTORY_STEP_MS) * HISTORY_STEP_MS;
  let said = 0;
  const work = fleet.backfill({ from: to - days * DAY_MS, to, stepMs: HISTORY_STEP_MS }, (readings) => {
    if (readings - said < 250_000) return;
    said = readings;
    out.say(`  ${readings.toLocaleString("en")} readings of history acknowledged …`);
  });
  out.say(`Sending ${days} days of history over MQTT …`);
  const total = await Promise.race([
    work,
    new Promise<null>((resolve) => signal.addEventListener("abort", () => resolve(null), { once: true })),
  ]);
  if (total === null) return;
  const seconds = (systemClock.monotonic() - startedAt) / 1_000;
  out.say(
    `${total.toLocaleString("en")} readings in ${seconds.toFixed(1)} s, every one acknowledged after it was on disk.`,
  );
}

function announce(
  app: App,
  people: readonly Person[],
  { plumeStation }: DemoCity,
  scenario: Scenario,
  out: Output,
): void {
  const width = Math.max(...people.map((person) => person.name.length));
  out.document(
    [
      "",
      `Open ${app.url}`,
      ...people.map((person) => `  ${person.name.padEnd(width)}  ${person.password}  (${person.role})`),
      "",
      scenario === "plume"
        ? `A leak has begun upgradient of ${plumeStation}: expect a cadmium alarm there within 3 minutes.`
        : "Scenario calm: no pollution alarm is expected.",
      `MQTT on 127.0.0.1:${app.addresses.mqtt}. Ctrl-C stops everything and deletes the demo's data.`,
      "",
    ].join("\n"),
  );
}
