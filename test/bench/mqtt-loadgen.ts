/**
 * MQTT load generator: raw sockets, QoS 1, a window of messages in flight per connection, every PUBACK counted and
 * checked for order. Saturating, or paced (`rate`). Reports latency and its own CPU: a run in which the generator was
 * the bottleneck is void. As a program: `tsx test/bench/mqtt-loadgen.ts --port 1883 --connections 200 --seconds 5`.
 */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { systemClock as clock } from "../../core/clock.ts";

export interface LoadAccount {
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  readonly topic: string;
}
/** One value of each message: `prefix` and three changing digits, e.g. "0.001" → 0.001000 to 0.001999. */
export interface LoadValue {
  readonly quantity: string;
  readonly prefix: string;
  readonly unit?: string;
}
export interface LoadOptions {
  readonly host: string;
  readonly port: number;
  readonly accounts: readonly LoadAccount[];
  readonly window: number;
  /** Messages a second over all connections; null saturates. */
  readonly rate: number | null;
  readonly warmupSeconds: number;
  readonly seconds: number;
  /** Instead of `seconds`: each device sends so many messages, one a minute up to now, as fast as it is let. */
  readonly backlog: number | null;
  readonly values: readonly LoadValue[];
  /** Makes message keys of one run unlike those of another; 4 characters. */
  readonly boot: string;
}
export interface LoadReport {
  readonly connections: number;
  readonly window: number;
  readonly payloadBytes: number;
  /** Of the whole run, warm-up included; `lost` = sent and never acknowledged. */
  readonly sent: number;
  readonly acked: number;
  readonly lost: number;
  readonly outOfOrder: number;
  readonly closedEarly: number;
  /** Of the measured span. */
  readonly seconds: number;
  readonly ackedPerSecond: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** This process, percent of one core. */
  readonly cpuPercent: number;
}

export const DEFAULT_VALUES: readonly LoadValue[] = [
  { quantity: "ph", prefix: "7.", unit: "pH" },
  { quantity: "cd", prefix: "0.001" },
  { quantity: "pb", prefix: "0.002" },
  { quantity: "as", prefix: "0.003" },
  { quantity: "zn", prefix: "0.004" },
];

const CONNACK_MS_MAX = 30_000;
const DRAIN_MS_MAX = 15_000;
const FLUSH_MS_MAX = 600_000;
const PACE_MS = 2;
const CONNECTING_MAX = 100;

/** @throws Error when a connection is refused or not accepted in time. */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const latency = new Latency();
  const connections = options.accounts.map((account, index) => new Connection(account, index, options, latency));
  for (let at = 0; at < connections.length; at += CONNECTING_MAX)
    await within(
      Promise.all(connections.slice(at, at + CONNECTING_MAX).map((connection) => connection.open())),
      CONNACK_MS_MAX,
      "CONNACK",
    );
  const startedAt = clock.monotonic();
  const stopPacing =
    options.rate === null ? saturate(connections, options.backlog) : pace(connections, options.rate, startedAt);
  await clock.sleep(options.warmupSeconds * 1_000);

  const sumOf = (key: "sent" | "acked" | "outOfOrder"): number => connections.reduce((sum, it) => sum + it[key], 0);
  const before = { acked: sumOf("acked"), at: clock.monotonic(), cpu: process.cpuUsage() };
  latency.isCounting = true;
  await (options.backlog === null ? clock.sleep(options.seconds * 1_000) : flushed(connections, options.backlog));
  latency.isCounting = false;
  const seconds = (clock.monotonic() - before.at) / 1_000;
  const acked = sumOf("acked") - before.acked;
  const cpu = process.cpuUsage(before.cpu);

  stopPacing();
  for (const connection of connections) connection.stop();
  const closedEarly = connections.filter(({ isClosed }) => isClosed).length;
  const endBy = clock.monotonic() + DRAIN_MS_MAX;
  while (sumOf("acked") < sumOf("sent") && clock.monotonic() < endBy) await clock.sleep(20);
  for (const connection of connections) connection.close();
  return {
    connections: connections.length,
    window: options.window,
    payloadBytes: connections[0]?.payloadBytes ?? 0,
    sent: sumOf("sent"),
    acked: sumOf("acked"),
    lost: sumOf("sent") - sumOf("acked"),
    outOfOrder: sumOf("outOfOrder"),
    closedEarly,
    seconds,
    ackedPerSecond: Math.round(acked / seconds),
    p50Ms: latency.quantile(0.5),
    p90Ms: latency.quantile(0.9),
    p99Ms: latency.quantile(0.99),
    maxMs: latency.maxMs,
    cpuPercent: Math.round((cpu.user + cpu.system) / 10_000 / seconds),
  };
}

function saturate(connections: readonly Connection[], messages: number | null): () => void {
  for (const connection of connections) connection.fill(messages ?? Number.POSITIVE_INFINITY);
  return () => {};
}

async function flushed(connections: readonly Connection[], messages: number): Promise<void> {
  const endBy = clock.monotonic() + FLUSH_MS_MAX;
  const isDone = ({ acked, isClosed }: Connection): boolean => isClosed || acked >= messages;
  while (!connections.every(isDone) && clock.monotonic() < endBy) await clock.sleep(20);
}

/** Open loop, as far as the windows allow: each connection gets its share, one after another within the interval. */
function pace(connections: readonly Connection[], rate: number, startedAt: number): () => void {
  const perConnectionMs = rate / connections.length / 1_000;
  return clock.every(PACE_MS, () => {
    const elapsedMs = clock.monotonic() - startedAt;
    for (const [index, connection] of connections.entries())
      connection.fill(Math.floor(elapsedMs * perConnectionMs + index / connections.length));
  });
}

/** Histogram of 10 microseconds to 1 s, 1 ms to 60 s. */
class Latency {
  isCounting = false;
  maxMs = 0;
  #count = 0;
  readonly #fine = new Uint32Array(100_000);
  readonly #coarse = new Uint32Array(60_001);
  add(ms: number): void {
    if (!this.isCounting) return;
    this.#count += 1;
    if (ms > this.maxMs) this.maxMs = ms;
    if (ms < 1_000) this.#fine[(ms * 100) | 0]! += 1;
    else this.#coarse[Math.min(60_000, ms | 0)]! += 1;
  }
  quantile(share: number): number {
    let left = this.#count * share;
    for (const [at, count] of this.#fine.entries()) {
      left -= count;
      if (left <= 0) return at / 100;
    }
    for (const [at, count] of this.#coarse.entries()) {
      left -= count;
      if (left <= 0) return at;
    }
    return 0;
  }
}

class Connection {
  sent = 0;
  acked = 0;
  outOfOrder = 0;
  isClosed = false;
  readonly payloadBytes: number;
  readonly #options: LoadOptions;
  readonly #account: LoadAccount;
  readonly #latency: Latency;
  readonly #frame: Frame;
  /** When each message in flight was sent, by its number modulo the window. */
  readonly #sentAt: Float64Array;
  #socket: Socket | null = null;
  #rest: Buffer = Buffer.alloc(0);
  /** How many messages may have been sent by now. */
  #due = 0;
  #digits: number;
  readonly #startedAt = clock.now();
  /** Of the last message, ms since 1970 UTC. */
  #time = 0;

  constructor(account: LoadAccount, index: number, options: LoadOptions, latency: Latency) {
    this.#account = account;
    this.#options = options;
    this.#latency = latency;
    this.#frame = publishFrame(account.topic, options);
    this.#sentAt = new Float64Array(options.window);
    this.#digits = (index * 37) % 1_000;
    this.payloadBytes = this.#frame.payloadBytes;
  }

  open(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true });
      this.#socket = socket;
      socket.once("error", reject);
      socket.once("close", () => {
        this.isClosed = true;
        reject(new Error(`${this.#account.clientId}: connection closed`));
      });
      socket.once("connect", () => socket.write(connectFrame(this.#account)));
      socket.once("data", (connack: Buffer) => {
        if (connack[0] !== 0x20 || connack[3] !== 0)
          return reject(new Error(`${this.#account.clientId}: CONNACK ${connack[3]}`));
        socket.on("data", (bytes: Buffer) => this.#take(bytes));
        resolve();
      });
    });
  }

  /** Sends until `due` messages have left in all, as far as the window allows. */
  fill(due: number): void {
    this.#due = due;
    const count = Math.min(due - this.sent, this.#options.window - (this.sent - this.acked));
    if (count < 1 || this.isClosed) return;
    const { bytes, idAt, seqAt, timeAt, digitsAt } = this.#frame;
    const burst = Buffer.allocUnsafe(bytes.length * count);
    const now = clock.monotonic();
    const wallNow = clock.now();
    for (let at = 0; at < burst.length; at += bytes.length) {
      burst.set(bytes, at);
      burst.writeUInt16BE((this.sent % 65_535) + 1, at + idAt);
      this.#sentAt[this.sent % this.#options.window] = now;
      this.sent += 1;
      writeDigits(burst, at + seqAt + 9, this.sent, 1);
      // Every message has a time of its own: two readings of one series and time would be a correction.
      const { backlog } = this.#options;
      this.#time =
        backlog === null ? Math.max(this.#time + 1, wallNow) : this.#startedAt - (backlog - this.sent) * 60_000;
      burst.write(String(this.#time), at + timeAt, "latin1");
      for (const place of digitsAt) {
        this.#digits = (this.#digits * 69 + 97) % 1_000;
        writeDigits(burst, at + place + 2, this.#digits, 3);
      }
    }
    this.#socket?.write(burst);
  }
  stop(): void {
    this.#due = 0;
  }
  close(): void {
    this.#socket?.end(Buffer.from([0xe0, 0]));
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const now = clock.monotonic();
    let at = 0;
    for (; at + 4 <= bytes.length; at += 4) {
      if (bytes[at] !== 0x40 || bytes.readUInt16BE(at + 2) !== (this.acked % 65_535) + 1) this.outOfOrder += 1;
      this.#latency.add(now - (this.#sentAt[this.acked % this.#options.window] ?? now));
      this.acked += 1;
    }
    this.#rest = bytes.subarray(at);
    this.fill(this.#due);
  }
}

/** Writes an integer so that its last digit is at `end`, with at least `digitsMin` digits. */
function writeDigits(buffer: Buffer, end: number, value: number, digitsMin: number): void {
  for (let at = end, rest = value; rest > 0 || at > end - digitsMin; at--) {
    buffer[at] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

interface Frame {
  readonly bytes: Buffer;
  readonly payloadBytes: number;
  readonly idAt: number;
  readonly seqAt: number;
  readonly timeAt: number;
  readonly digitsAt: readonly number[];
}

/** One PUBLISH, QoS 1, with places for what changes: packet id, sequence (10 characters), time and the digits. */
function publishFrame(topic: string, { values, boot }: LoadOptions): Frame {
  const readings = values.map(
    ({ quantity, prefix, unit }) => `{"p":"${quantity}","v":${prefix}###${unit ? `,"u":"${unit}"` : ""}}`,
  );
  const text = `{"v":1,"boot":"${boot}","seq":${" ".repeat(10)},"ts":${"@".repeat(13)},"r":[${readings.join(",")}]}`;
  const id = Buffer.alloc(2);
  const bytes = packet(0x32, [string(topic), id, Buffer.from(text)]);
  const payloadAt = bytes.length - text.length;
  const digitsAt: number[] = [];
  for (let at = text.indexOf("###"); at >= 0; at = text.indexOf("###", at + 3)) digitsAt.push(payloadAt + at);
  return {
    bytes,
    payloadBytes: text.length,
    idAt: payloadAt - 2,
    seqAt: payloadAt + text.indexOf(" ".repeat(10)),
    timeAt: payloadAt + text.indexOf("@"),
    digitsAt,
  };
}

function connectFrame({ clientId, username, password }: LoadAccount): Buffer {
  const flags = 2 | (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40);
  const parts = [string("MQTT"), Buffer.from([4, flags, 0, 0]), string(clientId)];
  if (username !== undefined) parts.push(string(username));
  if (password !== undefined) parts.push(string(password));
  return packet(0x10, parts);
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

function packet(header: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  for (let rest = body.length; ; rest >>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from([header, ...length]), body]);
}

async function within<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  const stop = new AbortController();
  const late = clock.sleep(ms, stop.signal).then(() => {
    if (!stop.signal.aborted) throw new Error(`no ${what} within ${ms} ms`);
    return work;
  });
  return Promise.race([work, late]).finally(() => stop.abort());
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "1883" },
      /** JSON file: [{clientId, username, password, topic}]. */
      accounts: { type: "string" },
      connections: { type: "string", default: "200" },
      window: { type: "string", default: "20" },
      rate: { type: "string" },
      warmup: { type: "string", default: "1" },
      seconds: { type: "string", default: "5" },
      boot: { type: "string", default: "b001" },
      backlog: { type: "string" },
    },
  });
  const accounts: readonly LoadAccount[] = values.accounts
    ? JSON.parse(readFileSync(values.accounts, "utf8"))
    : Array.from({ length: Number(values.connections) }, (_, at) => ({ clientId: `load-${at}`, topic: `load/${at}` }));
  const report = await runLoad({
    host: values.host,
    port: Number(values.port),
    accounts: accounts.slice(0, Number(values.connections)),
    window: Number(values.window),
    rate: values.rate === undefined ? null : Number(values.rate),
    backlog: values.backlog === undefined ? null : Number(values.backlog),
    warmupSeconds: values.backlog === undefined ? Number(values.warmup) : 0,
    seconds: Number(values.seconds),
    values: DEFAULT_VALUES,
    boot: values.boot,
  });
  process.stdout.write(`${JSON.stringify(report)}\n`);
  process.exitCode = report.lost > 0 || report.outOfOrder > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
