/**
 * Presence as it is shown. Devices without a connection of their own (LoRaWAN, behind an account's connection, over HTTP) have no
 * record: theirs is read off the connection that carries them and the newest message. Pure.
 */
import type { PresenceProtocol, PresenceRecord } from "../core/presence.ts";
import type { Device } from "../core/site.ts";

export type ShownPresence = Pick<PresenceRecord, "reason" | "since" | "until" | "address"> & {
  readonly state: PresenceRecord["state"];
  readonly protocol: PresenceProtocol | null;
};

/** Silent for so many of its intervals, it counts as lost; the same measure as `overdue`. */
const INTERVALS_MAX = 3;

/** @param facts.now wall clock, ms. Null while nothing was ever heard of the device. */
export function shownPresence(
  { via, profile }: Pick<Device, "via" | "profile">,
  facts: {
    readonly own: PresenceRecord | undefined;
    /** Of the account that carries it. */
    readonly carrier: PresenceRecord | undefined;
    readonly lastReceivedAt: number | null;
    readonly intervalMs: number;
    readonly now: number;
  },
): ShownPresence | null {
  const { own, carrier, lastReceivedAt, intervalMs, now } = facts;
  if (own) return own;
  const protocol = profile?.lorawan ? "lorawan" : profile?.sparkplug ? "sparkplug" : via === undefined ? "http" : null;
  const shown = { protocol, until: null, address: null } as const;
  // Messages that came after its carrier had gone came another way.
  if (carrier && carrier.state !== "online" && (lastReceivedAt ?? 0) <= carrier.since) {
    return { ...shown, state: carrier.state, reason: `carrier-${carrier.state}`, since: carrier.since };
  }
  if (lastReceivedAt === null) return null;
  const silentFrom = lastReceivedAt + INTERVALS_MAX * intervalMs;
  if (now > silentFrom) return { ...shown, state: "lost", reason: "silent", since: silentFrom };
  return { ...shown, state: "online", reason: "messages", since: lastReceivedAt };
}
