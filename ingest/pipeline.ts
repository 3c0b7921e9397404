/**
 * The loop `raw` → `readings`: read what has come in, judge it, append one block.
 *
 * Block, quarantine entries and position move in one atomic commit, so a crash at any instant loses and doubles nothing.
 * While a commit is on its way to the disk the next batch is prepared, and no more than that one. A single message on an
 * idle system goes through at once; under load batches grow by themselves.
 */
import type { Clock } from "../core/clock.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type { Directory, Journal, JournalChange } from "../core/ports.ts";
import { keepRunning } from "../core/service.ts";
import type { EdgeListener, EdgeNotice } from "../core/sparkplug-edges.ts";
import { type Batch, BatchMaker } from "./batch.ts";
import { Dedupe } from "./dedupe.ts";
import { createFormats } from "./formats.ts";
import { SPARKPLUG_READER } from "./sparkplug-format.ts";
import { rememberEdges, SNAPSHOT_MESSAGES } from "./sparkplug-memory.ts";
import { waitAtMost } from "./wait.ts";
import { encodeState, INGEST, type Progress, warmUp } from "./warm-up.ts";

/** Of raw entries in one batch: some 2,000 small messages, 10 ms of work. */
const BATCH_BYTES_MAX = 512 * 1024;
const SNAPSHOT_MS = 30_000;
/** How long a maintenance window may wait for a quiet ingest to see it. */
const LOOK_AGAIN_MS = 1_000;
const BUG_LOG_MS = 60_000;

export interface IngestParts {
  readonly journal: Journal;
  readonly directory: () => Directory;
  /**
   * Awaited before each batch, so that a message is judged by a registry at least as new as the one that let it in: a
   * device registered this instant is known here too.
   */
  readonly refresh: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Told of births, deaths and missing births of Sparkplug edge nodes. */
  readonly edges?: EdgeListener | undefined;
}

/** Runs until the signal aborts; a journal that is full or away is waited for, and nothing is skipped. */
export function runIngest(parts: IngestParts, signal: AbortSignal): Promise<void> {
  return keepRunning("ingest", (inner) => ingest(parts, inner), parts, signal);
}

async function ingest(parts: IngestParts, signal: AbortSignal): Promise<void> {
  const { journal, directory, clock, log } = parts;
  const dedupe = new Dedupe();
  const progress = await warmUp({ journal, dedupe, log }, signal);
  if (signal.aborted) return;
  const formats = createFormats();
  const maker = new BatchMaker({ directory, dedupe, formats, onBug: reportBug(parts) });
  const snapshots = new SnapshotTimer(clock);
  let next = await journal.position(INGEST, "raw");
  await rememberEdges(formats.sparkplug, { journal, directory, log, position: next }, signal);
  let inFlight: Promise<void> = Promise.resolve();
  try {
    while (!signal.aborted) {
      const entries = await journal.read("raw", next, BATCH_BYTES_MAX);
      if (entries.length === 0) {
        await inFlight;
        await waitAtMost(parts, { stream: "raw", offset: next, ms: LOOK_AGAIN_MS }, signal);
        // A maintenance window changes what has come already, also where nothing comes any more.
        if (signal.aborted || !maker.lookAgain()) continue;
      }
      await parts.refresh();
      const now = clock.now();
      for (const { offset, bytes } of entries) {
        maker.add(bytes, now);
        next = offset + 1;
      }
      const batch = maker.take();
      moveOn(progress, batch);
      const notices = formats.sparkplug.takeNotices();
      const state = snapshots.isDue(entries.length)
        ? { ingest: encodeState(progress, dedupe), sparkplug: formats.sparkplug.snapshot() }
        : null;
      await inFlight;
      inFlight = commit(parts, changeOf(batch, next, state), signal).then(() => tell(parts, notices));
      inFlight.catch(() => {}); // awaited above or below; this keeps a failure in between from being "unhandled"
      report(parts.metrics, batch, dedupe);
    }
  } finally {
    // Also before a restart of this loop: the position must not be read while a commit is still moving it.
    await inFlight;
  }
}

/** The memory has moved on already, so the same change is tried until it is in, or until the process stops. */
function commit({ journal, clock, log }: IngestParts, change: JournalChange, signal: AbortSignal): Promise<void> {
  return keepRunning("ingest commit", () => journal.commit(change), { clock, log }, signal);
}

/** Not awaited: what the gateway does with it must not hold up readings. */
function tell({ edges, log }: IngestParts, notices: readonly EdgeNotice[]): void {
  if (notices.length === 0 || !edges) return;
  edges
    .noticeEdges(notices)
    .catch((error: unknown) => log.warn({ err: error }, "the gateway was not told of edge nodes"));
}

function changeOf(
  batch: Batch,
  offset: number,
  state: { readonly ingest: Uint8Array; readonly sparkplug: Uint8Array } | null,
): JournalChange {
  return {
    append: [
      ...(batch.block ? [{ stream: "readings" as const, entries: [batch.block] }] : []),
      ...(batch.quarantine.length > 0 ? [{ stream: "quarantine" as const, entries: batch.quarantine }] : []),
      ...(batch.fleet.length > 0 ? [{ stream: "fleet" as const, entries: batch.fleet }] : []),
    ],
    // A saved state keeps what comes after it from being trimmed: in stream `raw` only, since its reader advances there.
    advance: [INGEST, ...(state ? [SPARKPLUG_READER] : [])].map((reader) => ({ reader, stream: "raw", offset })),
    ...(state
      ? {
          state: [
            { reader: INGEST, offset, bytes: state.ingest },
            { reader: SPARKPLUG_READER, offset, bytes: state.sparkplug },
          ],
        }
      : {}),
  };
}

function moveOn(progress: Progress, { block, rows, quarantine }: Batch): void {
  if (block) progress.marks.add(progress.readingsEnd++, rows);
  progress.quarantineEnd += quarantine.length;
}

class SnapshotTimer {
  readonly #clock: Clock;
  #messages = 0;
  #at: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#at = clock.monotonic();
  }

  isDue(messages: number): boolean {
    this.#messages += messages;
    const now = this.#clock.monotonic();
    if (this.#messages < SNAPSHOT_MESSAGES && now - this.#at < SNAPSHOT_MS) return false;
    this.#messages = 0;
    this.#at = now;
    return true;
  }
}

/** A fault of ours must not hold up everybody's readings; it is logged once a minute, counted always. */
function reportBug({ clock, log }: IngestParts): (error: unknown, message: { device: string; topic: string }) => void {
  let quietUntil = Number.NEGATIVE_INFINITY;
  return (error, { device, topic }) => {
    const now = clock.monotonic();
    if (now < quietUntil) return;
    quietUntil = now + BUG_LOG_MS;
    log.error({ err: error, code: "INTERNAL_ERROR", deviceId: device, topic }, "a message could not be judged");
  };
}

function report(metrics: Metrics, { counts, codes }: Batch, dedupe: Dedupe): void {
  metrics.count("ingest_messages", counts.messages);
  metrics.count("ingest_messages_passed", counts.messagesPassed);
  metrics.count("ingest_messages_repeated", counts.messagesRepeated);
  metrics.count("ingest_messages_refused", counts.messagesRefused);
  metrics.count("ingest_readings_stored", counts.readingsStored);
  metrics.count("ingest_readings_repeated", counts.readingsRepeated);
  metrics.count("ingest_readings_corrected", counts.readingsCorrected);
  metrics.count("ingest_readings_superseded", counts.readingsSuperseded);
  metrics.count("ingest_readings_refused", counts.readingsRefused);
  metrics.count("ingest_readings_revised", counts.readingsRevised);
  metrics.count("ingest_signals_refused", counts.signalsRefused);
  for (const [code, entries] of codes) metrics.count("quarantine_entries", entries, { code });
  const { series, entries } = dedupe.size;
  metrics.set("ingest_series", series);
  metrics.set("ingest_memory_entries", entries);
}
