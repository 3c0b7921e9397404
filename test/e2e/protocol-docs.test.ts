/** Every block marked `sh run` in docs/protocols is run as it stands against the real server. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Api, apiOf } from "../support/client.ts";
import { aTestRegistry, drained, eventually, removeData, startServer, type TestServer } from "../support/server.ts";

const FOLDER = join(import.meta.dirname, "../../docs/protocols");
const run = promisify(execFile);
/** The page whose last word on presence the end of this file looks at comes last. */
const LAST = "mqtt.md";
const pages = readdirSync(FOLDER).filter((name) => name.endsWith(".md") && name !== LAST);
const blocks = [...pages.sort(), LAST].flatMap((name) =>
  [...readFileSync(join(FOLDER, name), "utf8").matchAll(/```sh run\n([\s\S]*?)```/g)].map(([, script = ""], index) => ({
    name: `${name} ${index + 1}`,
    script,
  })),
);

let server: TestServer;
let api: Api;
let env: Record<string, string>;
beforeAll(async () => {
  const base = aTestRegistry(6);
  const extra: Readonly<Record<string, object>> = {
    "dev-1": { profile: { map: { analog_input_1: { quantity: "ph" } } } },
    "dev-2": { profile: { hj212: { mn: "DEMO0000000001" } } },
    "dev-4": { id: "lns" },
    "dev-5": { id: "node-1", via: "lns", profile: { lorawan: { devEui: "0102030405060708" } } },
    "dev-6": { id: "edge-1", profile: { sparkplug: { group: "G", edge: "E" } } },
  };
  const devices = base.devices.map((device) => ({ ...device, ...extra[device.id] }));
  server = await startServer({ registry: { ...base, devices } });
  api = await apiOf(server);
  const token = await server.cli("token", "create", "--role", "admin");
  const consumer = await server.cli("consumer", "add", "board", "--json");
  const { secret } = JSON.parse(consumer.stdout) as { secret: string };
  const claim = await server.cli("device", "claim-code", "dev-3", "--json");
  const { code } = JSON.parse(claim.stdout) as { code: string };
  env = {
    ...{ PATH: process.env["PATH"] ?? "", HOST: "127.0.0.1", SECRET: "secret-of-device-1-0123456789abcdef" },
    ...{ MQTT_PORT: String(server.ports.mqtt), HTTP_PORT: String(server.ports.http) },
    ...{ HJ212_PORT: String(server.ports.hj212), HJ212_SECRET: "secret-of-device-2-0123456789abcdef", CODE: code },
    ...{ LNS_SECRET: "secret-of-device-4-0123456789abcdef", EDGE_SECRET: "secret-of-device-6-0123456789abcdef" },
    ...{ TOKEN: token.stdout.trim(), CONSUMER: "board", CONSUMER_SECRET: secret },
  };
});
afterAll(async () => {
  await server?.stop();
  if (server) removeData(server);
});

test("there is something to run", () => expect(blocks.length).toBeGreaterThanOrEqual(10));

const ACCEPTED = /"accepted":1/;
/** What a block must print, where its exit code does not say it. */
const ANSWERS: Readonly<Record<string, RegExp>> = {
  "hj212.md 1": /CN=9014/,
  "hj212.md 2": ACCEPTED,
  "http.md 1": ACCEPTED,
  "http.md 2": ACCEPTED,
  "http.md 3": ACCEPTED,
  "http.md 4": /"device":"dev-3","secret":"/,
  "lorawan.md 1": ACCEPTED,
  "lorawan.md 2": ACCEPTED,
  "sparkplug.md 1": ACCEPTED,
  "thingsboard.md 2": ACCEPTED,
};

test.each(blocks)("$name", async ({ name, script }) => {
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], { env, timeout: 40_000 });
  expect(stdout).toMatch(ANSWERS[name] ?? /(?:)/);
  if (/^\{/.test(stdout)) expect(stdout).not.toContain('"code":');
});

test("what the pages sent has been understood", async () => {
  type Health = { messages: number; device: { reason: string; missingMessages: number } };
  await drained(server);
  // Presence is written once a second.
  const { messages, device } = await eventually("the last word on presence", async () => {
    const health = await api.get<Health>("devices/dev-1/health");
    return health.device.reason === "sleep" ? health : null;
  });
  expect(messages, "three over HTTP, two of ThingsBoard's, two of our own").toBe(7);
  expect(device).toMatchObject({ reason: "sleep", missingMessages: 0 });
  const others = await Promise.all(
    ["dev-2", "node-1", "edge-1"].map(async (id) => (await api.get<Health>(`devices/${id}/health`)).messages),
  );
  expect(others, "HJ 212 over TCP and HTTP, two network servers, one birth").toEqual([2, 2, 1]);
  expect((await server.cli("quarantine", "list", "--json")).stdout).toBe("");
});
