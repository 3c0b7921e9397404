/**
 * Takes commands down: looks once a second for open ones, expires them on the wall clock, and hands each to the way that
 * serves its device. A command is handed over again while no word has come, with the same id: the device drops repeats.
 */
import type { Clock } from "../core/clock.ts";
import {
  type CommandDelivery,
  type CommandMarks,
  type CommandStore,
  commandMessage,
  type DeviceCommand,
  type DeviceCommander,
  OWN_TRIES_MAX,
} from "../core/command.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type { Directory, Publisher } from "../core/ports.ts";
import type { DeviceContext } from "../core/site.ts";
import { devicePrefix } from "../core/wire.ts";
import { DesiredSettings } from "./desired-settings.ts";

const LOOK_MS = 1_000;
/** Without a word from the device for so long a command is handed over again. */
const AGAIN_MS = 30_000;
/** Devices looked at in one go; of each there are at most `COMMANDS_OPEN_MAX` commands. */
const PAGE_DEVICES = 200;
/** A subscriber that takes nothing must not hold up a stop; its command waits for the next start. */
const SETTLE_MS_MAX = 2_000;
/** What the server has asked by itself is kept for so long after its end; what people ask for good. */
const OWN_KEPT_MS = 30 * 86_400_000;
const FORGET_EVERY_MS = 3_600_000;

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
  /** Takes up nothing more. */
  close(): Promise<void>;
  /** Resolves when what became of everything handed over has been written, or after 2 s. After the ways down have closed. */
  settled(): Promise<void>;
}

export function startCommander(parts: CommanderParts): Commander {
  const { commands, clock, log, metrics } = parts;
  const inFlight = new Map<string, Promise<void>>();
  const settings = new DesiredSettings(parts);
  let isStopped = false;

  const guarded = (command: DeviceCommand): void => {
    const work = deliver(command, parts)
      .catch((error: unknown) => {
        log.warn({ err: error, deviceId: command.device, op: command.op }, "a command could not be handed over");
      })
      .finally(() => inFlight.delete(command.id));
    inFlight.set(command.id, work);
  };
  const look = async (): Promise<void> => {
    const now = clock.now();
    const expired = await commands.expire(now);
    if (expired > 0) metrics.count("commands_expired", expired);
    for await (const due of dueCommands(parts, now - AGAIN_MS)) {
      for (const command of due) {
        // Not awaited: a field device may take minutes to answer, and others wait for nobody.
        if (!isStopped && !inFlight.has(command.id) && isDue(command, now)) guarded(command);
      }
    }
    await settings.publish();
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
  const stopForgetting = clock.every(FORGET_EVERY_MS, () => {
    commands.forget(clock.now() - OWN_KEPT_MS).catch((error: unknown) => {
      log.warn({ err: error }, "old commands were not deleted; the next hour tries again");
    });
  });
  return {
    look,
    close: async () => {
      isStopped = true;
      stop();
      stopForgetting();
      await looking;
    },
    settled: async () => {
      const isDone = new AbortController();
      await Promise.race([Promise.all(inFlight.values()), clock.sleep(SETTLE_MS_MAX, isDone.signal)]);
      isDone.abort();
    },
  };
}

/** Page by page of devices, those that cannot be reached left out: their commands wait without holding up anybody's. */
async function* dueCommands(
  { commands, directory, ways }: CommanderParts,
  sentBefore: number,
): AsyncGenerator<readonly DeviceCommand[]> {
  const isReached = (id: string): boolean => {
    const context = directory().device(id);
    if (!context) return false; // taken out of the registry: its commands expire
    return ways.find((way) => way.serves(context))?.reaches(context) ?? true;
  };
  let after = "";
  for (;;) {
    const devices = await commands.dueDevices(sentBefore, { after, limit: PAGE_DEVICES });
    const reached = devices.filter(isReached);
    if (reached.length > 0) yield await commands.due(reached, sentBefore);
    if (devices.length < PAGE_DEVICES) return;
    after = devices.at(-1) ?? after;
  }
}

async function deliver(command: DeviceCommand, { commands, clock, metrics, ...parts }: CommanderParts): Promise<void> {
  const context = parts.directory().device(command.device);
  if (!context) return;
  const way = parts.ways.find((candidate) => candidate.serves(context));
  let isNoted = false;
  const marks: CommandMarks = {
    sending: async () => {
      await commands.sent(command.id, clock.now());
      isNoted = true;
    },
    accepted: async (detail) => {
      await commands.answer(command.device, { id: command.id, status: "accepted", detail }, clock.now());
    },
  };
  const delivery: CommandDelivery = way
    ? await way.send(command, context, marks)
    : { kind: "answered", status: "unsupported", detail: "no way down to this device" };
  if (delivery.kind === "away") return;
  metrics.count("commands_sent", 1, { way: way?.name ?? "none" });
  if (delivery.kind === "sent") {
    if (isNoted) await commands.rested(command.id, clock.now());
    else await commands.sent(command.id, clock.now());
    return;
  }
  const { status, detail } = delivery;
  await commands.answer(command.device, { id: command.id, status, detail }, clock.now());
}

/** Pure. */
export function isDue({ state, sentAt, expiresAt, via, tries }: DeviceCommand, now: number): boolean {
  if (expiresAt <= now || state === "accepted") return false;
  if (via === "server" && tries >= OWN_TRIES_MAX) return false;
  return state === "queued" || sentAt === null || now - sentAt >= AGAIN_MS;
}

/** Over a device's own MQTT connection, once it has subscribed to its `cmd`. */
export function mqttCommander(broker: {
  readonly publisher: Publisher;
  listens(account: string, topic: string): boolean;
}): DeviceCommander {
  const topicOf = ({ site, station, device }: DeviceContext): string => `${devicePrefix(site, station, device)}cmd`;
  return {
    name: "mqtt",
    serves: ({ device }) => device.profile?.hj212 === undefined && device.via === undefined,
    reaches: (context) => broker.listens(context.device.id, topicOf(context)),
    send: async (command, context) => {
      const topic = topicOf(context);
      if (!broker.listens(context.device.id, topic)) return { kind: "away" };
      await broker.publisher.publish({ topic, payload: JSON.stringify(commandMessage(command)), retain: false });
      return { kind: "sent" };
    },
  };
}
