/**
 * `npm run bench -- idle`: so many MQTT connections, each signed in as a device of its own with its commands subscribed
 * and then silent; resident memory of the whole server: when the last has connected, and a minute later, when V8 has
 * collected what ten thousand handshakes left behind. Target: 10,000 in 400 MB.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { generate } from "mqtt-packet";
import { systemClock as clock } from "../../core/clock.ts";
import { cpuOf, rssOf } from "../support/process.ts";
import { aTestRegistry, removeData, startServer } from "../support/server.ts";

/** Signing in at a time. */
const OPENING = 200;
const SETTLE_MS = 60_000;
const KEEPALIVE_SECONDS = 600;

export interface IdleBench {
  readonly connections: number;
  readonly stillOpen: number;
  readonly rssMegabytes: { readonly before: number; readonly open: number; readonly settled: number };
  readonly connectSeconds: number;
  /** While nothing happens, percent of one core. */
  readonly idleServerCpuPercent: number;
  readonly connectServerCpuPercent: number;
  readonly generatorCpuPercent: number;
}

export async function benchIdle({ connections }: { readonly connections: number }): Promise<IdleBench> {
  const registry = aTestRegistry(connections);
  const server = await startServer({ registry, env: { EWS_LOG_LEVEL: "error", MALLOC_ARENA_MAX: "2" } });
  const before = rssOf(server.child);
  const startedAt = clock.monotonic();
  const [own, cpu] = [process.cpuUsage(), cpuOf(server.child)];
  const sockets: Socket[] = [];
  for (let at = 0; at < connections; at += OPENING) {
    const next = registry.devices.slice(at, at + OPENING);
    sockets.push(...(await Promise.all(next.map((device) => signIn(server.ports.mqtt, device)))));
  }
  const connectSeconds = (clock.monotonic() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(own);
  const connectServerCpuPercent = cpu();
  const open = rssOf(server.child);
  const idleCpu = cpuOf(server.child);
  await clock.sleep(SETTLE_MS);
  const result = {
    ...{ connections, stillOpen: sockets.filter(({ readyState }) => readyState === "open").length },
    rssMegabytes: { before, open, settled: rssOf(server.child) },
    connectSeconds: Number(connectSeconds.toFixed(1)),
    idleServerCpuPercent: idleCpu(),
    connectServerCpuPercent,
    generatorCpuPercent: Math.round((user + system) / 10_000 / connectSeconds),
  };
  for (const socket of sockets) socket.destroy();
  await server.stop();
  removeData(server);
  return result;
}

async function signIn(port: number, { id, station, secret }: Device): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  socket.on("error", () => undefined); // counted as no longer open
  const account = { clientId: id, username: id, password: Buffer.from(secret) };
  const hello = {
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: 4,
    clean: true,
    keepalive: KEEPALIVE_SECONDS,
  } as const;
  socket.write(generate({ ...hello, ...account }));
  const [connack] = (await once(socket, "data")) as [Buffer];
  if (connack[3] !== 0) throw new Error(`${id}: CONNACK ${connack[3]}`);
  const subscriptions = [{ topic: `ews/1/t1/s1/${station}/${id}/cmd`, qos: 1 as const }];
  socket.write(generate({ cmd: "subscribe", messageId: 1, subscriptions }));
  await once(socket, "data");
  socket.resume();
  return socket;
}

interface Device {
  readonly id: string;
  readonly station: string;
  readonly secret: string;
}
