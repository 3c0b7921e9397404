/**
 * Pure: the format of a request (`?format=`, else its Content-Type) → the messages in its body and the topic that they
 * would have over MQTT, so that ingest judges both alike. What the messages mean is not asked here.
 */
import { CHIRPSTACK_EVENTS, parseForeignTopic, THINGSBOARD_TELEMETRY } from "../core/foreign-topics.ts";
import { isObject, json, lines, type Messages, parse, type Refusal, refuse, whole, within } from "./http-body.ts";

/** What of the URL's query counts. */
export interface BodyQuery {
  readonly format?: string | undefined;
  /** ChirpStack's own: which event it is. */
  readonly event?: string | undefined;
  /** Sparkplug's, whose payload does not say whose it is. */
  readonly topic?: string | undefined;
}
type Read = (bytes: Buffer, query: BodyQuery) => Messages | Refusal;

const [JSON_TYPE, SENML, TEXT, BYTES] = [
  "application/json",
  "application/senml+json",
  "text/plain",
  "application/octet-stream",
] as const;
const NDJSON = ["application/x-ndjson", "application/jsonl"] as const;

/** By format, by content type. */
const FORMATS: Readonly<Record<string, Readonly<Record<string, Read>>>> = {
  telemetry: { [JSON_TYPE]: json, [NDJSON[0]]: lines, [NDJSON[1]]: lines },
  senml: { [SENML]: senml, [JSON_TYPE]: senml },
  chirpstack: { [JSON_TYPE]: chirpstack },
  tts: { [JSON_TYPE]: tts },
  thingsboard: { [JSON_TYPE]: (bytes) => whole(bytes, { topic: THINGSBOARD_TELEMETRY }) },
  cayenne: { [BYTES]: (bytes) => filled({ channel: "cayenne" }, bytes), [TEXT]: base64 },
  hj212: { [TEXT]: frames, [BYTES]: frames },
  sparkplug: { [BYTES]: sparkplug },
};
/** Formats that need no `?format=`. */
const FORMAT_OF: Readonly<Record<string, string>> = {
  [JSON_TYPE]: "telemetry",
  [NDJSON[0]]: "telemetry",
  [NDJSON[1]]: "telemetry",
  [SENML]: "senml",
  [TEXT]: "hj212",
};
export const FORMAT_NAMES = Object.keys(FORMATS);

/** @param contentType the header; parameters behind ";" are not looked at, text is UTF-8 in any case but HJ 212's. */
export function readBody(contentType: string | undefined, query: BodyQuery, bytes: Buffer): Messages | Refusal {
  const type = (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const name = query.format ?? formatOf(type, query);
  if (name === undefined)
    return refuse(
      415,
      "CONTENT_TYPE_UNKNOWN",
      `content type is none of ${Object.keys(FORMAT_OF).join(", ")}, and no ?format= says more (${FORMAT_NAMES.join(", ")})`,
    );
  const types = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
  if (!types) return refuse(415, "FORMAT_UNKNOWN", `?format= is none of ${FORMAT_NAMES.join(", ")}`);
  const read = Object.hasOwn(types, type) ? types[type] : undefined;
  if (!read) return refuse(415, "CONTENT_TYPE_UNKNOWN", `format ${name} comes as ${Object.keys(types).join(" or ")}`);
  const messages = read(bytes, query);
  return "refused" in messages ? messages : within(messages);
}

function formatOf(type: string, { event }: BodyQuery): string | undefined {
  // ChirpStack's HTTP integration adds `event` to whatever URL it was given.
  if (type === JSON_TYPE && event !== undefined) return "chirpstack";
  return Object.hasOwn(FORMAT_OF, type) ? FORMAT_OF[type] : undefined;
}

function senml(bytes: Buffer): Messages | Refusal {
  return whole(bytes, { channel: "senml" });
}

/** `application/{application}/device/{devEui}/event/{event}`, as its MQTT integration has it. */
function chirpstack(bytes: Buffer, { event = "up" }: BodyQuery): Messages | Refusal {
  if (!(CHIRPSTACK_EVENTS as readonly string[]).includes(event))
    return refuse(400, "EVENT_UNKNOWN", `?event= is none of ${CHIRPSTACK_EVENTS.join(", ")}`);
  const parsed = parse(bytes);
  if ("refused" in parsed) return parsed;
  const [eui, application] = ["devEui", "applicationId"].map((name) => textAt(parsed.value, ["deviceInfo", name]));
  const topic = `application/${levelOf(application)}/device/${eui}/event/${event}`;
  if (!parseForeignTopic(topic))
    return refuse(400, "BODY_NOT_A_MESSAGE", "at deviceInfo.devEui: 16 hexadecimal digits");
  return { topic, payloads: [bytes] };
}

/** The field of the message that says what it is → the end of its MQTT topic. */
const TTS_FIELDS: Readonly<Record<string, string>> = {
  uplink_message: "up",
  join_accept: "join",
  downlink_queued: "down/queued",
  downlink_sent: "down/sent",
  downlink_ack: "down/ack",
  downlink_nack: "down/nack",
  downlink_failed: "down/failed",
  service_data: "service/data",
  location_solved: "location/solved",
};

/** `v3/{application}/devices/{device}/{event}`; whose it is, ingest reads in the payload. */
function tts(bytes: Buffer): Messages | Refusal {
  const parsed = parse(bytes);
  if ("refused" in parsed) return parsed;
  const { value } = parsed;
  const kind = isObject(value) ? Object.keys(TTS_FIELDS).find((name) => Object.hasOwn(value, name)) : undefined;
  if (kind === undefined)
    return refuse(400, "BODY_NOT_A_MESSAGE", `the body is no object with one of ${Object.keys(TTS_FIELDS).join(", ")}`);
  const ids = ["end_device_ids"];
  const application = textAt(value, [...ids, "application_ids", "application_id"]);
  const device = textAt(value, [...ids, "device_id"]);
  return { topic: `v3/${levelOf(application)}/devices/${levelOf(device)}/${TTS_FIELDS[kind]}`, payloads: [bytes] };
}

function sparkplug(bytes: Buffer, { topic = "" }: BodyQuery): Messages | Refusal {
  if (parseForeignTopic(topic)?.format !== "sparkplug")
    return refuse(400, "TOPIC_MISSING", "?topic= is no spBv1.0/GROUP/TYPE/EDGE[/DEVICE] of an edge node");
  return filled({ topic }, bytes);
}

/** HJ 212 frames as they are, in GB18030 too. */
function frames(bytes: Buffer): Messages | Refusal {
  if (!bytes.includes("##")) return refuse(400, "BODY_NOT_A_MESSAGE", "there is no ## of an HJ 212 frame in the body");
  return { channel: "hj212", payloads: [bytes] };
}

const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

function base64(bytes: Buffer): Messages | Refusal {
  const text = bytes.toString("latin1").trim();
  if (text !== "" && !BASE64.test(text)) return refuse(400, "BODY_NOT_BASE64", "text of Cayenne LPP is base64");
  return filled({ channel: "cayenne" }, Buffer.from(text, "base64"));
}

function filled(place: { channel: "cayenne" } | { topic: string }, bytes: Buffer): Messages | Refusal {
  if (bytes.length === 0) return refuse(400, "BODY_EMPTY", "there is no message in the body");
  return { ...place, payloads: [bytes] };
}

function textAt(value: unknown, path: readonly string[]): string {
  let at: unknown = value;
  for (const name of path) at = isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  return typeof at === "string" ? at : "";
}

/** A name of theirs as a level of a topic; what cannot be one tells nothing that the payload does not. */
function levelOf(name: string | undefined): string {
  return /^[^+#/\p{Cc}]{1,128}$/u.test(name ?? "") ? String(name) : "-";
}
