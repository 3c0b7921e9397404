/** A real server for tests: `node dist/main.js serve` as a child process on free ports and a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { stringify } from "yaml";

const ROOT = join(import.meta.dirname, "../..");
export const MAIN = join(ROOT, "dist/main.js");

export interface Ports {
  readonly mqtt: number;
  readonly mqtts: number | null;
  readonly ws: number;
  readonly http: number;
  readonly hj212: number;
}

export interface TestServer {
  readonly ports: Ports;
  readonly url: string;
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly child: ChildProcess;
  /** What it wrote on stderr so far. */
  stderr(): string;
  /** Runs another verb on the same data folder. */
  cli(...args: string[]): Promise<CliResult>;
  /** SIGTERM and wait; the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL and wait. */
  kill(): Promise<void>;
  /** Starts again on the same folder and the same ports. */
  restart(): Promise<TestServer>;
}

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input?: string,
): Promise<CliResult> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...cleanEnv(), ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  child.stdin.end(input ?? "");
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

/** A registry file with secrets, for tests that connect devices. */
export interface TestRegistry {
  readonly tenants: readonly { id: string; name: string }[];
  readonly sites: readonly object[];
  readonly stations: readonly object[];
  readonly devices: readonly {
    id: string;
    station: string;
    secret: string;
    interval: string;
    quantities: Record<string, string>;
  }[];
}

export async function startServer(
  options: { registry?: TestRegistry; env?: Record<string, string>; dataDir?: string } = {},
): Promise<TestServer> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "jingtu-test-"));
  const env: Record<string, string> = {
    EWS_DATA_DIR: dataDir,
    EWS_MQTT_PORT: "0",
    EWS_MQTTS_PORT: "0",
    EWS_WS_PORT: "0",
    EWS_HJ212_PORT: "0",
    EWS_HTTP_PORT: "0",
    EWS_LOG_LEVEL: "warn",
    EWS_ADMIN_PASSWORD: "correct horse battery",
    ...options.env,
  };
  if (options.registry) {
    const file = join(dataDir, "registry.yaml");
    writeFileSync(file, stringify(options.registry));
    const imported = await runCli(["registry", "import", file], env);
    if (imported.code !== 0) throw new Error(`registry import failed: ${imported.stderr}`);
  }
  return launch(dataDir, env);
}

async function launch(dataDir: string, env: Record<string, string>): Promise<TestServer> {
  const child = spawn(process.execPath, [MAIN, "serve"], {
    env: { ...cleanEnv(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const ports = await new Promise<Ports>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith('{"ready"')) resolve((JSON.parse(line) as { ready: Ports }).ready);
    });
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${stderr}`)));
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const secure = env["EWS_HTTP_TLS_CERT"] !== undefined;
  return {
    ports,
    url: `${secure ? "https" : "http"}://127.0.0.1:${ports.http}`,
    dataDir,
    env,
    child,
    stderr: () => stderr,
    cli: (...args) => runCli(args, env),
    stop: async () => {
      child.kill("SIGTERM");
      return await exited;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
    restart: () =>
      launch(dataDir, {
        ...env,
        EWS_MQTT_PORT: String(ports.mqtt),
        EWS_WS_PORT: String(ports.ws),
        EWS_HJ212_PORT: String(ports.hj212),
        EWS_HTTP_PORT: String(ports.http),
      }),
  };
}

export function removeData(server: Pick<TestServer, "dataDir">): void {
  rmSync(server.dataDir, { recursive: true, force: true });
}

/** Only what a program needs, so that a developer's own EWS_ variables do not reach the child. */
function cleanEnv(): Record<string, string> {
  const { PATH = "", HOME = "", TZ } = process.env;
  return { PATH, HOME, ...(TZ ? { TZ } : {}) };
}

/** Polls `probe` until it gives something other than null; the message says what was awaited. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | null | undefined>,
  withinMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await probe();
    if (found !== null && found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function aTestRegistry(devices = 1): TestRegistry {
  const numbers = Array.from({ length: devices }, (_, index) => index + 1);
  return {
    tenants: [{ id: "t1", name: "Tenant one" }],
    sites: [
      {
        id: "s1",
        tenant: "t1",
        kind: "tailings-pond",
        area: "512021",
        name: { "zh-CN": "一号库", en: "Pond one" },
        lat: 30.1,
        lon: 105.2,
      },
    ],
    stations: numbers.map((n) => ({
      id: `mw-${n}`,
      site: "s1",
      medium: "groundwater",
      type: "downgradient",
      control: "city",
    })),
    devices: numbers.map((n) => ({
      id: `dev-${n}`,
      station: `mw-${n}`,
      secret: `secret-of-device-${n}-0123456789abcdef`,
      interval: "10m",
      quantities: { cd: "µg/L", as: "µg/L", pb: "µg/L", ph: "pH", ec: "µS/cm" },
    })),
  };
}

/** What `jingtu status --json` prints, as far as tests and benchmarks look. */
export interface StatusReport {
  readonly points: number;
  readonly journal: {
    readonly streams: Readonly<Record<string, { readonly end: number }>>;
    readonly readers: readonly { readonly reader: string; readonly stream: string; readonly offset: number }[];
  };
}

export async function statusOf(server: TestServer): Promise<StatusReport> {
  const { stdout, stderr } = await server.cli("status", "--json");
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout) as StatusReport;
}

const READERS = ["ingest", "series", "alerts", "recorder"];

/** Entries that each reader on the way of a reading is behind; null while one of them has not yet begun. */
export function backlogOf({ journal: { readers, streams } }: StatusReport): Record<string, number> | null {
  const working = readers.filter(({ reader }) => READERS.includes(reader));
  if (!READERS.every((name) => working.some(({ reader }) => reader === name))) return null;
  return Object.fromEntries(
    working.map(({ reader, stream, offset }) => [`${reader} ${stream}`, (streams[stream]?.end ?? 0) - offset]),
  );
}

/** Waits until every reader has caught up. */
export function drained(server: TestServer, withinMs = 120_000): Promise<StatusReport> {
  return eventually(
    "every reader at the end of its stream",
    async () => {
      const status = await statusOf(server);
      const backlog = backlogOf(status);
      return backlog && Object.values(backlog).every((lag) => lag === 0) ? status : null;
    },
    withinMs,
  );
}
