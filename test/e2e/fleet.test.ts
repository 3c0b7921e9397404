/** Devices through the real program: presence, missing messages, current values, commands and settings, before and after a kill. */
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../core/clock.ts";
import type { CommandMessage } from "../../core/command.ts";
import { createDevice, type SimulatedDevice } from "../../simulators/device.ts";
import { type Api, apiOf } from "../support/client.ts";
import { aTestRegistry, eventually, removeData, startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let api: Api;
beforeAll(async () => {
  server = await startServer({ registry: aTestRegistry(2) });
  api = await apiOf(server);
});
afterAll(async () => {
  await server?.stop();
  if (server) removeData(server);
});

interface Command {
  readonly id: string;
  readonly state: string;
  readonly detail: string;
}
interface Health {
  readonly device: { state: string; reason: string; lastReceivedAt: string | null; missingMessages: number };
  readonly missing: readonly { text: string }[];
  readonly messages: number;
}
const health = () => api.get<Health>("devices/dev-1/health");

function device(firstSeq: number, options: Partial<Parameters<typeof createDevice>[0]> = {}): SimulatedDevice {
  return createDevice({
    url: `mqtt://127.0.0.1:${server.ports.mqtt}`,
    identity: { id: "dev-1", secret: "secret-of-device-1-0123456789abcdef", prefix: "ews/1/t1/s1/mw-1/dev-1/" },
    boot: "a41f",
    firstSeq,
    clock: systemClock,
    ...options,
  });
}

async function ended(id: string): Promise<Command> {
  return eventually(`the end of command ${id}`, async () => {
    const { commands } = await api.get<{ commands: Command[] }>("devices/dev-1/commands");
    return commands.find((command) => command.id === id && !["queued", "sent", "accepted"].includes(command.state));
  });
}

test("a device comes, is missed, answers, and is remembered after a kill", async () => {
  expect((await health()).device.state).toBe("unknown");
  const asked: CommandMessage[] = [];
  const settings: unknown[] = [];
  let one = device(1040, {
    onCommand: (command) => {
      asked.push(command);
      return command.op === "restart" ? { status: "failed", detail: "busy sampling" } : { status: "done" };
    },
    onConfig: (values) => settings.push(values),
  });
  await one.send([{ p: "ph", v: 7.1 }], { ts: Date.now() });
  await eventually("the device online", async () => ((await health()).device.state === "online" ? true : null));

  // Commands, from the API and from the command line.
  const { command } = await api.post<{ command: Command }>("devices/dev-1/commands", {
    op: "setInterval",
    args: { seconds: 60 },
  });
  expect(await ended(command.id)).toMatchObject({ state: "done" });
  expect(asked[0]).toMatchObject({ id: command.id, op: "setInterval", args: { seconds: 60 } });
  const cli = await server.cli("command", "dev-1", "restart", "--json");
  expect(cli.code, cli.stderr).toBe(0);
  expect(await ended((JSON.parse(cli.stdout) as Command).id)).toMatchObject({
    state: "failed",
    detail: "busy sampling",
  });
  expect(await api.status("devices/dev-1/commands", { method: "POST", body: '{"op":"setInterval"}' })).toBe(400);
  const away = await api.post<{ command: Command }>("devices/dev-1/commands", { op: "sampleNow", expires: "10m" });
  expect(away.command.state).toBe("queued");

  // Settings: desired, then reported.
  await api.post("devices/dev-1/config", { values: { interval: 60 } });
  await eventually("the settings in force", async () => {
    const config = await api.get<{ inForce: boolean; reported: { version: number } | null }>("devices/dev-1/config");
    return config.inForce ? config : null;
  });
  expect(settings).toEqual([{ interval: 60 }]);
  await one.close();
  await eventually("the will", async () => ((await health()).device.state === "lost" ? true : null));

  // Numbers 1041 to 1050 never come, until they do.
  one = device(1051);
  await one.send([{ p: "ph", v: 7.2 }], { ts: Date.now() });
  await eventually("the gap", async () => ((await health()).device.missingMessages === 10 ? true : null));
  expect((await health()).missing[0]?.text).toBe("messages 1041–1050 of boot a41f are missing");
  await one.close();
  await server.kill();
  server = await server.restart();
  api = await apiOf(server);
  const before = await eventually("the health after a kill", async () => {
    const now = await health();
    return now.messages === 2 ? now : null;
  });
  expect(before.device).toMatchObject({ state: "lost", missingMessages: 10 });
  one = device(1041);
  for (let n = 0; n < 10; n++) await one.send([{ p: "ph", v: 7 }], { ts: Date.now() - (n + 2) * 60_000 });
  await eventually("the gap closed", async () => ((await health()).device.missingMessages === 0 ? true : null));
  await one.close();
});

test("a consumer reads the newest values of a device, retained, and the fleet lists it", async () => {
  const { stdout } = await server.cli("consumer", "add", "board", "--tenant", "t1", "--json");
  const { secret } = JSON.parse(stdout) as { secret: string };
  const connect = () =>
    connectAsync(`mqtt://127.0.0.1:${server.ports.mqtt}`, { username: "board", password: secret, reconnectPeriod: 0 });
  const client = await eventually("the consumer known", () => connect().catch(() => null));
  const seen = new Promise<string>((resolve) => client.once("message", (_topic, bytes) => resolve(bytes.toString())));
  await client.subscribeAsync("ews/1/t1/current/#", { qos: 1 });
  expect(JSON.parse(await seen)).toMatchObject({ v: 1, device: "dev-1", r: [{ p: "ph", v: 7.2, u: "1" }] });
  await client.endAsync(true);
  const { devices } = await api.get<{ devices: { id: string }[] }>("fleet?state=unknown");
  expect(devices.map(({ id }) => id)).toEqual(["dev-2"]);
});
