/** Client certificates of the local CA at the TLS door: revoked, expired, and of devices that the registry does not have. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { generate, type IConnectPacket } from "mqtt-packet";
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from "vitest";
import { initAuthority, issueCertificate, revokeCertificates } from "../../../storage/certificate-authority.ts";
import { FakeClock } from "../../support/clock.ts";
import { serverCertificate } from "../../support/tls.ts";
import { aRegistry, connectPacket, secretOf, startGateway, type TestGateway } from "./harness.ts";

const DAY_MS = 86_400_000;
const AT_ONCE_MS = 1_000;

let gateway: TestGateway;
const dataDir = mkdtempSync(join(tmpdir(), "jingtu-certificates-"));
const server = serverCertificate(dataDir);
const config = { ...server, dataDir, mqttTlsCa: join(dataDir, "ca/ca.pem") };
const startedAt = Date.now();
beforeAll(() => initAuthority(dataDir, { name: "Test CA", now: startedAt }));
afterAll(() => rmSync(dataDir, { recursive: true }));
afterEach(() => gateway.close());

type Pair = { readonly cert: string; readonly key: string };
async function issue(device: string, seconds = 86_400): Promise<Pair> {
  const { certificate, key } = await issueCertificate(dataDir, { device, days: seconds / 86_400, now: startedAt });
  return { cert: certificate, key: key ?? "" };
}

/** A CONNECT without user and secret. */
function certified(clientId: string): IConnectPacket {
  return { cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clean: true, keepalive: 60, clientId };
}

/** What becomes of a CONNECT: CONNACK's code, or null when the connection is closed without one. */
async function signIn(pair: Pair, packet = certified("well-1")) {
  const socket = connectTls({
    ...{ port: gateway.addresses.mqtts ?? 0, host: "localhost", ca: readFileSync(server.mqttTlsCert) },
    ...pair,
  });
  onTestFinished(() => void socket.destroy());
  const closed = new Promise<void>((resolve) => socket.on("error", () => undefined).once("close", () => resolve()));
  socket.write(generate(packet));
  const first = await Promise.race([once(socket, "data").then(([bytes]) => bytes as Buffer), closed.then(() => null)]);
  return { code: first ? (first[3] ?? null) : null, socket, closed };
}
const isOpen = (socket: TLSSocket): boolean => !socket.destroyed && !socket.readableEnded;

test("without EWS_MQTT_TLS_CRL the list of the local CA holds: a revocation closes the live connection at once", async () => {
  gateway = await startGateway({ config });
  const pair = await issue("well-1");
  const live = await signIn(pair);
  const other = await signIn(await issue("well-10"), certified("well-10"));
  expect([live.code, other.code]).toEqual([0, 0]);
  await revokeCertificates(dataDir, "well-1", Date.now());
  const revokedAt = performance.now();
  await live.closed;
  expect(performance.now() - revokedAt).toBeLessThan(AT_ONCE_MS);
  expect((await signIn(pair)).code).toBeNull();
  expect(isOpen(other.socket)).toBe(true);
  await gateway.close();
  expect(await gateway.refused()).toMatchObject({ "certificate-revoked": 2 });
});

test("the list holds from the start, and one that appears while the server runs is followed", async () => {
  const pair = await issue("well-1");
  await revokeCertificates(dataDir, "well-1", Date.now());
  gateway = await startGateway({ config });
  expect((await signIn(pair)).code).toBeNull();
  await gateway.close();
  const copy = mkdtempSync(join(tmpdir(), "jingtu-certificates-"));
  onTestFinished(() => rmSync(copy, { recursive: true }));
  gateway = await startGateway({ config: { ...config, dataDir: copy } });
  expect((await signIn(pair)).code).toBe(0);
});

test("a certificate that ends while connected: the connection is closed within seconds, others go on", async () => {
  const clock = new FakeClock(startedAt);
  gateway = await startGateway({ config, clock });
  const live = await signIn(await issue("well-1", 60));
  const secret = await signIn(await issue("well-10"), connectPacket("rival-1", { username: "rival-1" }));
  expect([live.code, secret.code]).toEqual([0, 5]); // the second certificate is another device's
  await clock.advance(58_000);
  expect(isOpen(live.socket)).toBe(true);
  await clock.advance(7_000);
  await live.closed;
  await gateway.close();
  expect(await gateway.refused()).toMatchObject({ "certificate-expired": 1 });
});

test("a certificate that is over opens nothing, also where the clock of TLS does not say so", async () => {
  gateway = await startGateway({ config, clock: new FakeClock(startedAt + 2 * DAY_MS) });
  expect((await signIn(await issue("well-1"))).code).toBeNull();
  await gateway.close();
  expect(await gateway.refused()).toMatchObject({ "certificate-expired": 1 });
});

test("a certificate of a device that was removed does not open the required door, nor keep it open", async () => {
  const registry = aRegistry();
  gateway = await startGateway({ config, registry });
  const gone = await issue("well-10");
  // It signs in as another with that one's secret: the certificate is no more than the key of the door.
  const removed = { ...registry, version: 2, devices: registry.devices.filter(({ id }) => id !== "well-10") };
  const early = await signIn(gone, certified("well-10"));
  expect(early.code).toBe(0);
  gateway.register(removed);
  await early.closed;
  const rival = connectPacket("rival-1", { password: Buffer.from(secretOf("rival-1")) });
  expect((await signIn(gone, rival)).code).toBeNull();
  await gateway.close();
  expect((await gateway.refused())["certificate-of-nobody"]).toBe(2);

  gateway = await startGateway({ config: { ...config, mqttTlsClients: "optional" }, registry: removed });
  expect((await signIn(gone, rival)).code).toBe(0);
});
