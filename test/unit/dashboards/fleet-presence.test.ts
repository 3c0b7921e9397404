import { expect, test } from "vitest";
import type { PresenceRecord } from "../../../core/presence.ts";
import { shownPresence } from "../../../dashboards/fleet-presence.ts";
import { NOW } from "../../support/builders.ts";

const MINUTE = 60_000;
const LORAWAN = { lorawan: { devEui: "0011223344556677", payload: "cayenne" } } as const;

function record(device: string, change: Partial<PresenceRecord> = {}): PresenceRecord {
  return {
    ...{ device, state: "online", since: NOW - 60 * MINUTE, reason: "connected", address: "192.0.2.1" },
    ...{ protocol: "mqtt", until: null, ...change },
  };
}
const GONE = record("gateway", { state: "lost", since: NOW - 2 * MINUTE, reason: "connection-lost" });

test.each<{
  why: string;
  via?: string;
  own?: PresenceRecord;
  carrier?: PresenceRecord;
  heardMinutesAgo: number | null;
  expected: object | null;
}>([
  {
    ...{ why: "its own connection says it, whatever its messages", own: record("d"), heardMinutesAgo: 500 },
    expected: { state: "online", reason: "connected", address: "192.0.2.1", protocol: "mqtt" },
  },
  { why: "never heard of", heardMinutesAgo: null, expected: null },
  {
    ...{ why: "over HTTP, within three intervals", heardMinutesAgo: 30 },
    expected: { state: "online", reason: "messages", protocol: "http", since: NOW - 30 * MINUTE, address: null },
  },
  {
    ...{ why: "over HTTP, silent for longer", heardMinutesAgo: 31 },
    expected: { state: "lost", reason: "silent", since: NOW - MINUTE },
  },
  {
    ...{ why: "its carrier is there", via: "gateway", carrier: record("gateway"), heardMinutesAgo: 5 },
    expected: { state: "online", reason: "messages" },
  },
  {
    ...{ why: "its carrier is there, it is silent", via: "gateway", carrier: record("gateway"), heardMinutesAgo: 60 },
    expected: { state: "lost", reason: "silent" },
  },
  {
    ...{ why: "its carrier was lost", via: "gateway", carrier: GONE, heardMinutesAgo: 5 },
    expected: { state: "lost", reason: "carrier-lost", since: NOW - 2 * MINUTE, address: null },
  },
  {
    ...{ why: "its carrier was lost before it was ever heard", via: "gateway", carrier: GONE, heardMinutesAgo: null },
    expected: { state: "lost", reason: "carrier-lost" },
  },
  {
    ...{ why: "its carrier said goodbye", via: "gateway", heardMinutesAgo: 5 },
    carrier: { ...GONE, state: "offline", reason: "disconnected" },
    expected: { state: "offline", reason: "carrier-offline" },
  },
  {
    ...{ why: "messages came another way since", via: "gateway", carrier: GONE, heardMinutesAgo: 1 },
    expected: { state: "online", reason: "messages" },
  },
])("$why", ({ via, own, carrier, heardMinutesAgo, expected }) => {
  const lastReceivedAt = heardMinutesAgo === null ? null : NOW - heardMinutesAgo * MINUTE;
  const shown = shownPresence(via === undefined ? {} : { via }, {
    ...{ own, carrier, lastReceivedAt, intervalMs: 10 * MINUTE, now: NOW },
  });
  if (expected === null) expect(shown).toBeNull();
  else expect(shown).toMatchObject(expected);
});

test("a LoRaWAN device is shown as one", () => {
  const facts = { own: undefined, carrier: undefined, lastReceivedAt: NOW, intervalMs: MINUTE, now: NOW };
  expect(shownPresence({ via: "gateway", profile: LORAWAN }, facts)).toMatchObject({ protocol: "lorawan" });
});
