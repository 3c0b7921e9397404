/**
 * Brings the memory of Sparkplug edge nodes back after a restart: the snapshot saved with a position, then the messages
 * between that and ingest's position once more, for the memory only. Nothing is stored or told twice, and a value sent by
 * alias after the restart is filed as before it.
 */
import { decodeRaw } from "../core/envelope.ts";
import type { Logger } from "../core/observe.ts";
import type { Directory, Journal } from "../core/ports.ts";
import { SPARKPLUG_READER, type SparkplugFormat } from "./sparkplug-format.ts";

/** Messages between two snapshots, at most; so many are read again. */
export const SNAPSHOT_MESSAGES = 200_000;
const READ_BYTES = 4 * 1024 * 1024;

/** @param position ingest's, in stream `raw`. */
export async function rememberEdges(
  format: SparkplugFormat,
  parts: {
    readonly journal: Journal;
    readonly directory: () => Directory;
    readonly log: Logger;
    readonly position: number;
  },
  signal: AbortSignal,
): Promise<void> {
  const { journal, directory, log, position } = parts;
  const saved = await journal.loadState(SPARKPLUG_READER);
  if (saved) {
    try {
      format.restore(saved.bytes);
    } catch (error) {
      log.error({ err: error }, "the memory of Sparkplug edge nodes is unreadable; they will be asked for a rebirth");
    }
  }
  let at = saved?.offset ?? Math.max(0, position - 2 * SNAPSHOT_MESSAGES);
  while (at < position && !signal.aborted) {
    const entries = await journal.read("raw", at, READ_BYTES);
    if (entries.length === 0) break;
    for (const { offset, bytes } of entries) {
      if (offset < position) follow(format, bytes, directory());
      at = offset + 1;
    }
  }
  format.takeNotices(); // they were told when the messages came
}

function follow(format: SparkplugFormat, bytes: Uint8Array, directory: Directory): void {
  try {
    const message = decodeRaw(bytes);
    if (format.owns(message.topic)) format.follow(message, directory);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // a damaged entry has been put to quarantine already
  }
}
