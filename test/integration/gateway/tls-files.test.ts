/** Files of TLS that cannot be used for a moment, while the server runs: it goes on, and no revocation is lost. */
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { generate } from "mqtt-packet";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { createLogger, type Logger } from "../../../core/observe.ts";
import { initAuthority, issueCertificate, revokeCertificates } from "../../../storage/certificate-authority.ts";
import { FakeClock } from "../../support/clock.ts";
import { serverCertificate } from "../../support/tls.ts";
import { startGateway, type TestGateway } from "./harness.ts";

const startedAt = Date.now();
let gateway: TestGateway;
let clock: FakeClock;
let dataDir: string;
let server: ReturnType<typeof serverCertificate>;
let ca: Buffer;
let errors: string[];
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "jingtu-tls-files-"));
  server = serverCertificate(dataDir);
  ca = readFileSync(server.mqttTlsCert);
  await initAuthority(dataDir, { name: "Test CA", now: startedAt });
  errors = [];
  const log: Logger = Object.assign(createLogger("silent"), {
    error: (_bindings: object, text: string) => void errors.push(text),
    child: () => log,
  });
  clock = new FakeClock(startedAt);
  gateway = await startGateway({
    ...{ clock, log },
    config: { ...server, dataDir, mqttTlsCa: join(dataDir, "ca/ca.pem") },
  });
});
afterEach(async () => {
  await gateway.close();
  rmSync(dataDir, { recursive: true });
});

async function issue(device: string): Promise<{ cert: string; key: string }> {
  const { certificate, key } = await issueCertificate(dataDir, { device, days: 1, now: startedAt });
  return { cert: certificate, key: key ?? "" };
}
async function signIn(device: string, pair: { cert: string; key: string }) {
  const socket = connectTls({ port: gateway.addresses.mqtts ?? 0, host: "localhost", ca, ...pair });
  onTestFinished(() => void socket.destroy());
  const closed = new Promise<null>((resolve) => socket.on("error", () => undefined).once("close", () => resolve(null)));
  const client = { cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clean: true, keepalive: 60 } as const;
  socket.write(generate({ ...client, clientId: device }));
  const first = await Promise.race([once(socket, "data").then(([bytes]) => (bytes as Buffer)[3]), closed]);
  return { code: first, closed };
}

test("the key of the server is being replaced while a certificate is revoked: the live connection ends all the same", async () => {
  const pair = await issue("well-1");
  const live = await signIn("well-1", pair);
  const other = await issue("well-10");
  expect(live.code).toBe(0);
  const key = readFileSync(server.mqttTlsKey);
  writeFileSync(server.mqttTlsKey, "");
  await revokeCertificates(dataDir, "well-1", startedAt);
  await clock.advance(1_000);
  await live.closed;
  expect((await signIn("well-10", other)).code).toBe(0); // by the old key and certificate
  expect(errors).toEqual([expect.stringContaining("the old ones stay, retrying")]);
  // Both are there again, and other ones: taken without another change of the list.
  const renewed = mkdtempSync(join(tmpdir(), "jingtu-tls-files-"));
  onTestFinished(() => rmSync(renewed, { recursive: true }));
  const next = serverCertificate(renewed);
  cpSync(next.mqttTlsCert, server.mqttTlsCert);
  await clock.advance(1_000);
  expect((await signIn("well-10", other)).code).toBe(0); // a key of another certificate is no pair
  cpSync(next.mqttTlsKey, server.mqttTlsKey);
  await clock.advance(1_000);
  ca = readFileSync(next.mqttTlsCert);
  expect((await signIn("well-10", other)).code).toBe(0);
  expect(key.equals(readFileSync(server.mqttTlsKey))).toBe(false);
});

test("a list that cannot be looked at keeps the old one in force; it is read as soon as it can be", async () => {
  const [first, second] = [await issue("well-1"), await issue("well-10")];
  await revokeCertificates(dataDir, "well-1", startedAt);
  await clock.advance(1_000);
  const [list, aside] = [join(dataDir, "ca/crl.pem"), join(dataDir, "ca/aside.pem")];
  await revokeCertificates(dataDir, "well-10", startedAt);
  renameSync(list, aside);
  symlinkSync(list, list); // ELOOP
  await clock.advance(1_000);
  expect((await signIn("well-1", first)).code).toBeNull();
  const live = await signIn("well-10", second);
  expect(live.code).toBe(0);
  expect(errors).toEqual([expect.stringContaining("the old one stays in force")]); // once
  renameSync(aside, list);
  await clock.advance(1_000);
  await live.closed;
});
