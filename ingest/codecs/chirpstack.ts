/**
 * ChirpStack v4 application events, JSON marshaler (chirpstack-docs, integrations/events): `up` → readings, `status` → the
 * battery, `ack`, `txack` and `log` → what became of our commands, the others hold nothing for us. Protobuf JSON leaves out defaults: a missing fCnt is 0.
 */
import type { CommandAck } from "../../core/command.ts";
import { externalName } from "../../core/directory.ts";
import { parseForeignTopic } from "../../core/foreign-topics.ts";
import { type Decoded, type Envelope, type Refusal, refuse, type SenderProfile } from "./codec.ts";
import { rfc3339Ms } from "./instant.ts";
import { parseJsonBytes } from "./json-bytes.ts";
import { field, isObject, type JsonObject, numberField, objectField, objectsField, textField } from "./json-fields.ts";
import { countOf, decodeUplink, euiOf, NO_READINGS, signalOf, type Uplink } from "./lorawan.ts";

const USED_EVENTS: ReadonlySet<string> = new Set(["up", "status", "ack", "txack", "log"]);
/** Codes of `log` after which the queue item is gone. */
const ITEM_ENDED: ReadonlySet<string> = new Set(["DOWNLINK_PAYLOAD_SIZE", "DOWNLINK_CODEC", "EXPIRED"]);
const DEV_ADDR = /^[0-9a-fA-F]{8}$/;
const BOOT = /^[A-Za-z0-9_.-]{1,64}$/;

export const chirpstack = {
  name: "ChirpStack",
  owns: (topic: string): boolean => parseForeignTopic(topic)?.format === "chirpstack",
  sender: (_bytes: Uint8Array, topic: string): string | Refusal => {
    const parsed = parseForeignTopic(topic);
    if (parsed?.format !== "chirpstack") return refuse("TOPIC_MISMATCH", `"${topic}" is no topic of ChirpStack`);
    return externalName.devEui(parsed.devEui);
  },
  decode: decodeChirpstack,
};

/**
 * Reasons: those of `parseJsonBytes` and `decodeUplink`, WRONG_SHAPE, DEVICE_MISMATCH (payload and topic name different
 * devices), STILL_ENCRYPTED. A message without a topic of ChirpStack's is taken as an `up` event.
 */
export function decodeChirpstack(bytes: Uint8Array, sender: SenderProfile, { topic }: Envelope): Decoded | Refusal {
  const parsed = parseForeignTopic(topic);
  const named = parsed?.format === "chirpstack" ? parsed : undefined;
  const event = named?.event ?? "up";
  if (!USED_EVENTS.has(event)) return NO_READINGS;
  const message = parseJsonBytes(bytes);
  if ("refused" in message) return message;
  const { json } = message;
  if (!isObject(json)) return refuse("WRONG_SHAPE", "an event is an object");
  const devEui = euiOf(field(objectField(json, "deviceInfo") ?? {}, "devEui"));
  if (devEui === null) return refuse("WRONG_SHAPE", "at deviceInfo.devEui: 16 hexadecimal digits");
  if (named && named.devEui.toUpperCase() !== devEui)
    return refuse("DEVICE_MISMATCH", `the topic says ${named.devEui}, the payload ${devEui}`);
  if (event === "status") return statusOf(json);
  if (event !== "up") return { ...NO_READINGS, answers: answersOf(event, json) };
  const uplink = uplinkOf(json, devEui);
  return "refused" in uplink ? uplink : decodeUplink(uplink, sender);
}

export function chirpstackUplink(json: unknown): Uplink | Refusal {
  const devEui = isObject(json) ? euiOf(field(objectField(json, "deviceInfo") ?? {}, "devEui")) : null;
  if (!isObject(json) || devEui === null) return refuse("WRONG_SHAPE", "at deviceInfo.devEui: 16 hexadecimal digits");
  return uplinkOf(json, devEui);
}

function uplinkOf(json: JsonObject, devEui: string): Uplink | Refusal {
  // The join server holds the keys: the application server cannot read the frame, and nor can we.
  if (objectField(json, "joinServerContext")) return refuse("STILL_ENCRYPTED", "the join server keeps the session key");
  const fCnt = countOf(json, "fCnt");
  const fPort = countOf(json, "fPort");
  if (fCnt === null || fPort === null) return refuse("WRONG_SHAPE", "at fCnt or fPort: a number from 0 on");
  const id = textField(json, "deduplicationId") ?? "";
  const hasId = BOOT.test(id);
  const devAddr = textField(json, "devAddr") ?? "";
  const time = field(json, "time") === undefined ? null : rfc3339Ms(field(json, "time"), "time");
  if (time !== null && typeof time !== "number") return { refused: time };
  return {
    devEui,
    fPort,
    fCnt,
    data: textField(json, "data") ?? "",
    object: objectField(json, "object"),
    time,
    // Each message has an id of its own, so it stands where others name a boot; frame counters may restart unseen.
    boot: hasId ? id : "",
    seq: hasId ? fCnt : -1,
    // The address is given at each join, and the counter begins anew with it.
    ...(hasId && DEV_ADDR.test(devAddr) ? { countedBy: devAddr } : {}),
    health: signalOf(objectsField(json, "rxInfo")),
  };
}

/**
 * `ack` comes for confirmed downlinks only and says that the frame arrived, not what the node did; `txack` says that a gateway
 * has sent it; `log` names a queue item that was given up. The queue item's id is our command's.
 */
function answersOf(event: string, json: JsonObject): readonly CommandAck[] {
  if (event === "log") {
    const id = textField(objectField(json, "context") ?? {}, "queue_item_id") ?? "";
    const code = textField(json, "code") ?? "";
    if (id === "" || !ITEM_ENDED.has(code)) return [];
    return [{ id, status: "failed", detail: `${code}: ${textField(json, "description") ?? ""}`.slice(0, 200) }];
  }
  const id = textField(json, "queueItemId") ?? "";
  if (id === "" || id.length > 64) return [];
  if (event === "txack") return [{ id, status: "accepted", detail: "sent by a gateway" }];
  return field(json, "acknowledged") === true
    ? [{ id, status: "done", detail: "the node acknowledged the frame" }]
    : [{ id, status: "failed", detail: "the node did not acknowledge the frame" }];
}

/** batteryLevel is percent; absent or 0 beside `batteryLevelUnavailable` or external power says nothing. */
function statusOf(json: JsonObject): Decoded {
  const percent = numberField(json, "batteryLevel");
  const isKnown = field(json, "externalPowerSource") !== true && field(json, "batteryLevelUnavailable") !== true;
  if (percent === undefined || !isKnown || percent < 0 || percent > 100) return NO_READINGS;
  return { ...NO_READINGS, health: { batteryPercent: percent } };
}
