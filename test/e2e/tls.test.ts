/** TLS on every door, with certificates made for the test: HTTPS with the __Host- cookie, MQTT over TLS, WebSocket. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aTestRegistry, eventually, removeData, startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let folder: string;
let ca: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "jingtu-tls-"));
  ca = join(folder, "cert.pem");
  const key = join(folder, "key.pem");
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "2",
      "-subj",
      "/CN=localhost",
      "-addext",
      "subjectAltName=DNS:localhost,IP:127.0.0.1",
      "-keyout",
      key,
      "-out",
      ca,
    ],
    { stdio: "ignore" },
  );
  server = await startServer({
    registry: aTestRegistry(1),
    env: { EWS_HTTP_TLS_CERT: ca, EWS_HTTP_TLS_KEY: key, EWS_MQTT_TLS_CERT: ca, EWS_MQTT_TLS_KEY: key },
  });
});
afterAll(async () => {
  await server?.stop();
  if (server) removeData(server);
  rmSync(folder, { recursive: true, force: true });
});

test("HTTPS: sign-in sets a __Host- cookie that is Secure and HttpOnly, and HSTS is on", async () => {
  const answer = await new Promise<{ status: number; headers: Record<string, string | string[] | undefined> }>(
    (resolve, reject) => {
      const call = request(
        {
          host: "127.0.0.1",
          port: server.ports.http,
          path: "/api/v1/session",
          method: "POST",
          ca: readFileSync(ca),
          headers: { "content-type": "application/json" },
        },
        (response) => {
          response.resume();
          response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
        },
      );
      call.on("error", reject);
      call.end(JSON.stringify({ name: "admin", password: "correct horse battery" }));
    },
  );
  expect(answer.status).toBe(200);
  expect(String(answer.headers["set-cookie"])).toMatch(/^__Host-jingtu=[^;]+;.*HttpOnly/i);
  expect(String(answer.headers["set-cookie"])).toMatch(/Secure/i);
  expect(answer.headers["strict-transport-security"]).toBeDefined();
});

test("MQTT over TLS with mosquitto_pub, and over WebSocket with MQTT.js", async () => {
  const topic = "ews/1/t1/s1/mw-1/dev-1/telemetry";
  const payload = (seq: number): string =>
    JSON.stringify({
      v: 1,
      boot: "tls",
      seq,
      ts: Date.now() - 10_000 + seq,
      r: [{ p: "ph", v: 7 + seq / 10, u: "pH" }],
    });
  const secure = spawn("mosquitto_pub", [
    "-h",
    "localhost",
    "-p",
    String(server.ports.mqtts),
    "--cafile",
    ca,
    "-i",
    "dev-1",
    "-u",
    "dev-1",
    "-P",
    "secret-of-device-1-0123456789abcdef",
    "-q",
    "1",
    "-t",
    topic,
    "-m",
    payload(1),
  ]);
  expect((await once(secure, "exit"))[0]).toBe(0);
  const socket = await connectAsync(`ws://127.0.0.1:${server.ports.ws}`, {
    clientId: "dev-1",
    username: "dev-1",
    password: "secret-of-device-1-0123456789abcdef",
    reconnectPeriod: 0,
  });
  await socket.publishAsync(topic, payload(2), { qos: 1 });
  await socket.endAsync(true);
  await eventually("two points", async () => {
    const { stdout } = await server.cli("status", "--json");
    return (JSON.parse(stdout) as { points: number }).points === 2 ? true : null;
  });
});
