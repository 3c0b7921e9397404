import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../core/clock.ts";
import { Config } from "../../../core/config.ts";
import { createDirectory } from "../../../core/directory.ts";
import { Metrics } from "../../../core/observe.ts";
import type { PresenceChange } from "../../../core/presence.ts";
import { hmacSecret } from "../../../core/secret.ts";
import { writeSparkplug } from "../../../core/sparkplug-write.ts";
import { createGateway } from "../../../gateway/gateway.ts";
import { runIngest } from "../../../ingest/pipeline.ts";
import { createSparkplugEdge, type SparkplugEdge } from "../../../simulators/sparkplug-edge.ts";
import { openSqliteJournal } from "../../../storage/journal-sqlite.ts";
import { aDevice, aSite, aSnapshot, aStation, aTenant } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { quarantineIn, readingsIn, silent } from "../../support/ingest.ts";
import { PEPPER, RawClient, secretOf } from "../gateway/harness.ts";

const MAP = { pH: { quantity: "ph", unit: "pH" }, Cd: { quantity: "cd", unit: "µg/L" } };
const SERIES = "mw-1/ph/total/rtd";

const registry = createDirectory(
  aSnapshot({
    tenants: [aTenant({ id: "acme" })],
    sites: [aSite({ id: "site-1", tenant: "acme" })],
    stations: [aStation({ id: "mw-1" })],
    devices: [
      aDevice({ id: "edge-1", profile: { sparkplug: { group: "park", edge: "e" } } }),
      aDevice({
        id: "well-1",
        via: "edge-1",
        profile: { map: MAP, sparkplug: { group: "park", edge: "e", device: "w1" } },
      }),
    ],
    credentials: [{ device: "edge-1", hmac: hmacSecret(PEPPER, secretOf("edge-1")) }],
  }),
);

/** Gateway and ingest over one journal on disk; time for rebirths stands still until a test moves it. */
async function startServer(folder: string) {
  const clock = new FakeClock(systemClock.now());
  const journal = await openSqliteJournal({
    folder,
    clock: systemClock,
    log: silent,
    metrics: new Metrics(),
    diskReserveBytes: 0,
  });
  const presence: PresenceChange[] = [];
  const gateway = await createGateway({
    config: Config.parse({ mqttPort: 0, mqttsPort: 0, wsPort: 0, hj212Port: 0 }),
    journal,
    directory: () => registry,
    consumers: () => [],
    fieldSecrets: () => new Map(),
    pepper: PEPPER,
    edgePresence: { note: (change) => void presence.push(change) },
    clock,
    log: silent,
    metrics: new Metrics(),
  });
  const stop = new AbortController();
  const ingest = runIngest(
    {
      journal,
      directory: () => registry,
      refresh: async () => {},
      clock: systemClock,
      log: silent,
      metrics: new Metrics(),
      edges: gateway.edges,
    },
    stop.signal,
  );
  return {
    clock,
    journal,
    presence,
    url: `mqtt://127.0.0.1:${gateway.addresses.mqtt}`,
    port: gateway.addresses.mqtt ?? 0,
    values: async () => (await readingsIn(journal)).filter(({ series }) => series === SERIES).map(({ value }) => value),
    stop: async () => {
      const closing = gateway.close();
      await clock.advance(10_000);
      await closing;
      stop.abort();
      await ingest;
      await journal.close();
    },
  };
}
type Server = Awaited<ReturnType<typeof startServer>>;

async function until(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
  const end = systemClock.monotonic() + 15_000;
  while (!(await probe())) {
    if (systemClock.monotonic() > end) throw new Error(`did not come: ${what}`);
    await systemClock.sleep(5);
  }
}

function anEdge(server: Server, firstBdSeq = 0): SparkplugEdge {
  return createSparkplugEdge({
    url: server.url,
    account: { id: "edge-1", secret: secretOf("edge-1") },
    group: "park",
    edge: "e",
    firstBdSeq,
    devices: [
      {
        id: "w1",
        metrics: [
          { name: "pH", type: "Double", value: 7 },
          { name: "Cd", type: "Float", value: null },
        ],
      },
    ],
    clock: systemClock,
  });
}

let folder: string;
let server: Server;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "jingtu-sparkplug-"));
  server = await startServer(folder);
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("births, data by alias, a lost connection with history after it, and the death of who says goodbye", async () => {
  const edge = anEdge(server);
  await edge.connect();
  edge.data("w1", [{ name: "pH", value: 7.25 }]);
  await until("the values", async () => (await server.values()).length === 2);
  expect(await server.values()).toEqual([7, 7.25]);
  const nulls = (await readingsIn(server.journal)).filter(({ series }) => series.startsWith("mw-1/cd"));
  expect(nulls.map(({ value, qualifier }) => [value, qualifier])).toEqual([[Number.NaN, "B"]]);

  await edge.lose();
  await until("the will", () => server.presence.filter(({ state }) => state === "lost").length === 2);
  const at = systemClock.now();
  edge.data("w1", [{ name: "pH", value: 6.5, time: at }]);
  expect(edge.counts().kept).toBe(1);
  await edge.connect();
  edge.data("w1", [{ name: "pH", value: 7.5 }]);
  await until("history and the live value", async () => (await server.values()).includes(7.5));
  const late = (await readingsIn(server.journal)).filter(({ value }) => value === 6.5);
  // The birth says the newest value with its time as well, so it comes first and history is its repeat.
  // Quality control may say the same row again with another flag.
  expect([...new Set(late.map(({ time }) => time))]).toEqual([at]);

  await edge.close();
  await until("the goodbye", () => server.presence.filter(({ state }) => state === "lost").length === 4);
  const story = server.presence
    .filter(({ device }) => device === "well-1")
    .map(({ state, reason, protocol }) => [state, reason, protocol]);
  expect(story).toEqual([
    ["online", "birth", "sparkplug"],
    ["lost", "death", "sparkplug"],
    ["online", "birth", "sparkplug"],
    ["lost", "death", "sparkplug"],
  ]);
  expect(await quarantineIn(server.journal)).toEqual([]);
});

test("an unknown alias leads to exactly one rebirth request, and the edge node answers it", async () => {
  const edge = anEdge(server);
  await edge.connect();
  for (let times = 0; times < 5; times++) {
    edge.say("DDATA", "w1", [{ alias: 99, type: "Double", isTyped: false, value: times, time: systemClock.now() }]);
  }
  await until("quarantine", async () => (await quarantineIn(server.journal)).length === 5);
  expect(edge.counts()).toMatchObject({ births: 1, rebirths: 0 });
  await server.clock.advance(3_500);
  await until("the rebirth", () => edge.counts().rebirths === 1);
  await until("its births", () => server.presence.filter(({ state }) => state === "online").length === 4);
  await server.clock.advance(600_000);
  edge.data("w1", [{ name: "pH", value: 7.75 }]);
  await until("data after it", async () => (await server.values()).includes(7.75));
  expect(edge.counts()).toMatchObject({ births: 2, rebirths: 1 });
  await edge.close();
});

test("a restart of the server between birth and data loses nothing: aliases mean what they meant", async () => {
  const edge = anEdge(server);
  await edge.connect();
  await until("the births", async () => (await server.values()).length === 1);
  await server.stop(); // closes the connection without its will, which would be untrue
  server = await startServer(folder);
  const client = await RawClient.signIn(server.port, "edge-1");
  const metrics = [{ alias: 0, type: "Double", isTyped: false, value: 7.1, time: systemClock.now() }] as const;
  client.publish("spBv1.0/park/DDATA/e/w1", Buffer.from(writeSparkplug({ seq: 2, metrics })), 5);
  await client.next("puback");
  await until("a judgement", async () => {
    return (await server.values()).length === 2 || (await quarantineIn(server.journal)).length > 0;
  });
  expect(await server.values()).toEqual([7, 7.1]);
  expect(await quarantineIn(server.journal)).toEqual([]);
  await server.clock.advance(10_000);
  expect(client.of("publish")).toEqual([]); // nobody is asked for a rebirth
  client.end();
});

test("hosts' state: online and retained for an edge node that subscribes, offline at a clean stop", async () => {
  const client = await RawClient.signIn(server.port, "edge-1");
  expect(await client.subscribe("spBv1.0/STATE/jingtu")).toEqual([1]);
  const online = await client.next("publish");
  expect(online).toMatchObject({ topic: "spBv1.0/STATE/jingtu", retain: true, qos: 1 });
  expect(JSON.parse(String(online.payload))).toEqual({ online: true, timestamp: expect.any(Number) });
  const stopping = server.stop();
  const offline = await client.next("publish");
  expect(JSON.parse(String(offline.payload))).toEqual({ online: false, timestamp: expect.any(Number) });
  client.end();
  await stopping;
  server = await startServer(folder);
});
