/**
 * Stream `quarantine`: what could not be used, kept with its bytes so that it can be replayed once the cause is mended.
 *
 * One entry a message and reason. Of a large message with several reasons only the first entry carries the bytes.
 */
import { encodeRaw, type Quarantined } from "../core/envelope.ts";
import { Refused } from "../core/errors.ts";
import { withoutPasswords } from "../core/hj212-segment.ts";
import type { Journal, JournalEntry } from "../core/ports.ts";
import { PAYLOAD_BYTES_MAX } from "../core/wire.ts";

/** Above this a further entry of the same message goes without its bytes. */
const REPEATED_BYTES_MAX = 16 * 1024;
const READ_BYTES = 1024 * 1024;
/** Entries looked at in one listing; older ones need a code that is rarer or a smaller journal. */
const SCAN_MAX = 100_000;
const SCAN_STEP = 1_000;

/** A listed entry: everything but the bytes. */
export interface QuarantineSummary extends Omit<Quarantined, "payload"> {
  readonly offset: number;
  /** Of the message; 0 when they were not kept with this entry. */
  readonly payloadBytes: number;
}

/** @param isFirst this is the message's first entry. */
export function encodeQuarantined(
  entry: Omit<Quarantined, "payload">,
  payload: Uint8Array,
  isFirst: boolean,
): Uint8Array {
  const isKept = payload.byteLength <= (isFirst ? PAYLOAD_BYTES_MAX : REPEATED_BYTES_MAX);
  const kept = isKept ? Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("base64") : "";
  return Buffer.from(JSON.stringify({ ...entry, payload: kept } satisfies Quarantined));
}

export function decodeQuarantined(bytes: Uint8Array): Quarantined {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as Quarantined;
}

/** Newest first. */
export async function listQuarantine(
  journal: Pick<Journal, "read" | "end" | "stats">,
  { limit, code }: { readonly limit: number; readonly code?: string },
): Promise<readonly QuarantineSummary[]> {
  const { start, end } = (await journal.stats()).streams.quarantine;
  const lowest = Math.max(start, end - SCAN_MAX);
  const found: QuarantineSummary[] = [];
  for (let upper = end; upper > lowest && found.length < limit; upper -= SCAN_STEP) {
    const step: QuarantineSummary[] = [];
    for (let at = Math.max(lowest, upper - SCAN_STEP); at < upper; ) {
      const entries = await journal.read("quarantine", at, READ_BYTES);
      if (entries.length === 0) break;
      for (const entry of entries) if (entry.offset < upper) step.push(summarise(entry));
      at = (entries.at(-1) as JournalEntry).offset + 1;
    }
    found.push(...step.filter((summary) => code === undefined || summary.code === code).reverse());
  }
  return found.slice(0, limit);
}

/** Passwords in HJ 212 frames are masked, in `payload` too. @throws Refused `QUARANTINE_NOT_FOUND`. */
export async function showQuarantine(
  journal: Pick<Journal, "read">,
  offset: number,
): Promise<Quarantined & { readonly offset: number }> {
  const entry = await entryAt(journal, offset);
  const text = Buffer.from(entry.payload, "base64").toString("latin1");
  const holdsFrames = entry.topic.endsWith("/hj212") || /##\d{4}/.test(text);
  return {
    ...entry,
    detail: withoutPasswords(entry.detail),
    payload: holdsFrames ? Buffer.from(withoutPasswords(text), "latin1").toString("base64") : entry.payload,
  };
}

async function entryAt(
  journal: Pick<Journal, "read">,
  offset: number,
): Promise<Quarantined & { readonly offset: number }> {
  const [entry] = Number.isSafeInteger(offset) && offset >= 0 ? await journal.read("quarantine", offset, 1) : [];
  if (entry?.offset !== offset) {
    throw new Refused(
      "QUARANTINE_NOT_FOUND",
      { what: `nothing is quarantined at offset ${offset}`, mend: "see `jingtu quarantine list`" },
      404,
    );
  }
  return { offset, ...decodeQuarantined(entry.bytes) };
}

/**
 * Sends the messages through ingest again, with their first arrival time, so that readings without a time of their own
 * keep it. Entries stay in quarantine as the record of what happened; replaying twice changes nothing.
 *
 * @returns how many messages were sent; several entries of one message send it once.
 * @throws Refused `QUARANTINE_NOT_FOUND`, or `QUARANTINE_WITHOUT_BYTES` when the message's first entry must be named instead.
 */
export async function replayQuarantine(
  journal: Pick<Journal, "read" | "append">,
  offsets: readonly number[],
): Promise<number> {
  const messages = new Map<string, Uint8Array>();
  for (const offset of offsets) {
    const entry = await entryAt(journal, offset);
    if (entry.payload === "") {
      throw new Refused("QUARANTINE_WITHOUT_BYTES", {
        what: `the entry at offset ${offset} (${entry.code}) does not hold the message`,
        mend: "replay the entry of the same device and arrival time just before it",
      });
    }
    const { receivedAt, device, topic, payload } = entry;
    const key = `${device}\n${receivedAt}\n${topic}\n${payload}`;
    messages.set(key, encodeRaw({ receivedAt, device, topic, payload: Buffer.from(payload, "base64") }));
  }
  for (const message of messages.values()) await journal.append("raw", message);
  return messages.size;
}

function summarise({ offset, bytes }: JournalEntry): QuarantineSummary {
  const { payload, ...rest } = decodeQuarantined(bytes);
  return { offset, ...rest, detail: withoutPasswords(rest.detail), payloadBytes: Buffer.byteLength(payload, "base64") };
}
