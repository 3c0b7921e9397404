/** Every format over HTTP through the real program: what was posted is stored under the device it speaks of, once. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeFrame } from "../../core/hj212-frame.ts";
import { writeSparkplug } from "../../core/sparkplug-write.ts";
import { type Api, apiOf } from "../support/client.ts";
import { aTestRegistry, drained, removeData, startServer, statusOf, type TestServer } from "../support/server.ts";

const AT = Date.parse("2026-03-15T08:30:00+08:00");
const TIME = new Date(AT).toISOString();
const EUI = "0102030405060708";
const [JSON_TYPE, TEXT, BYTES] = ["application/json", "text/plain", "application/octet-stream"];
const CAYENNE = Buffer.from([1, 2, 0x02, 0xc8]); // channel 1, analogue input, 7.12

/** Stations 1 to 9 are those of the formats below; device 10 is a network server, 11 an edge node. */
const [SERVER, EDGE] = [10, 11];
const deviceOf = (n: number): object => {
  if (n === 6) return { profile: { map: { analog_input_1: { quantity: "ph" } } } };
  if (n === 7) return { profile: { hj212: { mn: "HTTP7" } } };
  if (n === 3) return { via: `dev-${SERVER}`, profile: { lorawan: { devEui: EUI } } };
  if (n === 4)
    return {
      via: `dev-${SERVER}`,
      profile: {
        lorawan: { devEui: `FF${EUI.slice(2)}`, payload: "cayenne" },
        map: { analog_input_1: { quantity: "ph" } },
      },
    };
  if (n === 8) return { via: `dev-${EDGE}`, profile: { sparkplug: { group: "g", edge: "e", device: "d" } } };
  if (n === EDGE) return { profile: { sparkplug: { group: "g", edge: "e" } } };
  return {};
};

interface Post {
  readonly station: number;
  /** Whose account; the station's own device when left out. */
  readonly by?: number;
  readonly type: string | undefined;
  readonly query?: string;
  readonly body: string | Uint8Array;
  /** Repeats of it cannot be known: it names neither number nor time. */
  readonly isTimeless?: true;
}
const json = (value: unknown): string => JSON.stringify(value);
const metric = { name: "ph", type: "Double", value: 7.12, time: AT } as const;
const spb = (seq: number, metrics: Parameters<typeof writeSparkplug>[0]["metrics"]) =>
  writeSparkplug({ time: AT, seq, metrics });

const POSTS: Readonly<Record<string, Post>> = {
  telemetry: {
    station: 1,
    type: JSON_TYPE,
    body: json({ v: 1, boot: "b", seq: 1, ts: TIME, r: [{ p: "ph", v: 7.12 }] }),
  },
  "short form, by its name": {
    station: 2,
    type: JSON_TYPE,
    query: "?format=telemetry",
    body: json({ ts: AT, m: { ph: 7.12 } }),
  },
  chirpstack: {
    ...{ station: 3, by: SERVER, type: JSON_TYPE, query: "?event=up" },
    body: json({
      deduplicationId: "0-1",
      time: TIME,
      deviceInfo: { devEui: EUI },
      fCnt: 1,
      fPort: 1,
      object: { ph: 7.12 },
    }),
  },
  "tts, Cayenne inside": {
    ...{ station: 4, by: SERVER, type: JSON_TYPE, query: "?format=tts" },
    body: json({
      end_device_ids: { device_id: "d", dev_eui: `FF${EUI.slice(2)}` },
      received_at: TIME,
      uplink_message: { f_port: 1, f_cnt: 1, frm_payload: CAYENNE.toString("base64") },
    }),
  },
  thingsboard: {
    station: 5,
    type: JSON_TYPE,
    query: "?format=thingsboard",
    body: json({ ts: AT, values: { ph: 7.12 } }),
  },
  cayenne: { station: 6, type: BYTES, query: "?format=cayenne", body: CAYENNE, isTimeless: true },
  hj212: {
    ...{ station: 7, type: TEXT },
    body: encodeFrame(
      "QN=20260315083000001;ST=32;CN=2011;PW=123456;MN=HTTP7;Flag=5;CP=&&DataTime=20260315083000;w01001-Rtd=7.12,w01001-Flag=N&&",
    ),
  },
  "sparkplug, birth of the edge node": {
    ...{ station: EDGE, type: BYTES, query: "?format=sparkplug&topic=spBv1.0/g/NBIRTH/e" },
    body: spb(0, [{ name: "bdSeq", type: "Int64", value: 0, time: AT }]),
  },
  "sparkplug, birth of a device with its value": {
    ...{ station: 8, by: EDGE, type: BYTES, query: "?format=sparkplug&topic=spBv1.0/g/DBIRTH/e/d" },
    body: spb(1, [metric]),
  },
  senml: { station: 9, type: "application/senml+json", body: json([{ n: "ph", bt: AT / 1_000, v: 7.12 }]) },
};

let server: TestServer;
let api: Api;
beforeAll(async () => {
  const base = aTestRegistry(EDGE);
  const devices = base.devices.map((device, at) => ({ ...device, ...deviceOf(at + 1) }));
  server = await startServer({ registry: { ...base, devices } });
  api = await apiOf(server);
});
afterAll(async () => {
  await server?.stop();
  if (server) removeData(server);
});

async function post({
  station,
  by = station,
  type = "",
  query = "",
  body,
}: Post): Promise<{ status: number; text: string }> {
  const headers = { authorization: `Bearer dev-${by}.secret-of-device-${by}-0123456789abcdef`, "content-type": type };
  const answer = await fetch(`${server.url}/api/v1/telemetry${query}`, {
    method: "POST",
    headers,
    body: Buffer.from(body),
  });
  return { status: answer.status, text: await answer.text() };
}
interface Latest {
  readonly latest: readonly { readonly quantity: string; readonly value: number; readonly time: string }[];
}

test.each(Object.entries(POSTS))("%s: 202", async (_name, message) => {
  expect(await post(message)).toEqual({ status: 202, text: '{"accepted":1}' });
});

test("each is stored under its own station, with the time that it names; a repeat changes nothing", async () => {
  const { points } = await drained(server);
  const messages = Object.values(POSTS).filter(({ station }) => station !== EDGE);
  expect(points).toBe(messages.length);
  for (const { station, isTimeless } of messages) {
    const stored = await api.get<Latest>(`stations/mw-${station}/latest`);
    expect(stored, `station ${station}`).toMatchObject({ latest: [{ quantity: "ph", value: 7.12 }] });
    if (!isTimeless) expect(Date.parse(stored.latest[0]?.time ?? "")).toBe(AT);
  }
  for (const message of messages.filter(({ isTimeless, by }) => !isTimeless && by !== EDGE))
    expect((await post(message)).status).toBe(202);
  await drained(server);
  expect((await statusOf(server)).points).toBe(points);
  expect((await server.cli("quarantine", "list", "--json")).stdout).toBe("");
});

test("who does not carry the device is refused, what it carries and nobody registered is quarantined", async () => {
  const uplink = POSTS["chirpstack"] as Post;
  expect((await post({ ...uplink, by: 1 })).status).toBe(403);
  const unknown = { ...uplink, body: String(uplink.body).replace(EUI, "0000000000000001") };
  expect((await post(unknown)).status).toBe(202);
  await drained(server);
  expect((await server.cli("quarantine", "list", "--json")).stdout).toContain("SENDER_UNKNOWN");
});
