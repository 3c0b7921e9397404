import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LorawanProfile, MappedQuantity } from "../../../core/device-profile.ts";
import { chirpstack, chirpstackUplink, decodeChirpstack } from "../../../ingest/codecs/chirpstack.ts";
import type { Decoded, Refusal, SenderProfile } from "../../../ingest/codecs/codec.ts";
import { decodeTts, tts, ttsUplink } from "../../../ingest/codecs/tts.ts";
import { shared, vectorsOf } from "../../support/vectors.ts";

const EUI = "00AABBCCDDEEFF01";
const UP = `application/app/device/${EUI.toLowerCase()}/event/up`;
const TIME = "2026-03-15T08:00:00.123456789+08:00";
const MS = Date.UTC(2026, 2, 15, 0, 0, 0, 123);

const senderOf = (lorawan: Partial<LorawanProfile> = {}, map: Record<string, MappedQuantity> = {}): SenderProfile => ({
  quantities: {},
  profile: { lorawan: { devEui: EUI, payload: "object", ...lorawan }, map },
});
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const values = (result: Decoded | Refusal) =>
  (result as Decoded).readings.map(({ quantity, value }) => [quantity, value]);

const csEvent = (overrides: object = {}) => ({
  deduplicationId: "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
  time: TIME,
  deviceInfo: { devEui: EUI.toLowerCase(), deviceName: "井 1" },
  fCnt: 42,
  fPort: 2,
  data: "qg==",
  rxInfo: [{ rssi: -90, snr: 2 }, { rssi: -60, snr: 7.5 }, { gatewayId: "no signal" }],
  object: { ph: 7.12, status: { door: false }, alarms: [1, 2], label: "A", battery: 3.58, n: "7.5" },
  ...overrides,
});
const cs = (event: unknown, sender = senderOf(), topic = UP) =>
  decodeChirpstack(json(event), sender, { topic, receivedAt: MS });

const ttsEvent = (up: object = {}, overrides: object = {}) => ({
  end_device_ids: { device_id: "d", dev_eui: EUI },
  received_at: "2026-03-15T00:00:02Z",
  uplink_message: {
    session_key_id: "AXA50tHUGUucuzS/bCGMNw==",
    f_cnt: 7,
    f_port: 1,
    frm_payload: "A2cBEAVnAP8=",
    decoded_payload: { temperature: 1 },
    rx_metadata: [{ time: TIME, rssi: -35, snr: 5 }],
    received_at: "2026-03-15T00:00:01Z",
    ...up,
  },
  ...overrides,
});
const tt = (event: unknown, sender = senderOf(), topic = "v3/app@tenant/devices/d/up") =>
  decodeTts(json(event), sender, { topic, receivedAt: MS });

describe("ChirpStack", () => {
  test("numbers and booleans of the object by dotted path, the message's identity, the best signal", () => {
    const result = cs(csEvent()) as Decoded;
    expect(values(result)).toEqual([
      ["ph", 7.12],
      ["status.door", 0],
      ["battery", 3.58],
    ]);
    expect(result).toMatchObject({
      boot: "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
      seq: 42,
      health: { rssi: -60, snr: 7.5, batteryVolts: 3.58 },
      faults: [],
    });
    expect(result.readings.map(({ time }) => time)).toEqual([MS, MS, MS]);
  });

  test("text and list elements count where the profile maps them", () => {
    const map = { n: { quantity: "ph" }, "alarms.1": { quantity: "level" }, label: { quantity: "cd" } };
    expect(values(cs(csEvent(), senderOf({}, map)))).toEqual([
      ["ph", 7.12],
      ["status.door", 0],
      ["alarms.1", 2],
      ["battery", 3.58],
      ["n", 7.5],
    ]);
  });

  test.each`
    object                                  | time
    ${{ at: "2026-03-14T00:00:00Z", x: 1 }} | ${Date.UTC(2026, 2, 14)}
    ${{ at: 1_773_000_000, x: 1 }}          | ${1_773_000_000_000}
    ${{ at: 1_773_000_000_500, x: 1 }}      | ${1_773_000_000_500}
  `("the object's own time at the profile's path: $object.at", ({ object, time }) => {
    expect(cs(csEvent({ object }), senderOf({ timePath: "at" }))).toMatchObject({
      readings: [{ quantity: "x", time }],
      faults: [],
    });
  });

  test("a time that is not where the profile says is named, and reception counts", () => {
    expect(cs(csEvent({ object: { x: 1 } }), senderOf({ timePath: "at" }))).toMatchObject({
      readings: [{ quantity: "x", time: MS }],
      faults: [{ code: "TIME_NOT_A_DATE" }],
    });
  });

  test("bytes that nobody decoded are named; network commands and empty frames hold nothing", () => {
    expect(cs(csEvent({ object: undefined }))).toMatchObject({ readings: [], faults: [{ code: "NO_DECODED_OBJECT" }] });
    expect(cs(csEvent({ object: undefined, fPort: undefined }))).toMatchObject({ readings: [], faults: [] });
    expect(cs(csEvent({ object: undefined, data: undefined }))).toMatchObject({ readings: [], faults: [] });
  });

  test("Cayenne bytes where the profile says so", () => {
    const result = cs(csEvent({ data: "A2cBEAVnAP8F" }), senderOf({ payload: "cayenne" })) as Decoded;
    expect(result.readings.map(({ quantity, value, unit, time }) => [quantity, value, unit, time])).toEqual([
      ["temperature_3", 27.2, "Cel", MS],
      ["temperature_5", 25.5, "Cel", MS],
    ]);
    expect(result.faults).toMatchObject([{ code: "CAYENNE_CUT" }]);
  });

  test.each`
    event                                                      | reason
    ${[]}                                                      | ${"WRONG_SHAPE"}
    ${csEvent({ deviceInfo: {} })}                             | ${"WRONG_SHAPE"}
    ${csEvent({ deviceInfo: { devEui: "0000000000000009" } })} | ${"DEVICE_MISMATCH"}
    ${csEvent({ joinServerContext: { sessionKeyId: "x" } })}   | ${"STILL_ENCRYPTED"}
    ${csEvent({ fCnt: -1 })}                                   | ${"WRONG_SHAPE"}
    ${csEvent({ time: "yesterday" })}                          | ${"TIME_NOT_A_DATE"}
  `("refused: $reason", ({ event, reason }) => expect(cs(event)).toMatchObject({ refused: { code: reason } }));

  test("status tells the battery, other events nothing", () => {
    const at = (event: string, body: object) => cs({ ...csEvent(), ...body }, senderOf(), UP.replace(/up$/, event));
    expect(at("status", { batteryLevel: 75.2 })).toMatchObject({ readings: [], health: { batteryPercent: 75.2 } });
    expect(at("status", { batteryLevel: 75.2, externalPowerSource: true })).not.toHaveProperty("health");
    expect(at("join", {})).toMatchObject({ readings: [], faults: [] });
  });

  test("says whose message it is", () => {
    expect(chirpstack.owns(UP)).toBe(true);
    expect(chirpstack.owns(UP.replace("event", "command"))).toBe(false);
    expect(chirpstack.sender(json({}), UP)).toBe(`eui:${EUI}`);
  });
});

describe("The Things Stack", () => {
  test("values, identity by session and frame counter, gateway time, signal", () => {
    expect(tt(ttsEvent())).toEqual({
      boot: "AXA50tHUGUucuzS_bCGMNw",
      seq: 7,
      backfill: false,
      faults: [],
      health: { rssi: -35, snr: 5 },
      readings: [
        {
          quantity: "temperature",
          value: 1,
          unit: undefined,
          cmp: "",
          qualifier: "N",
          time: MS,
          aggregate: "rtd",
          fraction: "total",
        },
      ],
    });
  });

  test("a gateway clock that disagrees with the network does not count", () => {
    const wrong = ttsEvent({ rx_metadata: [{ time: "1980-01-06T00:00:00Z", rssi: -35 }] });
    expect(tt(wrong)).toMatchObject({ readings: [{ time: Date.UTC(2026, 2, 15, 0, 0, 1) }] });
    expect(tt(ttsEvent({ rx_metadata: undefined, received_at: undefined }))).toMatchObject({
      readings: [{ time: Date.UTC(2026, 2, 15, 0, 0, 2) }],
    });
  });

  test("simulated uplinks and other events hold no readings; a missing counter is 0", () => {
    expect(values(tt(ttsEvent({}, { simulated: true })))).toEqual([]);
    expect(values(tt({}, senderOf(), "v3/app/devices/d/join"))).toEqual([]);
    expect(tt(ttsEvent({ f_cnt: undefined, last_battery_percentage: { value: 98.4 } }))).toMatchObject({
      seq: 0,
      health: { batteryPercent: 98.4 },
    });
    expect(tt(ttsEvent({ session_key_id: undefined }))).toMatchObject({ boot: "", seq: -1 });
  });

  test("the sender stands in the payload", () => {
    const topic = "v3/app/devices/d/up";
    expect(tts.owns(topic)).toBe(true);
    expect(tts.sender(json(ttsEvent()), topic)).toBe(`eui:${EUI}`);
    expect(tts.sender(json({ end_device_ids: { dev_eui: "+" } }), topic)).toMatchObject({
      refused: { code: "WRONG_SHAPE" },
    });
    expect(tts.sender(Buffer.from("{"), topic)).toMatchObject({ refused: { code: "MALFORMED_JSON" } });
    expect(tt({ end_device_ids: { dev_eui: EUI } })).toMatchObject({ refused: { code: "WRONG_SHAPE" } });
  });
});

describe("what became of our commands", () => {
  const item = { deviceInfo: { devEui: EUI.toLowerCase() }, queueItemId: "c-1" };
  const expired = { code: "EXPIRED", description: "old", context: { queue_item_id: "c-1" } };
  test.each`
    event      | body                                     | answer
    ${"txack"} | ${item}                                  | ${{ status: "accepted", detail: "sent by a gateway" }}
    ${"ack"}   | ${{ ...item, acknowledged: true }}       | ${{ status: "done", detail: "the node acknowledged the frame" }}
    ${"ack"}   | ${item}                                  | ${{ status: "failed", detail: "the node did not acknowledge the frame" }}
    ${"log"}   | ${{ ...item, ...expired }}               | ${{ status: "failed", detail: "EXPIRED: old" }}
    ${"log"}   | ${{ ...item, ...expired, code: "OTAA" }} | ${null}
    ${"txack"} | ${{ deviceInfo: item.deviceInfo }}       | ${null}
  `("ChirpStack $event: $answer.status", ({ event, body, answer }) => {
    const decoded = cs(body, senderOf(), UP.replace("/up", `/${event}`)) as Decoded;
    expect(decoded.answers).toEqual(answer ? [{ id: "c-1", ...answer }] : []);
    expect(decoded.readings).toEqual([]);
  });

  const ids = { end_device_ids: { device_id: "d" } };
  const own = { correlation_ids: ["as:downlink:01", "jingtu:command:c-1"] };
  test.each`
    event       | body                                                                               | answer
    ${"queued"} | ${{ downlink_queued: own }}                                                        | ${{ status: "accepted", detail: "in the queue of the network server" }}
    ${"sent"}   | ${{ ...own, downlink_sent: {} }}                                                   | ${{ status: "accepted", detail: "sent by a gateway" }}
    ${"ack"}    | ${{ downlink_ack: own }}                                                           | ${{ status: "done", detail: "the node acknowledged the frame" }}
    ${"nack"}   | ${{ downlink_nack: own }}                                                          | ${{ status: "accepted", detail: "not acknowledged; the network server tries again" }}
    ${"failed"} | ${{ downlink_failed: { downlink: own, error: { message_format: "no session" } } }} | ${{ status: "failed", detail: "no session" }}
    ${"ack"}    | ${{ downlink_ack: { correlation_ids: ["somebody:else", 7] } }}                     | ${null}
  `("The Things Stack down/$event: $answer.status", ({ event, body, answer }) => {
    const topic = `v3/app@t/devices/d/down/${event}`;
    expect(tts.sender(json({ ...ids, ...body }), topic)).toBe("tts:app@t/d");
    const decoded = tt({ ...ids, ...body }, senderOf(), topic) as Decoded;
    expect(decoded.answers).toEqual(answer ? [{ id: "c-1", ...answer }] : []);
  });
});

test("any object of numbers comes out path by path, and whatever comes, nothing is thrown", () => {
  fc.assert(
    fc.property(fc.object({ maxDepth: 4, withNullPrototype: false }), fc.boolean(), (object, cayenne) => {
      const sender = senderOf({ payload: cayenne ? "cayenne" : "object", timePath: "at" });
      const sent = JSON.parse(JSON.stringify({ object })) as { object: object };
      for (const result of [cs(csEvent(sent), sender), tt(ttsEvent({ decoded_payload: sent.object }), sender)]) {
        if ("refused" in result) continue;
        for (const { quantity, value } of result.readings) {
          expect(typeof quantity).toBe("string");
          expect(Number.isFinite(value)).toBe(true);
        }
      }
    }),
  );
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (some, other) => {
      cs(some);
      tt(some);
      cs(csEvent({ rxInfo: some, object: other, time: some }));
      tt(ttsEvent({ rx_metadata: some, decoded_payload: other, session_key_id: some }));
    }),
  );
});

describe("names that mean something to the language, and values nested beyond reason, are only data", () => {
  const odd = JSON.parse('{"toString": 0, "valueOf": 0, "__proto__": {"x": 1}}') as object;
  const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;

  test("an object with a toString of its own for a time", () => {
    expect(cs(csEvent({ time: odd }))).toMatchObject({
      refused: { code: "TIME_NOT_A_DATE", detail: "at time: an object names no instant" },
    });
    expect(cs(csEvent({ object: { x: 1, at: odd } }), senderOf({ timePath: "at" }))).toMatchObject({
      faults: [{ code: "TIME_NOT_A_DATE" }],
    });
    expect(tt(ttsEvent({ received_at: odd, rx_metadata: [{ time: odd }] }, { received_at: odd }))).toMatchObject({
      readings: [{ time: null }],
    });
  });

  test("an object of such names", () => {
    expect(values(cs(csEvent({ object: odd })))).toEqual([
      ["toString", 0],
      ["valueOf", 0],
      ["__proto__.x", 1],
    ]);
  });

  test("lists in lists", () => {
    const send = (event: object) =>
      decodeChirpstack(Buffer.from(JSON.stringify(event).replace('"deep"', deep)), senderOf(), {
        topic: UP,
        receivedAt: MS,
      });
    expect(send(csEvent({ time: "deep" }))).toMatchObject({ refused: { code: "TIME_NOT_A_DATE" } });
    expect(values(send(csEvent({ object: { x: 1, y: "deep" } })))).toEqual([["x", 1]]);
  });
});

interface Vector {
  readonly id: string;
  readonly topic: string;
  readonly payload: object;
  readonly expect: {
    readonly devEui?: string;
    readonly fPort?: number;
    readonly fCnt?: number;
    readonly rawHex?: string;
    readonly readings?: readonly (readonly [string, number])[];
    readonly time?: string;
    readonly dedupeKey?: string;
    readonly drop?: string;
  };
}
describe.skipIf(shared === undefined)("[shared] LoRaWAN vectors", () => {
  const vectors = vectorsOf<Vector>("lorawan.jsonl");
  test("are all there", () => expect(vectors).toHaveLength(6));
  test.each(vectors.map((vector) => [vector.id, vector] as const))(
    "%s",
    (_id, { topic, payload, expect: expected }) => {
      const isTts = topic.startsWith("v3/");
      const sender = { quantities: {} };
      const result = (isTts ? decodeTts : decodeChirpstack)(json(payload), sender, {
        topic,
        receivedAt: MS,
      }) as Decoded;
      expect(values(result)).toEqual(expected.readings ?? []);
      if (expected.devEui === undefined) return;
      const uplink = (isTts ? ttsUplink : chirpstackUplink)(payload);
      if ("refused" in uplink) throw new Error(uplink.refused.detail);
      expect(uplink).toMatchObject({ devEui: expected.devEui, fPort: expected.fPort, fCnt: expected.fCnt });
      expect(Buffer.from(uplink.data, "base64").toString("hex")).toBe(expected.rawHex);
      expect(uplink.time).toBe(Date.parse(expected.time?.split(" ")[0] ?? ""));
      if (expected.dedupeKey !== undefined) expect(uplink.boot).toBe(expected.dedupeKey);
    },
  );
});
