/**
 * A real MQTT device with store-and-forward: it numbers its messages, keeps each until its PUBACK, and after a lost
 * connection sends again whatever was not acknowledged.
 */
import { connect, type MqttClient } from "mqtt";
import type { Clock } from "../core/clock.ts";
import {
  type CommandAck,
  CommandMessage,
  ConfigMessage,
  type DeviceSettings,
  type DeviceState,
} from "../core/command.ts";
import type { Telemetry, WireReading } from "../core/wire.ts";

export interface DeviceIdentity {
  readonly id: string;
  readonly secret: string;
  /** Topic prefix with trailing slash, `devicePrefix` of core/wire.ts. */
  readonly prefix: string;
}

export type DeviceAnswer = Pick<CommandAck, "status" | "detail">;

export interface SimulatedDevice {
  /** Queues one telemetry message; resolves when the broker has acknowledged it. */
  send(
    readings: readonly WireReading[],
    options?: { readonly ts?: number; readonly backfill?: boolean },
  ): Promise<void>;
  /** Queues any message, as who carries others' messages does; resolves when the broker has acknowledged it. */
  publish(topic: string, body: string): Promise<void>;
  /** Messages made, acknowledged, and waiting. */
  counts(): { readonly made: number; readonly acknowledged: number; readonly waiting: number };
  /** Resolves when nothing is waiting. */
  drained(): Promise<void>;
  close(): Promise<void>;
}

const RECONNECT_MS_MIN = 200;
const RECONNECT_MS_MAX = 5_000;

interface Message {
  /** Null for what carries no number of this device. */
  readonly seq: number | null;
  readonly topic: string;
  readonly body: string;
  done: () => void;
  state: "queued" | "in-flight" | "acknowledged";
}

/** @param boot changes whenever the counter may have been lost; `windowMax` messages may wait for their PUBACK. */
export function createDevice(parts: {
  readonly url: string;
  readonly identity: DeviceIdentity;
  readonly boot: string;
  readonly clock: Clock;
  readonly windowMax?: number;
  readonly firstSeq?: number;
  /** How a message is written where it is not telemetry v1 on the device's own topic. */
  readonly write?: (telemetry: Telemetry) => { readonly topic: string; readonly body: string };
  /** So many acknowledged messages are kept, and sent again when `fetchHistory` asks for their numbers; none when left out. */
  readonly keepMax?: number;
  /** Numbers that get lost: kept like the others, but not sent until they are asked for. */
  readonly loses?: (seq: number) => boolean;
  /** Does what a command asks and says what came of it; without it commands are not listened to. */
  readonly onCommand?: (command: CommandMessage) => DeviceAnswer;
  /** Works by new desired settings from now on; their version is reported in `state`. */
  readonly onConfig?: (values: DeviceSettings) => void;
  /** Told of each failed connection; the device tries again all the same. `isRefused`: the broker said no to its secret. */
  readonly onTrouble?: (error: Error, isRefused: boolean) => void;
}): SimulatedDevice {
  const { url, identity, boot, clock } = parts;
  const windowMax = parts.windowMax ?? 20;
  let queue: Message[] = [];
  const keepMax = parts.keepMax ?? 0;
  /** Oldest first. */
  let kept: Message[] = [];
  let seq = parts.firstSeq ?? 0;
  let made = 0;
  let acknowledged = 0;
  let inFlight = 0;
  let client: MqttClient | null = null;
  let backoffMs = RECONNECT_MS_MIN;
  const closing = new AbortController();
  let whenDrained: (() => void)[] = [];

  const pump = (): void => {
    const current = client;
    if (!current?.connected) return;
    for (const message of queue) {
      if (inFlight >= windowMax) return;
      if (message.state !== "queued") continue;
      message.state = "in-flight";
      inFlight++;
      current.publish(message.topic, message.body, { qos: 1 }, (error) => {
        if (current !== client || message.state !== "in-flight") return; // an older connection: already queued again
        inFlight--;
        if (error) message.state = "queued";
        else settle(message);
        pump();
      });
    }
  };
  const settle = (message: Message): void => {
    message.state = "acknowledged";
    acknowledged++;
    let done = 0;
    while (queue[done]?.state === "acknowledged") done++;
    if (done > 0) queue = queue.slice(done);
    keep(message);
    message.done();
    if (queue.length === 0) {
      for (const resolve of whenDrained) resolve();
      whenDrained = [];
    }
  };

  const keep = (message: Message): void => {
    if (keepMax === 0 || message.seq === null || kept.includes(message)) return;
    kept.push(message);
    if (kept.length > keepMax) kept = kept.slice(-keepMax);
  };
  /** Under their own numbers, so that what had arrived after all is known as a repeat. */
  const sendAgain = (command: CommandMessage): DeviceAnswer | null => {
    const { boot: asked, fromSeq, toSeq } = command.args;
    if (keepMax === 0 || command.op !== "fetchHistory" || typeof fromSeq !== "number") return null;
    const found = kept.filter(
      (one) => asked === boot && one.seq !== null && one.seq >= fromSeq && one.seq <= Number(toSeq),
    );
    if (found.length === 0) return { status: "failed", detail: "none of these messages is kept" };
    for (const message of found) queue.push(Object.assign(message, { state: "queued", done: () => {} }));
    pump();
    return { status: "done", detail: { messages: found.length } };
  };

  const obeys = keepMax > 0 || parts.onCommand !== undefined || parts.onConfig !== undefined;
  let configVersion = 0;
  const state = (online: boolean): string =>
    JSON.stringify({ online, boot, ...(configVersion > 0 ? { cfg: configVersion } : {}) } satisfies DeviceState);
  const answers = createAnswers(
    obeys ? (command) => sendAgain(command) ?? parts.onCommand?.(command) ?? { status: "unsupported" } : undefined,
    clock,
  );
  const listen = (on: MqttClient): void => {
    on.publish(`${identity.prefix}state`, state(true), { qos: 1, retain: true });
    on.subscribe([`${identity.prefix}cmd`, `${identity.prefix}cfg`], { qos: 1 });
    on.on("message", (topic, payload) => {
      if (topic.endsWith("/cmd")) {
        for (const ack of answers(payload)) on.publish(`${identity.prefix}cmd/ack`, JSON.stringify(ack), { qos: 1 });
        return;
      }
      const config = parsed(ConfigMessage, payload);
      if (!config || config.version === configVersion) return;
      parts.onConfig?.(config.values);
      configVersion = config.version;
      on.publish(`${identity.prefix}state`, state(true), { qos: 1, retain: true });
    });
  };

  const open = (): void => {
    if (closing.signal.aborted) return;
    const next = connect(url, {
      clientId: identity.id,
      username: identity.id,
      password: identity.secret,
      clean: true,
      reconnectPeriod: 0,
      connectTimeout: 10_000,
      keepalive: 60,
      ...(obeys
        ? { will: { topic: `${identity.prefix}state`, payload: Buffer.from('{"online":false}'), qos: 1, retain: true } }
        : {}),
    });
    client = next;
    next.on("connect", () => {
      backoffMs = RECONNECT_MS_MIN;
      if (obeys) listen(next);
      pump();
    });
    next.on("error", (error) => {
      // "close" follows and decides. MQTT 3.1.1 table 3.1: 4 bad user name or password, 5 not authorised.
      const code = "code" in error ? Number(error.code) : 0;
      parts.onTrouble?.(error, code === 4 || code === 5);
    });
    next.on("close", () => {
      if (client !== next) return;
      client = null;
      inFlight = 0;
      for (const message of queue) if (message.state === "in-flight") message.state = "queued";
      next.end(true);
      clock.sleep(backoffMs, closing.signal).then(open);
      backoffMs = Math.min(backoffMs * 2, RECONNECT_MS_MAX);
    });
  };
  open();

  const enqueue = (parcel: Pick<Message, "seq" | "topic" | "body">): Promise<void> =>
    new Promise((resolve) => {
      const message: Message = { ...parcel, done: resolve, state: "queued" };
      made++;
      if (message.seq !== null && parts.loses?.(message.seq)) {
        keep(message);
        resolve();
        return;
      }
      queue.push(message);
      pump();
    });

  return {
    publish: (topic, body) => enqueue({ seq: null, topic, body }),
    send: (readings, options = {}) => {
      const telemetry: Telemetry = {
        v: 1,
        boot,
        seq: seq++,
        ...(options.ts === undefined ? {} : { ts: options.ts }),
        r: [...readings],
        ...(options.backfill ? { backfill: true } : {}),
      };
      const { topic, body } = parts.write?.(telemetry) ?? {
        topic: `${identity.prefix}telemetry`,
        body: JSON.stringify(telemetry),
      };
      return enqueue({ seq: telemetry.seq ?? 0, topic, body });
    },
    counts: () => ({ made, acknowledged, waiting: queue.length }),
    drained: () => (queue.length === 0 ? Promise.resolve() : new Promise((resolve) => whenDrained.push(resolve))),
    close: async () => {
      closing.abort();
      const last = client;
      client = null;
      if (last) await new Promise<void>((resolve) => last.end(true, {}, () => resolve()));
    },
  };
}

const REMEMBERED_MAX = 64;

/**
 * What a device says to a command: accepted at once, then how it went. A repeat of a command it knows is answered with
 * what it said before and not done again; one whose time is over is not done at all.
 */
function createAnswers(
  onCommand: ((command: CommandMessage) => DeviceAnswer) | undefined,
  clock: Clock,
): (payload: Buffer) => readonly CommandAck[] {
  const said = new Map<string, CommandAck>();
  return (payload) => {
    const command = parsed(CommandMessage, payload);
    if (!command) return [];
    const { id, exp } = command;
    const before = said.get(id);
    if (before) return [before];
    const last: CommandAck =
      Date.parse(exp) <= clock.now()
        ? { id, status: "expired" }
        : { id, ...(onCommand?.(command) ?? { status: "unsupported" as const }) };
    said.set(id, last);
    for (const oldest of said.keys()) if (said.size > REMEMBERED_MAX) said.delete(oldest);
    return last.status === "done" || last.status === "failed" ? [{ id, status: "accepted" }, last] : [last];
  };
}

function parsed<T>(
  schema: { safeParse(value: unknown): { success: true; data: T } | { success: false } },
  bytes: Buffer,
): T | null {
  try {
    const result = schema.safeParse(JSON.parse(bytes.toString()));
    return result.success ? result.data : null;
  } catch {
    return null;
  }
}
