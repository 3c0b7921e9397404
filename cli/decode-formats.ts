/**
 * What `jingtu decode` shows of one message of each format: readings and faults as ingest would see them, and beside them
 * the format's own view of the message (resolved SenML, an uplink's frame, Sparkplug metrics, HJ 212 frames).
 */
import { DeviceProfile } from "../core/device-profile.ts";
import { parseForeignTopic } from "../core/foreign-topics.ts";
import { DATATYPE, type Metric, readSparkplug } from "../core/sparkplug-wire.ts";
import { decodeCayenne, parseCayenne } from "../ingest/codecs/cayenne.ts";
import { chirpstackUplink, decodeChirpstack } from "../ingest/codecs/chirpstack.ts";
import type { Decoded, Envelope, Fault, Refusal, SenderProfile } from "../ingest/codecs/codec.ts";
import { decodeHj212 } from "../ingest/codecs/hj212.ts";
import { decodeHj212Frames } from "../ingest/codecs/hj212-frames.ts";
import { parseJsonBytes } from "../ingest/codecs/json-bytes.ts";
import type { Uplink } from "../ingest/codecs/lorawan.ts";
import { decodeSenml, resolveSenml } from "../ingest/codecs/senml.ts";
import { SparkplugDecoder } from "../ingest/codecs/sparkplug.ts";
import { isNumeric, numberOf } from "../ingest/codecs/sparkplug-value.ts";
import { decodeTelemetry } from "../ingest/codecs/telemetry.ts";
import { decodeThingsboard } from "../ingest/codecs/thingsboard.ts";
import { decodeTts, isSimulated, ttsUplink } from "../ingest/codecs/tts.ts";
import { leavesOf } from "../ingest/codecs/value-tree.ts";
import { mendFor } from "./decode-mends.ts";

export interface Message extends Envelope {
  readonly bytes: Uint8Array;
}
/** One line of output: readings, a frame, or `{error: {code, what, where, mend}}`. */
export type Shown = Readonly<Record<string, unknown>>;
/** Keeps what a stateful format must remember between messages. */
export type Show = (message: Message) => readonly Shown[];

export interface DecodeProfile {
  readonly sender: SenderProfile;
  /** 16 bytes, HJ 212-2025. */
  readonly sm4Key?: Uint8Array;
}

export const FORMATS: Readonly<Record<string, (profile: DecodeProfile) => Show>> = {
  telemetry: ({ sender }) => one((message) => shown(decodeTelemetry(message.bytes, sender), message)),
  senml: ({ sender }) => one((message) => showSenml(message, sender)),
  sparkplug: () => showSparkplug(),
  chirpstack: ({ sender }) =>
    one((message) => showUplink(message, decodeChirpstack(message.bytes, sender, message), chirpstackUplink, sender)),
  tts: ({ sender }) =>
    one((message) => showUplink(message, decodeTts(message.bytes, sender, message), ttsUplink, sender)),
  cayenne: ({ sender }) =>
    one((message) => ({
      items: parseCayenne(message.bytes).items,
      ...shown(decodeCayenne(message.bytes, sender), message),
    })),
  hj212: (profile) =>
    one((message) =>
      shown(decodeHj212(message.bytes, ofItsMn(message.bytes, profile), message, profile.sm4Key), message),
    ),
  thingsboard: ({ sender }) => one((message) => shown(decodeThingsboard(message.bytes, sender, message), message)),
};

/** HJ 212, one object a frame: `{header, flag, groups, ack}` or `{error}`. */
export function showFrames({ sender, sm4Key }: DecodeProfile): Show {
  const crc = sender.profile?.hj212?.crc ?? "hj212";
  return ({ bytes }) => [...decodeHj212Frames(bytes, { crc, ...(sm4Key ? { sm4Key } : {}) })] as unknown as Shown[];
}

const ANY_MN = "any";

/** Without a monitoring number in the profile the message's own is taken: there is no registry to compare it with. */
function ofItsMn(bytes: Uint8Array, { sender }: DecodeProfile): SenderProfile {
  const { hj212 } = sender.profile ?? {};
  if (hj212 === undefined || hj212.mn !== ANY_MN) return sender;
  const [, mn = ANY_MN] = /MN=([^;&]{1,40});/.exec(Buffer.from(bytes).toString("latin1")) ?? [];
  return { ...sender, profile: { ...sender.profile, hj212: { ...hj212, mn } } };
}

/** `crc=modbus-be,payload=cayenne,timePath=at`: fields of the device's profile by name. Null when one does not exist. */
export function parseProfile(text: string): DecodeProfile | null {
  const hj212: Record<string, string> = { mn: ANY_MN };
  const lorawan: Record<string, string> = { devEui: "0".repeat(16) };
  let sm4Key: Uint8Array | undefined;
  for (const pair of text.split(",").filter((part) => part !== "")) {
    const at = pair.indexOf("=");
    const [key, value] = [pair.slice(0, at), pair.slice(at + 1)];
    if (at < 1) return null;
    if (["crc", "edition", "zone", "mn"].includes(key)) hj212[key] = value;
    else if (["payload", "timePath"].includes(key)) lorawan[key] = value;
    else if (key === "sm4" && /^[0-9a-fA-F]{32}$/.test(value)) sm4Key = Buffer.from(value, "hex");
    else return null;
  }
  const profile = DeviceProfile.safeParse({ hj212, lorawan });
  if (!profile.success) return null;
  return { sender: { quantities: {}, profile: profile.data }, ...(sm4Key ? { sm4Key } : {}) };
}

/** As the error object of every line. @param where the message's topic, or the input. */
export function shownFault({ code, detail }: Fault, where: string): Shown {
  return { code, what: detail, where, mend: mendFor(code) };
}

function one(show: (message: Message) => Shown): Show {
  return (message) => [show(message)];
}

function shown(result: Decoded | Refusal, { topic }: Envelope): Shown {
  const where = topic === "" ? "the message" : topic;
  if ("refused" in result) return { error: shownFault(result.refused, where) };
  const { boot, seq, backfill, readings, faults, health, facts, history } = result;
  const { health: _none, ...past } = history ? shown(history, { topic, receivedAt: 0 }) : {};
  return {
    ...(boot === "" ? {} : { boot }),
    ...(seq < 0 ? {} : { seq }),
    ...(backfill ? { backfill } : {}),
    readings: readings.map(({ incidental: _, spanMs: __, ...reading }) => reading),
    ...(history ? { history: past["readings"] } : {}),
    ...(health && Object.keys(health).length > 0 ? { health } : {}),
    ...(facts ? { facts } : {}),
    ...(faults.length > 0 ? { faults: faults.map((found) => shownFault(found, where)) } : {}),
  };
}

function showSenml(message: Message, sender: SenderProfile): Shown {
  const answer = shown(decodeSenml(message.bytes, sender, message), message);
  if ("error" in answer) return answer;
  const parsed = parseJsonBytes(message.bytes);
  const pack = "refused" in parsed ? parsed : resolveSenml(parsed.json, message.receivedAt);
  return "refused" in pack ? answer : { resolved: pack.records, ...answer };
}

function showUplink(
  message: Message,
  result: Decoded | Refusal,
  uplinkOf: (json: unknown) => Uplink | Refusal,
  sender: SenderProfile,
): Shown {
  const answer = shown(result, message);
  const topic = parseForeignTopic(message.topic);
  const event = topic !== null && "event" in topic ? topic.event : "up";
  if ("error" in answer || event !== "up") return "error" in answer ? answer : { event, ...answer };
  const parsed = parseJsonBytes(message.bytes);
  const uplink = "refused" in parsed ? parsed : uplinkOf(parsed.json);
  if ("refused" in uplink || "refused" in parsed) return answer;
  const { devEui, fPort, fCnt, data, object, time, boot } = uplink;
  const { ignored } = leavesOf(object ?? {}, sender);
  return {
    event,
    devEui,
    fPort,
    fCnt,
    rawHex: Buffer.from(data, "base64").toString("hex"),
    ...(time === null ? {} : { time: new Date(time).toISOString() }),
    // ChirpStack's own id, or what The Things Stack's messages are told apart by.
    ...(boot === "" ? {} : { dedupeKey: topic?.format === "tts" ? `${devEui}:${boot}:${fCnt}` : boot }),
    ...(isSimulated(parsed.json) ? { dropped: "simulated" } : {}),
    ...answer,
    ...(ignored.length > 0 ? { ignored } : {}),
  };
}

function showSparkplug(): Show {
  const decoder = new SparkplugDecoder();
  return one((message) => {
    const [, second, type] = message.topic.split("/");
    if (second === "STATE") return showState(message);
    const metrics = metricsOf(message.bytes);
    if ((type === "NCMD" || type === "DCMD") && metrics !== null) return { kind: "command", metrics };
    const { kind, seq, bdSeq, refused, decoded, notices } = decoder.decode(message.bytes, message);
    return {
      kind,
      ...(seq === null ? {} : { seq }),
      ...(bdSeq === null ? {} : { bdSeq }),
      ...shown(refused ? { refused } : decoded, message),
      ...(kind === "birth" ? { metrics } : {}),
      ...(notices.length > 0 ? { notices } : {}),
      ...(notices.some((notice) => notice.kind === "rebirth-wanted" || notice.kind === "gap")
        ? { rebirthWanted: true }
        : {}),
    };
  });
}

function showState(message: Message): Shown {
  const parsed = parseJsonBytes(message.bytes);
  return "refused" in parsed ? shown(parsed, message) : { kind: "state", state: parsed.json };
}

const TYPE_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(DATATYPE).map(([name, type]) => [type, name]));

function metricsOf(bytes: Uint8Array): readonly Shown[] | null {
  const payload = readSparkplug(bytes);
  if ("code" in payload) return null;
  return payload.metrics.map((metric) => {
    const { name, alias, datatype, time, isNull } = metric;
    return {
      ...(name === null ? {} : { name }),
      ...(alias === null ? {} : { alias }),
      type: TYPE_NAMES.get(datatype ?? 0) ?? datatype,
      value: metricValue(metric),
      ...(isNull ? { isNull } : {}),
      timestamp: time,
    };
  });
}

function metricValue(metric: Metric): unknown {
  const { name, datatype, text, isNull } = metric;
  if (isNull) return null;
  if (!isNumeric(datatype ?? 0)) return text;
  const value = numberOf(metric, name ?? "", datatype ?? 0);
  if (datatype === DATATYPE.Boolean) return value === 1;
  // A float holds seven digits; the others are dust of the double it became.
  return datatype === DATATYPE.Float && typeof value === "number" ? Number(value.toPrecision(7)) : value;
}
