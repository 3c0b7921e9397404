/**
 * `npm run bench -- ingest`: the whole server as a child process, a raw-socket load generator as another, and bare Aedes
 * with no work as the reference in the same run. Everything on: credentials, journal with fsync, quality control, two
 * rules on every value, series store.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connectAsync } from "mqtt";
import { systemClock as clock } from "../../core/clock.ts";
import { cpuOf, rssOf } from "../support/process.ts";
import {
  aTestRegistry,
  backlogOf,
  drained,
  startServer,
  statusOf,
  type TestRegistry,
  type TestServer,
} from "../support/server.ts";
import type { LoadAccount, LoadReport } from "./mqtt-loadgen.ts";

const CONNECTIONS = 200;
/** Messages a second of the paced part. */
const PACED_RATE = 5_000;
const VALUES_A_MESSAGE = 5;
const QUANTITIES = { ph: "pH", cd: "mg/L", pb: "mg/L", as: "mg/L", zn: "mg/L" };

/** Two rules on every value; only the probes ever cross one. */
const RULES = Object.keys(QUANTITIES)
  .flatMap((quantity) => [
    `- { id: ${quantity}-high, kind: level, on: { quantity: ${quantity} }, above: ${quantity === "ph" ? 9 : 1}, deadband: 5 %, level: orange }`,
    `- { id: ${quantity}-low, kind: level, on: { quantity: ${quantity} }, below: ${quantity === "ph" ? 5 : -1}, onDelay: 2 readings, level: yellow }`,
  ])
  .join("\n");

export interface IngestBench {
  readonly reference: Reference;
  /** At the paced rate: what the machine itself adds to the tail. */
  readonly referencePaced: Reference;
  readonly saturated: LoadReport & Served;
  readonly paced: LoadReport &
    Served & { readonly alarmP50Ms: number; readonly alarmP99Ms: number; readonly alarms: number };
  readonly ratio: number;
  readonly readingsPerSecond: number;
}
type Reference = LoadReport & { readonly serverCpuPercent: number };
interface Served {
  readonly serverCpuPercent: number;
  readonly rssMegabytes: number;
  /** Messages not yet read by ingest, and blocks not yet stored, when the load ended. */
  readonly backlog: Readonly<Record<string, number>>;
  readonly drainSeconds: number;
  readonly stored: number;
  readonly expected: number;
}

export async function benchIngest({
  seconds,
  pacedSeconds,
}: {
  seconds: number;
  pacedSeconds: number;
}): Promise<IngestBench> {
  const reference = await runReference(Math.min(seconds, 15), null);
  const referencePaced = await runReference(Math.min(pacedSeconds, 15), PACED_RATE);
  const folder = mkdtempSync(join(tmpdir(), "jingtu-bench-"));
  writeFileSync(join(folder, "rules.yaml"), RULES);
  const server = await startServer({
    registry: benchRegistry(),
    env: { EWS_RULES_DIR: folder, EWS_LOG_LEVEL: "error", MALLOC_ARENA_MAX: "2" },
  });
  try {
    const saturated = await serve(server, folder, { seconds, rate: null, boot: "s001", before: 0 });
    const probes = startProbes(server);
    let latencies: number[] = [];
    const paced = await serve(server, folder, {
      seconds: pacedSeconds,
      rate: PACED_RATE,
      boot: "p001",
      before: saturated.stored,
      atEnd: async () => {
        latencies = await probes.stop();
      },
    });
    return {
      reference,
      referencePaced,
      saturated,
      paced: {
        ...paced,
        expected: paced.expected + 2 * latencies.length, // an alarm is a reading that crosses the limit and one back
        alarms: latencies.length,
        alarmP50Ms: quantile(latencies, 0.5),
        alarmP99Ms: quantile(latencies, 0.99),
      },
      ratio: Number((saturated.ackedPerSecond / reference.ackedPerSecond).toFixed(3)),
      readingsPerSecond: saturated.ackedPerSecond * VALUES_A_MESSAGE,
    };
  } finally {
    await server.stop();
    rmSync(server.dataDir, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  }
}

function benchRegistry(): TestRegistry {
  const registry = aTestRegistry(CONNECTIONS + 1); // the last device is the probe
  return { ...registry, devices: registry.devices.map((device) => ({ ...device, quantities: { ...QUANTITIES } })) };
}

function accounts(): LoadAccount[] {
  return benchRegistry()
    .devices.slice(0, CONNECTIONS)
    .map(({ id, station, secret }) => ({
      clientId: id,
      username: id,
      password: secret,
      topic: `ews/1/t1/s1/${station}/${id}/telemetry`,
    }));
}

async function runReference(seconds: number, rate: number | null): Promise<Reference> {
  const child = spawn(process.execPath, ["--import", "tsx", join(import.meta.dirname, "bare-aedes.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), "line")) as [string];
  const { ready } = JSON.parse(line) as { ready: { mqtt: number } };
  const cpu = cpuOf(child);
  const report = await generate([
    "--port",
    String(ready.mqtt),
    "--connections",
    String(CONNECTIONS),
    "--seconds",
    String(seconds),
    ...(rate === null ? [] : ["--rate", String(rate)]),
  ]);
  const serverCpuPercent = cpu();
  child.kill("SIGTERM");
  await once(child, "exit");
  return { ...report, serverCpuPercent };
}

async function serve(
  server: TestServer,
  folder: string,
  load: { seconds: number; rate: number | null; boot: string; before: number; atEnd?: () => Promise<void> },
): Promise<LoadReport & Served> {
  const file = join(folder, "accounts.json");
  writeFileSync(file, JSON.stringify(accounts()));
  const cpu = cpuOf(server.child);
  const report = await generate([
    ...["--port", String(server.ports.mqtt), "--accounts", file, "--connections", String(CONNECTIONS)],
    ...[
      "--seconds",
      String(load.seconds),
      "--boot",
      load.boot,
      ...(load.rate === null ? [] : ["--rate", String(load.rate)]),
    ],
  ]);
  const serverCpuPercent = cpu();
  await load.atEnd?.();
  const backlog = backlogOf(await statusOf(server)) ?? {};
  const startedAt = clock.monotonic();
  const done = await drained(server, 600_000);
  const stored = done.points - load.before;
  return {
    ...report,
    serverCpuPercent,
    backlog,
    drainSeconds: Number(((clock.monotonic() - startedAt) / 1_000).toFixed(1)),
    rssMegabytes: rssOf(server.child),
    stored,
    expected: report.acked * VALUES_A_MESSAGE,
  };
}

export async function generate(args: readonly string[]): Promise<LoadReport> {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", join(import.meta.dirname, "mqtt-loadgen.ts"), "--window", "20", ...args],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let text = "";
  child.stdout.on("data", (chunk) => (text += chunk));
  await once(child, "close");
  return JSON.parse(text) as LoadReport;
}

/** One device crosses a limit and comes back, again and again; measures publish → alarm on MQTT. */
function startProbes(server: TestServer): { stop(): Promise<number[]> } {
  const latencies: number[] = [];
  const stop = new AbortController();
  const work = (async () => {
    const { stdout } = await server.cli("consumer", "add", `bench-${Math.round(clock.monotonic())}`, "--json");
    const { consumer, secret } = JSON.parse(stdout) as { consumer: string; secret: string };
    await clock.sleep(2_500); // the server reads new consumers once a second
    const url = `mqtt://127.0.0.1:${server.ports.mqtt}`;
    const watcher = await connectAsync(url, { clientId: consumer, username: consumer, password: secret });
    const id = `dev-${CONNECTIONS + 1}`;
    const device = await connectAsync(url, {
      clientId: id,
      username: id,
      password: `secret-of-device-${CONNECTIONS + 1}-0123456789abcdef`,
    });
    let onState: (state: string) => void = () => undefined;
    watcher.on("message", (_, payload) => onState((JSON.parse(payload.toString()) as { state: string }).state));
    await watcher.subscribeAsync("ews/1/+/alerts-log/#", { qos: 1 });
    const send = (value: number): Promise<unknown> =>
      device.publishAsync(
        `ews/1/t1/s1/mw-${CONNECTIONS + 1}/${id}/telemetry`,
        JSON.stringify({ v: 1, ts: clock.now(), r: [{ p: "cd", v: value, u: "mg/L" }] }),
        { qos: 1 },
      );
    const cross = async (value: number, state: string): Promise<number> => {
      const startedAt = clock.monotonic();
      const seen = new Promise<void>((resolve) => {
        onState = (got) => (got === state ? resolve() : undefined);
      });
      await Promise.all([send(value), seen]);
      return clock.monotonic() - startedAt;
    };
    while (!stop.signal.aborted) {
      latencies.push(await cross(2, "active"));
      await clock.sleep(20);
      await cross(0.1, "cleared");
      await clock.sleep(20);
    }
    await Promise.all([watcher.endAsync(true), device.endAsync(true)]);
  })();
  return {
    stop: async () => {
      stop.abort();
      await work;
      return latencies;
    },
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(1));
}
