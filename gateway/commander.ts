/**
 * Takes commands down: looks once a second for open ones, expires them on the wall clock, and hands each to the way that
 * serves its device. A command is handed over again while no word has come, with the same id: the device drops repeats.
 *
 * Desired settings go out retained on `cfg`; the broker keeps retained messages in memory only, so all of them are
 * published at the start, and those changed since whenever they change.
 */
import type { Clock } from "../core/clock.ts";
import {
  ACK_STATUSES,
  type CommandDelivery,
  type CommandStore,
  commandMessage,
  type DeviceCommand,
  type DeviceCommander,
  type DeviceConfig,
} from "../core/command.ts";
import type { FieldCommand, FieldOutcome } from "../core/field-session.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type { Directory, Publisher } from "../core/ports.ts";
import { devicePrefix } from "../core/wire.ts";

const LOOK_MS = 1_000;
/** Without a word from the device for so long a command is handed over again. */
const AGAIN_MS = 30_000;
/** Open commands looked at in one go; the rest wait for these to end. */
const LOOK_MAX = 1_000;
/** What the server asks by itself, such as the history of a gap, is not asked more often: people's commands wait behind it. */
const OWN_TRIES_MAX = 3;

export interface CommanderParts {
  readonly commands: CommandStore;
  /** The first that serves a device takes its commands. */
  readonly ways: readonly DeviceCommander[];
  readonly publisher: Publisher;
  readonly directory: () => Directory;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface Commander {
  /** One look; the timer calls it, and tests do. */
  look(): Promise<void>;
  close(): Promise<void>;
}

export function startCommander(parts: CommanderParts): Commander {
  const { commands, clock, log, metrics } = parts;
  const busy = new Set<string>();
  let configsAt = 0;
  const published = new Map<string, number>();
  let isStopped = false;

  const deliver = async (command: DeviceCommand): Promise<void> => {
    const context = parts.directory().device(command.device);
    if (!context) return; // taken out of the registry: it expires
    const way = parts.ways.find((candidate) => candidate.serves(context));
    const delivery: CommandDelivery = way
      ? await way.send(command, context)
      : { kind: "answered", status: "unsupported", detail: "no way down to this device" };
    if (delivery.kind === "away") return;
    await commands.sent(command.id, clock.now());
    metrics.count("commands_sent", 1, { way: way?.name ?? "none" });
    if (delivery.kind === "sent") return;
    const { status, detail } = delivery;
    await commands.answer(command.device, { id: command.id, status, detail }, clock.now());
  };
  const guarded = async (command: DeviceCommand): Promise<void> => {
    busy.add(command.id);
    try {
      await deliver(command);
    } catch (error) {
      log.warn({ err: error, deviceId: command.device, op: command.op }, "a command could not be handed over");
    } finally {
      busy.delete(command.id);
    }
  };
  const publishConfigs = async (): Promise<void> => {
    const changed = await commands.configs(configsAt);
    for (const config of changed) {
      // Asked for from that millisecond on, not from the next: another may change within it.
      configsAt = Math.max(configsAt, config.at);
      if (published.get(config.device) === config.version) continue;
      await publishConfig(config, parts);
      published.set(config.device, config.version);
    }
  };
  const look = async (): Promise<void> => {
    const now = clock.now();
    const expired = await commands.expire(now);
    if (expired > 0) metrics.count("commands_expired", expired);
    for (const command of await commands.open(LOOK_MAX, now - AGAIN_MS)) {
      if (busy.has(command.id) || !isDue(command, now)) continue;
      // Not awaited: a field device may take minutes to answer, and others wait for nobody.
      void guarded(command);
    }
    await publishConfigs();
  };

  let looking: Promise<void> | null = null;
  const stop = clock.every(LOOK_MS, () => {
    if (looking || isStopped) return;
    looking = look()
      .catch((error: unknown) => log.warn({ err: error }, "commands could not be read; they wait"))
      .finally(() => {
        looking = null;
      });
  });
  return {
    look,
    close: async () => {
      isStopped = true;
      stop();
      await looking;
    },
  };
}

/** Pure. */
export function isDue({ state, sentAt, expiresAt, via, tries }: DeviceCommand, now: number): boolean {
  if (expiresAt <= now || state === "accepted") return false;
  if (via === "server" && tries >= OWN_TRIES_MAX) return false;
  return state === "queued" || sentAt === null || now - sentAt >= AGAIN_MS;
}

async function publishConfig({ device, version, values }: DeviceConfig, parts: CommanderParts): Promise<void> {
  const context = parts.directory().device(device);
  if (!context) return;
  const topic = `${devicePrefix(context.site, context.station, context.device)}cfg`;
  await parts.publisher.publish({ topic, payload: JSON.stringify({ version, values }), retain: true });
}

/** Over a device's own MQTT connection, once it has subscribed to its `cmd`. */
export function mqttCommander(broker: {
  readonly publisher: Publisher;
  listens(device: string, topic: string): boolean;
}): DeviceCommander {
  return {
    name: "mqtt",
    serves: ({ device }) => device.profile?.hj212 === undefined && device.via === undefined,
    send: async (command, { site, station, device }) => {
      const topic = `${devicePrefix(site, station, device)}cmd`;
      if (!broker.listens(device.id, topic)) return { kind: "away" };
      await broker.publisher.publish({ topic, payload: JSON.stringify(commandMessage(command)), retain: false });
      return { kind: "sent" };
    },
  };
}

/** Over a session of its own protocol (HJ 212). @param ask resolves with what became of it. */
export function fieldCommander(ask: (device: string, command: FieldCommand) => Promise<FieldOutcome>): DeviceCommander {
  return {
    name: "field",
    serves: ({ device }) => device.profile?.hj212 !== undefined,
    send: async (command, { device }) => {
      const { state, code, packets } = await ask(device.id, fieldCommand(command));
      if (code === "offline" || code === "busy" || code === "closing") return { kind: "away" };
      // It said yes (9011) and goes on working: asked again it would do it twice.
      if (code === "no-result") return { kind: "answered", status: "accepted", detail: code };
      if (state === "expired") return { kind: "sent" }; // no answer in the protocol's time: asked again later
      const status = code === "unsupported" ? "unsupported" : state;
      const known = ACK_STATUSES.find((word) => word === status) ?? "failed";
      return { kind: "answered", status: known, detail: packets > 0 ? `${code}, ${packets} packets` : code };
    },
  };
}

function fieldCommand({ op, args }: DeviceCommand): FieldCommand {
  if (op === "setInterval") return { kind: "set-interval", seconds: args["seconds"] ?? 60 };
  if (op === "sampleNow") return { kind: "sample-now" };
  if (op === "restart") return { kind: "restart" };
  if (op === "timeSync") return { kind: "set-clock" };
  // Averages over ten minutes are what the national platform asks for; real-time values are kept by few devices.
  return { kind: "fetch-history", data: "minute", from: args["from"] ?? 0, to: args["to"] ?? 0 };
}
