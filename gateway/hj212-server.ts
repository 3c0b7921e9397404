/**
 * The HJ 212 server: field loggers (数采仪) connect over TCP or TLS, and their packets enter journal stream `raw` like
 * any message. Holds what connections share: limits, devices, passwords, sweeps, the view and the commands down.
 */
import { timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import type { Clock } from "../core/clock.ts";
import { externalName } from "../core/directory.ts";
import { addressKey } from "../core/failure-pace.ts";
import type { FieldCommand, FieldOrder, FieldOutcome, FieldSession, UnclaimedDevice } from "../core/field-session.ts";
import { decryptSegment } from "../core/hj212-sm4.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type { Directory } from "../core/ports.ts";
import type { PresenceSink } from "../core/presence.ts";
import type { DeviceContext } from "../core/site.ts";
import { Admission } from "./admission.ts";
import type { Gate } from "./admit.ts";
import type { Desk } from "./hj212-desk.ts";
import { FieldDevice, Unclaimed } from "./hj212-devices.ts";
import { type Door, type Hj212Config, openDoor } from "./hj212-door.ts";
import { type ExchangeTimings, TIMINGS } from "./hj212-exchange.ts";
import { requestOf } from "./hj212-packet.ts";
import { Guesses } from "./hj212-senders.ts";
import { Hj212Session } from "./hj212-session.ts";
import { ConnectRate } from "./limits.ts";
import type { Refusals } from "./refusals.ts";
import { connectionKey, Room } from "./room.ts";
import { TALLY_MS, type Tally } from "./tally.ts";

/** What the server knows of a device's secrets, in clear; never logged. */
export interface DeviceSecrets {
  /** PW; packets with another one are not answered. */
  readonly password?: string;
  /** SM4 key of the 2025 edition, 16 bytes. */
  readonly sm4?: Uint8Array;
}

export interface Hj212Parts {
  readonly config: Hj212Config;
  readonly gate: Gate;
  readonly directory: () => Directory;
  readonly secrets: () => ReadonlyMap<string, DeviceSecrets>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tally: Tally;
  readonly refusals: Refusals;
  readonly metrics: Metrics;
  readonly timings?: ExchangeTimings;
  /** Told of devices that come and go. */
  readonly presence?: PresenceSink;
}

export interface Hj212Server {
  readonly port: number;
  /** Asks a device and follows what becomes of it. Never rejects. */
  command(device: string, command: FieldCommand, order?: FieldOrder): Promise<FieldOutcome>;
  /** Whether a device has a connection now. */
  isConnected(device: string): boolean;
  /** Devices heard of since the start. */
  sessions(): readonly FieldSession[];
  unclaimed(): readonly UnclaimedDevice[];
  /** Closes every connection that a device has spoken on, also one that it has left without a word. */
  kick(device: string): void;
  /** Ends the sessions of devices that were revoked or removed. Call when the registry has changed. */
  renew(): void;
  /** Accepts nothing more. */
  stop(): void;
  /** Ends what is open; commands that wait expire. After the gate has settled. */
  close(): void;
}

const SWEEP_MS = 5_000;
/** Who has not yet sent a packet of a registered device may stay so long. */
const UNPROVEN_MS_MAX = 10 * 60_000;
/** TCP finds out by itself that the other side has gone without a word. */
const KEEP_ALIVE_MS = 60_000;
/** A logger that asks for the time more often gets the 9013 alone. */
const CLOCK_SET_MS_MIN = 60_000;

type Count = "frames" | "resent" | "badCrc" | "noiseBytes" | "badLength";
const COUNTERS: Readonly<Record<Count, string>> = {
  frames: "hj212_frames",
  resent: "hj212_resent",
  badCrc: "hj212_crc_errors",
  noiseBytes: "hj212_noise_bytes",
  badLength: "hj212_bad_lengths",
};

/** @throws Misconfigured as `openDoor` does. Nothing stays open then. */
export async function openHj212(parts: Hj212Parts): Promise<Hj212Server> {
  const server = new Server(parts);
  await server.open();
  return server;
}

class Server implements Hj212Server {
  readonly #parts: Hj212Parts;
  readonly #room: Room;
  readonly #admission: Admission;
  readonly #unclaimed = new Unclaimed();
  readonly #guesses = new Guesses();
  readonly #devices = new Map<string, FieldDevice>();
  /** Oldest first. */
  readonly #sessions = new Set<Hj212Session>();
  readonly #unproven = new Set<Hj212Session>();
  readonly #counts = new Map<Count, number>();
  readonly #desk: Desk;
  readonly #stops: (() => void)[] = [];
  #door: Door | null = null;
  #isStopped = false;
  #knownSecrets: ReadonlyMap<string, DeviceSecrets>;

  constructor(parts: Hj212Parts) {
    const { clock, config, tally } = parts;
    this.#parts = parts;
    this.#knownSecrets = parts.secrets();
    const places = { all: config.hj212Connections, perAddress: config.hj212ConnectionsPerAddress };
    this.#room = new Room(places, () => tally.refuse("hj212-strangers"));
    const rate = new ConnectRate(config.hj212ConnectsPerMinute);
    const refuse = (reason: string): void => tally.refuse(reason);
    this.#admission = new Admission({ room: this.#room, rate, clock, refuse });
    this.#desk = this.#makeDesk();
  }

  async open(): Promise<void> {
    const { clock, config, log, tally } = this.#parts;
    this.#door = await openDoor(config, {
      log,
      admit: (socket) => {
        if (this.#admission.admit(socket)) socket.setKeepAlive(true, KEEP_ALIVE_MS);
      },
      accept: (socket) => this.#accept(socket),
      onBadHandshake: () => tally.refuse("tls-handshake"),
    });
    this.#stops.push(
      clock.every(SWEEP_MS, () => this.#sweep()),
      clock.every(TALLY_MS, () => this.#flushCounts()),
    );
  }

  get port(): number {
    return this.#door?.port ?? 0;
  }
  isConnected(device: string): boolean {
    return (this.#devices.get(device)?.line ?? null) !== null;
  }
  sessions(): readonly FieldSession[] {
    const { directory } = this.#parts;
    return [...this.#devices.values()].map((device) => {
      const hasPassword = this.#secretsOf(device.id)?.password !== undefined;
      return device.view({ hasPassword, isRevoked: directory().revokedSince(device.id) !== undefined });
    });
  }
  unclaimed(): readonly UnclaimedDevice[] {
    return this.#unclaimed.list();
  }
  kick(device: string): void {
    for (const session of this.#sessions) if (session.carries(device)) session.close();
  }
  renew(): void {
    const { directory } = this.#parts;
    this.#secrets();
    for (const session of this.#sessions) session.renew();
    for (const [id, device] of this.#devices) {
      if (directory().device(id)?.device.profile?.hj212) continue;
      this.#devices.delete(id);
      this.#guesses.forget(id);
      device.exchanges.close();
    }
  }
  stop(): void {
    this.#isStopped = true;
    this.#door?.stop();
  }
  close(): void {
    this.stop();
    for (const stop of this.#stops.splice(0)) stop();
    for (const device of this.#devices.values()) device.exchanges.close();
    this.#admission.close();
    this.#flushCounts();
  }

  async command(id: string, command: FieldCommand, order: FieldOrder = {}): Promise<FieldOutcome> {
    const context = this.#parts.directory().device(id);
    if (!context?.device.profile?.hj212) return refused("unsupported");
    if (this.#desk.isRevoked(id)) return refused("revoked");
    const device = this.#deviceOf(context);
    const { clock } = this.#parts;
    const password = (): string | undefined => this.#secretsOf(id)?.password;
    const profile = context.device.profile.hj212;
    const request = requestOf(command, { device, clock, password, profile, id: order.id });
    if (typeof request === "string") return refused(request);
    const outcome = await device.exchanges.run(command, request, order);
    if (outcome.sent > 0 && outcome.code !== "no-answer") device.answered(order.id);
    return outcome;
  }

  /** Nobody is believed, and nothing sent, by a new secret before the connections that showed the old one are forgotten. */
  #secrets(): ReadonlyMap<string, DeviceSecrets> {
    const before = this.#knownSecrets;
    const now = this.#parts.secrets();
    if (now === before) return now;
    this.#knownSecrets = now;
    for (const device of this.#devices.values()) {
      if (isSame(before.get(device.id), now.get(device.id))) continue;
      this.#guesses.forget(device.id);
      for (const session of this.#sessions) session.doubt(device);
      device.manner = null;
    }
    return now;
  }
  #secretsOf(device: string): DeviceSecrets | undefined {
    return this.#secrets().get(device);
  }

  #makeDesk(): Desk {
    const { clock, gate, tally, refusals, directory } = this.#parts;
    const passwordOf = (device: string): string | undefined => this.#secretsOf(device)?.password;
    return {
      clock,
      gate,
      contextOf: (mn) => directory().external(externalName.mn(mn)),
      deviceOf: (context) => this.#deviceOf(context),
      isRevoked: (device) => directory().revokedSince(device) !== undefined,
      hasPassword: (device) => passwordOf(device) !== undefined,
      hasKey: (device) => this.#secretsOf(device)?.sm4 !== undefined,
      passwordFits: (device, given) => passwordFits(passwordOf(device), given),
      guessWait: (address, device) => this.#guesses.waitMs(address, device, clock.now()),
      guessed: (address, device, isRight) => {
        if (isRight) this.#guesses.right(address, device);
        else this.#guesses.wrong(address, device, clock.now());
      },
      decrypt: (device, segment) => {
        const key = this.#secretsOf(device)?.sm4;
        return key ? decryptSegment(segment, key) : null;
      },
      unclaimed: (mn, address) => {
        refusals.refuse("hj212-mn-unknown", { address, account: mn });
        this.#unclaimed.note(mn, address, clock.now());
      },
      came: (device, address) => {
        this.#warnOfOpen(device, address);
        this.#parts.presence?.note({ device, state: "online", reason: "connected", protocol: "hj212", address });
      },
      went: (device) => {
        // A server that stops is no news of the devices.
        if (this.#isStopped) return;
        this.#parts.presence?.note({ device, state: "lost", reason: "connection-lost", protocol: "hj212" });
      },
      setClock: (device) => {
        const now = clock.now();
        if (now - device.clockSetAt < CLOCK_SET_MS_MIN) return;
        device.clockSetAt = now;
        void this.command(device.id, { kind: "set-clock" });
      },
      refuse: (reason, who) => (who ? refusals.refuse(reason, who) : tally.refuse(reason)),
      counted: (changes) => {
        for (const [name, by] of Object.entries(changes) as [Count, number][])
          this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
      },
    };
  }

  #deviceOf({ device: { id, profile } }: DeviceContext): FieldDevice {
    const mn = profile?.hj212?.mn ?? "";
    let device = this.#devices.get(id);
    if (!device) {
      const { clock, timings = TIMINGS } = this.#parts;
      device = new FieldDevice({ id, mn, clock, timings });
      this.#devices.set(id, device);
    }
    if (device.mn !== mn || device.frames === 0) this.#unclaimed.claimed(mn);
    device.mn = mn;
    return device;
  }

  /** Once for each device, until it has been given a password. */
  #warnOfOpen(id: string, address: string): void {
    const device = this.#devices.get(id);
    if (!device) return;
    const isOpen = !this.#desk.hasPassword(id);
    if (isOpen && !device.isWarnedOf)
      this.#parts.log.warn(
        { device: id, mn: device.mn, address },
        `no password (PW) of this HJ 212 device is kept: whoever knows its MN can send as it; run \`jingtu hj212 password ${id}\``,
      );
    device.isWarnedOf = isOpen;
  }

  #accept(socket: Socket): void {
    const key = connectionKey(socket);
    const session: Hj212Session = new Hj212Session({
      ...{ socket, address: addressKey(socket.remoteAddress), desk: this.#desk },
      onProven: () => {
        this.#unproven.delete(session);
        this.#room.know(key);
      },
    });
    this.#sessions.add(session);
    this.#unproven.add(session);
    socket.on("error", ignore);
    socket.once("close", () => {
      this.#sessions.delete(session);
      this.#unproven.delete(session);
      session.left();
    });
  }

  #drop(session: Hj212Session, reason: string): void {
    this.#unproven.delete(session);
    this.#parts.tally.refuse(reason);
    session.close();
  }

  #sweep(): void {
    const { clock } = this.#parts;
    const now = clock.monotonic();
    for (const session of this.#sessions) {
      const reason = session.overdue(now);
      if (reason !== null) this.#drop(session, reason);
    }
    for (const session of this.#unproven) {
      if (now - session.openedAt < UNPROVEN_MS_MAX) break; // oldest first
      this.#drop(session, "hj212-silent");
    }
    for (const device of this.#devices.values()) device.parts.sweep(clock.now());
  }

  #flushCounts(): void {
    const { metrics } = this.#parts;
    for (const [name, by] of this.#counts) metrics.count(COUNTERS[name], by);
    this.#counts.clear();
    metrics.set("hj212_connections", this.#room.open);
    metrics.set("hj212_unclaimed_devices", this.#unclaimed.list().length);
  }
}

function passwordFits(expected: string | undefined, given: string | undefined): boolean {
  if (expected === undefined) return true;
  const [wanted, actual] = [Buffer.from(expected), Buffer.from(given ?? "")];
  return wanted.length === actual.length && timingSafeEqual(wanted, actual);
}

function isSame(one: DeviceSecrets = {}, other: DeviceSecrets = {}): boolean {
  const [key, otherKey] = [one.sm4 ?? [], other.sm4 ?? []].map((bytes) => Buffer.from(bytes));
  return one.password === other.password && (key?.equals(otherKey ?? Buffer.alloc(0)) ?? false);
}

function refused(code: string): FieldOutcome {
  return { state: "failed", code, sent: 0, packets: 0 };
}

function ignore(): void {}
