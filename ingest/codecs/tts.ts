/**
 * The Things Stack v3, MQTT server (lorawan-stack-docs, data formats): `up` → readings, `down/…` → what became of our
 * commands; the other events hold nothing for us. The device's EUI stands in the payload only. Zero fields are left out.
 */
import type { CommandAck } from "../../core/command.ts";
import { externalName } from "../../core/directory.ts";
import { ofTtsCorrelation, parseForeignTopic } from "../../core/foreign-topics.ts";
import { FUTURE_MS_MAX } from "../../core/wire.ts";
import { type Decoded, type Envelope, type Refusal, refuse, type SenderProfile } from "./codec.ts";
import { rfc3339Ms } from "./instant.ts";
import { parseJsonBytes } from "./json-bytes.ts";
import { field, isObject, type JsonObject, numberField, objectField, objectsField, textField } from "./json-fields.ts";
import { countOf, decodeUplink, euiOf, NO_READINGS, signalOf, type Uplink } from "./lorawan.ts";

export const tts = {
  name: "The Things Stack",
  owns: (topic: string): boolean => parseForeignTopic(topic)?.format === "tts",
  sender: (bytes: Uint8Array, topic: string): string | Refusal => {
    const message = parseJsonBytes(bytes);
    if ("refused" in message) return message;
    const devEui = devEuiOf(message.json);
    const parsed = devEui === null ? parseForeignTopic(topic) : null;
    if (parsed?.format === "tts" && parsed.event.startsWith("down/")) {
      return externalName.tts(parsed.application, parsed.device);
    }
    return devEui === null ? refuse("WRONG_SHAPE", NO_EUI) : externalName.devEui(devEui);
  },
  decode: decodeTts,
};

const NO_EUI = "at end_device_ids.dev_eui: 16 hexadecimal digits";

/**
 * Reasons: those of `parseJsonBytes` and `decodeUplink`, WRONG_SHAPE. A message without a topic of The Things Stack's is
 * taken as an `up` event. Simulated uplinks are no measurements and decode to none.
 */
export function decodeTts(bytes: Uint8Array, sender: SenderProfile, { topic }: Envelope): Decoded | Refusal {
  const parsed = parseForeignTopic(topic);
  const event = parsed?.format === "tts" ? parsed.event : "up";
  if (event !== "up" && !event.startsWith("down/")) return NO_READINGS;
  const message = parseJsonBytes(bytes);
  if ("refused" in message) return message;
  if (event !== "up") return { ...NO_READINGS, answers: answersOf(event, message.json) };
  const uplink = ttsUplink(message.json);
  if ("refused" in uplink) return uplink;
  return isSimulated(message.json) ? NO_READINGS : decodeUplink(uplink, sender);
}

/**
 * The events of a downlink of ours, by the correlation id that we gave it. `ack` says that the frame arrived, not what the node
 * did; after `nack` the server tries again by itself, so nothing has ended.
 */
function answersOf(event: string, json: unknown): readonly CommandAck[] {
  if (!isObject(json)) return [];
  const name = event.replace("down/", "downlink_");
  const body = objectField(json, name);
  const downlink = event === "down/failed" ? objectField(body ?? {}, "downlink") : body;
  const listed = [field(downlink ?? {}, "correlation_ids"), field(json, "correlation_ids")].flatMap((ids) =>
    Array.isArray(ids) ? (ids as readonly unknown[]) : [],
  );
  const id = listed.map((one) => (typeof one === "string" ? ofTtsCorrelation(one) : null)).find((one) => one !== null);
  if (id === undefined || id === null || id === "" || id.length > 64) return [];
  switch (event) {
    case "down/ack":
      return [{ id, status: "done", detail: "the node acknowledged the frame" }];
    case "down/failed": {
      const error = objectField(body ?? {}, "error") ?? {};
      return [{ id, status: "failed", detail: textField(error, "message_format") ?? "the network server gave it up" }];
    }
    case "down/queued":
      return [{ id, status: "accepted", detail: "in the queue of the network server" }];
    case "down/sent":
      return [{ id, status: "accepted", detail: "sent by a gateway" }];
    default:
      return [{ id, status: "accepted", detail: "not acknowledged; the network server tries again" }];
  }
}

export function isSimulated(json: unknown): boolean {
  return isObject(json) && field(json, "simulated") === true;
}

export function ttsUplink(json: unknown): Uplink | Refusal {
  const devEui = devEuiOf(json);
  if (!isObject(json) || devEui === null) return refuse("WRONG_SHAPE", NO_EUI);
  const up = objectField(json, "uplink_message");
  if (!up) return refuse("WRONG_SHAPE", "at uplink_message: missing");
  const fCnt = countOf(up, "f_cnt");
  const fPort = countOf(up, "f_port");
  if (fCnt === null || fPort === null) return refuse("WRONG_SHAPE", "at f_cnt or f_port: a number from 0 on");
  const gateways = objectsField(up, "rx_metadata");
  const session = textField(up, "session_key_id");
  const boot = session === undefined ? "" : bootOf(session);
  const percent = numberField(objectField(up, "last_battery_percentage") ?? {}, "value");
  return {
    devEui,
    fPort,
    fCnt,
    data: textField(up, "frm_payload") ?? "",
    object: objectField(up, "decoded_payload"),
    time: timeOf(json, up, gateways),
    boot,
    seq: boot === "" ? -1 : fCnt,
    health: { ...signalOf(gateways), ...(percent === undefined ? {} : { batteryPercent: percent }) },
  };
}

function devEuiOf(json: unknown): string | null {
  return isObject(json) ? euiOf(field(objectField(json, "end_device_ids") ?? {}, "dev_eui")) : null;
}

/** A session key id is base64, which a boot name cannot be: base64url of the same bytes. */
function bootOf(session: string): string {
  return Buffer.from(session, "base64").toString("base64url").slice(0, 64);
}

/** A gateway's clock counts while it agrees with the network's; one without GNSS may be years off. */
function timeOf(json: JsonObject, up: JsonObject, gateways: readonly JsonObject[]): number | null {
  const network =
    [field(up, "received_at"), field(json, "received_at")].map(msOrNull).find((ms) => ms !== null) ?? null;
  const heard = gateways.map((gateway) => msOrNull(field(gateway, "time"))).find((ms) => ms !== null) ?? null;
  if (network === null) return heard;
  return heard !== null && Math.abs(heard - network) <= FUTURE_MS_MAX ? heard : network;
}

function msOrNull(sent: unknown): number | null {
  const ms = rfc3339Ms(sent, "");
  return typeof ms === "number" ? ms : null;
}
