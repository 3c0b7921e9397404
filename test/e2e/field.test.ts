/**
 * Equipment of other worlds against the whole server: what loggers on HJ 212, a Sparkplug edge node and two LoRaWAN network
 * servers send, history and live, is stored as it was measured, once, and nothing of it is quarantined.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../core/clock.ts";
import { conversion, convert } from "../../core/quantity.ts";
import { formatDuration } from "../../core/site.ts";
import { demoCity } from "../../simulators/city.ts";
import { serverKind } from "../../simulators/city-field.ts";
import { equipmentOf } from "../../simulators/equipment.ts";
import { createField, type Field } from "../../simulators/field.ts";
import { chirpstackFormat, ttsFormat } from "../../simulators/lorawan-events.ts";
import { createPlant } from "../../simulators/plant.ts";
import { type Api, apiOf } from "../support/client.ts";
import { drained, eventually, removeData, startServer, type TestServer } from "../support/server.ts";

const HOUR_MS = 3_600_000;
const HISTORY_MS = 72 * HOUR_MS;
const TO = Math.floor(systemClock.now() / HOUR_MS) * HOUR_MS;
const FROM = TO - HISTORY_MS;
const PASSWORD = "k9-can";
/** Values of Cayenne LPP are rounded to its steps: half of one, in the canonical unit. */
const HALF_STEP: Readonly<Record<string, number>> = {
  soil_temp: 0.05,
  soil_moisture: 0.25,
  soil_ec: 5,
  battery_v: 0.005,
};

const { contents, behaviours } = demoCity(600_000);
const equipment = equipmentOf(contents);
const devices = contents.devices.filter(({ id }) => equipment.ids.has(id));
const measuring = devices.filter(({ quantities }) => Object.keys(quantities).length > 0);
const mediumOf = new Map(contents.stations.map(({ id, medium }) => [id, medium]));
const lorawan = new Set(equipment.networks.flatMap((network) => network.devices.map(({ device }) => device.id)));
const secretOf = (id: string): string => `secret-of-${id}-0123456789abcdef`;
const plant = createPlant({ seed: 1, scenario: "calm", releasedAt: FROM });
const measure = (station: string, quantity: string, time: number): number | null => {
  const behaviour = behaviours.get(`${station}/${quantity}`);
  return behaviour ? plant.value(`${station}/${quantity}`, behaviour, time) : null;
};

let server: TestServer;
let api: Api;
let field: Field;
const trouble: string[] = [];
beforeAll(async () => {
  const registered = devices.map((device) => ({
    ...{ ...device, interval: formatDuration(device.interval), secret: secretOf(device.id) },
  }));
  server = await startServer({ registry: { ...contents, tenants: tenantsOf(), devices: registered } });
  const file = join(server.dataDir, "password.txt");
  writeFileSync(file, PASSWORD);
  for (const { device } of equipment.loggers) {
    const { code } = await server.cli("hj212", "password", device.id, "--password-file", file);
    expect(code).toBe(0);
  }
  api = await apiOf(server);
  const loggers = new Set(equipment.loggers.map(({ device }) => device.id));
  field = createField({
    equipment,
    measure,
    mqttUrl: `mqtt://127.0.0.1:${server.ports.mqtt}`,
    hj212: { host: "127.0.0.1", port: server.ports.hj212 },
    secretOf: (id) => (loggers.has(id) ? PASSWORD : secretOf(id)),
    formatOf: (account) => formats[serverKind(account)],
    clock: systemClock,
    seed: 1,
    air: { lost: 0.2, repeated: 0.2 },
    cutEvery: 3,
    onTrouble: (what) => trouble.push(what),
  });
});
afterAll(async () => {
  await field?.close();
  await server?.stop();
  if (server) removeData(server);
});
const formats = {
  chirpstack: chirpstackFormat({ application: "17c82e96-be03-4f38-aef3-f83d48582d97", name: "city" }),
  tts: ttsFormat({ application: "city", tenant: "ttn" }),
};

function tenantsOf(): { id: string; name: string }[] {
  return contents.tenants.map(({ id }) => ({ id, name: id }));
}

async function storedOf(station: string, quantity: string): Promise<ReadonlyMap<number, number>> {
  type Raw = { columns: { times: number[]; values: number[] } };
  const query = `quantity=${quantity}&from=${FROM}&to=${TO}&bucket=raw`;
  const { columns } = await api.get<Raw>(`stations/${station}/readings?${query}`);
  expect(new Set(columns.times).size).toBe(columns.times.length);
  return new Map(columns.times.map((time, at) => [time, columns.values[at] ?? Number.NaN]));
}

function canonical(station: string, quantity: string, unit: string, time: number): number {
  const change = conversion(quantity, mediumOf.get(station) ?? "groundwater", unit);
  const value = measure(station, quantity, time);
  return change && value !== null ? convert(value, change) : Number.NaN;
}

test("three days of history are stored as they were measured, frames that nobody heard excepted", async () => {
  const sent = await field.backfill({ from: FROM, to: TO }, () => undefined);
  await drained(server);
  let stored = 0;
  for (const { id, station, interval, quantities } of measuring) {
    const times = HISTORY_MS / interval;
    for (const [quantity, unit] of Object.entries(quantities)) {
      const found = await storedOf(station, quantity);
      stored += found.size;
      if (lorawan.has(id)) {
        // Of 72 frames, each lost with a chance of 0.2: four standard deviations around 14.
        expect(Math.abs(times - found.size - 0.2 * times), `${id} ${quantity}`).toBeLessThan(13.6);
        expect(found.size).toBeLessThan(times);
      } else expect(found.size, `${id} ${quantity}`).toBe(times);
      for (const [time, value] of found) {
        expect((time - FROM) % interval).toBe(0);
        const expected = canonical(station, quantity, unit, time);
        const tolerance = Math.max(lorawan.has(id) ? (HALF_STEP[quantity] ?? 0) : 0, 1e-9 * Math.abs(expected));
        expect(Math.abs(value - expected), `${id} ${quantity} at ${time}`).toBeLessThanOrEqual(tolerance * 1.000001);
      }
    }
  }
  expect(stored).toBe(sent);
  expect((await server.cli("quarantine", "list", "--json")).stdout).toBe("");
  expect(trouble).toEqual([]);
});

interface Health {
  readonly device: {
    readonly rssi: number | null;
    readonly batteryVolts: number | null;
    readonly missingMessages: number;
    readonly protocol: string | null;
    readonly state: string;
  };
}

test("signal and battery are known, and the numbers that The Things Stack's lost frames left open are missing", async () => {
  const healthOf = async (id: string): Promise<Health["device"]> =>
    (await api.get<Health>(`devices/${id}/health`)).device;
  const [piezometer] = measuring.filter(({ via }) => via !== undefined && serverKind(via) === "tts");
  const heard = await storedOf(piezometer?.station ?? "", "gw_level");
  const [first = 0, last = 0] = [Math.min(...heard.keys()), Math.max(...heard.keys())];
  const missing = (last - first) / HOUR_MS + 1 - heard.size;
  expect(missing).toBeGreaterThan(0);
  // Fleet health is read by a reader of its own, a little behind the others.
  await eventually(`${missing} missing numbers`, async () =>
    (await healthOf(piezometer?.id ?? "")).missingMessages === missing ? true : null,
  );
  for (const id of lorawan)
    await eventually(`signal and battery of ${id}`, async () => {
      const { rssi, batteryVolts } = await healthOf(id);
      return rssi !== null && batteryVolts !== null ? true : null;
    });
});

test("live values of every protocol are the newest within seconds, over lines that are cut", async () => {
  const stop = new AbortController();
  const begin = systemClock.now();
  const live = field.live(500, stop.signal);
  type Latest = { latest: { quantity: string; time: string }[] };
  for (const { station, quantities } of measuring)
    await eventually(`live values at ${station}`, async () => {
      const { latest } = await api.get<Latest>(`stations/${station}/latest`);
      // HJ 212 tells whole seconds.
      const fresh = latest.filter(({ time }) => Date.parse(time) >= begin - 1_000);
      return Object.keys(quantities).every((name) => fresh.some(({ quantity }) => quantity === name)) ? true : null;
    });
  type Session = { device: string; connected: boolean; resent: number; crcErrors: number };
  await eventually("each logger has sent something again", async () => {
    const { stdout } = await server.cli("hj212", "sessions", "--json");
    const sessions = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Session);
    expect(sessions.map(({ crcErrors }) => crcErrors)).toEqual([0, 0]);
    return sessions.length === 2 && sessions.every(({ resent }) => resent > 0) ? true : null;
  });
  stop.abort();
  await live;
  expect((await api.get<Health>(`devices/${equipment.edges[0]?.account}/health`)).device).toMatchObject({
    protocol: "sparkplug",
    state: "online",
  });
  await drained(server);
  expect((await server.cli("quarantine", "list", "--json")).stdout).toBe("");
  expect(trouble).toEqual([]);
});
