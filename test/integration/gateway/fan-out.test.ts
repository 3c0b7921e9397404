/** Messages from the server: retained alarms, absent and frozen subscribers, and rights that change meanwhile. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hmacSecret } from "../../../core/secret.ts";
import { QUEUE_MESSAGES_MAX } from "../../../gateway/sessions.ts";
import { FakeClock } from "../../support/clock.ts";
import {
  aRegistry,
  connectPacket,
  PEPPER,
  prefixOf,
  RawClient,
  secretOf,
  startGateway,
  type TestGateway,
} from "./harness.ts";

const ALARM = "ews/1/acme/alerts/site-1/mw-1/cd-high/cd";
const RIVAL_ALARM = "ews/1/rival/alerts/site-2/rw-1/cd-high/cd";

let gateway: TestGateway;
let clock: FakeClock;
beforeEach(async () => {
  clock = new FakeClock();
  gateway = await startGateway({ clock });
});
afterEach(() => gateway.close());

const alarm = (topic: string, payload: string, retain = true): Promise<void> =>
  gateway.publisher.publish({ topic, payload, retain });

describe("publisher", () => {
  test("a subscriber gets the alarm live, a later one retained, none after it was cleared", async () => {
    const early = await RawClient.signIn(gateway.port, "wallboard");
    await early.subscribe("ews/1/acme/alerts/#");
    await alarm(ALARM, "active");
    expect(await early.next("publish")).toMatchObject({
      topic: ALARM,
      payload: Buffer.from("active"),
      qos: 1,
      retain: false,
    });
    const late = await RawClient.signIn(gateway.port, "bureau");
    await late.subscribe("ews/1/+/alerts/#");
    expect(await late.next("publish")).toMatchObject({ topic: ALARM, payload: Buffer.from("active"), retain: true });
    await alarm(ALARM, "");
    expect((await late.next("publish")).payload).toHaveLength(0);
    const later = await RawClient.signIn(gateway.port, "bureau", { clientId: "later" });
    await later.subscribe("ews/1/+/alerts/#", ALARM);
    await later.ping();
    expect(later.of("publish")).toHaveLength(0);
  });

  test("a consumer sees its own tenant only", async () => {
    const wallboard = await RawClient.signIn(gateway.port, "wallboard");
    await wallboard.subscribe("ews/1/acme/alerts/#");
    await alarm(RIVAL_ALARM, "active");
    await alarm(ALARM, "active");
    expect((await wallboard.next("publish")).topic).toBe(ALARM);
  });

  test("a command reaches its device, and only it", async () => {
    const device = await RawClient.signIn(gateway.port, "well-1");
    const other = await RawClient.signIn(gateway.port, "well-10");
    await device.subscribe(`${prefixOf("well-1")}cmd`);
    await other.subscribe(`${prefixOf("well-10")}cmd`);
    await gateway.publisher.publish({ topic: `${prefixOf("well-1")}cmd`, payload: "{}", retain: false });
    expect((await device.next("publish")).topic).toBe(`${prefixOf("well-1")}cmd`);
    await other.ping();
    expect(other.of("publish")).toHaveLength(0);
  });

  test("what devices send never fans out", async () => {
    const bureau = await RawClient.signIn(gateway.port, "bureau");
    await bureau.subscribe("ews/1/+/alerts/#", "ews/1/+/current/#");
    const device = await RawClient.signIn(gateway.port, "well-1");
    for (const [at, channel] of ["telemetry", "event", "state", "info", "cmd/ack", "senml", "hj212"].entries())
      device.publish(prefixOf("well-1") + channel, "{}", at + 1, true);
    await device.received("puback", 7);
    await bureau.ping();
    expect(bureau.of("publish")).toHaveLength(0);
    expect((await gateway.raw()).map(({ topic }) => topic.slice(prefixOf("well-1").length)).sort()).toEqual([
      "cmd/ack",
      "event",
      "hj212",
      "info",
      "senml",
      "state",
      "telemetry",
    ]);
  });
});

describe("an absent subscriber with a session", () => {
  test("finds what was queued, at most the bound, and nothing of a filter that was refused", async () => {
    const session = { clean: false, clientId: "board" };
    const first = await RawClient.signIn(gateway.port, "wallboard", session);
    expect(await first.subscribe("ews/1/acme/alerts/#", "ews/1/rival/alerts/#")).toEqual([1, 128]);
    first.send({ cmd: "disconnect" });
    await first.closed;
    await alarm(RIVAL_ALARM, "secret of the rival");
    for (let count = 0; count < QUEUE_MESSAGES_MAX + 20; count++) await alarm(ALARM, String(count), false);
    const second = await RawClient.signIn(gateway.port, "wallboard", session);
    await second.received("publish", QUEUE_MESSAGES_MAX);
    await second.ping();
    expect(second.of("publish").map(({ topic }) => topic)).toEqual(new Array(QUEUE_MESSAGES_MAX).fill(ALARM));
    await gateway.close();
    expect(await gateway.refused()).toEqual({ "subscribe-foreign-topic": 1, "subscriber-queue-full": 20 });
  });

  test("is not queued to when its messages are large", async () => {
    const session = { clean: false, clientId: "board" };
    const first = await RawClient.signIn(gateway.port, "wallboard", session);
    await first.subscribe("ews/1/acme/alerts/#");
    first.send({ cmd: "disconnect" });
    await first.closed;
    for (let count = 0; count < 5; count++) await alarm(ALARM, "x".repeat(400 * 1024), false);
    const second = await RawClient.signIn(gateway.port, "wallboard", session);
    await second.received("publish", 2);
    await second.ping();
    expect(second.of("publish")).toHaveLength(2);
  });

  test("one consumer stores ten sessions, the eleventh is refused", async () => {
    for (let count = 0; count < 10; count++)
      (await RawClient.signIn(gateway.port, "wallboard", { clean: false, clientId: `board-${count}` })).end();
    await expect(RawClient.signIn(gateway.port, "wallboard", { clean: false, clientId: "board-10" })).rejects.toThrow(
      "CONNACK 2",
    );
    (await RawClient.signIn(gateway.port, "wallboard", { clean: false, clientId: "board-3" })).end();
  });
});

test("a frozen subscriber stalls neither devices nor other subscribers, and is closed", async () => {
  const frozen = await RawClient.signIn(gateway.port, "bureau");
  await frozen.subscribe("ews/1/+/alerts/#");
  frozen.socket.pause();
  const healthy = await RawClient.signIn(gateway.port, "wallboard");
  await healthy.subscribe("ews/1/acme/alerts/#");
  const device = await RawClient.signIn(gateway.port, "well-1");
  const payload = "x".repeat(512 * 1024);
  // Far more than the buffers of a socket hold.
  for (let count = 1; count <= 30; count++) {
    await alarm(ALARM, payload, false);
    device.publish(`${prefixOf("well-1")}telemetry`, "{}", count);
    await device.next("puback");
    await healthy.next("publish");
    healthy.packets.length = 0;
  }
  await clock.advance(1_000);
  expect(await gateway.refused(), "went on only because the frozen one was closed").toEqual({});
  // Two seconds later it is given up; counters reach the metrics once a second.
  while (!("subscriber-too-slow" in (await gateway.refused()))) await clock.advance(1_000);
  await healthy.ping();
  frozen.end();
});

describe("when the registry changes", () => {
  const signedIn = async (): Promise<RawClient> => {
    const device = await RawClient.signIn(gateway.port, "well-1");
    device.publish(`${prefixOf("well-1")}telemetry`, "{}", 1);
    await device.next("puback");
    return device;
  };

  test("a device that moved publishes at its new place, not at the old one", async () => {
    const device = await signedIn();
    const { devices } = aRegistry();
    gateway.register(
      aRegistry({ version: 2, devices: devices.map((it) => (it.id === "well-1" ? { ...it, station: "rw-1" } : it)) }),
    );
    await clock.advance(1_000);
    device.publish("ews/1/rival/site-2/rw-1/well-1/telemetry", "{}", 2);
    await device.next("puback");
    device.publish(`${prefixOf("well-1")}telemetry`, "{}", 3);
    await device.closed;
  });

  test("a device that moved no longer gets the commands of its old place", async () => {
    const device = await signedIn();
    const old = `${prefixOf("well-1")}cmd`;
    await device.subscribe(old);
    const { devices } = aRegistry();
    gateway.register(
      aRegistry({ version: 2, devices: devices.map((it) => (it.id === "well-1" ? { ...it, station: "rw-1" } : it)) }),
    );
    await clock.advance(1_000);
    await gateway.publisher.publish({ topic: old, payload: "{}", retain: false });
    await device.ping();
    expect(device.of("publish")).toHaveLength(0);
  });

  test.each([
    ["a new secret", { credentials: [{ device: "well-1", hmac: hmacSecret(PEPPER, "new") }] }],
    ["no credential", { credentials: [] }],
    ["no such device", { devices: [] }],
  ])("%s closes the connection", async (_why, change) => {
    const device = await signedIn();
    gateway.register(aRegistry({ version: 2, ...change }));
    await clock.advance(1_000);
    await device.closed;
  });

  test("a rotated secret keeps its connection until its end, and then loses it without another change", async () => {
    const device = await signedIn();
    const hmac = hmacSecret(PEPPER, secretOf("well-1"));
    const credentials = [
      { device: "well-1", hmac, validUntil: clock.now() + 10_000 },
      { device: "well-1", hmac: hmacSecret(PEPPER, "new") },
    ];
    gateway.register(aRegistry({ version: 2, credentials }));
    await clock.advance(9_000);
    await device.ping();
    const other = await RawClient.open(gateway.port);
    other.send(connectPacket("well-1", { password: Buffer.from("new") }));
    expect(await other.next("connack")).toMatchObject({ returnCode: 0 });
    await device.closed; // one id, one connection: the newer one stays
    const again = await signedIn();
    await clock.advance(1_000);
    await again.closed;
  });

  test("kick closes one device", async () => {
    const device = await signedIn();
    gateway.kick("well-1");
    gateway.kick("nobody");
    await device.closed;
  });
});

describe("last will", () => {
  const will = {
    topic: `${prefixOf("well-1")}state`,
    payload: Buffer.from('{"online":false}'),
    qos: 1,
    retain: true,
  } as const;

  test("of a device that vanished is journaled; of one that said goodbye it is not", async () => {
    const device = await RawClient.signIn(gateway.port, "well-1", { will });
    device.end();
    while ((await gateway.raw()).length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect((await gateway.raw())[0]).toMatchObject({ device: "well-1", topic: will.topic });
    const polite = await RawClient.signIn(gateway.port, "well-1", { will });
    polite.send({ cmd: "disconnect" });
    await polite.closed;
    await (await RawClient.signIn(gateway.port, "well-10")).ping();
    expect(await gateway.raw()).toHaveLength(1);
  });

  test("a stopping server does not report its devices as lost", async () => {
    await RawClient.signIn(gateway.port, "well-1", { will });
    await gateway.close();
    expect(await gateway.raw()).toHaveLength(0);
  });
});

describe("sign-in pace", () => {
  test("after five failures of an address its answers come late; the right secret is answered at once", async () => {
    const attempt = async (secret: string, clientId = "well-1"): Promise<RawClient> => {
      const client = await RawClient.open(gateway.port);
      client.send(connectPacket(clientId, { password: Buffer.from(secret) }));
      return client;
    };
    for (let count = 0; count < 5; count++) await (await attempt("guess")).next("connack");
    const before = clock.pending;
    const late = await attempt("guess");
    while (clock.pending === before) await new Promise((resolve) => setImmediate(resolve));
    await (await RawClient.signIn(gateway.port, "well-1")).ping();
    expect(late.of("connack")).toHaveLength(0);
    await clock.advance(100);
    expect((await late.next("connack")).returnCode).toBe(4);
  });
});
