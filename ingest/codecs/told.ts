/**
 * Channels `event` (door, power, sample taken) and `info` (firmware, model): a JSON object → facts of the equipment, each named
 * by its channel and field, `event/door`. No readings, so no de-duplication: the same fact at the same time tells nothing new.
 */
import { type DeviceFact, FACT_CHARACTERS_MAX, FACTS_MAX } from "../../core/fleet.ts";
import { FUTURE_MS_MAX } from "../../core/wire.ts";
import { type Codec, type Decoded, type Envelope, fault, type Refusal, refuse, type SenderProfile } from "./codec.ts";
import { anyTimeMs } from "./instant.ts";
import { parseJsonBytes } from "./json-bytes.ts";
import { isObject } from "./json-fields.ts";

/** These say which message it is, and when; they are no facts. */
const ENVELOPE: ReadonlySet<string> = new Set(["v", "ts", "boot", "seq"]);

/**
 * Of one channel. Reasons: those of `parseJsonBytes` and of times (at `ts`), WRONG_SHAPE (no object, or without a field that
 * tells something), TOO_MANY_FACTS, FUTURE_TIME.
 */
export function toldOn(channel: "event" | "info"): Codec {
  return (bytes: Uint8Array, _sender: SenderProfile, { receivedAt }: Envelope): Decoded | Refusal => {
    const message = parseJsonBytes(bytes);
    if ("refused" in message) return message;
    const { json } = message;
    if (!isObject(json)) return refuse("WRONG_SHAPE", `${channel} is an object, such as {"door":"open"}`);
    const time = json["ts"] === undefined ? receivedAt : anyTimeMs(json["ts"], "ts");
    if (typeof time !== "number") return { refused: time };
    if (time - receivedAt > FUTURE_MS_MAX) return { refused: fault("FUTURE_TIME", "ts is over 10 min after arrival") };
    const fields = Object.entries(json).filter(([name]) => !ENVELOPE.has(name));
    if (fields.length === 0) return refuse("WRONG_SHAPE", `${channel} tells nothing: no field but v, ts, boot, seq`);
    if (fields.length > FACTS_MAX) return refuse("TOO_MANY_FACTS", `${fields.length} fields; at most ${FACTS_MAX}`);
    const facts = fields.map(
      ([name, value]): DeviceFact => ({ name: shown(`${channel}/${name}`), value: shown(textOf(value)), time }),
    );
    return { boot: "", seq: -1, backfill: false, readings: [], faults: [], facts };
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function shown(text: string): string {
  return text.slice(0, FACT_CHARACTERS_MAX).replace(/[\p{Cc}\p{Cs}]/gu, "\uFFFD");
}
