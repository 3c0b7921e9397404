/**
 * Whether a device is there: one record a device, changed by connections, by what devices say of themselves and by the
 * births and deaths of foreign protocols. Never by single readings: `last seen` belongs to fleet health.
 */
import type { DeviceContext } from "./site.ts";

/**
 * `offline`: it said goodbye (DISCONNECT, a clean `state`, DDEATH, a session ended in order).
 * `lost`: it vanished (will, keep-alive time-out, broken connection, NDEATH of the node that carries it).
 */
export const PRESENCE_STATES = ["online", "offline", "lost"] as const;
export type PresenceState = (typeof PRESENCE_STATES)[number];

/** What its connection speaks. */
export const PRESENCE_PROTOCOLS = ["mqtt", "hj212", "sparkplug", "lorawan", "http"] as const;
export type PresenceProtocol = (typeof PRESENCE_PROTOCOLS)[number];

export const PRESENCE_REASON_CHARACTERS_MAX = 64;

export interface PresenceRecord {
  readonly device: string;
  readonly state: PresenceState;
  /** Wall clock, ms since 1970 UTC: when this state began. */
  readonly since: number;
  /**
   * connected, announced, disconnected, connection-lost, keepalive-timeout, will, birth, death, taken-over, revoked,
   * server-restart; or the device's own word (`sleep`), at most `PRESENCE_REASON_CHARACTERS_MAX` characters.
   */
  readonly reason: string;
  /** Remote address without port; null when the device is carried by another's connection. */
  readonly address: string | null;
  readonly protocol: PresenceProtocol;
  /** When a device that sleeps said it would be back, ms; null otherwise. */
  readonly until: number | null;
}

/** What somebody has just noticed. */
export interface PresenceChange {
  readonly device: string;
  readonly state: PresenceState;
  readonly reason: string;
  readonly protocol: PresenceProtocol;
  readonly address?: string | null;
  readonly until?: number | null;
  /** Wall clock, ms; now when left out. */
  readonly at?: number;
}

/** Takes changes at once and never throws; what is equal to the known state changes nothing. */
export interface PresenceSink {
  note(change: PresenceChange): void;
}

/** For a death of a connection that carries many: every device behind it. */
export function noteCarried(
  sink: PresenceSink,
  carried: readonly DeviceContext[],
  change: Omit<PresenceChange, "device">,
): void {
  for (const { device } of carried) sink.note({ ...change, device: device.id });
}

/** Durable presence; written in batches, read by the web thread. */
export interface PresenceStore {
  /** Newest record of each device replaces the one before; one transaction. */
  put(records: readonly PresenceRecord[]): Promise<void>;
  all(): Promise<readonly PresenceRecord[]>;
}

/**
 * Pure: the record after a change, or null when nothing changes.
 *
 * A connection that closes after the device announced a sleep, or after its will was published, says nothing new.
 * @param now wall clock, ms.
 */
export function nextPresence(
  known: PresenceRecord | undefined,
  change: PresenceChange,
  now: number,
): PresenceRecord | null {
  const { device, state, protocol } = change;
  const reason = change.reason.slice(0, PRESENCE_REASON_CHARACTERS_MAX);
  const address = change.address === undefined ? (known?.address ?? null) : change.address;
  const until = change.until ?? null;
  if (known) {
    if (known.state !== "online" && isFarewell(change) && known.protocol === protocol) return null;
    const isSame =
      known.state === state &&
      known.protocol === protocol &&
      known.address === address &&
      known.until === until &&
      (state === "online" || known.reason === reason);
    if (isSame) return null;
  }
  const since = known?.state === state ? known.since : (change.at ?? now);
  return { device, state, since, reason, address, protocol, until };
}

/** A connection ended; who had already gone, in whatever way, has not gone again. */
function isFarewell({ state, reason }: PresenceChange): boolean {
  return state !== "online" && ["disconnected", "connection-lost", "keepalive-timeout", "will"].includes(reason);
}
