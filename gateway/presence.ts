/**
 * Presence of devices: what connections, `state` messages, wills and foreign protocols say is folded at once, and
 * written to the store once a second, as one transaction of what has changed.
 *
 * After a restart whoever was online is `lost` for reason `server-restart` until it is heard of again.
 */
import type { Clock } from "../core/clock.ts";
import { DeviceState } from "../core/command.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import {
  nextPresence,
  PRESENCE_STATES,
  type PresenceChange,
  type PresenceRecord,
  type PresenceSink,
  type PresenceStore,
} from "../core/presence.ts";
import { parseWireTime, WireTime } from "../core/wire.ts";

const WRITE_MS = 1_000;

export interface Presence extends PresenceSink {
  of(device: string): PresenceRecord | undefined;
  /** A device's `state` message or its will, once it is durable. What is not a state says nothing. */
  state(message: {
    readonly device: string;
    readonly payload: Uint8Array;
    readonly isWill: boolean;
    readonly address: string;
  }): void;
  /** Writes what is left. */
  close(): Promise<void>;
}

export async function openPresence(parts: {
  readonly store: PresenceStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}): Promise<Presence> {
  const { store, clock, log, metrics } = parts;
  const records = new Map((await store.all()).map((record) => [record.device, record]));
  let changed = new Map<string, PresenceRecord>();
  const note = (change: PresenceChange): void => {
    const next = nextPresence(records.get(change.device), change, clock.now());
    if (next === null) return;
    records.set(next.device, next);
    changed.set(next.device, next);
  };
  for (const { device, state, protocol } of records.values())
    if (state === "online") note({ device, state: "lost", reason: "server-restart", protocol });

  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    if (changed.size === 0) return;
    const batch = changed;
    changed = new Map();
    try {
      await store.put([...batch.values()]);
    } catch (error) {
      // Newer changes of the same device win over those that are put back.
      changed = new Map([...batch, ...changed]);
      log.warn({ err: error, devices: batch.size }, "presence could not be written; it will be tried again");
    }
    for (const state of PRESENCE_STATES)
      metrics.set("devices", [...records.values()].filter((record) => record.state === state).length, { state });
  };
  let isWriting = false;
  const stop = clock.every(WRITE_MS, () => {
    if (isWriting) return;
    isWriting = true;
    writing = write().finally(() => {
      isWriting = false;
    });
  });
  return {
    note,
    of: (device) => records.get(device),
    state: (message) => {
      const change = changeOfState(message);
      if (change) note(change);
    },
    close: async () => {
      stop();
      await writing;
      await write();
    },
  };
}

/** Which connection is a device's own: one that was taken over by the next one says nothing when it closes. */
export class ConnectionPresence<Connection extends { readonly address: string }> {
  readonly #sink: PresenceSink | undefined;
  readonly #isClosing: () => boolean;
  readonly #connections = new Map<string, Connection>();
  readonly #devices = new Map<Connection, string>();

  /** @param isClosing the server stops: then closed connections say nothing about their devices. */
  constructor(sink: PresenceSink | undefined, isClosing: () => boolean) {
    this.#sink = sink;
    this.#isClosing = isClosing;
  }

  of(device: string): Connection | undefined {
    return this.#connections.get(device);
  }

  enter(device: string, connection: Connection): void {
    const before = this.#connections.get(device);
    if (before) this.#devices.delete(before);
    this.#connections.set(device, connection);
    this.#devices.set(connection, device);
    this.#sink?.note({ device, state: "online", reason: "connected", protocol: "mqtt", address: connection.address });
  }

  leave(connection: Connection, reason: "disconnected" | "connection-lost" | "keepalive-timeout"): void {
    const device = this.#devices.get(connection);
    if (device === undefined) return;
    this.#devices.delete(connection);
    this.#connections.delete(device);
    if (this.#isClosing()) return;
    const state = reason === "disconnected" ? "offline" : "lost";
    this.#sink?.note({ device, state, reason, protocol: "mqtt", address: connection.address });
  }
}

/** Pure: what a `state` payload says of presence, or null when it is none. */
export function changeOfState(message: {
  readonly device: string;
  readonly payload: Uint8Array;
  readonly isWill: boolean;
  readonly address: string;
}): PresenceChange | null {
  const { device, payload, isWill, address } = message;
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(payload).toString());
  } catch {
    return null;
  }
  const parsed = DeviceState.safeParse(json);
  if (!parsed.success) return null;
  const { online, reason, until } = parsed.data;
  const from = { device, protocol: "mqtt" as const, address };
  // A will that says "online" would be a device's own mistake: it is sent because the device has gone.
  if (isWill) return { ...from, state: "lost", reason: "will" };
  if (online) return { ...from, state: "online", reason: "announced" };
  const time = WireTime.safeParse(until);
  const back = time.success ? parseWireTime(time.data) : null;
  return { ...from, state: "offline", reason: reason ?? "announced", until: back };
}
