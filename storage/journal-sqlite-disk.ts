/** Watches the free space that the journal may use, and says which streams are refused when it runs low. */
import { statfs } from "node:fs/promises";
import type { Clock } from "../core/clock.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type { Stream } from "../core/ports.ts";
import type { DiskSpace } from "./journal-sqlite-messages.ts";

const CHECK_MS = 1_000;
/** Part of the reserve that is left for what follows from messages that were already acknowledged. */
const LAST_PART = 0.25;

/**
 * Below the reserve, new messages (`raw`) are refused, so that readings and alarms of the acknowledged ones still find
 * room; below a quarter of it, every append is refused. Reader positions and states are always tried.
 */
export function refusedByDisk(stream: Stream, { freeBytes, reserveBytes }: DiskSpace): boolean {
  return freeBytes < (stream === "raw" ? reserveBytes : reserveBytes * LAST_PART);
}

export interface DiskWatch {
  /** Measured once before the journal accepts anything. */
  check(): Promise<void>;
  stop(): void;
}

/** @param reusableBytes space inside the journal's file that trimming has freed. */
export function watchDisk(parts: {
  readonly folder: string;
  readonly reserveBytes: number;
  readonly reusableBytes: () => number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tell: (disk: DiskSpace) => void;
}): DiskWatch {
  let wasFull = false;
  let isStopped = false;
  const check = async (): Promise<void> => {
    const free = await freeBytes(parts.folder);
    if (isStopped) return;
    const disk = { freeBytes: free + parts.reusableBytes(), reserveBytes: parts.reserveBytes };
    const isFull = refusedByDisk("raw", disk);
    parts.metrics.set("journal_disk_free_bytes", free);
    parts.metrics.set("journal_full", isFull ? 1 : 0);
    parts.tell(disk);
    if (isFull && !wasFull)
      parts.log.error({ ...disk, folder: parts.folder }, "disk nearly full, messages are refused");
    if (!isFull && wasFull) parts.log.info({ ...disk, folder: parts.folder }, "disk has space again");
    wasFull = isFull;
  };
  const stopTimer = parts.clock.every(CHECK_MS, () => {
    check().catch((error: unknown) => parts.log.error({ err: error }, "free space cannot be read"));
  });
  return {
    check,
    stop: () => {
      isStopped = true;
      stopTimer();
    },
  };
}

/** Bytes that this process may still write on the disk of `folder`. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
