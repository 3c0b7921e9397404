/**
 * Pure: the bytes of a request's body → the messages in it, each as the bytes that were sent. Which of these ways a body
 * is taken apart, and what topic its messages get: http-formats.ts.
 */
import type { DeviceChannel } from "../core/wire.ts";
import { PAYLOAD_BYTES_MAX } from "../core/wire.ts";

/** Messages of one request; each is one entry of the journal. */
export const MESSAGES_MAX = 1_000;

/** Below the sender's own prefix, or a topic of another world (core/foreign-topics.ts). */
export type Place = { readonly channel: DeviceChannel } | { readonly topic: string };
export type Messages = Place & { readonly payloads: readonly Uint8Array[] };
export interface Refusal {
  readonly refused: { readonly status: 400 | 413 | 415; readonly code: string; readonly what: string };
}

/** What holds for every format. */
export function within(messages: Messages): Messages | Refusal {
  if (messages.payloads.length > MESSAGES_MAX)
    return refuse(
      413,
      "TOO_MANY_MESSAGES",
      `${messages.payloads.length} messages in one request, at most ${MESSAGES_MAX}`,
    );
  const large = messages.payloads.findIndex(({ byteLength }) => byteLength > PAYLOAD_BYTES_MAX);
  if (large >= 0)
    return refuse(413, "MESSAGE_TOO_LARGE", `message ${large + 1} has more than ${PAYLOAD_BYTES_MAX} bytes`);
  return messages;
}

export function refuse(status: 400 | 413 | 415, code: string, what: string): Refusal {
  return { refused: { status, code, what } };
}

/** One message, or an array of them. */
export function json(bytes: Buffer): Messages | Refusal {
  const parsed = parse(bytes);
  if ("refused" in parsed) return parsed;
  const { value } = parsed;
  if (!Array.isArray(value)) return isObject(value) ? telemetry([bytes]) : notAnObject("the body");
  if (value.length === 0) return refuse(400, "BODY_EMPTY", "the array holds no message");
  const odd = value.findIndex((element) => !isObject(element));
  return odd < 0 ? telemetry(elementsOf(bytes)) : notAnObject(`element ${odd + 1} of the array`);
}

/** One message a line; empty lines do not count. */
export function lines(bytes: Buffer): Messages | Refusal {
  const payloads: Uint8Array[] = [];
  let number = 0;
  for (let at = 0; at < bytes.length; ) {
    const newline = bytes.indexOf(10, at);
    const end = newline < 0 ? bytes.length : newline;
    const line = bytes.subarray(at, end);
    at = end + 1;
    number += 1;
    if (line.every((byte) => byte === 13 || byte === 32 || byte === 9)) continue;
    const parsed = parse(line, `line ${number}: `);
    if ("refused" in parsed) return parsed;
    if (!isObject(parsed.value)) return notAnObject(`line ${number}`);
    payloads.push(line);
  }
  return payloads.length > 0 ? telemetry(payloads) : refuse(400, "BODY_EMPTY", "there is no message in the body");
}

/** Any JSON, one message. */
export function whole(bytes: Buffer, place: Place): Messages | Refusal {
  const parsed = parse(bytes);
  return "refused" in parsed ? parsed : { ...place, payloads: [bytes] };
}

function telemetry(payloads: readonly Uint8Array[]): Messages {
  return { channel: "telemetry", payloads };
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function parse(bytes: Buffer, where = ""): { readonly value: unknown } | Refusal {
  let text: string;
  try {
    text = UTF_8.decode(bytes);
  } catch {
    return refuse(400, "BODY_NOT_UTF8", `${where}the body is not UTF-8`);
  }
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return refuse(400, "BODY_NOT_JSON", `${where}${(error as Error).message.slice(0, 200)}`);
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function notAnObject(where: string): Refusal {
  return refuse(400, "BODY_NOT_A_MESSAGE", `${where} is not a JSON object`);
}

const [QUOTE, COMMA, BACKSLASH] = [34, 44, 92];
const OPENING = [91, 123];
const CLOSING = [93, 125];

/** The elements of valid JSON whose outermost value is an array, as they are written: no number loses a digit. */
function elementsOf(bytes: Buffer): Uint8Array[] {
  const elements: Uint8Array[] = [];
  const last = bytes.lastIndexOf(93);
  let start = bytes.indexOf(91) + 1;
  let depth = 0;
  let isText = false;
  for (let at = start; at < last; at++) {
    const byte = bytes[at] ?? 0;
    if (isText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (OPENING.includes(byte)) depth += 1;
    else if (CLOSING.includes(byte)) depth -= 1;
    else if (byte === COMMA && depth === 0) {
      elements.push(bytes.subarray(start, at));
      start = at + 1;
    }
  }
  elements.push(bytes.subarray(start, last));
  return elements;
}
