/**
 * `jingtu decode FORMAT FILE|-`: what ingest makes of bytes, without a server. One JSON object a line, and never an
 * exception: what cannot be read is an `{error}` line. Exit code 1 when there was one.
 */
import { readFileSync } from "node:fs";
import { systemClock } from "../core/clock.ts";
import { EXIT, Refused } from "../core/errors.ts";
import { anyTimeMs } from "../ingest/codecs/instant.ts";
import {
  FORMATS,
  type Message,
  parseProfile,
  type Show,
  type Shown,
  showFrames,
  shownFault,
} from "./decode-formats.ts";
import { operand, UsageError, type Verb } from "./verb.ts";

export const decodeVerb: Verb = {
  name: "decode",
  summary: "show what a device's bytes mean: readings, or what is wrong with them",
  operands: "FORMAT FILE",
  options: {
    jsonl: {
      type: "boolean",
      help: "FILE holds one message a line as JSON: {hex|text|wire|wireHex|chunks|payload|pack, …}",
    },
    frames: { type: "boolean", help: "hj212: one object a frame {header, flag, groups, ack} instead of readings" },
    profile: {
      type: "string",
      value: "K=V,…",
      help: "crc=hj212|modbus-be|modbus-le, payload=object|cayenne, timePath=PATH, …",
    },
    topic: { type: "string", value: "TOPIC", help: "the MQTT topic it came on" },
    received: { type: "string", value: "TIME", help: "arrival: RFC 3339, Unix seconds or ms (now)" },
  },
  run: async (call) => {
    const format = operand(call, 0, "FORMAT");
    const file = operand(call, 1, "FILE");
    const profile = parseProfile(call.text("profile") ?? "");
    if (!profile) throw new UsageError(`--profile: not understood; e.g. crc=modbus-be`);
    const make = call.flag("frames") && format === "hj212" ? showFrames : FORMATS[format];
    if (!make || !Object.hasOwn(FORMATS, format))
      throw new UsageError(`unknown format "${format}"; known: ${Object.keys(FORMATS).join(", ")}`);
    if (call.flag("frames") && format !== "hj212") throw new UsageError("--frames is for hj212");
    const envelope = { topic: call.text("topic") ?? "", receivedAt: receivedAt(call.text("received")) };
    let isFaulty = false;
    for (const line of decodeAll(readInput(file), make(profile), { ...envelope, isJsonl: call.flag("jsonl") })) {
      isFaulty ||= "error" in line;
      call.out.result(line);
    }
    return isFaulty ? EXIT.failed : EXIT.ok;
  },
};

/** Everything but reading the file: pure, whatever the bytes. */
export function* decodeAll(
  input: Uint8Array,
  show: Show,
  { topic, receivedAt, isJsonl }: { readonly topic: string; readonly receivedAt: number; readonly isJsonl: boolean },
): Generator<Shown> {
  if (!isJsonl) {
    yield* safely(show, { bytes: input, topic, receivedAt });
    return;
  }
  const lines = Buffer.from(input).toString("utf8").split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const message = messageOf(line, { topic, receivedAt });
    if (message === null) {
      yield { error: shownFault({ code: "VECTOR_UNREADABLE", detail: "no JSON object" }, `line ${index + 1}`) };
      continue;
    }
    for (const object of safely(show, message)) yield message.id === undefined ? object : { id: message.id, ...object };
  }
}

function safely(show: Show, message: Message): readonly Shown[] {
  try {
    return show(message);
  } catch (error) {
    return [{ error: shownFault({ code: "INTERNAL_ERROR", detail: String(error) }, message.topic || "the message") }];
  }
}

/** A line as test vectors write messages. A JSON value with none of these keys is itself the message. */
function messageOf(line: string, otherwise: Pick<Message, "topic" | "receivedAt">): (Message & { id?: string }) | null {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof json !== "object" || json === null) return null;
  const vector = json as Readonly<Record<string, unknown>>;
  const received = vector["receivedAt"] === undefined ? null : anyTimeMs(vector["receivedAt"], "receivedAt");
  return {
    bytes: bytesOf(vector) ?? Buffer.from(line),
    topic: typeof vector["topic"] === "string" ? vector["topic"] : otherwise.topic,
    receivedAt: typeof received === "number" ? received : otherwise.receivedAt,
    ...(typeof vector["id"] === "string" ? { id: vector["id"] } : {}),
  };
}

function bytesOf(vector: Readonly<Record<string, unknown>>): Uint8Array | null {
  for (const key of ["hex", "wireHex", "text", "wire"]) {
    const text = vector[key];
    if (typeof text === "string") return Buffer.from(text, key.endsWith("ex") ? "hex" : "utf8");
  }
  for (const key of ["chunks", "chunksHex"]) {
    const chunks = vector[key];
    if (Array.isArray(chunks)) return Buffer.from(chunks.join(""), key.endsWith("Hex") ? "hex" : "utf8");
  }
  for (const key of ["payload", "pack"])
    if (typeof vector[key] === "object" && vector[key] !== null) return Buffer.from(JSON.stringify(vector[key]));
  return null;
}

function receivedAt(text: string | undefined): number {
  if (text === undefined) return systemClock.now();
  const ms = anyTimeMs(/^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text, "--received");
  if (typeof ms !== "number") throw new UsageError(ms.detail);
  return ms;
}

/** @throws Refused `FILE_UNREADABLE`. */
function readInput(file: string): Buffer {
  try {
    return readFileSync(file === "-" ? 0 : file);
  } catch (error) {
    throw new Refused("FILE_UNREADABLE", {
      what: (error as Error).message,
      where: file,
      mend: "give a readable file, or - for standard input",
    });
  }
}
