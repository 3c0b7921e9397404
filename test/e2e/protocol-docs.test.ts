/** Every block marked `sh run` in docs/protocols is run as it stands against the real server. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Api, apiOf } from "../support/client.ts";
import { aTestRegistry, removeData, startServer, type TestServer } from "../support/server.ts";

const FOLDER = join(import.meta.dirname, "../../docs/protocols");
const run = promisify(execFile);
const blocks = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".md"))
  .flatMap((name) =>
    [...readFileSync(join(FOLDER, name), "utf8").matchAll(/```sh run\n([\s\S]*?)```/g)].map(
      ([, script = ""], index) => ({ name: `${name} ${index + 1}`, script }),
    ),
  );

let server: TestServer;
let api: Api;
let env: Record<string, string>;
beforeAll(async () => {
  server = await startServer({ registry: aTestRegistry(1) });
  api = await apiOf(server);
  const token = await server.cli("token", "create", "--role", "admin");
  const consumer = await server.cli("consumer", "add", "board", "--json");
  const { secret } = JSON.parse(consumer.stdout) as { secret: string };
  env = {
    ...{ PATH: process.env["PATH"] ?? "", HOST: "127.0.0.1", SECRET: "secret-of-device-1-0123456789abcdef" },
    ...{ MQTT_PORT: String(server.ports.mqtt), HTTP_PORT: String(server.ports.http) },
    ...{ TOKEN: token.stdout.trim(), CONSUMER: "board", CONSUMER_SECRET: secret },
  };
});
afterAll(async () => {
  await server?.stop();
  if (server) removeData(server);
});

test("there is something to run", () => expect(blocks.length).toBeGreaterThanOrEqual(6));

test.each(blocks)("$name", async ({ script }) => {
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], { env, timeout: 40_000 });
  if (/^\{/.test(stdout)) expect(stdout).not.toContain('"code":');
});

test("what the page sent has been understood", async () => {
  const { messages, device } = await api.get<{ messages: number; device: { reason: string; missingMessages: number } }>(
    "devices/dev-1/health",
  );
  expect(messages).toBe(2);
  expect(device).toMatchObject({ reason: "sleep", missingMessages: 0 });
});
