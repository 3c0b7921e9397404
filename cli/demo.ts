/**
 * `npm run demo`: a whole city in one process on temporary data. Real listeners, real devices over MQTT, HJ 212, Sparkplug
 * and LoRaWAN, 30 days of history, live values, and in scenario `plume` a cadmium alarm within minutes. Ctrl-C removes its
 * data.
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
import { demoCity } from "../simulators/city.ts";
import { serverKind } from "../simulators/city-field.ts";
import { equipmentOf } from "../simulators/equipment.ts";
import { createField, type Field, type FieldParts } from "../simulators/field.ts";
import { createFleet, type Fleet, type FleetMember } from "../simulators/fleet.ts";
import { chirpstackFormat, ttsFormat } from "../simulators/lorawan-events.ts";
import { createPlant, type Scenario } from "../simulators/plant.ts";
import { VERSION } from "../version.ts";
import { type DemoSeed, fleetIdentities, type Person, seedLedger } from "./demo-seed.ts";
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
    const stops: (() => Promise<void>)[] = [];
    try {
      const config = await demoConfig(dataDir, env["EWS_LOG_LEVEL"] ?? "error", out);
      const city = demoCity(HISTORY_STEP_MS);
      const equipment = equipmentOf(city.contents);
      // Until the history is in, the ground is calm; the leak begins when people can watch.
      let plant = createPlant({ seed, scenario: "calm", releasedAt: systemClock.now() });
      const measure: FieldParts["measure"] = (station, quantity, time) => {
        const behaviour = city.behaviours.get(`${station}/${quantity}`);
        return behaviour ? plant.value(`${station}/${quantity}`, behaviour, time) : null;
      };
      const given = await seedLedger(dataDir, city, equipment);
      let fatal: ((error: Error) => void) | undefined;
      const failed = new Promise<Error>((resolve) => (fatal = resolve));
      const app = await startApp({
        config,
        version: VERSION,
        log: createLogger(config.logLevel, "demo"),
        onFirstPassword: () => undefined,
        onFatal: (error) => fatal?.(error),
      });
      stops.push(() => app.stop());
      const members = fleetIdentities(city, equipment, given.secrets).map(
        ({ station, quantities, ...identity }): FleetMember => ({
          identity,
          measure: (time) => Object.entries(quantities).map(([p, u]) => ({ p, v: measure(station, p, time), u })),
        }),
      );
      const url = `mqtt://127.0.0.1:${app.addresses.mqtt}`;
      const fleet = createFleet({ url, members, boot: "demo", clock: systemClock });
      const field = demoField({ equipment, measure, seed, app, secrets: given.secrets, out });
      stops.push(async () => void (await Promise.all([fleet.close(), field.close()])));
      await backfill([fleet, field], days, out, signal);
      plant = createPlant({ seed, scenario, releasedAt: systemClock.now() });
      if (!signal.aborted) announce(app, given.people, city.plumeStation, scenario, out);
      const live = [fleet, field].map((senders) => senders.live(LIVE_INTERVAL_MS, signal));
      const error = await Promise.race([failed, Promise.all(live).then(() => undefined)]);
      if (error) throw error;
      return EXIT.ok;
    } finally {
      out.say("Stopping; removing the demo's data.");
      for (const stop of stops.reverse()) await stop();
      rmSync(dataDir, { recursive: true, force: true });
    }
  },
};

/** LoRaWAN loses about one frame in fifty; a network server that has been restarted tells some things twice. */
const AIR = { lost: 0.02, repeated: 0.01 };
/** Live packets of a logger between two failures of its mobile network. */
const LOGGER_CUT_EVERY = 60;

function demoField({
  app,
  secrets,
  out,
  ...parts
}: Pick<FieldParts, "equipment" | "measure" | "seed"> & Pick<DemoSeed, "secrets"> & { app: App; out: Output }): Field {
  const formats = {
    chirpstack: chirpstackFormat({ application: "3f0c8a52-6f0e-4a35-9d1c-2f1f0f3f7a10", name: "demo-city" }),
    tts: ttsFormat({ application: "demo-city", tenant: "ttn" }),
  };
  return createField({
    ...parts,
    mqttUrl: `mqtt://127.0.0.1:${app.addresses.mqtt}`,
    hj212: { host: "127.0.0.1", port: app.addresses.hj212 },
    secretOf: (device) => secrets.get(device) ?? "",
    formatOf: (account) => formats[serverKind(account)],
    clock: systemClock,
    air: AIR,
    cutEvery: LOGGER_CUT_EVERY,
    onTrouble: (what) => out.say(what),
  });
}

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

async function backfill(
  senders: readonly Pick<Fleet, "backfill">[],
  days: number,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = systemClock.monotonic();
  const to = Math.floor(systemClock.now() / HISTORY_STEP_MS) * HISTORY_STEP_MS;
  const acknowledged = senders.map(() => 0);
  let said = 0;
  const onProgress = (at: number) => (readings: number) => {
    acknowledged[at] = readings;
    const all = sumOf(acknowledged);
    if (all - said < 250_000) return;
    said = all;
    out.say(`  ${all.toLocaleString("en")} readings of history acknowledged …`);
  };
  const span = { from: to - days * DAY_MS, to, stepMs: HISTORY_STEP_MS };
  const work = Promise.all(senders.map((sender, at) => sender.backfill(span, onProgress(at)))).then(sumOf);
  out.say(`Sending ${days} days of history over MQTT and HJ 212 …`);
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

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function announce(app: App, people: readonly Person[], plumeStation: string, scenario: Scenario, out: Output): void {
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
      `MQTT on 127.0.0.1:${app.addresses.mqtt}, HJ 212 on 127.0.0.1:${app.addresses.hj212}. Ctrl-C stops everything and deletes the demo's data.`,
      "",
    ].join("\n"),
  );
}
