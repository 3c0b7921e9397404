/** The promise of the gateway: no PUBACK before the journal has the message, and one for each that it has. */
import { afterEach, describe, expect, test } from "vitest";
import { Unavailable } from "../../../core/errors.ts";
import { IN_FLIGHT_PER_CONNECTION_MAX } from "../../../gateway/admit.ts";
import { connectPacket, HeldJournal, prefixOf, RawClient, startGateway, type TestGateway } from "./harness.ts";

const TELEMETRY = `${prefixOf("well-1")}telemetry`;
const PAYLOAD = '{"v":1,"boot":"b1","seq":1,"ts":1773532800000,"r":[{"p":"ph","v":7.1,"u":"pH"}]}';

let gateway: TestGateway;
afterEach(() => gateway.close());

describe("PUBACK", () => {
  test("waits for the append, then follows for exactly what was appended", async () => {
    const journal = new HeldJournal();
    gateway = await startGateway({ journal });
    const device = await RawClient.signIn(gateway.port, "well-1");
    for (let id = 1; id <= 50; id++) device.publish(TELEMETRY, PAYLOAD, id);
    await journal.holds(50);
    await someRoundTrips(gateway.port);
    expect(device.of("puback")).toHaveLength(0);
    await journal.release(30);
    await device.received("puback", 30);
    await someRoundTrips(gateway.port);
    expect(device.of("puback").map(({ messageId }) => messageId)).toEqual(
      Array.from({ length: 30 }, (_, at) => at + 1),
    );
    await journal.release();
    await device.received("puback", 50);
    expect(await gateway.raw()).toHaveLength(50);
  });

  test.each([
    ["QoS 1 retained state, which the broker acknowledges", { qos: 1, retain: true, channel: "state" }, "puback"],
    ["QoS 2", { qos: 2, retain: false, channel: "telemetry" }, "pubrec"],
  ] as const)("waits for the append: %s", async (_why, { qos, retain, channel }, answer) => {
    const journal = new HeldJournal();
    gateway = await startGateway({ journal });
    const device = await RawClient.signIn(gateway.port, "well-1");
    device.send({
      cmd: "publish",
      topic: prefixOf("well-1") + channel,
      payload: PAYLOAD,
      qos,
      retain,
      dup: false,
      messageId: 9,
    });
    await journal.holds(1);
    await device.ping();
    expect(device.of(answer)).toHaveLength(0);
    await journal.release();
    expect((await device.next(answer)).messageId).toBe(9);
  });

  test("a failed append closes the connection without PUBACK", async () => {
    const journal = new HeldJournal();
    gateway = await startGateway({ journal });
    const device = await RawClient.signIn(gateway.port, "well-1");
    device.publish(TELEMETRY, PAYLOAD, 1);
    device.publish(TELEMETRY, PAYLOAD, 2);
    await journal.holds(2);
    journal.fail(new Unavailable("JOURNAL_FULL", { what: "the disk is nearly full" }));
    await device.closed;
    expect(device.of("puback")).toHaveLength(0);
    await gateway.close();
    expect(await gateway.refused()).toEqual({ "journal-unavailable": 2 });
  });

  test("QoS 0 is journaled too, and the envelope says who, where and when", async () => {
    gateway = await startGateway();
    const device = await RawClient.signIn(gateway.port, "well-1");
    const before = Date.now();
    device.publish(TELEMETRY, PAYLOAD);
    await device.ping();
    const [message] = await gateway.raw();
    expect(message).toMatchObject({ device: "well-1", topic: TELEMETRY });
    expect(Buffer.from(message?.payload ?? []).toString()).toBe(PAYLOAD);
    expect(message?.receivedAt).toBeGreaterThanOrEqual(before);
  });

  test("packets sent together with CONNECT are taken after sign-in", async () => {
    gateway = await startGateway();
    const device = await RawClient.open(gateway.port);
    device.socket.cork();
    device.send(connectPacket("well-1"));
    for (let id = 1; id <= 100; id++) device.publish(TELEMETRY, PAYLOAD, id);
    device.socket.uncork();
    await device.received("puback", 100);
    expect(device.packets[0]).toMatchObject({ cmd: "connack", returnCode: 0 });
  });

  test("5,000 pipelined messages: in flight stays bounded, all are acknowledged once", async () => {
    const journal = new HeldJournal();
    gateway = await startGateway({ journal });
    const device = await RawClient.signIn(gateway.port, "well-1");
    for (let id = 1; id <= 5_000; id++) device.publish(TELEMETRY, PAYLOAD, id);
    const packetBytes = 4 + TELEMETRY.length + 2 + PAYLOAD.length;
    let released = 0;
    while (released < 5_000) {
      await journal.holds(1);
      await new Promise((resolve) => setImmediate(resolve));
      released += journal.waiting;
      await journal.release();
    }
    await device.received("puback", 5_000);
    expect(new Set(device.of("puback").map(({ messageId }) => messageId)).size).toBe(5_000);
    // One chunk of the socket may come on top of the bound.
    expect(journal.waitingMax).toBeLessThan(IN_FLIGHT_PER_CONNECTION_MAX + 65_536 / packetBytes);
  });

  test("a stop answers what is in flight before it closes", async () => {
    const journal = new HeldJournal();
    gateway = await startGateway({ journal });
    const device = await RawClient.signIn(gateway.port, "well-1");
    device.publish(TELEMETRY, PAYLOAD, 1);
    await journal.holds(1);
    const closed = gateway.close();
    await journal.release();
    await Promise.all([closed, device.closed]);
    expect(device.of("puback")).toHaveLength(1);
  });
});

/** The broker reads nobody whose batch is being committed, so another connection shows that time has passed. */
async function someRoundTrips(port: number): Promise<void> {
  const other = await RawClient.signIn(port, "well-10");
  for (let count = 0; count < 5; count++) await other.ping();
  other.end();
}
