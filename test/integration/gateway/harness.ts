/** A real gateway on free ports with a small registry, and a raw client that says exactly what a test wants said. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { generate, type IConnectPacket, type Packet, parser } from "mqtt-packet";
import { type Clock, systemClock } from "../../../core/clock.ts";
import { Config } from "../../../core/config.ts";
import { createDirectory } from "../../../core/directory.ts";
import { decodeRaw, type RawMessage } from "../../../core/envelope.ts";
import { createLogger, type Logger, Metrics } from "../../../core/observe.ts";
import type { Consumer, Directory, Journal, RegistrySnapshot } from "../../../core/ports.ts";
import { hmacSecret } from "../../../core/secret.ts";
import { createGateway, type Gateway } from "../../../gateway/gateway.ts";
import type { ExchangeTimings } from "../../../gateway/hj212-exchange.ts";
import type { DeviceSecrets } from "../../../gateway/hj212-server.ts";
import type { Presence } from "../../../gateway/presence.ts";
import { aDevice, aSite, aSnapshot, aStation, aTenant } from "../../support/builders.ts";
import { MemoryJournal } from "../../support/journal-memory.ts";

export const PEPPER = randomBytes(32);
export const prefixOf = (device: string): string => `ews/1/acme/site-1/mw-1/${device}/`;
export const secretOf = (name: string): string => `secret of ${name}`;

/** Devices well-1 and well-10 of tenant acme, rival-1 of tenant rival. */
export function aRegistry(overrides: Partial<RegistrySnapshot> = {}): RegistrySnapshot {
  const devices = ["well-1", "well-10", "rival-1", "orphan"];
  return aSnapshot({
    tenants: [aTenant({ id: "acme" }), aTenant({ id: "rival" })],
    sites: [aSite({ id: "site-1", tenant: "acme" }), aSite({ id: "site-2", tenant: "rival" })],
    stations: [aStation({ id: "mw-1", site: "site-1" }), aStation({ id: "rw-1", site: "site-2" })],
    devices: [
      aDevice({ id: "well-1", station: "mw-1" }),
      aDevice({ id: "well-10", station: "mw-1" }),
      aDevice({ id: "rival-1", station: "rw-1" }),
    ],
    credentials: devices.map((device) => ({ device, hmac: hmacSecret(PEPPER, secretOf(device)) })),
    ...overrides,
  });
}

export const CONSUMERS: readonly Consumer[] = [
  { name: "wallboard", tenant: "acme", hmac: hmacSecret(PEPPER, secretOf("wallboard")) },
  { name: "bureau", tenant: null, hmac: hmacSecret(PEPPER, secretOf("bureau")) },
];

/** A memory journal whose appends resolve when the test says so. */
export class HeldJournal extends MemoryJournal {
  readonly #waiting: { entry: Uint8Array; resolve: () => void; reject: (error: Error) => void }[] = [];
  #arrivals: (() => void)[] = [];
  waitingMax = 0;

  override append(_stream: "raw", entry: Uint8Array): Promise<void> {
    const held = new Promise<void>((resolve, reject) => this.#waiting.push({ entry, resolve, reject }));
    this.waitingMax = Math.max(this.waitingMax, this.#waiting.length);
    for (const arrival of this.#arrivals.splice(0)) arrival();
    return held;
  }
  get waiting(): number {
    return this.#waiting.length;
  }
  async holds(count: number): Promise<void> {
    while (this.#waiting.length < count) await new Promise<void>((resolve) => this.#arrivals.push(resolve));
  }
  /** Commits the oldest `count`, as one group. */
  async release(count = this.#waiting.length): Promise<void> {
    for (const { entry, resolve } of this.#waiting.splice(0, count)) {
      await super.append("raw", entry);
      resolve();
    }
  }
  fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

export interface TestGateway extends Gateway {
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly port: number;
  /** Replaces the registry, as a newer copy would. */
  register(snapshot: RegistrySnapshot): void;
  /** What is in stream `raw`. */
  raw(): Promise<RawMessage[]>;
  /** Value of `jingtu_gateway_refused_total` by reason; counters reach the metrics when the gateway closes. */
  refused(): Promise<Record<string, number>>;
}

export async function startGateway(
  options: {
    journal?: Journal;
    config?: Record<string, unknown>;
    clock?: Clock;
    log?: Logger;
    presence?: Presence;
    registry?: RegistrySnapshot;
    fieldSecrets?: () => ReadonlyMap<string, DeviceSecrets>;
    exchangeTimings?: ExchangeTimings;
  } = {},
): Promise<TestGateway> {
  let directory: Directory = createDirectory(options.registry ?? aRegistry());
  const journal = options.journal ?? new MemoryJournal();
  const metrics = new Metrics();
  const gateway = await createGateway({
    config: Config.parse({ mqttPort: 0, mqttsPort: 0, wsPort: 0, hj212Port: 0, ...options.config }),
    journal,
    directory: () => directory,
    consumers: () => CONSUMERS,
    fieldSecrets: options.fieldSecrets ?? ((): ReadonlyMap<string, DeviceSecrets> => new Map()),
    ...(options.exchangeTimings ? { exchangeTimings: options.exchangeTimings } : {}),
    pepper: PEPPER,
    clock: options.clock ?? systemClock,
    ...(options.presence ? { presence: options.presence } : {}),
    log: options.log ?? createLogger("silent"),
    metrics,
  });
  return {
    ...gateway,
    journal,
    metrics,
    port: gateway.addresses.mqtt ?? 0,
    register: (snapshot) => {
      directory = createDirectory(snapshot);
    },
    raw: async () => (await journal.read("raw", 0, Number.MAX_SAFE_INTEGER)).map(({ bytes }) => decodeRaw(bytes)),
    refused: async () => {
      const metric = (await metrics.registry.getMetricsAsJSON()).find(
        ({ name }) => name === "jingtu_gateway_refused_total",
      );
      const values = (metric?.values ?? []) as { value: number; labels: { reason?: string } }[];
      return Object.fromEntries(values.map(({ value, labels }) => [labels.reason ?? "", value]));
    },
  };
}

/** One TCP connection with every packet it has received. */
export class RawClient {
  readonly socket: Socket;
  readonly packets: Packet[] = [];
  readonly closed: Promise<void>;
  readonly #parser = parser();
  #wakes: (() => void)[] = [];
  #isClosed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.#parser.on("packet", (packet) => {
      this.packets.push(packet);
      this.#wake();
    });
    socket.on("data", (bytes) => this.#parser.parse(bytes));
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#isClosed = true;
        resolve();
        this.#wake();
      });
    });
  }

  /** `from` chooses a loopback address, since failed sign-ins slow their address down. */
  static async open(port: number, from = "127.0.0.1"): Promise<RawClient> {
    const socket = connect({ port, host: "127.0.0.1", localAddress: from, noDelay: true });
    await once(socket, "connect");
    return new RawClient(socket);
  }

  /** Signs in as `name` with its own secret and waits for CONNACK 0. */
  static async signIn(port: number, name: string, overrides: Partial<IConnectPacket> = {}): Promise<RawClient> {
    const client = await RawClient.open(port);
    client.send(connectPacket(name, overrides));
    const connack = await client.next("connack");
    if (connack.returnCode !== 0) throw new Error(`CONNACK ${connack.returnCode}`);
    return client;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }
  send(packet: Packet): void {
    this.socket.write(generate(packet));
  }
  publish(topic: string, payload: string | Buffer, messageId?: number, retain = false): void {
    const qos = messageId === undefined ? 0 : 1;
    this.send({
      cmd: "publish",
      topic,
      payload,
      qos,
      dup: false,
      retain,
      ...(messageId === undefined ? {} : { messageId }),
    });
  }
  /** The SUBACK's codes, in order. */
  async subscribe(...topics: string[]): Promise<number[]> {
    this.send({ cmd: "subscribe", messageId: 7, subscriptions: topics.map((topic) => ({ topic, qos: 1 })) });
    return (await this.next("suback")).granted as number[];
  }
  of<Command extends Packet["cmd"]>(cmd: Command): Extract<Packet, { cmd: Command }>[] {
    return this.packets.filter((packet) => packet.cmd === cmd) as Extract<Packet, { cmd: Command }>[];
  }
  /** Takes the next packet of a kind out of what was received. */
  async next<Command extends Packet["cmd"]>(cmd: Command): Promise<Extract<Packet, { cmd: Command }>> {
    for (;;) {
      const at = this.packets.findIndex((packet) => packet.cmd === cmd);
      if (at >= 0) return this.packets.splice(at, 1)[0] as Extract<Packet, { cmd: Command }>;
      if (this.#isClosed) throw new Error(`closed before ${cmd}`);
      await new Promise<void>((resolve) => this.#wakes.push(resolve));
    }
  }
  /** Resolves when `count` packets of a kind have come; rejects when the connection ends before. */
  async received(cmd: Packet["cmd"], count: number): Promise<void> {
    while (this.of(cmd).length < count) {
      if (this.#isClosed) throw new Error(`closed after ${this.of(cmd).length} ${cmd}`);
      await new Promise<void>((resolve) => this.#wakes.push(resolve));
    }
  }
  /** A round trip: everything sent before has been judged when this resolves. */
  async ping(): Promise<void> {
    this.send({ cmd: "pingreq" });
    await this.next("pingresp");
  }
  end(): void {
    this.socket.destroy();
  }
  #wake(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }
}

export function connectPacket(name: string, overrides: Partial<IConnectPacket> = {}): IConnectPacket {
  return {
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
    clientId: name,
    username: name,
    password: Buffer.from(secretOf(name)),
    ...overrides,
  };
}
