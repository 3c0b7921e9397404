/**
 * The journal as one thread sees it: writes go through a port to the writer thread, reads through a connection here.
 *
 * Calls are collected while a batch is on its way, so that many callers share one message and one sync; all callers of
 * a batch get the same promise, which makes an append cost little more than the copy of its bytes.
 */
import { dirname } from "node:path";
import type { MessagePort } from "node:worker_threads";
import type { Clock } from "../core/clock.ts";
import { Unavailable } from "../core/errors.ts";
import type { Metrics } from "../core/observe.ts";
import {
  type Journal,
  type JournalChange,
  type JournalEntry,
  type JournalStats,
  STREAMS,
  type Stream,
} from "../core/ports.ts";
import { backupJournal } from "./journal-sqlite-backup.ts";
import { ADVANCE_BYTES, CollectedBatch, withResolvers } from "./journal-sqlite-batch.ts";
import { freeBytes, refusedByDisk } from "./journal-sqlite-disk.ts";
import { packedBytes, streamIndex } from "./journal-sqlite-group.ts";
import type { ClientMessage, DiskSpace, WriterMessage } from "./journal-sqlite-messages.ts";
import type { JournalReads } from "./journal-sqlite-reads.ts";
import { JournalWaiters } from "./journal-sqlite-waiters.ts";

export interface ClientParts {
  readonly file: string;
  readonly port: MessagePort;
  readonly reads: JournalReads;
  readonly clock: Clock;
  readonly metrics: Metrics | undefined;
  /** A batch is closed for further calls when it has reached this. */
  readonly groupBytesMax: number;
  /** Bytes that may wait for a commit in this thread; beyond it calls are refused. */
  readonly pendingBytesMax: number;
}

export class JournalClient implements Journal {
  readonly #parts: ClientParts;
  readonly #waiters: JournalWaiters;
  /** Oldest first; the first is on its way when `#inFlight` is set. */
  readonly #batches: CollectedBatch[] = [];
  #inFlight = false;
  #scheduled = false;
  #pendingBytes = 0;
  #expectedBytes = 0;
  #nextId = 0;
  readonly #trims = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  #refusedStreams: readonly boolean[] = STREAMS.map(() => false);
  /** No call is taken any more. */
  #closed = false;
  #closing: Promise<void> | undefined;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.#waiters = new JournalWaiters(parts.reads, parts.clock, () => this.#send({ kind: "watch" }));
    parts.port.on("message", (message: WriterMessage) => this.#receive(message));
    parts.port.on("close", () => this.#end());
  }

  append(stream: Stream, entry: Uint8Array): Promise<void> {
    const index = streamIndex(stream);
    const bytes = packedBytes(entry);
    const refusal = this.#refusal(bytes, this.#refusedStreams[index]!);
    if (refusal) return Promise.reject(refusal);
    const batch = this.#collecting(bytes);
    batch.append(index, entry);
    return batch.promise;
  }

  commit(change: JournalChange): Promise<void> {
    const bytes = checkedBytes(change);
    const full = change.append?.some(({ stream }) => this.#refusedStreams[streamIndex(stream)]) ?? false;
    const refusal = this.#refusal(bytes, full);
    if (refusal) return Promise.reject(refusal);
    const batch = this.#collecting(bytes);
    for (const { stream, entries } of change.append ?? []) {
      const index = streamIndex(stream);
      for (const entry of entries) batch.append(index, entry);
    }
    for (const position of change.advance ?? []) batch.advance(position);
    for (const state of change.state ?? []) batch.state(state);
    return batch.promise;
  }

  async read(stream: Stream, offset: number, bytesMax: number): Promise<readonly JournalEntry[]> {
    return this.#readable().read(streamIndex(stream), offset, bytesMax);
  }

  async end(stream: Stream): Promise<number> {
    return this.#readable().end(streamIndex(stream));
  }

  async wait(stream: Stream, offset: number, signal: AbortSignal): Promise<void> {
    this.#readable();
    await this.#waiters.wait(streamIndex(stream), offset, signal);
  }

  async position(reader: string, stream: Stream): Promise<number> {
    return this.#readable().position(reader, streamIndex(stream));
  }

  async loadState(reader: string): Promise<{ readonly offset: number; readonly bytes: Uint8Array } | null> {
    return this.#readable().state(reader);
  }

  trim(stream: Stream, offset: number): Promise<void> {
    if (this.#closed) return Promise.reject(closedError());
    const { promise, resolve, reject } = withResolvers();
    const id = this.#nextId++;
    this.#trims.set(id, { resolve, reject });
    this.#send({ kind: "trim", id, stream: streamIndex(stream), offset });
    return promise;
  }

  async stats(): Promise<JournalStats> {
    const reads = this.#readable();
    return {
      ...reads.stats(),
      diskFreeBytes: await freeBytes(dirname(this.#parts.file)),
      full: this.#refusedStreams.includes(true),
    };
  }

  async backup(folder: string): Promise<void> {
    this.#readable();
    await backupJournal(this.#parts.file, folder);
  }

  /** Waits for what was accepted, then leaves; waiting readers are let go. */
  close(): Promise<void> {
    this.#closing ??= this.#leave();
    return this.#closing;
  }

  async #leave(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#batches.map(({ promise }) => promise));
    this.#end();
    this.#parts.port.close();
    this.#parts.reads.close();
  }

  setDisk(disk: DiskSpace): void {
    this.#refusedStreams = STREAMS.map((stream) => refusedByDisk(stream, disk));
  }

  #readable(): JournalReads {
    if (this.#closed) throw closedError();
    return this.#parts.reads;
  }

  #refusal(bytes: number, full: boolean): Unavailable | undefined {
    if (this.#closed) return closedError();
    if (full) return this.#counted("JOURNAL_FULL", "the disk is nearly full", "free space on the disk of EWS_DATA_DIR");
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > this.#parts.pendingBytesMax) {
      const what = `${this.#pendingBytes} bytes wait for the disk (at most ${this.#parts.pendingBytesMax})`;
      return this.#counted("JOURNAL_BUSY", what, "send more slowly, or use a faster disk");
    }
    return undefined;
  }

  #counted(code: string, what: string, mend: string): Unavailable {
    this.#parts.metrics?.count("journal_refused", 1, { code });
    return new Unavailable(code, { what, where: this.#parts.file, mend });
  }

  /** The batch that takes the call, and its turn to be sent. */
  #collecting(bytes: number): CollectedBatch {
    this.#pendingBytes += bytes;
    let batch = this.#batches.at(-1);
    const closed = !batch || (this.#inFlight && this.#batches.length === 1) || batch.bytes >= this.#parts.groupBytesMax;
    if (closed) {
      batch = new CollectedBatch(this.#parts.clock.monotonic(), this.#expectedBytes);
      this.#batches.push(batch);
    }
    this.#schedule();
    return batch!;
  }

  /** Sends after the callbacks of this turn of the event loop, which may bring more calls for the same batch. */
  #schedule(): void {
    if (this.#scheduled || this.#inFlight) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#sendBatch();
    });
  }

  #sendBatch(): void {
    const collected = this.#batches[0];
    if (this.#inFlight || !collected) return;
    this.#inFlight = true;
    const { batch, transfer } = collected.finish();
    this.#expectedBytes = Math.min(this.#parts.groupBytesMax, Math.ceil(collected.bytes * 1.25));
    this.#send({ kind: "batch", id: this.#nextId++, batch }, transfer);
  }

  #send(message: ClientMessage, transfer: ArrayBuffer[] = []): void {
    this.#parts.port.postMessage(message, transfer);
  }

  #receive(message: WriterMessage): void {
    if (message.kind === "disk") this.setDisk(message.disk);
    else if (message.kind === "ends") this.#waiters.setEnds(message.ends);
    else {
      const error = message.kind === "failed" ? failedError(message.what, this.#parts.file) : undefined;
      this.#settle(message.id, error);
      if (message.kind === "done") this.#waiters.setEnds(message.ends);
    }
  }

  #settle(id: number, error: Unavailable | undefined): void {
    const trim = this.#trims.get(id);
    if (trim) {
      this.#trims.delete(id);
      if (error) trim.reject(error);
      else trim.resolve();
      return;
    }
    const batch = this.#batches.shift();
    if (!batch) return;
    this.#inFlight = false;
    // Counted per call while collecting; a batch's own count has dropped positions that were replaced.
    this.#pendingBytes = this.#batches.reduce((sum, { bytes }) => sum + bytes, 0);
    if (this.#batches.length > 0) this.#schedule();
    this.#measure(batch, error);
    if (error) batch.reject(error);
    else batch.resolve();
  }

  #measure(batch: CollectedBatch, error: Unavailable | undefined): void {
    const { metrics, clock } = this.#parts;
    if (!metrics) return;
    if (error) metrics.count("journal_refused", batch.entries, { code: error.code });
    else metrics.count("journal_entries", batch.entries);
    metrics.observeSeconds("journal_commit", (clock.monotonic() - batch.startedAt) / 1_000);
  }

  /** The writer has gone, or this client goes: nothing that still waits will be answered. */
  #end(): void {
    this.#closed = true;
    this.#waiters.close();
    const gone = "the writer thread of the journal has ended";
    const error = this.#closing ? closedError() : failedError(gone, this.#parts.file);
    for (const batch of this.#batches.splice(0)) batch.reject(error);
    for (const trim of this.#trims.values()) trim.reject(error);
    this.#trims.clear();
  }
}

/** Refuses nonsense before anything of the change is taken, since one bad row would fail the batch of others. */
function checkedBytes({ append = [], advance = [], state = [] }: JournalChange): number {
  let bytes = 0;
  for (const { stream, entries } of append) {
    streamIndex(stream);
    for (const entry of entries) bytes += packedBytes(entry);
  }
  for (const { reader, stream, offset } of advance) {
    streamIndex(stream);
    checkPosition(reader, offset);
    bytes += ADVANCE_BYTES;
  }
  for (const one of state) {
    checkPosition(one.reader, one.offset);
    bytes += ADVANCE_BYTES + one.bytes.byteLength;
  }
  return bytes;
}

function checkPosition(reader: string, offset: number): void {
  if (Number.isSafeInteger(offset) && offset >= 0) return;
  throw new RangeError(`reader "${reader}": ${offset} is not an offset`);
}

function failedError(what: string, file: string): Unavailable {
  return new Unavailable("JOURNAL_FAILED", {
    what: `nothing was stored: ${what}`,
    where: file,
    mend: "check free space and the health of the disk; the journal tries again by itself",
  });
}

function closedError(): Unavailable {
  return new Unavailable("JOURNAL_CLOSED", { what: "the journal is closed" });
}
