/** `POST /api/v1/telemetry` over a real socket: the web server with the gateway's door behind it. */
import { request } from "node:http";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { createDirectory } from "../../../core/directory.ts";
import { decodeRaw } from "../../../core/envelope.ts";
import { Unavailable } from "../../../core/errors.ts";
import { INGEST_READER } from "../../../core/ports.ts";
import { hmacSecret } from "../../../core/secret.ts";
import { createServer } from "../../../dashboards/server.ts";
import { createTelemetryDoor } from "../../../gateway/http.ts";
import { aDevice } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { aWorld } from "../../support/dashboards-fakes.ts";
import { MemoryJournal } from "../../support/journal-memory.ts";
import { aRegistry, HeldJournal, PEPPER, secretOf } from "./harness.ts";

const TOPIC = "ews/1/acme/site-1/mw-1/well-1/telemetry";
const BEARER = `Bearer well-1.${secretOf("well-1").replaceAll(" ", "-")}`;
const MESSAGE = { v: 1, boot: "b", seq: 1, r: [{ p: "cd", v: 0.001, u: "mg/L" }] };
const JSON_TYPE = "application/json";
const EUI = "00aabbccddeeff01";
/** A network server's account, and a second device. */
const AS_LNS = { authorization: `Bearer lns.${secretOf("well-10").replaceAll(" ", "-")}` };
const AS_WELL_10 = { authorization: `Bearer well-10.${secretOf("well-10").replaceAll(" ", "-")}` };
const UPLINK = { deviceInfo: { devEui: EUI, applicationId: "app" }, fCnt: 1, fPort: 1, object: { ph: 7 } };

async function opened(journal: MemoryJournal = new MemoryJournal()) {
  const clock = new FakeClock();
  const credentials = [
    { device: "well-1", hmac: hmacSecret(PEPPER, secretOf("well-1").replaceAll(" ", "-")) },
    { device: "well-1", hmac: hmacSecret(PEPPER, "revoked"), validUntil: clock.now() },
  ];
  const base = aRegistry({ credentials });
  const own = secretOf("well-10").replaceAll(" ", "-");
  const others = ["well-10", "lns"].map((device) => ({ device, hmac: hmacSecret(PEPPER, own) }));
  const directory = createDirectory({
    ...base,
    credentials: [...base.credentials, ...others],
    devices: [
      ...base.devices,
      aDevice({ id: "lns", station: "mw-1" }),
      aDevice({
        id: "node-1",
        station: "mw-1",
        via: "lns",
        profile: { lorawan: { devEui: EUI.toUpperCase(), payload: "object" } },
      }),
    ],
  });
  const world = await aWorld();
  const door = createTelemetryDoor({ ...world.parts, journal, directory: () => directory, pepper: PEPPER, clock });
  const server = await createServer({ ...world.parts, telemetry: door });
  onTestFinished(async () => {
    door.close();
    await server.close();
  });
  const post = async (
    body: string | Buffer | object,
    headers: Record<string, string> = {},
    query = "",
  ): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> => {
    const answer = await fetch(`${server.address.url}/api/v1/telemetry${query}`, {
      method: "POST",
      headers: { authorization: BEARER, "content-type": JSON_TYPE, ...headers },
      body: typeof body === "string" ? body : Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body),
    });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> };
  };
  const raw = async () => (await journal.read("raw", 0, 1e9)).map(({ bytes }) => decodeRaw(bytes));
  const refused = async (): Promise<Record<string, number>> => {
    const all = await world.parts.metrics.registry.getMetricsAsJSON();
    const values = (all.find(({ name }) => name === "jingtu_gateway_refused_total")?.values ?? []) as {
      value: number;
      labels: { reason?: string };
    }[];
    return Object.fromEntries(values.map(({ value, labels }) => [labels.reason ?? "", value]));
  };
  return { url: server.address.url, post, raw, refused, clock, journal };
}

test("202 leaves only after the journal has the message, as it was sent, under the device's own topic", async () => {
  const journal = new HeldJournal();
  const { post, raw } = await opened(journal);
  let isAnswered = false;
  const answer = post('{"v":1,"r":[{"p":"cd","v":1.10}]}').finally(() => {
    isAnswered = true;
  });
  await journal.holds(1);
  for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(isAnswered).toBe(false);
  await journal.release();
  expect(await answer).toMatchObject({ status: 202, body: { accepted: 1 } });
  const [message] = await raw();
  expect(message).toMatchObject({ device: "well-1", topic: TOPIC });
  expect(Buffer.from(message?.payload ?? []).toString()).toBe('{"v":1,"r":[{"p":"cd","v":1.10}]}');
});

test("array, lines, gzip, SenML and Basic", async () => {
  const { post, raw } = await opened();
  const basic = `Basic ${Buffer.from(`well-1:${secretOf("well-1").replaceAll(" ", "-")}`).toString("base64")}`;
  expect((await post([MESSAGE, { m: { cd: 1 } }])).body).toEqual({ accepted: 2 });
  expect((await post('{"m":{"cd":1}}\n{"m":{"cd":2}}\n', { "content-type": "application/x-ndjson" })).status).toBe(202);
  const packed = gzipSync(JSON.stringify([MESSAGE]));
  expect((await post(packed, { "content-encoding": "gzip", authorization: basic })).body).toEqual({ accepted: 1 });
  expect((await post('[{"n":"cd","v":1}]', { "content-type": "application/senml+json" })).status).toBe(202);
  const topics = (await raw()).map(({ topic }) => topic.slice(topic.lastIndexOf("/") + 1));
  expect(topics).toEqual([...new Array<string>(5).fill("telemetry"), "senml"]);
});

test.each([
  ["no credentials", { authorization: "" }, "http-unauthenticated"],
  ["a wrong secret", { authorization: "Bearer well-1.wrong" }, "secret-wrong"],
  ["a revoked secret", { authorization: "Bearer well-1.revoked" }, "secret-over"],
  ["an unknown device", { authorization: "Bearer nobody.wrong" }, "secret-wrong"],
  ["somebody else's secret", { authorization: BEARER.replace("well-1.", "well-10.") }, "secret-wrong"],
])("%s: 401 with the same words, counted", async (_why, headers, reason) => {
  const { post, raw, refused } = await opened();
  const answer = await post(MESSAGE, headers);
  expect(answer).toMatchObject({
    status: 401,
    body: { code: "DEVICE_UNAUTHORIZED", what: "no such device and secret" },
  });
  expect(answer.headers.get("www-authenticate")).toContain("Bearer");
  expect(await refused()).toEqual({ [reason]: 1 });
  expect(await raw()).toEqual([]);
});

test.each<[why: string, body: string | Buffer, headers: Record<string, string>, status: number, code: string]>([
  ["a torn body", '{"v":1', {}, 400, "BODY_NOT_JSON"],
  ["no gzip", "{}", { "content-encoding": "gzip" }, 400, "BODY_NOT_GZIP"],
  ["another encoding", "{}", { "content-encoding": "br" }, 415, "CONTENT_ENCODING_UNKNOWN"],
  ["another type", "{}", { "content-type": "text/xml" }, 415, "CONTENT_TYPE_UNKNOWN"],
  ["a tab before the type", "{}", { "content-type": "application/jso\tn" }, 415, "MEDIA_TYPE"],
  ["over 1 MiB", Buffer.alloc(1_048_577, 32), {}, 413, "BODY_TOO_LARGE"],
  ["a gzip bomb", gzipSync(Buffer.alloc(8 << 20, 32)), { "content-encoding": "gzip" }, 413, "BODY_TOO_LARGE"],
])("%s is refused and nothing is kept", async (_why, body, headers, status, code) => {
  const { post, raw } = await opened();
  expect(await post(body, headers)).toMatchObject({ status, body: { code } });
  expect(await raw()).toEqual([]);
});

test("a stranger's body is not awaited: 401 comes while it is still being sent", async () => {
  const { url } = await opened();
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const call = request(`${url}/api/v1/telemetry`, {
      method: "POST",
      headers: { authorization: "Bearer well-1.x", "content-type": JSON_TYPE, "content-length": 1_000_000 },
    });
    call.on("response", (response) => {
      resolve(response.statusCode);
      call.destroy();
    });
    call.on("error", reject);
    call.write("{");
  });
  expect(status).toBe(401);
});

test("a network server posts for a device it carries, on the topic of MQTT; who carries none is refused", async () => {
  const { post, raw, refused } = await opened();
  expect((await post(UPLINK, AS_LNS, "?event=up")).body).toEqual({ accepted: 1 });
  expect(await raw()).toMatchObject([{ device: "lns", topic: `application/app/device/${EUI}/event/up` }]);
  const strange = await post(UPLINK, {}, "?event=up");
  expect(strange).toMatchObject({ status: 403, body: { code: "SENDER_NOT_GRANTED" } });
  const edge = { ...AS_LNS, "content-type": "application/octet-stream" };
  const query = "?format=sparkplug&topic=spBv1.0/g/DDATA/e/d";
  expect(await post(Buffer.from([8, 1]), edge, query)).toMatchObject({ status: 403 });
  expect(await raw()).toHaveLength(1);
  expect(await refused()).toEqual({ "http-403": 2 });
});

test("devices behind one router are counted by device, not by address, as people are", async () => {
  const { post, url } = await opened();
  const behind = { "x-forwarded-for": "203.0.113.9" };
  const answer = await post(MESSAGE, behind);
  expect([answer.status, answer.headers.get("x-ratelimit-limit")]).toEqual([202, null]);
  const other = await fetch(`${url}/api/v1/health/live`, { headers: behind });
  expect(other.headers.get("x-ratelimit-limit")).not.toBeNull();
});

test("an unknown format: 415 with the names of all", async () => {
  const { post } = await opened();
  const answer = await post(MESSAGE, {}, "?format=xml");
  expect(answer).toMatchObject({ status: 415, body: { code: "FORMAT_UNKNOWN" } });
  expect(answer.body["what"]).toContain("telemetry, senml, chirpstack, tts, thingsboard, cayenne, hj212, sparkplug");
});

test("a journal that refuses: 503 with Retry-After", async () => {
  const journal = new HeldJournal();
  const { post, refused } = await opened(journal);
  const answer = post(MESSAGE);
  await journal.holds(1);
  journal.fail(new Unavailable("JOURNAL_FULL", { what: "the disk is nearly full" }));
  const full = await answer;
  expect(full).toMatchObject({ status: 503, body: { code: "JOURNAL_FULL" } });
  expect(Number(full.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await refused()).toEqual({ "journal-unavailable": 1 });
});

test("while ingest is far behind, who flushes a backlog waits as long as it owes, others are taken", async () => {
  const journal = new MemoryJournal();
  const { post, clock, refused } = await opened(journal);
  expect((await post(new Array(40).fill(MESSAGE))).status, "nobody is paced yet").toBe(202);
  const entries = new Array<Uint8Array>(100_002).fill(new Uint8Array(1));
  await journal.commit({ append: [{ stream: "raw", entries }] });
  await journal.commit({ advance: [{ reader: INGEST_READER, stream: "raw", offset: 1 }] });
  await clock.advance(200);
  const flushing = await post(MESSAGE);
  expect(flushing).toMatchObject({ status: 429, body: { code: "TOO_MANY" } });
  expect(flushing.headers.get("retry-after")).toBe("5");
  expect((await post(MESSAGE, AS_WELL_10)).status, "a live device").toBe(202);
  expect((await post(MESSAGE, AS_WELL_10)).status, "five messages a second and no more").toBe(429);
  await clock.advance(200);
  expect((await post(MESSAGE, AS_WELL_10)).status).toBe(202);
  const two = [await post(UPLINK, AS_LNS, "?event=up"), await post(UPLINK, AS_LNS, "?event=up")];
  expect(two.map(({ status }) => status)).toEqual([202, 429]);
  await clock.advance(100);
  expect((await post(UPLINK, AS_LNS, "?event=up")).status, "two devices, twice the share").toBe(202);
  await journal.commit({ advance: [{ reader: INGEST_READER, stream: "raw", offset: entries.length }] });
  await clock.advance(200);
  expect((await post(MESSAGE)).status, "ingest has caught up").toBe(202);
  expect(await refused()).toEqual({ "http-paced": 3 });
});

test("guesses are answered ever later, the device itself at once; 600 requests a minute, then 429", async () => {
  const { post, clock, refused } = await opened();
  for (let tries = 0; tries < 5; tries++) await post(MESSAGE, { authorization: "Bearer well-1.guess" });
  let isAnswered = false;
  const sixth = post(MESSAGE, { authorization: "Bearer well-1.guess" }).finally(() => {
    isAnswered = true;
  });
  while (clock.pending < 2) await new Promise((resolve) => setImmediate(resolve));
  expect((await post(MESSAGE)).status).toBe(202);
  expect(isAnswered).toBe(false);
  await clock.advance(100);
  expect((await sixth).status).toBe(401);
  for (let sent = 0; sent < 600; sent++) await post("{}"); // the 100 ms gave one back
  const over = await post(MESSAGE);
  expect(over).toMatchObject({ status: 429, body: { code: "TOO_MANY" } });
  expect(over.headers.get("retry-after")).toBe("1");
  await clock.advance(1_000);
  expect((await post(MESSAGE)).status).toBe(202);
  expect(await refused()).toEqual({ "secret-wrong": 6, "http-too-many-requests": 1 });
});
