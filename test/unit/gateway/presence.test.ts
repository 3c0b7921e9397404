import { expect, test } from "vitest";
import { createLogger, Metrics } from "../../../core/observe.ts";
import type { PresenceChange, PresenceRecord, PresenceStore } from "../../../core/presence.ts";
import { ConnectionPresence, changeOfState, openPresence } from "../../../gateway/presence.ts";
import { NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";

class MemoryStore implements PresenceStore {
  readonly rows = new Map<string, PresenceRecord>();
  writes = 0;
  fault: Error | null = null;
  async put(records: readonly PresenceRecord[]): Promise<void> {
    if (this.fault) throw this.fault;
    this.writes += 1;
    for (const record of records) this.rows.set(record.device, record);
  }
  async all(): Promise<readonly PresenceRecord[]> {
    return [...this.rows.values()];
  }
}

async function opened(store = new MemoryStore()) {
  const clock = new FakeClock(NOW);
  const presence = await openPresence({ store, clock, log: createLogger("silent"), metrics: new Metrics() });
  return { presence, store, clock };
}

const mqtt = (state: PresenceChange["state"], reason: string, more: Partial<PresenceChange> = {}): PresenceChange => ({
  ...{ device: "d", state, reason, protocol: "mqtt" as const },
  ...more,
});

interface Row {
  readonly changes: readonly PresenceChange[];
  readonly state: string;
  readonly reason: string;
}
test.each`
  why                                            | changes                                                                                                           | state        | reason
  ${"it connects"}                               | ${[mqtt("online", "connected")]}                                                                                  | ${"online"}  | ${"connected"}
  ${"it says goodbye"}                           | ${[mqtt("online", "connected"), mqtt("offline", "disconnected")]}                                                 | ${"offline"} | ${"disconnected"}
  ${"its keep-alive runs out, then the will"}    | ${[mqtt("online", "connected"), mqtt("lost", "keepalive-timeout"), mqtt("lost", "will")]}                         | ${"lost"}    | ${"keepalive-timeout"}
  ${"it sleeps, and its connection just breaks"} | ${[mqtt("online", "connected"), mqtt("offline", "sleep"), mqtt("lost", "connection-lost"), mqtt("lost", "will")]} | ${"offline"} | ${"sleep"}
  ${"it comes back"}                             | ${[mqtt("lost", "will"), mqtt("online", "connected")]}                                                            | ${"online"}  | ${"connected"}
  ${"a death of another protocol counts"}        | ${[mqtt("offline", "sleep"), mqtt("lost", "death", { protocol: "sparkplug" })]}                                   | ${"lost"}    | ${"death"}
`("$why: $state, $reason", async ({ changes, state, reason }: Row) => {
  const { presence } = await opened();
  for (const change of changes) presence.note(change);
  expect(presence.of("d")).toMatchObject({ state, reason });
});

test("a flapping device costs one row a second, and nothing while nothing changes", async () => {
  const { presence, store, clock } = await opened();
  for (let n = 0; n < 50; n++) {
    presence.note(mqtt("online", "connected"));
    presence.note(mqtt("lost", "connection-lost"));
  }
  await clock.advance(1_000);
  expect(store.writes).toBe(1);
  presence.note(mqtt("lost", "will"));
  await clock.advance(5_000);
  expect(store.writes).toBe(1);
});

test("what the store would not take is written later, and the newest wins", async () => {
  const { presence, store, clock } = await opened();
  store.fault = new Error("busy");
  presence.note(mqtt("online", "connected"));
  await clock.advance(1_000);
  presence.note(mqtt("offline", "disconnected"));
  store.fault = null;
  await presence.close();
  expect(store.rows.get("d")).toMatchObject({ state: "offline" });
});

test("after a restart whoever was online is lost until it is heard of", async () => {
  const store = new MemoryStore();
  const first = await opened(store);
  first.presence.note(mqtt("online", "connected", { address: "192.0.2.1" }));
  first.presence.note(mqtt("offline", "sleep", { device: "sleeper", until: NOW + 1 }));
  await first.presence.close();
  const { presence } = await opened(store);
  expect(presence.of("d")).toMatchObject({ state: "lost", reason: "server-restart", address: "192.0.2.1" });
  expect(presence.of("sleeper")).toMatchObject({ state: "offline", reason: "sleep", until: NOW + 1 });
});

test.each`
  payload                                                            | isWill   | expected
  ${'{"online":true,"boot":"a"}'}                                    | ${false} | ${{ state: "online", reason: "announced" }}
  ${'{"online":false,"reason":"sleep","until":"2026-03-15T01:00Z"}'} | ${false} | ${{ state: "offline", reason: "sleep", until: NOW + 3_600_000 }}
  ${'{"online":false}'}                                              | ${true}  | ${{ state: "lost", reason: "will" }}
  ${'{"online":true}'}                                               | ${true}  | ${{ state: "lost", reason: "will" }}
  ${'{"online":"yes"}'}                                              | ${false} | ${null}
  ${"gone"}                                                          | ${false} | ${null}
`(
  "state $payload, will $isWill",
  ({ payload, isWill, expected }: { payload: string; isWill: boolean; expected: object | null }) => {
    const change = changeOfState({ device: "d", payload: Buffer.from(payload), isWill, address: "192.0.2.1" });
    if (expected === null) expect(change).toBeNull();
    else expect(change).toMatchObject(expected);
  },
);

test("a connection that was taken over says nothing when it closes, a stopping server neither", () => {
  const noted: string[] = [];
  let isClosing = false;
  const sink = { note: ({ state }: PresenceChange) => void noted.push(state) };
  const connections = new ConnectionPresence<{ address: string }>(sink, () => isClosing);
  const [first, second] = [{ address: "a" }, { address: "b" }];
  connections.enter("d", first);
  connections.enter("d", second);
  connections.leave(first, "connection-lost");
  expect(connections.of("d")).toBe(second);
  isClosing = true;
  connections.leave(second, "connection-lost");
  expect(noted).toEqual(["online", "online"]);
});
