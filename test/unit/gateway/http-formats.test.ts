/** Which format a request is in, and the topic that its messages get; ingest's own routes are asked in the end. */
import { describe, expect, test } from "vitest";
import { parseForeignTopic } from "../../../core/foreign-topics.ts";
import { type BodyQuery, FORMAT_NAMES, readBody } from "../../../gateway/http-formats.ts";

const [JSON_TYPE, TEXT, BYTES] = ["application/json", "text/plain", "application/octet-stream"] as const;
const EUI = "00aabbccddeeff01";
const UP = { deviceInfo: { devEui: EUI, applicationId: "17c82e96" }, object: { ph: 7 } };
const TTS = { end_device_ids: { device_id: "well-1", dev_eui: EUI, application_ids: { application_id: "app" } } };

/** `CODE` of a refusal, else the channel or topic, and the payloads as text. */
function read(type: string | undefined, query: BodyQuery, body: object | string | Buffer) {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const answer = readBody(type, query, bytes);
  if ("refused" in answer) return `${answer.refused.status} ${answer.refused.code}`;
  const place = "topic" in answer ? answer.topic : answer.channel;
  return [place, ...answer.payloads.map((payload) => Buffer.from(payload).toString("latin1"))];
}

describe("the place of a message", () => {
  const topicOf = (event: string) => `application/17c82e96/device/${EUI}/event/${event}`;
  test.each<[why: string, type: string, query: BodyQuery, body: object | string | Buffer, place: string]>([
    ["SenML by its type", "application/senml+json", {}, [{ n: "ph", v: 7 }], "senml"],
    ["SenML by its name", JSON_TYPE, { format: "senml" }, [{ n: "ph", v: 7 }], "senml"],
    ["HJ 212 by its type", TEXT, {}, "##0005QN=11\r\n", "hj212"],
    ["HJ 212 in GB18030", `${TEXT}; charset=gb18030`, {}, Buffer.from([35, 35, 0xcb, 0xae]), "hj212"],
    ["ChirpStack as its integration posts it", JSON_TYPE, { event: "up" }, UP, topicOf("up")],
    ["ChirpStack by name, another event", JSON_TYPE, { format: "chirpstack", event: "status" }, UP, topicOf("status")],
    ["ChirpStack without an event", JSON_TYPE, { format: "chirpstack" }, UP, topicOf("up")],
    [
      "an uplink of The Things Stack",
      JSON_TYPE,
      { format: "tts" },
      { ...TTS, uplink_message: {} },
      "v3/app/devices/well-1/up",
    ],
    ["its join", JSON_TYPE, { format: "tts" }, { ...TTS, join_accept: {} }, "v3/app/devices/well-1/join"],
    [
      "names that are no level",
      JSON_TYPE,
      { format: "tts" },
      { end_device_ids: { device_id: "a/+" }, downlink_ack: {} },
      "v3/-/devices/-/down/ack",
    ],
    ["ThingsBoard", JSON_TYPE, { format: "thingsboard" }, [{ ts: 1, values: { ph: 7 } }], "v1/devices/me/telemetry"],
    ["Cayenne", BYTES, { format: "cayenne" }, Buffer.from([3, 103, 1, 16]), "cayenne"],
    [
      "Sparkplug",
      BYTES,
      { format: "sparkplug", topic: "spBv1.0/g/DDATA/e/d" },
      Buffer.from([8, 1]),
      "spBv1.0/g/DDATA/e/d",
    ],
  ])("%s: one message, as it was sent", (_why, type, query, body, place) => {
    const sent = Buffer.isBuffer(body)
      ? body.toString("latin1")
      : typeof body === "string"
        ? body
        : JSON.stringify(body);
    expect(read(type, query, body)).toEqual([place, sent]);
    if (place.includes("/")) expect(parseForeignTopic(place), "a topic that ingest knows").not.toBeNull();
  });

  test("Cayenne as base64 is stored as the bytes that it stands for", () => {
    const bytes = Buffer.from([3, 103, 0xff, 0xd7]);
    for (const text of [bytes.toString("base64"), `${bytes.toString("base64url")}\n`])
      expect(read(TEXT, { format: "cayenne" }, text)).toEqual(["cayenne", bytes.toString("latin1")]);
  });
});

describe("refusals", () => {
  test.each<[why: string, type: string | undefined, query: BodyQuery, body: object | string, code: string]>([
    ["a format that does not exist", JSON_TYPE, { format: "xml" }, {}, "415 FORMAT_UNKNOWN"],
    ["a word of the language", JSON_TYPE, { format: "constructor" }, {}, "415 FORMAT_UNKNOWN"],
    ["no type and no format", undefined, {}, {}, "415 CONTENT_TYPE_UNKNOWN"],
    ["bytes of nobody knows what", BYTES, {}, "x", "415 CONTENT_TYPE_UNKNOWN"],
    ["a type that the format does not have", BYTES, { format: "chirpstack" }, "x", "415 CONTENT_TYPE_UNKNOWN"],
    ["an event nobody has", JSON_TYPE, { event: "up/../x" }, UP, "400 EVENT_UNKNOWN"],
    ["an uplink without a device", JSON_TYPE, { event: "up" }, { deviceInfo: {} }, "400 BODY_NOT_A_MESSAGE"],
    ["an uplink that is a list", JSON_TYPE, { event: "up" }, [], "400 BODY_NOT_A_MESSAGE"],
    ["an uplink cut short", JSON_TYPE, { event: "up" }, '{"deviceInfo"', "400 BODY_NOT_JSON"],
    ["a webhook of another kind", JSON_TYPE, { format: "tts" }, TTS, "400 BODY_NOT_A_MESSAGE"],
    ["ThingsBoard that is no JSON", JSON_TYPE, { format: "thingsboard" }, "ph=7", "400 BODY_NOT_JSON"],
    ["text without a frame", TEXT, {}, "hello", "400 BODY_NOT_A_MESSAGE"],
    ["text that is no base64", TEXT, { format: "cayenne" }, "A2cB EA==", "400 BODY_NOT_BASE64"],
    ["no bytes", BYTES, { format: "cayenne" }, "", "400 BODY_EMPTY"],
    ["Sparkplug without its topic", BYTES, { format: "sparkplug" }, "x", "400 TOPIC_MISSING"],
    ["a command of the host", BYTES, { format: "sparkplug", topic: "spBv1.0/g/DCMD/e/d" }, "x", "400 TOPIC_MISSING"],
    [
      "somebody's own topic",
      BYTES,
      { format: "sparkplug", topic: "ews/1/a/s/st/d/telemetry" },
      "x",
      "400 TOPIC_MISSING",
    ],
    ["a message over 128 KiB", TEXT, {}, `##${"x".repeat(128 * 1_024)}`, "413 MESSAGE_TOO_LARGE"],
  ])("%s", (_why, type, query, body, code) => {
    expect(read(type, query, body)).toBe(code);
  });

  test("who names an unknown format or type is told the known ones", () => {
    for (const query of [{ format: "xml" }, {}]) {
      const answer = readBody("image/png", query, Buffer.alloc(1));
      const what = "refused" in answer ? answer.refused.what : "";
      for (const name of FORMAT_NAMES) expect(what).toContain(name);
    }
  });
});
