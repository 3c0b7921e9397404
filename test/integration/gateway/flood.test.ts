/** A real flood on loopback: all places taken by connections that never sign in; registered devices come in all the same. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import mqtt from "mqtt";
import { afterAll, afterEach, expect, onTestFinished, test } from "vitest";
import { serverCertificate } from "../../support/tls.ts";
import { connectPacket, RawClient, secretOf, startGateway, type TestGateway } from "./harness.ts";

const PLACES = 100;

let gateway: TestGateway;
const folder = mkdtempSync(join(tmpdir(), "jingtu-flood-"));
const tls = serverCertificate(folder);
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => gateway.close());

/** Connections that say nothing, and when all of them have been driven out. */
async function strangers(port: number | null, count: number): Promise<{ sockets: Socket[]; gone: Promise<unknown> }> {
  const sockets = Array.from({ length: count }, () => connect({ port: port ?? 0, host: "127.0.0.1" }));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  const gone = Promise.all(sockets.map(closed));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  return { sockets, gone };
}
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on("error", () => undefined).once("close", () => resolve());
    socket.resume();
  });
}

const urls = {
  tcp: ({ mqtt: port }: TestGateway["addresses"]) => `mqtt://127.0.0.1:${port}`,
  tls: ({ mqtts: port }: TestGateway["addresses"]) => `mqtts://localhost:${port}`,
  ws: ({ ws: port }: TestGateway["addresses"]) => `ws://127.0.0.1:${port}`,
};

test.each(["tcp", "tls", "ws"] as const)(
  "strangers hold every place: a device signs in over %s, and keeps its place",
  async (kind) => {
    gateway = await startGateway({ config: { ...tls, mqttConnections: PLACES } });
    const first = await strangers(gateway.addresses.mqtt, PLACES);
    let holders = await strangers(gateway.addresses.mqtt, PLACES);
    await first.gone; // the second hundred holds every place now
    const device = await mqtt.connectAsync(urls[kind](gateway.addresses), {
      ...{ clientId: "well-1", username: "well-1", password: secretOf("well-1") },
      ...{ reconnectPeriod: 0, protocolVersion: 4, ca: readFileSync(tls.mqttTlsCert) },
    });
    for (let wave = 0; wave < 3; wave++) {
      const next = await strangers(gateway.addresses.mqtt, PLACES);
      await holders.gone;
      holders = next;
      await device.publishAsync("ews/1/acme/site-1/mw-1/well-1/telemetry", "{}", { qos: 1 });
    }
    expect(await gateway.raw()).toHaveLength(3);
    await device.endAsync();
    await gateway.close();
    const { "strangers-made-room": made = 0, "connections-full": full = 0 } = await gateway.refused();
    expect(made).toBeGreaterThanOrEqual(4 * PLACES);
    expect(full).toBe(0);
  },
);

test("half a TLS handshake, half a CONNECT and wrong secrets whose answer waits are strangers too", async () => {
  gateway = await startGateway({ config: { ...tls, mqttConnections: 10 } });
  const half = await strangers(gateway.addresses.mqtts, 5);
  half.sockets[0]?.write(Buffer.from("1603010200010001fc0303", "hex"));
  const torn = await strangers(gateway.addresses.mqtt, 5);
  for (const socket of torn.sockets) socket.write(Buffer.from([0x10, 0x20, 0, 4]));
  for (let tries = 0; tries < 16; tries++) {
    const guesser = await RawClient.open(gateway.port);
    guesser.send(connectPacket("well-1", { password: Buffer.from("guess") }));
    onTestFinished(() => guesser.end());
  }
  const device = await RawClient.signIn(gateway.port, "well-1");
  await Promise.all([half.gone, torn.gone]);
  await device.ping();
  device.end();
});

test("where all have signed in, nobody is driven out", async () => {
  gateway = await startGateway({ config: { ...tls, mqttConnections: 3 } });
  const consumer = { username: "wallboard", password: Buffer.from(secretOf("wallboard")) };
  const signedIn = await Promise.all(
    ["a", "b", "c"].map((clientId) => RawClient.signIn(gateway.port, "wallboard", { clientId, ...consumer })),
  );
  const late = await RawClient.open(gateway.port);
  await late.closed;
  await closed(connectTls({ port: gateway.addresses.mqtts ?? 0, host: "127.0.0.1", rejectUnauthorized: false }));
  for (const client of signedIn) await client.ping();
  await gateway.close();
  const { "connections-full": full, "strangers-made-room": made } = await gateway.refused();
  expect([full, made]).toEqual([2, undefined]);
});
