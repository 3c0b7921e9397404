import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../core/clock.ts";
import { createLogger, Metrics } from "../../../core/observe.ts";
import type { PresenceRecord } from "../../../core/presence.ts";
import { openPresence } from "../../../gateway/presence.ts";
import { HeldJournal, prefixOf, RawClient, startGateway } from "./harness.ts";

/** A gateway and what it says of well-1, in order. */
async function aWatch(journal?: HeldJournal) {
  const store = { put: async () => {}, all: async () => [] };
  const inner = await openPresence({ store, clock: systemClock, log: createLogger("silent"), metrics: new Metrics() });
  const records: PresenceRecord[] = [];
  let wakes: (() => void)[] = [];
  const look = (): void => {
    const record = inner.of("well-1");
    if (record && record !== records.at(-1)) records.push(record);
    for (const wake of wakes.splice(0)) wake();
  };
  const presence = {
    ...inner,
    note: (change: Parameters<typeof inner.note>[0]) => {
      inner.note(change);
      look();
    },
    state: (message: Parameters<typeof inner.state>[0]) => {
      inner.state(message);
      look();
    },
  };
  const gateway = await startGateway({ presence, ...(journal ? { journal } : {}) });
  onTestFinished(async () => {
    await gateway.close();
    await inner.close();
  });
  const until = async (state: string, reason: string): Promise<PresenceRecord> => {
    for (;;) {
      const record = inner.of("well-1");
      if (record?.state === state && record.reason === reason) return record;
      await new Promise<void>((resolve) => {
        wakes = [...wakes, resolve];
      });
    }
  };
  return { gateway, presence, records, until };
}
const will = {
  topic: `${prefixOf("well-1")}state`,
  payload: Buffer.from('{"online":false}'),
  qos: 1,
  retain: true,
} as const;

test("a device that connects is online from its address, and offline when it says goodbye", async () => {
  const { gateway, until } = await aWatch();
  const client = await RawClient.signIn(gateway.port, "well-1", { will });
  expect(await until("online", "connected")).toMatchObject({ protocol: "mqtt", address: "127.0.0.1" });
  client.send({ cmd: "disconnect" });
  await until("offline", "disconnected");
});

test("a connection that breaks is a loss, and the will is journaled but says nothing new", async () => {
  const { gateway, until, records } = await aWatch();
  const client = await RawClient.signIn(gateway.port, "well-1", { will });
  await until("online", "connected");
  client.end();
  await until("lost", "connection-lost");
  await gateway.journal.wait("raw", 0, new AbortController().signal);
  expect((await gateway.raw()).map(({ topic }) => topic)).toEqual([will.topic]);
  expect(records.map(({ state }) => state)).toEqual(["online", "lost"]);
});

test("keep-alive that runs out is a loss with that reason", async () => {
  const { gateway, until } = await aWatch();
  await RawClient.signIn(gateway.port, "well-1", { keepalive: 1 });
  await until("lost", "keepalive-timeout");
});

test("a second connection takes over: in the end the device is online", async () => {
  const journal = new HeldJournal();
  const { gateway, until, presence } = await aWatch(journal);
  const first = await RawClient.signIn(gateway.port, "well-1", { will });
  await until("online", "connected");
  const second = await RawClient.signIn(gateway.port, "well-1");
  await first.closed;
  await journal.holds(1); // the first one's will, durable only now that the second is there
  await journal.release();
  await second.ping();
  expect(presence.of("well-1")).toMatchObject({ state: "online" });
});

test("who announced its sleep stays asleep when its connection just ends", async () => {
  const { gateway, until, presence } = await aWatch();
  const client = await RawClient.signIn(gateway.port, "well-1", { will });
  client.publish(will.topic, '{"online":false,"reason":"sleep","until":"2030-01-01T00:00:00Z"}', 1, true);
  await client.next("puback");
  await until("offline", "sleep");
  client.end();
  await gateway.journal.wait("raw", 1, new AbortController().signal); // the will came after all
  expect(presence.of("well-1")).toMatchObject({ state: "offline", until: Date.UTC(2030, 0, 1) });
});

test("a device listens once it has subscribed to its own commands", async () => {
  const { gateway } = await aWatch();
  const topic = `${prefixOf("well-1")}cmd`;
  const client = await RawClient.signIn(gateway.port, "well-1");
  expect(gateway.listens("well-1", topic)).toBe(false);
  expect(await client.subscribe(topic)).toEqual([1]);
  expect(gateway.listens("well-1", topic)).toBe(true);
  client.end();
  await client.closed;
});

test("a server that stops says nothing about its devices", async () => {
  const { gateway, until, records } = await aWatch();
  await RawClient.signIn(gateway.port, "well-1", { will });
  await until("online", "connected");
  await gateway.close();
  expect(records.map(({ state }) => state)).toEqual(["online"]);
});
