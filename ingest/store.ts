/**
 * The loop `readings` → TimeSeriesStore, in batches large enough for a column store and young enough for a dashboard.
 *
 * The store keeps the position in its own transaction, so a crash repeats or skips nothing; the journal gets it as well
 * because trimming must know what is still needed. A store that is away holds the position, never the alarms.
 */
import type { Clock } from "../core/clock.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type { Journal, TimeSeriesStore } from "../core/ports.ts";
import { decodeReadingBlock, type ReadingBlock } from "../core/reading-block.ts";
import { keepRunning } from "../core/service.ts";
import { waitAtMost } from "./wait.ts";

export const SERIES_WRITER = "series";
/** A batch is written when it has this many rows … */
const ROWS_MAX = 50_000;
/** … or when its first block has waited this long. */
const GATHER_MS = 500;
const READ_BYTES = 2 * 1024 * 1024;

export interface SeriesWriterParts {
  readonly journal: Journal;
  readonly series: TimeSeriesStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Runs until the signal aborts; waits out a store or journal that is away. */
export function runSeriesWriter(parts: SeriesWriterParts, signal: AbortSignal): Promise<void> {
  return keepRunning("series writer", (inner) => write(parts, inner), parts, signal);
}

async function write(parts: SeriesWriterParts, signal: AbortSignal): Promise<void> {
  const { journal, series, clock, log, metrics } = parts;
  let next = await startOffset(parts);
  while (!signal.aborted) {
    const batch = await gather(parts, next, signal);
    if (batch.blocks.length === 0) continue;
    const startedAt = clock.monotonic();
    const save = () => series.write(batch.blocks, { reader: SERIES_WRITER, offset: batch.next });
    // Tried again in place: what has been read stays in memory, bounded by ROWS_MAX.
    await keepRunning("series write", save, { clock, log }, signal);
    if (signal.aborted) return;
    metrics.observeSeconds("series_write", (clock.monotonic() - startedAt) / 1_000);
    metrics.count("series_rows_written", batch.rows);
    next = batch.next;
    await journal.commit({ advance: [{ reader: SERIES_WRITER, stream: "readings", offset: next }] });
  }
}

async function startOffset({ journal, series, log }: SeriesWriterParts): Promise<number> {
  const stored = await series.position(SERIES_WRITER);
  const position = stored ?? (await journal.position(SERIES_WRITER, "readings"));
  const { start, end } = (await journal.stats()).streams.readings;
  if (position < start && position > 0) {
    log.error(
      { position, start, part: "ingest" },
      "the series store is older than the journal: readings in between are missing; restore a newer copy",
    );
  }
  if (position > end) {
    log.error({ position, end, part: "ingest" }, "the series store is ahead of the journal; was one of them replaced?");
    return Math.max(await journal.position(SERIES_WRITER, "readings"), start); // writing again equals writing once
  }
  return Math.max(position, start);
}

interface Gathered {
  readonly blocks: readonly ReadingBlock[];
  readonly rows: number;
  readonly next: number;
}

/** Waits for a first block, then for more of them until there are enough rows or enough time has passed. */
async function gather({ journal, clock }: SeriesWriterParts, from: number, signal: AbortSignal): Promise<Gathered> {
  const blocks: ReadingBlock[] = [];
  let rows = 0;
  let next = from;
  await journal.wait("readings", next, signal);
  const deadline = clock.monotonic() + GATHER_MS;
  while (!signal.aborted && rows < ROWS_MAX) {
    for (const { offset, bytes } of await journal.read("readings", next, READ_BYTES)) {
      const block = decodeReadingBlock(bytes);
      blocks.push(block);
      rows += block.count;
      next = offset + 1;
      if (rows >= ROWS_MAX) break;
    }
    const remainingMs = deadline - clock.monotonic();
    if (rows >= ROWS_MAX || remainingMs <= 0) break;
    if (!(await waitAtMost({ journal, clock }, { stream: "readings", offset: next, ms: remainingMs }, signal))) break;
  }
  return { blocks, rows, next };
}
