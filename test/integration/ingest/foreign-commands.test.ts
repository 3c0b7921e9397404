/** Commands to devices that others carry, the whole way: ledger → commander → broker → device → journal → ingest → ledger. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../core/clock.ts";
import type { CommandArgs, CommandState } from "../../../core/command.ts";
import type { CommandOp } from "../../../core/command-ops.ts";
import { Config } from "../../../core/config.ts";
import type { LorawanDownlink } from "../../../core/device-profile.ts";
import { createDirectory } from "../../../core/directory.ts";
import { Metrics } from "../../../core/observe.ts";
import { hmacSecret } from "../../../core/secret.ts";
import { type Commander, mqttCommander, startCommander } from "../../../gateway/commander.ts";
import { lorawanCommander, sparkplugCommander } from "../../../gateway/foreign-commanders.ts";
import { createGateway, type Gateway } from "../../../gateway/gateway.ts";
import { FleetBook, runFleet } from "../../../ingest/fleet.ts";
import { runIngest } from "../../../ingest/pipeline.ts";
import { createDevice } from "../../../simulators/device.ts";
import { createSparkplugEdge } from "../../../simulators/sparkplug-edge.ts";
import { openSqliteJournal } from "../../../storage/journal-sqlite.ts";
import { type Ledger, openLedger } from "../../../storage/sql-sqlite.ts";
import { aDevice, aSite, aSnapshot, aStation, aTenant } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { silent } from "../../support/ingest.ts";
import { PEPPER, RawClient, secretOf } from "../gateway/harness.ts";

const EUI = "00aabbccddeeff01";
const commands = { setInterval: { fPort: 85, hex: "ff03{seconds:u16le}", confirmed: true } };
const chirpstack: LorawanDownlink = { server: "chirpstack", application: "app-1", commands };
const tts: LorawanDownlink = { server: "tts", application: "app1@ttn", device: "well-9", commands };
const sparkplug = { group: "park", edge: "e" };
const registry = createDirectory(
  aSnapshot({
    tenants: [aTenant({ id: "acme" })],
    sites: [aSite({ id: "site-1", tenant: "acme" })],
    stations: [aStation({ id: "mw-1" })],
    devices: [
      aDevice({ id: "edge-1", profile: { sparkplug } }),
      aDevice({
        id: "pump-1",
        via: "edge-1",
        profile: {
          sparkplug: {
            ...{ ...sparkplug, device: "w1" },
            commands: { setInterval: { metric: "Interval", type: "Int32" } },
          },
        },
      }),
      aDevice({ id: "ns-1" }),
      aDevice({
        id: "probe-1",
        via: "ns-1",
        profile: { lorawan: { devEui: EUI.toUpperCase(), payload: "object", downlink: chirpstack } },
      }),
      aDevice({
        id: "probe-2",
        via: "ns-1",
        profile: { lorawan: { devEui: "00AABBCCDDEEFF02", payload: "object", downlink: tts } },
      }),
      aDevice({ id: "own-1" }),
    ],
    credentials: ["edge-1", "ns-1", "own-1"].map((device) => ({ device, hmac: hmacSecret(PEPPER, secretOf(device)) })),
  }),
);

let ledger: Ledger;
let gateway: Gateway;
let commander: Commander;
let clock: FakeClock;
let book: FleetBook;
let stop: () => Promise<void>;

beforeEach(async () => {
  const folder = temporaryFolder();
  clock = new FakeClock(systemClock.now());
  const base = { directory: () => registry, log: silent, metrics: new Metrics() };
  const journal = await openSqliteJournal({ folder, clock: systemClock, ...base, diskReserveBytes: 0 });
  ledger = await openLedger({ file: join(folder, "ledger.db"), clock });
  gateway = await createGateway({
    ...{ ...base, config: Config.parse({ mqttPort: 0, mqttsPort: 0, wsPort: 0, hj212Port: 0 }), journal, clock },
    ...{ consumers: () => [], fieldSecrets: () => new Map(), pepper: PEPPER },
  });
  const down = { send: gateway.send, listens: gateway.listens, clock };
  commander = startCommander({
    ...{ ...base, commands: ledger.commands, publisher: gateway.publisher, clock },
    ways: [sparkplugCommander(down), lorawanCommander(down), mqttCommander(gateway)],
  });
  const end = new AbortController();
  book = new FleetBook({ directory: () => registry, clock });
  const loops = [
    runIngest({ ...base, journal, refresh: async () => {}, clock: systemClock, edges: gateway.edges }, end.signal),
    runFleet({ ...base, journal, book, commands: ledger.commands, clock }, end.signal),
  ];
  stop = async () => {
    await commander.close();
    const closing = gateway.close();
    await clock.advance(10_000);
    await closing;
    await commander.settled();
    end.abort();
    await Promise.all(loops);
    await journal.close();
    await ledger.close();
  };
});
afterEach(() => stop());

async function ask(device: string, op: CommandOp, args: CommandArgs = {}): Promise<string> {
  const [id, at] = [randomUUID(), clock.now()];
  const audit = { at, actor: "ann", via: "web", action: `command.${op}`, object: device, detail: "" };
  await ledger.commands.put(
    {
      ...{ id, device, op, args, state: "queued", detail: "", by: "ann", via: "web", createdAt: at },
      ...{ expiresAt: at + 3_600_000, sentAt: null, tries: 0, updatedAt: at },
    },
    audit,
  );
  return id;
}
async function until<T>(what: string, probe: () => Promise<T | null> | T | null): Promise<T> {
  const end = systemClock.monotonic() + 15_000;
  for (;;) {
    const found = await probe();
    if (found !== null) return found;
    if (systemClock.monotonic() > end) throw new Error(`did not come: ${what}`);
    await systemClock.sleep(5);
  }
}
const becomes = (id: string, state: CommandState, detail = "") =>
  until(`${state} ${detail}`, async () => {
    const command = await ledger.commands.get(id);
    return command?.state === state && command.detail.includes(detail) ? command : null;
  });

test("Sparkplug: a metric of the device, a rebirth of its node, and what nobody has mapped", async () => {
  const edge = createSparkplugEdge({
    ...{ url: `mqtt://127.0.0.1:${gateway.addresses.mqtt}`, account: { id: "edge-1", secret: secretOf("edge-1") } },
    ...{ ...sparkplug, clock: systemClock },
    devices: [{ id: "w1", metrics: [{ name: "Interval", type: "Int32", value: 600, isWritable: true }] }],
  });
  const early = await ask("pump-1", "setInterval", { seconds: 60 });
  await commander.look();
  await commander.settled();
  expect(await ledger.commands.get(early)).toMatchObject({ state: "queued" }); // nobody is there
  await edge.connect();
  await commander.look();
  expect(await becomes(early, "done")).toMatchObject({ detail: "Interval is 60", tries: 1 });

  const rebirth = await ask("pump-1", "sampleNow");
  await commander.look();
  expect(await becomes(rebirth, "done")).toMatchObject({ detail: "born again with Node Control/Rebirth" });
  expect(edge.counts()).toMatchObject({ births: 2, rebirths: 1 });

  // The simulated node has no such metric: nothing comes back, and nothing is claimed.
  const scan = await ask("edge-1", "setInterval", { seconds: 60 });
  const restart = await ask("pump-1", "restart");
  await commander.look();
  await becomes(scan, "accepted", "waits for its value to come back");
  expect(await becomes(restart, "unsupported")).toMatchObject({
    detail: "no metric for restart: name it in profile.sparkplug.commands.restart",
  });
  await clock.advance(3_700_000);
  await commander.look();
  await becomes(scan, "expired");
  await edge.close();
});

test("ChirpStack and The Things Stack: handed over once, followed to the node's acknowledgement", async () => {
  const server = await RawClient.signIn(gateway.addresses.mqtt ?? 0, "ns-1");
  expect(await server.subscribe("application/+/device/+/command/+")).toEqual([1]);
  expect(await server.subscribe("v3/+/devices/+/down/push")).toEqual([1]);
  const first = await ask("probe-1", "setInterval", { seconds: 600 });
  await commander.look();
  const taken = await server.next("publish");
  expect(taken.topic).toBe(`application/app-1/device/${EUI}/command/down`);
  expect(JSON.parse(String(taken.payload))).toEqual({
    ...{ id: first, devEui: EUI, confirmed: true, fPort: 85, data: Buffer.from("ff035802", "hex").toString("base64") },
  });
  await becomes(first, "accepted", "given to the network server");
  await clock.advance(60_000);
  await commander.look();
  await commander.settled();
  expect(await ledger.commands.get(first)).toMatchObject({ state: "accepted", tries: 1 }); // a node knows no repeats
  const event = (name: string, body: object): void => {
    const payload = { deviceInfo: { devEui: EUI }, queueItemId: first, ...body };
    server.publish(`application/app-1/device/${EUI}/event/${name}`, JSON.stringify(payload), 1);
  };
  event("txack", {});
  await becomes(first, "accepted", "sent by a gateway");
  event("ack", { acknowledged: true });
  await becomes(first, "done", "acknowledged the frame");

  const second = await ask("probe-2", "setInterval", { seconds: 60 });
  await commander.look();
  await until("the push", () => server.of("publish").find(({ topic }) => topic.startsWith("v3/")) ?? null);
  await becomes(second, "accepted");
  const downlink = { correlation_ids: [`jingtu:command:${second}`] };
  const failed = { downlink, error: { message_format: "no session" } };
  server.publish(
    "v3/app1@ttn/devices/well-9/down/failed",
    JSON.stringify({ end_device_ids: { device_id: "well-9" }, downlink_failed: failed }),
    2,
  );
  await becomes(second, "failed", "no session");

  const unmapped = await ask("probe-1", "restart");
  await commander.look();
  await becomes(unmapped, "unsupported", "profile.lorawan.downlink.commands.restart");
  server.end();
});

test("messages that a device has lost are asked for by number, and it sends them again", async () => {
  const device = createDevice({
    url: `mqtt://127.0.0.1:${gateway.addresses.mqtt}`,
    identity: { id: "own-1", secret: secretOf("own-1"), prefix: "ews/1/acme/site-1/mw-1/own-1/" },
    ...{ boot: "a41f", firstSeq: 1_040, clock: systemClock, keepMax: 100 },
    loses: (seq) => seq >= 1_042 && seq <= 1_050,
  });
  const send = () => device.send([{ p: "ph", v: 7 }], { ts: systemClock.now() });
  for (let n = 0; n < 12; n++) await send(); // 1040, 1041, 1051
  await clock.advance(61_000);
  await send();
  const request = await until("the request", async () => (await ledger.commands.open("own-1"))[0] ?? null);
  expect(request).toMatchObject({
    ...{ op: "fetchHistory", by: "fleet", args: { boot: "a41f", fromSeq: 1_042, toSeq: 1_050 } },
  });
  await until("the device listening", () =>
    gateway.listens("own-1", "ews/1/acme/site-1/mw-1/own-1/cmd") ? true : null,
  );
  await commander.look();
  expect(await becomes(request.id, "done")).toMatchObject({ detail: '{"messages":9}' });
  await until("the messages", async () => ((await book.device("own-1"))?.seqGaps.length === 0 ? true : null));
  expect(await book.device("own-1")).toMatchObject({ arrivedLate: 9, messages: 13 });
  await clock.advance(61_000);
  await send();
  expect((await ledger.commands.of("own-1", 10)).length).toBe(1);
  await device.close();
});
