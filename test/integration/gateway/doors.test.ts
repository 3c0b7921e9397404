/** Listeners, TLS and WebSocket, with clients that we did not write: mosquitto_pub, mosquitto_sub and MQTT.js. */
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import mqtt from "mqtt";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { createLogger, type Logger } from "../../../core/observe.ts";
import { prefixOf, RawClient, secretOf, startGateway, type TestGateway } from "./harness.ts";

const run = promisify(execFile);
const TELEMETRY = `${prefixOf("well-1")}telemetry`;
const DEVICE = ["-i", "well-1", "-u", "well-1", "-P", secretOf("well-1")];
const OPENSSL = "/usr/bin/openssl";
const CONSUMER = ["-u", "wallboard", "-P", secretOf("wallboard")];

let folder = "";
let gateway: TestGateway | undefined;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gateway-tls-"));
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")];
  execFileSync(
    OPENSSL,
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-days",
      "2",
      ...files,
      ...subject,
    ],
    { stdio: "ignore" },
  );
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
});

const tlsConfig = () => ({ mqttTlsCert: join(folder, "cert.pem"), mqttTlsKey: join(folder, "key.pem") });

describe.each(["TCP", "TLS"] as const)("Mosquitto's clients over %s", (kind) => {
  test("publish telemetry, and read an alarm", async () => {
    gateway = await startGateway({ config: kind === "TLS" ? tlsConfig() : {} });
    const port = kind === "TLS" ? gateway.addresses.mqtts : gateway.addresses.mqtt;
    const trust = kind === "TLS" ? ["--cafile", join(folder, "cert.pem")] : [];
    await run("mosquitto_pub", [
      "-h",
      "127.0.0.1",
      "-p",
      `${port}`,
      "-q",
      "1",
      ...DEVICE,
      ...trust,
      "-t",
      TELEMETRY,
      "-m",
      "{}",
    ]);
    expect(await gateway.raw()).toMatchObject([{ device: "well-1", topic: TELEMETRY }]);
    await gateway.publisher.publish({ topic: "ews/1/acme/alerts/s/m/r/cd", payload: "active", retain: true });
    const once = ["-q", "1", "-C", "1", "-v", "-t", "ews/1/acme/alerts/#"];
    const { stdout } = await run("mosquitto_sub", ["-h", "127.0.0.1", "-p", `${port}`, ...CONSUMER, ...trust, ...once]);
    expect(stdout).toBe("ews/1/acme/alerts/s/m/r/cd active\n");
  });
});

test("mosquitto_pub with a wrong secret is told so", async () => {
  gateway = await startGateway();
  const attempt = run("mosquitto_pub", [
    "-p",
    `${gateway.port}`,
    "-i",
    "well-1",
    "-u",
    "well-1",
    "-P",
    "x",
    "-t",
    TELEMETRY,
    "-m",
    "{}",
  ]);
  await expect(attempt).rejects.toThrow(/bad user name or password/i);
});

describe("WebSocket", () => {
  test("MQTT.js publishes at QoS 1", async () => {
    gateway = await startGateway();
    const client = await mqtt.connectAsync(`ws://127.0.0.1:${gateway.addresses.ws}`, {
      clientId: "well-1",
      username: "well-1",
      password: secretOf("well-1"),
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    await client.publishAsync(TELEMETRY, "x".repeat(100_000), { qos: 1 });
    expect((await gateway.raw())[0]?.payload).toHaveLength(100_000);
    await client.endAsync();
  });

  test("another subprotocol, text frames and plain HTTP are turned away", async () => {
    gateway = await startGateway();
    const address = `127.0.0.1:${gateway.addresses.ws}`;
    const [code] = await once(new WebSocket(`ws://${address}`), "close");
    expect(code).toBe(1002);
    const texting = new WebSocket(`ws://${address}`, "mqtt");
    await once(texting, "open");
    texting.send("hello");
    await once(texting, "close");
    expect((await fetch(`http://${address}`)).status).toBe(426);
  });

  test("200 connections may be signing in at a time; the oldest makes room for the next, no device does", async () => {
    gateway = await startGateway();
    const address = `ws://127.0.0.1:${gateway.addresses.ws}`;
    const signIn = { clientId: "well-1", username: "well-1", password: secretOf("well-1"), reconnectPeriod: 0 };
    const device = await mqtt.connectAsync(address, { ...signIn, protocolVersion: 4 });
    const idle = Array.from({ length: 200 }, () => new WebSocket(address, "mqtt"));
    await Promise.all(idle.map((socket) => once(socket, "open")));
    const driven = Promise.race(idle.map((socket) => once(socket, "close")));
    const other = { ...signIn, clientId: "well-10", username: "well-10", password: secretOf("well-10") };
    const late = await mqtt.connectAsync(address, { ...other, protocolVersion: 4 });
    await driven;
    await device.publishAsync(TELEMETRY, "{}", { qos: 1 });
    await Promise.all([device.endAsync(), late.endAsync()]);
    await gateway.close();
    expect(await gateway.refused()).toMatchObject({ "websockets-unauthenticated": 1 });
  });

  test("a message above the bound ends the connection before it is read", async () => {
    gateway = await startGateway();
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.addresses.ws}`, "mqtt");
    await once(socket, "open");
    socket.send(Buffer.alloc(1024 * 1024));
    const [code] = await once(socket, "close");
    expect(code).toBe(1009);
  });
});

describe("ports", () => {
  test("a port in use is named, and nothing stays open", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    await expect(startGateway({ config: { wsPort: port } })).rejects.toMatchObject({
      code: "PORT_IN_USE",
      fault: { where: `EWS_WS_PORT=${port}` },
    });
    other.close();
  });

  test("plain MQTT beyond loopback is refused, unless the operator insists", async () => {
    await expect(startGateway({ config: { host: "0.0.0.0" } })).rejects.toMatchObject({
      code: "MQTT_PLAIN",
      fault: { mend: expect.stringContaining("EWS_MQTT_INSECURE") },
    });
    const log = aLog();
    gateway = await startGateway({ config: { host: "0.0.0.0", mqttInsecure: true, hj212Insecure: true }, log });
    expect(gateway.addresses.mqtts).toBeNull();
    expect(await boundAddress(gateway.port)).toBe("0.0.0.0");
    expect(log.warnings).toEqual([]);
  });

  test("with TLS the plain listeners stay on loopback, and a line says so for each", async () => {
    const log = aLog();
    gateway = await startGateway({ config: { ...tlsConfig(), host: "0.0.0.0" }, log });
    const { mqtt, ws, mqtts } = gateway.addresses;
    const bound = await Promise.all([mqtt, ws, mqtts].map((port) => boundAddress(port ?? 0)));
    expect(bound).toEqual(["127.0.0.1", "127.0.0.1", "0.0.0.0"]);
    expect([...log.warnings].sort()).toEqual([
      expect.stringContaining("EWS_HJ212_INSECURE"),
      expect.stringContaining("EWS_MQTT_INSECURE"),
    ]);
  });

  test.each([
    ["a certificate without key", () => ({ mqttTlsCert: join(folder, "cert.pem") }), "TLS_INCOMPLETE"],
    ["a missing file", () => ({ ...tlsConfig(), mqttTlsKey: join(folder, "none.pem") }), "TLS_UNREADABLE"],
    ["a certificate as key", () => ({ ...tlsConfig(), mqttTlsKey: join(folder, "cert.pem") }), "TLS_INVALID"],
  ] as const)("%s stops the start", async (_why, config, code) => {
    await expect(startGateway({ config: config() })).rejects.toMatchObject({ code });
  });

  test("connections in all are bounded", async () => {
    gateway = await startGateway({ config: { mqttConnections: 2 } });
    const first = await RawClient.signIn(gateway.port, "well-1");
    const second = await RawClient.signIn(gateway.port, "well-10");
    const third = await RawClient.open(gateway.port);
    await third.closed;
    first.end();
    await first.closed;
    await second.ping();
    await gateway.close();
    expect(await gateway.refused()).toEqual({ "connections-full": 1 });
  });

  test("with a CA a client needs a certificate of it", async () => {
    gateway = await startGateway({ config: { ...tlsConfig(), mqttTlsCa: join(folder, "cert.pem") } });
    const trust = ["-p", `${gateway.addresses.mqtts}`, "--cafile", join(folder, "cert.pem"), ...DEVICE, "-q", "1"];
    await expect(run("mosquitto_pub", [...trust, "-t", TELEMETRY, "-m", "{}"])).rejects.toThrow();
    const shown = ["--cert", join(folder, "cert.pem"), "--key", join(folder, "key.pem")];
    await run("mosquitto_pub", [...trust, ...shown, "-t", TELEMETRY, "-m", "{}"]);
    expect(await gateway.raw()).toHaveLength(1);
  });
});

/** Keeps what is warned about. */
function aLog(): Logger & { readonly warnings: string[] } {
  const warnings: string[] = [];
  const log = createLogger("silent");
  return Object.assign(log, {
    warnings,
    warn: (_bindings: unknown, text: string) => void warnings.push(text),
    child: () => log,
  });
}

/** The local address a listening port is bound to, from the kernel's table (little-endian hex). */
async function boundAddress(port: number): Promise<string> {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n")) {
    const [, local = "", , state] = line.trim().split(/\s+/);
    const [address = "", localPort] = local.split(":");
    if (state === "0A" && localPort === wanted)
      return (address.match(/../g) ?? [])
        .reverse()
        .map((byte) => Number.parseInt(byte, 16))
        .join(".");
  }
  return "";
}
