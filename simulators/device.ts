/**
 * A real MQTT device with store-and-forward: it numbers its messages, keeps each until its PUBACK, and after a lost
 * connection sends again whatever was not acknowledged.
 */
import { connect, type MqttClient } from "mqtt";
import type { Clock } from "../core/clock.ts";
import type { Telemetry, WireReading } from "../core/wire.ts";

export interface DeviceIdentity {
  readonly id: string;
  readonly secret: string;
  /** Topic prefix with trailing slash, `devicePrefix` of core/wire.ts. */
  readonly prefix: string;
}

export interface SimulatedDevice {
  /** Queues one telemetry message; resolves when the broker has acknowledged it. */
  send(
    readings: readonly WireReading[],
    options?: { readonly ts?: number; readonly backfill?: boolean },
  ): Promise<void>;
  /** Messages made, acknowledged, and waiting. */
  counts(): { readonly made: number; readonly acknowledged: number; readonly waiting: number };
  /** Resolves when nothing is waiting. */
  drained(): Promise<void>;
  close(): Promise<void>;
}

const RECONNECT_MS_MIN = 200;
const RECONNECT_MS_MAX = 5_000;

interface Message {
  readonly seq: number;
  readonly body: string;
  readonly done: () => void;
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
  /** Told of each failed connection; the device tries again all the same. `isRefused`: the broker said no to its secret. */
  readonly onTrouble?: (error: Error, isRefused: boolean) => void;
}): SimulatedDevice {
  const { url, identity, boot, clock } = parts;
  const windowMax = parts.windowMax ?? 20;
  let queue: Message[] = [];
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
      current.publish(`${identity.prefix}telemetry`, message.body, { qos: 1 }, (error) => {
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
    message.done();
    if (queue.length === 0) {
      for (const resolve of whenDrained) resolve();
      whenDrained = [];
    }
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
    });
    client = next;
    next.on("connect", () => {
      backoffMs = RECONNECT_MS_MIN;
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

  return {
    send: (readings, options = {}) =>
      new Promise((resolve) => {
        const telemetry: Telemetry = {
          v: 1,
          boot,
          seq: seq++,
          ...(options.ts === undefined ? {} : { ts: options.ts }),
          r: [...readings],
          ...(options.backfill ? { backfill: true } : {}),
        };
        made++;
        queue.push({ seq: telemetry.seq ?? 0, body: JSON.stringify(telemetry), done: resolve, state: "queued" });
        pump();
      }),
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
