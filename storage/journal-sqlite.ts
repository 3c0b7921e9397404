/**
 * The journal on SQLite: one writer thread, group commits synced to disk, and any number of threads that use it.
 *
 * `openSqliteJournal` owns the writer; another thread gets `connect()`'s port and calls `connectSqliteJournal`.
 */
import { MessageChannel, type MessagePort, type Worker } from "node:worker_threads";
import type { Clock } from "../core/clock.ts";
import { Misconfigured } from "../core/errors.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type { Journal } from "../core/ports.ts";
import { startThread } from "../core/thread.ts";
import { JournalClient } from "./journal-sqlite-client.ts";
import { freeBytes, watchDisk } from "./journal-sqlite-disk.ts";
import { streamIndex } from "./journal-sqlite-group.ts";
import type { OwnerMessage, ThreadData, ThreadEvent, ThreadMessage } from "./journal-sqlite-messages.ts";
import { JournalReads } from "./journal-sqlite-reads.ts";
import { journalFile, lockFolder, makeFolder, syncFolder } from "./journal-sqlite-schema.ts";

const DAMAGED = "journal entries are damaged and passed over";
const GROUP_BYTES_MAX = 1_024 * 1_024;
const PENDING_BYTES_MAX = 64 * 1_024 * 1_024;

export interface SqliteJournal extends Journal {
  /** A port for one more thread; hand it over with `transfer` and open it there with `connectSqliteJournal`. */
  connect(): MessagePort;
}

interface Limits {
  /** Default 1 MiB. A batch of one thread is closed for further calls when it has reached this. */
  readonly groupBytesMax?: number;
  /** Default 64 MiB. Bytes that may wait in one thread for the disk; beyond it calls are refused `JOURNAL_BUSY`. */
  readonly pendingBytesMax?: number;
}

export interface OpenOptions extends Limits {
  /** Holds `journal.db` and `lock.db`; made when absent. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Below so much free space new messages are refused `JOURNAL_FULL`. */
  readonly diskReserveBytes: number;
}

export interface ConnectOptions extends Limits {
  readonly folder: string;
  readonly port: MessagePort;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Metrics;
}

/**
 * @throws Misconfigured `DATA_DIR_IN_USE` when another process (or this one) has it open, `JOURNAL_VERSION` when a newer
 *   program wrote it, `JOURNAL_DAMAGED` when SQLite cannot open the file.
 */
export async function openSqliteJournal(options: OpenOptions): Promise<SqliteJournal> {
  makeFolder(options.folder);
  const unlock = lockFolder(options.folder);
  let thread: Worker | undefined;
  try {
    thread = startThread(new URL("./journal-sqlite-thread.ts", import.meta.url), {
      name: "journal",
      data: { file: journalFile(options.folder) } satisfies ThreadData,
    });
    await untilReady(thread, options);
    return await assemble(options, thread, unlock);
  } catch (error) {
    await thread?.terminate();
    unlock();
    throw error;
  }
}

/** The journal of another thread of this process, through a port of its owner. */
export async function connectSqliteJournal(options: ConnectOptions): Promise<Journal> {
  return openClient(options, openReads(options));
}

/** What can be read without the writer: for a person's look beside a running server, or without one. */
export type JournalReader = Pick<Journal, "read" | "end" | "position" | "loadState" | "stats" | "close">;

/** @throws Unavailable `JOURNAL_FAILED` from its calls when the file cannot be read. The folder must hold a journal. */
export async function openJournalReader(folder: string, log?: Logger): Promise<JournalReader> {
  const file = journalFile(folder);
  const reads = new JournalReads({ file, report: (range) => log?.error({ ...range }, DAMAGED) });
  return {
    read: async (stream, offset, bytesMax) => reads.read(streamIndex(stream), offset, bytesMax),
    end: async (stream) => reads.end(streamIndex(stream)),
    position: async (reader, stream) => reads.position(reader, streamIndex(stream)),
    loadState: async (reader) => reads.state(reader),
    stats: async () => ({ ...reads.stats(), diskFreeBytes: await freeBytes(folder), full: false }),
    close: async () => reads.close(),
  };
}

async function assemble(options: OpenOptions, thread: Worker, unlock: () => void): Promise<SqliteJournal> {
  const post = (message: OwnerMessage, transfer: MessagePort[] = []): void => thread.postMessage(message, transfer);
  const connect = (): MessagePort => {
    const { port1, port2 } = new MessageChannel();
    post({ kind: "connect", port: port2 }, [port2]);
    return port1;
  };
  const reads = openReads(options);
  const client = openClient({ ...options, port: connect() }, reads);
  const disk = watchDisk({
    ...options,
    reserveBytes: options.diskReserveBytes,
    reusableBytes: () => reads.reusableBytes(),
    tell: (space) => {
      client.setDisk(space);
      post({ kind: "disk", disk: space });
    },
  });
  await disk.check();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    disk.stop();
    await client.close();
    const ended = new Promise((resolve) => thread.once("exit", resolve));
    post({ kind: "close" });
    await ended;
    unlock();
  };
  return {
    append: (stream, entry) => client.append(stream, entry),
    commit: (change) => client.commit(change),
    read: (stream, offset, bytesMax) => client.read(stream, offset, bytesMax),
    end: (stream) => client.end(stream),
    wait: (stream, offset, signal) => client.wait(stream, offset, signal),
    position: (reader, stream) => client.position(reader, stream),
    loadState: (reader) => client.loadState(reader),
    trim: (stream, offset) => client.trim(stream, offset),
    stats: () => client.stats(),
    backup: (folder) => client.backup(folder),
    connect,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

function openClient(options: ConnectOptions, reads: JournalReads): JournalClient {
  return new JournalClient({
    file: journalFile(options.folder),
    port: options.port,
    reads,
    clock: options.clock,
    metrics: options.metrics,
    groupBytesMax: options.groupBytesMax ?? GROUP_BYTES_MAX,
    pendingBytesMax: options.pendingBytesMax ?? PENDING_BYTES_MAX,
  });
}

function openReads({ folder, log, metrics }: Pick<ConnectOptions, "folder" | "log" | "metrics">): JournalReads {
  return new JournalReads({
    file: journalFile(folder),
    report: (range) => {
      log.error({ ...range, code: "JOURNAL_DAMAGED" }, DAMAGED);
      metrics?.count("journal_damaged_groups", 1, { stream: range.stream });
    },
  });
}

/** From then on an error of the thread is not caught here: it is a bug, and the process stops. */
async function untilReady(thread: Worker, { folder, log, metrics }: OpenOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    thread.once("error", reject);
    thread.on("message", (message: ThreadMessage) => {
      if (message.kind === "ready") {
        thread.off("error", reject);
        resolve();
      } else if (message.kind === "unopened") reject(unopened(message, journalFile(folder)));
      else logEvent(message.event, message.detail, log, metrics);
    });
  });
  syncFolder(folder);
}

function unopened({ code, what }: { readonly code: string; readonly what: string }, file: string): Misconfigured {
  if (!code.startsWith("SQLITE_")) return new Misconfigured(code, { what, where: file });
  return new Misconfigured("JOURNAL_DAMAGED", {
    what: `the journal cannot be opened: ${what} (${code})`,
    where: file,
    mend: "check the disk; restore the newest backup, or move the file away to start with an empty journal",
  });
}

function logEvent(event: ThreadEvent, detail: string, log: Logger, metrics: Metrics): void {
  metrics.count("journal_events", 1, { event });
  if (event === "reopened") log.warn({ detail }, "journal opened anew after a failed commit");
  else if (event === "checkpoint-failed") log.warn({ detail }, "journal checkpoint failed, it is tried again");
  else if (event === "commit-failed") log.error({ detail }, "journal commit failed, its entries were refused");
  else log.error({ detail, code: "JOURNAL_DAMAGED" }, "acknowledged journal entries are lost");
}
