/**
 * The table of wrong devices: each attempt is made by a real client against the real program, and each is refused, logged
 * and counted. The right device beside them is served throughout.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../core/clock.ts";
import { encodeFrame } from "../../core/hj212-frame.ts";
import { aTestRegistry, eventually, removeData, startServer, type TestServer } from "../support/server.ts";

const secretOf = (n: number): string => `secret-of-device-${n}-0123456789abcdef`;
const topicOf = (n: number): string => `ews/1/t1/s1/mw-${n}/dev-${n}/telemetry`;

let server: TestServer;
let folder: string;
let serverCert: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "jingtu-strangers-"));
  const dataDir = mkdtempSync(join(tmpdir(), "jingtu-test-"));
  serverCert = join(folder, "server.pem");
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
      ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
      ...["-keyout", join(folder, "server.key"), "-out", serverCert],
    ],
    { stdio: "ignore" },
  );
  const { runCli } = await import("../support/server.ts");
  const made = await runCli(["ca", "init"], { EWS_DATA_DIR: dataDir });
  if (made.code !== 0) throw new Error(made.stderr);
  const registry = aTestRegistry(7);
  const devices = registry.devices.map((device, at) => {
    return at < 4 ? device : { ...device, profile: { hj212: { mn: `MN-${device.id}` } } };
  });
  server = await startServer({
    dataDir,
    registry: { ...registry, devices },
    env: {
      EWS_MQTT_TLS_CERT: serverCert,
      EWS_MQTT_TLS_KEY: join(folder, "server.key"),
      EWS_MQTT_TLS_CA: join(dataDir, "ca/ca.pem"),
      EWS_MQTT_TLS_CLIENTS: "optional",
    },
  });
  for (const device of ["dev-1", "dev-2"]) await cli("ca", "issue", device, "--out", folder);
});
afterAll(async () => {
  await server?.stop();
  if (server) removeData(server);
  rmSync(folder, { recursive: true, force: true });
});

async function cli(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await server.cli(...args, "--json");
  if (code !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
  return JSON.parse(stdout.split("\n")[0] ?? "{}") as Record<string, unknown>;
}

/** The sum of refusals with this reason, over all threads. */
async function refused(metric: string, label: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const lines = text
    .split("\n")
    .filter((line) => line.startsWith(`jingtu_${metric}_total{`) && line.includes(`"${label}"`));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** Runs the attempt, then waits for its count and for a line: one a minute for the same party and reason. */
async function seen(reason: string, attempt: () => Promise<void>, metric = "gateway_refused"): Promise<void> {
  const before = await refused(metric, reason);
  await attempt();
  await eventually(`${metric} ${reason}`, async () => ((await refused(metric, reason)) > before ? true : null), 5_000);
  await eventually(`a line about ${reason}`, async () => (logged(reason) > 0 ? true : null), 5_000);
}
const logged = (reason: string, who = ""): number =>
  server
    .stderr()
    .split("\n")
    .filter((line) => line.includes(`"${reason}"`) && line.includes(who)).length;

function connect(n: number, more: IClientOptions = {}): Promise<MqttClient> {
  const account = { clientId: `dev-${n}`, username: `dev-${n}`, password: secretOf(n) };
  const options = { ...account, reconnectPeriod: 0, ...more };
  return connectAsync(`mqtt://127.0.0.1:${server.ports.mqtt}`, options, false);
}

const closing = (client: MqttClient): Promise<void> => new Promise((resolve) => client.once("close", () => resolve()));

/** mosquitto_pub over mutual TLS, no password. @returns its exit code: 0 when the broker acknowledged. */
async function mutual(certificate: string, as: string, topic: string): Promise<number> {
  const child = spawn("mosquitto_pub", [
    ...["-h", "localhost", "-p", String(server.ports.mqtts), "--cafile", serverCert, "-i", as, "-q", "1"],
    ...["--cert", join(folder, `${certificate}.pem`), "--key", join(folder, `${certificate}.key`)],
    ...["-t", topic, "-m", '{"m":{"ph":7}}'],
  ]);
  return ((await once(child, "exit")) as [number])[0];
}

test.each([
  ["another device's prefix", topicOf(2), "foreign-topic"],
  ["its own prefix with another device's number", topicOf(1).replace("dev-1", "dev-10"), "foreign-topic"],
  ["an alarm", "ews/1/t1/alerts/s1/mw-1/cd-high/cd", "foreign-topic"],
  ["$SYS", "$SYS/x/new/clients", "reserved-topic"],
  ["a channel that is none", topicOf(1).replace("telemetry", "other"), "unknown-channel"],
])("publishing on %s: no PUBACK, the connection is closed", async (_why, topic, reason) => {
  await seen(reason, async () => {
    const client = await connect(1);
    client.on("error", () => undefined);
    const closed = closing(client);
    client.publish(topic, "{}", { qos: 1 });
    await closed;
    await client.endAsync(true);
  });
});

test.each([
  ["everything", "#", "subscribe-foreign-topic"],
  ["every tenant", "ews/1/+/+/+/+/cmd", "subscribe-foreign-topic"],
  ["another device's commands", "ews/1/t1/s1/mw-2/dev-2/cmd", "subscribe-foreign-topic"],
  ["alarms, which are for consumers", "ews/1/t1/alerts/#", "subscribe-foreign-topic"],
  ["$SYS", "$SYS/#", "subscribe-reserved-topic"],
  ["a share of everything", "$share/g/#", "subscribe-reserved-topic"],
])("subscribing to %s: 0x80, the connection lives", async (_why, filter, reason) => {
  const before = await refused("gateway_refused", reason);
  const client = await connect(1);
  const granted = await client.subscribeAsync(filter, { qos: 1 }).catch((error: unknown) => String(error));
  expect(JSON.stringify(granted)).toMatch(/128|error/i);
  await client.publishAsync(topicOf(1), '{"m":{"ph":7}}', { qos: 1 });
  await client.endAsync(true);
  await eventually("its count", async () => ((await refused("gateway_refused", reason)) > before ? true : null));
  expect(logged(reason)).toBeGreaterThan(0);
});

/** A consumer of tenant t1, signed in once the server knows it. */
async function consumer(name: string): Promise<MqttClient> {
  const { secret } = await cli("consumer", "add", name, "--tenant", "t1");
  const account = { clientId: name, username: name, password: String(secret), reconnectPeriod: 0 };
  const open = () => connectAsync(`mqtt://127.0.0.1:${server.ports.mqtt}`, account, false).catch(() => null);
  const client = await eventually("the consumer is known", open);
  return client.on("error", () => undefined);
}

test("a consumer of one tenant: its own tenant's alarms and values, nothing of another's", async () => {
  const client = await consumer("board-t1");
  const topics: string[] = [];
  client.on("message", (topic) => topics.push(topic));
  const own = ["ews/1/t1/alerts/#", "ews/1/t1/alerts-log/#", "ews/1/t1/current/#"];
  expect(await client.subscribeAsync(own, { qos: 1 })).toHaveLength(3);
  for (const branch of ["alerts", "alerts-log", "current"]) {
    for (const tenant of ["t2", "+"]) {
      await seen("subscribe-foreign-topic", async () => {
        const granted = await client.subscribeAsync(`ews/1/${tenant}/${branch}/#`).catch((error: unknown) => error);
        expect(String(granted)).toMatch(/unspecified error|128/i);
      });
    }
  }
  expect(logged("subscribe-foreign-topic", `"board-t1"`)).toBeGreaterThan(0);
  const device = await connect(1);
  await device.publishAsync(topicOf(1), '{"m":{"ph":7.31}}', { qos: 1 });
  await device.endAsync(true);
  await eventually("a value of its own tenant", async () => topics.includes("ews/1/t1/current/s1/mw-1/dev-1") || null);
  expect(topics.filter((topic) => !topic.startsWith("ews/1/t1/"))).toEqual([]);
  await client.endAsync(true);
});

test.each([
  ["another tenant's device", "ews/1/t2/s1/mw-1/dev-1/telemetry"],
  ["another tenant's alarms", "ews/1/t2/alerts/s1/mw-1/cd-high/cd"],
  ["its own tenant's alarms", "ews/1/t1/alerts/s1/mw-1/cd-high/cd"],
])("a consumer publishing on %s: no PUBACK, the connection is closed", async (why, topic) => {
  const client = await consumer(why.replaceAll(/[^a-z]/g, "-"));
  const closed = closing(client);
  let isAcknowledged = false;
  await seen("consumers-only-read", async () => {
    client.publish(topic, '{"m":{"ph":7}}', { qos: 1 }, (error) => (isAcknowledged = !error));
    await closed;
  });
  expect(isAcknowledged).toBe(false);
  await client.endAsync(true);
});

const PW = "right-1";
let packets = 0;
/** One packet of HJ 212, with a QN of its own. */
function packet(mn: string, pw = PW): Uint8Array {
  const qn = `202603150800${String(packets++).padStart(5, "0")}`;
  return encodeFrame(`QN=${qn};ST=32;CN=2011;PW=${pw};MN=${mn};Flag=5;CP=&&DataTime=20260315080000;w01001-Rtd=7.1&&`);
}
/** Writes packets over one connection, each after the answer to the one before; the last is to have none. */
async function logger(...frames: readonly Uint8Array[]): Promise<void> {
  const socket = connectTcp({ port: server.ports.hj212, host: "127.0.0.1" });
  let text = "";
  socket.on("error", () => undefined).on("data", (bytes) => (text += bytes.toString("latin1")));
  await once(socket, "connect");
  for (const [at, frame] of frames.entries()) {
    socket.write(frame);
    const answers = (): number => text.split("CN=9014").length - 1;
    if (at < frames.length - 1)
      await eventually("9014, or the end", async () => answers() > at || socket.closed || null);
    else expect(answers()).toBe(at);
    if (at < frames.length - 1 && answers() <= at) throw new Error("closed before 9014");
  }
  await Promise.race([once(socket, "close"), systemClock.sleep(200)]);
  expect(text.split("CN=9014").length).toBe(frames.length); // as many answers as frames, less the last
  socket.destroy();
}

test.each<[why: string, frames: () => Uint8Array[], reason: string]>([
  ["an MN that nobody registered", () => [packet("MN-dev-99")], "hj212-mn-unknown"],
  ["a registered MN with a wrong PW", () => [packet("MN-dev-5", "wrong")], "hj212-password"],
  ["a registered MN without PW", () => [packet("MN-dev-5", "")], "hj212-password"],
  ["another device's MN on a bound session", () => [packet("MN-dev-6"), packet("MN-dev-7")], "hj212-mn-of-another"],
  ["a wrong PW on the session of another", () => [packet("MN-dev-6"), packet("MN-dev-5", "x")], "hj212-password"],
])("HJ 212, %s: no 9014", async (_why, frames, reason) => {
  const file = join(folder, "pw.txt");
  writeFileSync(file, PW);
  await cli("hj212", "password", "dev-5", "--password-file", file);
  await eventually("the password is in force", async () => {
    const { hasPassword } = JSON.parse(
      (await server.cli("hj212", "sessions", "--json")).stdout.split("\n").find((line) => line.includes('"dev-5"')) ??
        "{}",
    ) as { hasPassword?: boolean };
    if (!hasPassword) await logger(packet("MN-dev-5"), packet("MN-dev-99")); // makes it known
    return hasPassword || null;
  });
  await seen(reason, () => logger(...frames()));
});

test("HJ 212, a revoked device: its session ends at once, its MN is refused, admitted it is served again", async () => {
  const socket = connectTcp({ port: server.ports.hj212, host: "127.0.0.1" });
  socket.on("error", () => undefined).resume();
  await once(socket, "connect");
  socket.write(packet("MN-dev-7"));
  await once(socket, "data");
  const closed = once(socket, "close");
  await seen("hj212-device-revoked", async () => {
    await cli("device", "revoke", "dev-7");
    await closed;
  });
  await logger(packet("MN-dev-7"));
  expect(await cli("device", "admit", "dev-7")).toEqual({ device: "dev-7", admitted: true });
  await eventually("it is served again", async () => {
    const answered = await logger(packet("MN-dev-7"), packet("MN-dev-99")).catch(() => null);
    return answered === null ? null : true;
  });
});

test("another device's client id, and a guessed secret", async () => {
  await seen("client-id-not-the-device", async () => {
    await expect(connect(1, { clientId: "dev-2" })).rejects.toThrow();
  });
  await seen("secret-wrong", async () => {
    await expect(connect(1, { password: "guess" })).rejects.toThrow();
  });
  const right = await connect(1);
  await right.endAsync(true);
});

test("mutual TLS: a certificate signs in as its device without a password, and as no other", async () => {
  expect(await mutual("dev-1", "dev-1", topicOf(1))).toBe(0);
  expect(await mutual("dev-1", "dev-1", topicOf(2))).not.toBe(0);
  await seen("client-id-not-the-device", async () => {
    expect(await mutual("dev-1", "dev-2", topicOf(2))).not.toBe(0);
  });
  await seen("certificate-of-another", async () => {
    const options = { clientId: "dev-2", username: "dev-2", password: secretOf(2), reconnectPeriod: 0 };
    await expect(secure("dev-1", options)).rejects.toThrow();
  });
});

async function secure(certificate: string, options: IClientOptions): Promise<MqttClient> {
  const { readFileSync } = await import("node:fs");
  const read = (name: string): Buffer => readFileSync(join(folder, name));
  return connectAsync(
    `mqtts://localhost:${server.ports.mqtts}`,
    { ...options, ca: read("server.pem"), cert: read(`${certificate}.pem`), key: read(`${certificate}.key`) },
    false,
  );
}

test("a revoked certificate: its live connection is closed, and it does not come back", async () => {
  const live = await secure("dev-2", { clientId: "dev-2", reconnectPeriod: 0 });
  live.on("error", () => undefined);
  await live.publishAsync(topicOf(2), '{"m":{"ph":7}}', { qos: 1 });
  const closed = closing(live);
  await seen("certificate-revoked", async () => {
    const { revoked } = await cli("ca", "revoke", "dev-2");
    expect(revoked).toHaveLength(1);
    await closed;
  });
  await live.endAsync(true);
  const before = await refused("gateway_refused", "certificate-revoked");
  expect(await mutual("dev-2", "dev-2", topicOf(2))).not.toBe(0);
  await eventually("its count", async () =>
    (await refused("gateway_refused", "certificate-revoked")) > before ? true : null,
  );
  expect(await mutual("dev-1", "dev-1", topicOf(1))).toBe(0);
});

test("a certificate of another CA under a device's name", async () => {
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
      ...["-subj", "/CN=dev-1", "-keyout", join(folder, "forged.key"), "-out", join(folder, "forged.pem")],
    ],
    { stdio: "ignore" },
  );
  await seen("certificate-untrusted", async () => {
    expect(await mutual("forged", "dev-1", topicOf(1))).not.toBe(0);
  });
});

test("a rotated secret goes on until its end; a revoked one loses its live connection at once", async () => {
  const old = await connect(3);
  const { secret } = await cli("device", "rotate", "dev-3", "--overlap", "1h");
  await eventually("the new secret opens", async () => {
    const client = await connect(3, { password: String(secret) }).catch(() => null);
    await client?.endAsync(true);
    return client;
  });
  await old.endAsync(true);
  const again = await connect(3);
  again.on("error", () => undefined);
  const closed = closing(again);
  const startedAt = performance.now();
  await cli("device", "revoke", "dev-3");
  await closed;
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  await again.endAsync(true);
  await seen("secret-over", async () => {
    await expect(connect(3)).rejects.toThrow();
  });
  const http = await fetch(`${server.url}/api/v1/telemetry`, {
    method: "POST",
    headers: { authorization: `Bearer dev-3.${String(secret)}`, "content-type": "application/json" },
    body: '{"m":{"ph":7}}',
  });
  expect(http.status).toBe(401);
});

test("a claim code gives a secret that works over MQTT and HTTP; replayed it is refused, logged and counted", async () => {
  const { code } = await cli("device", "claim-code", "dev-4");
  const claim = (): Promise<Response> =>
    fetch(`${server.url}/api/v1/devices/claim`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code }),
    });
  const given = await claim();
  expect(given.status).toBe(200);
  const { device, secret, topics, addresses } = (await given.json()) as {
    device: string;
    secret: string;
    topics: { publish: string[] };
    addresses: { mqtt: number; mqtts: number; http: string };
  };
  expect({ device, mqtt: addresses.mqtt, mqtts: addresses.mqtts }).toEqual({
    device: "dev-4",
    mqtt: server.ports.mqtt,
    mqtts: server.ports.mqtts,
  });
  expect(topics.publish).toContain(topicOf(4));
  await eventually("the new secret opens", async () => {
    const answer = await fetch(addresses.http, {
      method: "POST",
      headers: { authorization: `Bearer ${device}.${secret}`, "content-type": "application/json" },
      body: JSON.stringify([{ v: 1, boot: "http", seq: 1, ts: Date.now(), r: [{ p: "ph", v: 7.1, u: "pH" }] }]),
    });
    return answer.status === 202 ? true : null;
  });
  // Each thread reads the registry twice a second by itself.
  await eventually("the new secret opens over MQTT", async () => {
    const client = await connect(4, { password: secret }).catch(() => null);
    await client?.endAsync(true);
    return client;
  });
  await seen("used", async () => expect((await claim()).status).toBe(410), "claims");
  await seen("secret-over", async () => {
    await expect(connect(4)).rejects.toThrow();
  });
  const { stdout } = await server.cli("status", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ points: expect.any(Number) });
  expect(server.stderr()).not.toContain(secret);
});
