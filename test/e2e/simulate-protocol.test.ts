/** `jingtu simulate --protocol`: whoever has registered equipment can try it before it hangs in the field. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Api, apiOf } from "../support/client.ts";
import { aTestRegistry, eventually, MAIN, removeData, startServer, type TestServer } from "../support/server.ts";

const LORAWAN = { ec: { quantity: "ec", unit: "mS/cm" }, depth: { quantity: "gw_level", unit: "m" } };
const PROFILES: Readonly<Record<string, object>> = {
  "dev-1": { profile: { hj212: { mn: "SIM000000000000000000001" } } },
  "dev-2": { profile: { sparkplug: { group: "g", edge: "e" } }, quantities: {} },
  "dev-3": { via: "dev-2", profile: { sparkplug: { group: "g", edge: "e", device: "d" } } },
  "dev-4": { quantities: {} },
  "dev-5": {
    via: "dev-4",
    quantities: { ec: "µS/cm", gw_level: "m" },
    profile: { lorawan: { devEui: "A84041FF00000005" }, map: LORAWAN },
  },
};

let server: TestServer;
let api: Api;
let child: ChildProcess | undefined;
beforeAll(async () => {
  const base = aTestRegistry(5);
  server = await startServer({
    registry: { ...base, devices: base.devices.map((device) => ({ ...device, ...PROFILES[device.id] })) },
  });
  api = await apiOf(server);
});
afterEach(() => void child?.kill("SIGKILL"));
afterAll(async () => {
  await server?.stop();
  if (server) removeData(server);
});

test.each([
  ["hj212", "mw-1", ["cd", "as", "pb", "ph", "ec"]],
  ["sparkplug", "mw-3", ["cd", "as", "pb", "ph", "ec"]],
  ["chirpstack", "mw-5", ["ec", "gw_level"]],
  ["tts", "mw-5", ["ec", "gw_level"]],
])(
  "%s: a day of history and live values of every quantity, until it is told to stop",
  async (protocol, station, quantities) => {
    const begin = Date.now();
    const words = ["--protocol", protocol, "--registry", join(server.dataDir, "registry.yaml"), "--days", "1"];
    const { PATH = "", HOME = "" } = process.env;
    const run = spawn(process.execPath, [MAIN, "simulate", ...words, "--interval", "200ms", "--json"], {
      env: {
        ...{ PATH, HOME, EWS_DATA_DIR: server.dataDir },
        ...{ EWS_MQTT_PORT: String(server.ports.mqtt), EWS_HJ212_PORT: String(server.ports.hj212) },
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = run;
    let [stdout, stderr] = ["", ""];
    run.stdout.on("data", (chunk) => (stdout += chunk));
    run.stderr.on("data", (chunk) => (stderr += chunk));
    await eventually(`live values at ${station}`, async () => {
      type Latest = { latest: { quantity: string; time: string }[] };
      const { latest } = await api.get<Latest>(`stations/${station}/latest`);
      const fresh = latest.filter(({ time }) => Date.parse(time) >= begin).map(({ quantity }) => quantity);
      return quantities.every((quantity) => fresh.includes(quantity)) ? true : null;
    });
    run.kill("SIGINT");
    const [code] = (await once(run, "close")) as [number | null];
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { acknowledged } = JSON.parse(stdout) as { acknowledged: number };
    // 144 times of history, of LoRaWAN a few less, and something live.
    expect(acknowledged).toBeGreaterThan(130 * quantities.length);
    type Raw = { columns: { times: number[] } };
    const { columns } = await api.get<Raw>(
      `stations/${station}/readings?quantity=ec&from=${begin - 86_400_000}&bucket=raw`,
    );
    expect(columns.times.length).toBeGreaterThan(130);
  },
);

test("what it cannot do it says", async () => {
  const file = join(server.dataDir, "registry.yaml");
  const wrong = await server.cli("simulate", "--protocol", "modbus", "--registry", file);
  expect(wrong).toMatchObject({ code: 2, stdout: "" });
  expect(wrong.stderr).toContain("hj212, sparkplug, chirpstack or tts");
  const nameless = await server.cli("simulate", "--protocol", "hj212");
  expect(nameless).toMatchObject({ code: 2, stdout: "" });
  expect(nameless.stderr).toContain("--registry");
});

test("nothing of it is quarantined", async () => {
  expect((await server.cli("quarantine", "list", "--json")).stdout).toBe("");
});
