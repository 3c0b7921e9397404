/** The people and devices of end-to-end tests: an API caller with a token, a device, and a reader of MQTT alarms. */
import { connectAsync, type MqttClient } from "mqtt";
import type { Telemetry } from "../../core/wire.ts";
import type { TestServer } from "./server.ts";

export interface Api {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  status(path: string, init?: RequestInit): Promise<number>;
}

/** Calls /api/v1 with a bearer token of the role, made by the command line. */
export async function apiOf(server: TestServer, role = "admin", ...more: string[]): Promise<Api> {
  const { stdout, stderr, code } = await server.cli("token", "create", "--role", role, ...more);
  if (code !== 0) throw new Error(stderr);
  const authorization = `Bearer ${stdout.trim()}`;
  const call = async (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${server.url}/api/v1/${path}`, {
      ...init,
      headers: { authorization, ...(init.body ? { "content-type": "application/json" } : {}) },
    });
  const json = async <T>(path: string, init: RequestInit): Promise<T> => {
    const response = await call(path, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  return {
    get: (path) => json(path, {}),
    post: (path, body) => json(path, { method: "POST", ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
    status: async (path, init) => (await call(path, init)).status,
  };
}

export interface TestDevice {
  /** Resolves at the PUBACK. */
  send(message: Telemetry | object): Promise<void>;
  close(): Promise<void>;
}

export async function connectDevice(server: TestServer, n = 1): Promise<TestDevice> {
  const client = await connectAsync(`mqtt://127.0.0.1:${server.ports.mqtt}`, {
    clientId: `dev-${n}`,
    username: `dev-${n}`,
    password: `secret-of-device-${n}-0123456789abcdef`,
    reconnectPeriod: 0,
  });
  return {
    send: async (message) => {
      await client.publishAsync(`ews/1/t1/s1/mw-${n}/dev-${n}/telemetry`, JSON.stringify(message), { qos: 1 });
    },
    close: () => client.endAsync(true),
  };
}

export interface AlarmMessage {
  readonly id: string;
  readonly rule: string;
  readonly level: string;
  readonly state: string;
  readonly verified: boolean;
  readonly start: string | number;
  readonly end: string | number | null;
  readonly lateMs: number;
  readonly value: number;
  readonly limit: number;
  readonly unit: string;
  readonly clause: string;
}

/** Subscribes to every alarm topic and keeps what arrives. */
export async function watchAlarms(
  server: TestServer,
): Promise<{ readonly states: Map<string, AlarmMessage>; readonly log: AlarmMessage[]; close(): Promise<void> }> {
  const name = `watch-${Math.trunc(performance.now())}`;
  const { stdout, stderr, code } = await server.cli("consumer", "add", name, "--json");
  if (code !== 0) throw new Error(stderr);
  const { secret } = JSON.parse(stdout) as { secret: string };
  const client = await connectWhenKnown(server, name, secret);
  const states = new Map<string, AlarmMessage>();
  const log: AlarmMessage[] = [];
  client.on("message", (topic, payload) => {
    if (payload.length === 0) states.delete(topic);
    else if (topic.includes("/alerts-log/")) log.push(JSON.parse(payload.toString()) as AlarmMessage);
    else states.set(topic, JSON.parse(payload.toString()) as AlarmMessage);
  });
  await client.subscribeAsync(["ews/1/+/alerts/#", "ews/1/+/alerts-log/#"], { qos: 1 });
  return { states, log, close: () => client.endAsync(true) };
}

/** The server reads new consumers once a second. */
async function connectWhenKnown(server: TestServer, name: string, password: string): Promise<MqttClient> {
  for (let tries = 0; ; tries++) {
    try {
      return await connectAsync(
        `mqtt://127.0.0.1:${server.ports.mqtt}`,
        { clientId: name, username: name, password, reconnectPeriod: 0 },
        false,
      );
    } catch (error) {
      if (tries > 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
