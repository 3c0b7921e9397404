/** Who may do what, and what happens to those who try more: on a real gateway, with packets built by hand. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { PAYLOAD_BYTES_MAX } from "../../../core/wire.ts";
import { connectPacket, prefixOf, RawClient, secretOf, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;
let addresses = 0;

/** Another loopback address each time: failed sign-ins slow down only their own. */
const nextAddress = (): string => `127.0.1.${++addresses}`;

describe("sign-in", () => {
  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(() => gateway.close());

  test.each`
    why                                 | packet                                                                                                      | code
    ${"a device with its secret"}       | ${connectPacket("well-1")}                                                                                  | ${0}
    ${"MQTT 3.1"}                       | ${connectPacket("well-1", { protocolId: "MQIsdp", protocolVersion: 3 })}                                    | ${0}
    ${"a consumer, any client id"}      | ${connectPacket("wallboard", { clientId: "browser 7" })}                                                    | ${0}
    ${"a consumer without client id"}   | ${connectPacket("wallboard", { clientId: "" })}                                                             | ${0}
    ${"MQTT 5"}                         | ${connectPacket("well-1", { protocolVersion: 5 })}                                                          | ${1}
    ${"wrong secret"}                   | ${connectPacket("well-1", { password: Buffer.from("guess") })}                                              | ${4}
    ${"another device's secret"}        | ${connectPacket("well-1", { password: Buffer.from(secretOf("well-10")) })}                                  | ${4}
    ${"unknown user"}                   | ${connectPacket("nobody")}                                                                                  | ${4}
    ${"prototype name as user"}         | ${connectPacket("__proto__")}                                                                               | ${4}
    ${"no user"}                        | ${{ ...connectPacket("well-1"), username: undefined, password: undefined }}                                 | ${5}
    ${"user without secret"}            | ${{ ...connectPacket("well-1"), password: undefined }}                                                      | ${4}
    ${"a device without a station"}     | ${connectPacket("orphan")}                                                                                  | ${5}
    ${"client id of another device"}    | ${connectPacket("well-1", { clientId: "well-10" })}                                                         | ${2}
    ${"device, empty client id, clean"} | ${connectPacket("well-1", { clientId: "" })}                                                                | ${5}
    ${"will on a foreign topic"}        | ${connectPacket("well-1", { will: { topic: `${prefixOf("well-10")}state`, payload: Buffer.from("{}") } })}  | ${5}
    ${"will on $SYS"}                   | ${connectPacket("well-1", { will: { topic: "$SYS/x/new/clients", payload: Buffer.from("well-10") } })}      | ${5}
    ${"a consumer with a will"}         | ${connectPacket("wallboard", { will: { topic: "ews/1/acme/alerts/a/b/c/d", payload: Buffer.from("{}") } })} | ${5}
  `("$why: CONNACK $code", async ({ packet, code }) => {
    const client = await RawClient.open(gateway.port, nextAddress());
    client.send(packet);
    expect((await client.next("connack")).returnCode).toBe(code);
    if (code !== 0) await client.closed;
    client.end();
  });

  test("an empty client id without a clean session: CONNACK 2 (MQTT-3.1.3-8)", async () => {
    const client = await RawClient.open(gateway.port, nextAddress());
    // The packet library refuses to build this one.
    const text = (value: string): Buffer => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)]);
    const body = Buffer.concat([
      text("MQTT"),
      Buffer.from([4, 0xc0, 0, 60]),
      text(""),
      text("well-1"),
      text(secretOf("well-1")),
    ]);
    client.socket.write(Buffer.concat([Buffer.from([0x10, body.length]), body]));
    expect((await client.next("connack")).returnCode).toBe(2);
    await client.closed;
  });

  test("a consumer with the client id of a device does not throw the device out", async () => {
    const device = await RawClient.signIn(gateway.port, "well-1");
    const consumer = await RawClient.signIn(gateway.port, "wallboard", { clientId: "well-1" });
    await consumer.ping();
    await device.ping();
    device.end();
    consumer.end();
  });

  test("the same device again: the older connection is closed", async () => {
    const first = await RawClient.signIn(gateway.port, "well-10");
    const second = await RawClient.signIn(gateway.port, "well-10");
    await first.closed;
    await second.ping();
    second.end();
  });
});

describe("publish", () => {
  beforeEach(async () => {
    gateway = await startGateway();
  });
  afterEach(() => gateway.close());

  test.each`
    topic                                         | reason
    ${`${prefixOf("well-10")}telemetry`}          | ${"foreign-topic"}
    ${"ews/1/acme/site-1/mw-1/well-1"}            | ${"foreign-topic"}
    ${"ews/1/rival/site-2/rw-1/well-1/telemetry"} | ${"foreign-topic"}
    ${"ews/1/acme/alerts/site-1/mw-1/r/cd"}       | ${"foreign-topic"}
    ${"EWS/1/acme/site-1/mw-1/well-1/telemetry"}  | ${"foreign-topic"}
    ${`${prefixOf("well-1")}cmd`}                 | ${"unknown-channel"}
    ${`${prefixOf("well-1")}telemetry/`}          | ${"unknown-channel"}
    ${`${prefixOf("well-1")}Telemetry`}           | ${"unknown-channel"}
    ${`${prefixOf("well-1")}tele\0metry`}         | ${"control-character-in-topic"}
    ${"$SYS/x/new/clients"}                       | ${"reserved-topic"}
    ${"$share/g/ews/1/acme/x"}                    | ${"reserved-topic"}
    ${`${prefixOf("well-1")}+`}                   | ${"protocol-error"}
    ${"#"}                                        | ${"protocol-error"}
    ${`a${"/a".repeat(200)}`}                     | ${"protocol-error"}
  `("well-1 on $topic: closed, no PUBACK, counted $reason", async ({ topic, reason }) => {
    const device = await RawClient.signIn(gateway.port, "well-1");
    const bystander = await RawClient.signIn(gateway.port, "well-10");
    device.socket.write(publishBytes(topic, "{}", 1));
    await device.closed;
    expect(device.of("puback")).toHaveLength(0);
    await bystander.ping();
    expect(await gateway.raw()).toHaveLength(0);
    await gateway.close();
    expect(await gateway.refused()).toEqual({ [reason]: 1 });
  });

  test("a consumer that publishes is closed", async () => {
    const consumer = await RawClient.signIn(gateway.port, "bureau");
    consumer.publish(`${prefixOf("well-1")}telemetry`, "{}", 1);
    await consumer.closed;
    await gateway.close();
    expect(await gateway.refused()).toEqual({ "consumers-only-read": 1 });
  });

  test.each`
    bytes                    | outcome
    ${PAYLOAD_BYTES_MAX}     | ${"acknowledged"}
    ${PAYLOAD_BYTES_MAX + 1} | ${"payload-too-large"}
    ${PAYLOAD_BYTES_MAX * 2} | ${"packet-too-large"}
  `("a payload of $bytes bytes: $outcome", async ({ bytes, outcome }) => {
    const device = await RawClient.signIn(gateway.port, "well-1");
    device.publish(`${prefixOf("well-1")}telemetry`, Buffer.alloc(bytes, 32), 1);
    if (outcome === "acknowledged") await device.next("puback");
    else await device.closed;
    await gateway.close();
    expect(Object.keys(await gateway.refused())).toEqual(outcome === "acknowledged" ? [] : [outcome]);
  });
});

describe("subscribe", () => {
  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(() => gateway.close());

  test.each`
    who            | filter                                 | granted
    ${"well-1"}    | ${`${prefixOf("well-1")}cmd`}          | ${1}
    ${"well-1"}    | ${`${prefixOf("well-1")}cfg`}          | ${1}
    ${"well-1"}    | ${`${prefixOf("well-1")}ack`}          | ${1}
    ${"well-1"}    | ${`${prefixOf("well-1")}telemetry`}    | ${128}
    ${"well-1"}    | ${`${prefixOf("well-1")}#`}            | ${128}
    ${"well-1"}    | ${`${prefixOf("well-1")}+`}            | ${128}
    ${"well-1"}    | ${`${prefixOf("well-10")}cmd`}         | ${128}
    ${"well-1"}    | ${"#"}                                 | ${128}
    ${"well-1"}    | ${"+/1/acme/#"}                        | ${128}
    ${"well-1"}    | ${"$SYS/#"}                            | ${128}
    ${"well-1"}    | ${`$share/g/${prefixOf("well-1")}cmd`} | ${128}
    ${"well-1"}    | ${"ews/1/acme/alerts/#"}               | ${128}
    ${"wallboard"} | ${"ews/1/acme/alerts/#"}               | ${1}
    ${"wallboard"} | ${"ews/1/acme/alerts-log/#"}           | ${1}
    ${"wallboard"} | ${"ews/1/acme/current/site-1/#"}       | ${1}
    ${"wallboard"} | ${"ews/1/rival/alerts/#"}              | ${128}
    ${"wallboard"} | ${"ews/1/+/alerts/#"}                  | ${128}
    ${"wallboard"} | ${"ews/1/acme/+/#"}                    | ${128}
    ${"wallboard"} | ${"ews/1/acme/#"}                      | ${128}
    ${"wallboard"} | ${`${prefixOf("well-1")}telemetry`}    | ${128}
    ${"wallboard"} | ${"$share/g/ews/1/acme/alerts/#"}      | ${128}
    ${"bureau"}    | ${"ews/1/+/alerts/#"}                  | ${1}
    ${"bureau"}    | ${"ews/1/rival/current/#"}             | ${1}
    ${"bureau"}    | ${"ews/1/#"}                           | ${128}
    ${"bureau"}    | ${"ews/+/acme/alerts/#"}               | ${128}
    ${"bureau"}    | ${"#"}                                 | ${128}
  `("$who to $filter: $granted, and the connection lives", async ({ who, filter, granted }) => {
    const client = await RawClient.signIn(gateway.port, who);
    expect(await client.subscribe(filter)).toEqual([granted]);
    await client.ping();
    client.end();
  });

  test("one connection holds 32 filters at most", async () => {
    const client = await RawClient.signIn(gateway.port, "wallboard");
    const filters = Array.from({ length: 40 }, (_, at) => `ews/1/acme/alerts/site-${at}/#`);
    expect((await client.subscribe(...filters)).filter((code) => code === 128)).toHaveLength(8);
    client.end();
  });
});

describe("bytes", () => {
  beforeEach(async () => {
    gateway = await startGateway();
  });
  afterEach(() => gateway.close());

  test.each`
    why                                    | bytes                                                | reason
    ${"a first packet that is no CONNECT"} | ${Buffer.from([0xc0, 0])}                            | ${"connect-expected"}
    ${"HTTP"}                              | ${Buffer.from("GET / HTTP/1.1\r\n\r\n")}             | ${"connect-expected"}
    ${"a CONNECT that announces 256 MB"}   | ${Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f])}       | ${"packet-too-large"}
    ${"a CONNECT above 4 KiB"}             | ${Buffer.from([0x10, 0x81, 0x20])}                   | ${"packet-too-large"}
    ${"a length of five bytes"}            | ${Buffer.from([0x10, 0x80, 0x80, 0x80, 0x80, 0x01])} | ${"malformed-length"}
  `("$why: closed, counted $reason", async ({ bytes, reason }) => {
    const client = await RawClient.open(gateway.port);
    client.socket.write(bytes);
    await client.closed;
    await gateway.close();
    expect(await gateway.refused()).toEqual({ [reason]: 1 });
  });

  test("256 MB announced from 8 sockets that keep streaming: memory stays flat", async () => {
    const before = process.memoryUsage().rss;
    const block = Buffer.alloc(1024 * 1024);
    const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.open(gateway.port)));
    for (const client of clients) {
      client.socket.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]));
      for (let count = 0; count < 16; count++) client.socket.write(block);
    }
    await Promise.all(clients.map(({ closed }) => closed));
    expect(process.memoryUsage().rss - before).toBeLessThan(32 * 1024 * 1024);
  });

  test("a second CONNECT closes the connection", async () => {
    const device = await RawClient.signIn(gateway.port, "well-1");
    device.send(connectPacket("well-1"));
    await device.closed;
  });
});

/** Built by hand, because the packet library refuses to write some of these topics. */
function publishBytes(topic: string, payload: string, messageId: number): Buffer {
  const topicBytes = Buffer.from(topic);
  const length = 2 + topicBytes.length + 2 + payload.length;
  const header = length < 128 ? [0x32, length] : [0x32, (length & 127) | 128, length >> 7];
  const ids = Buffer.from([messageId >> 8, messageId & 255]);
  const topicLength = Buffer.from([topicBytes.length >> 8, topicBytes.length & 255]);
  return Buffer.concat([Buffer.from(header), topicLength, topicBytes, ids, Buffer.from(payload)]);
}
