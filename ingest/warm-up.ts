/**
 * Brings the de-duplication memory back after a restart, from what the journal holds and not from a second judgement:
 * the registry may have changed since, and a message that was refused then must not count as seen now.
 *
 * Message memory: the snapshot saved with the position, then the messages of the readings blocks and quarantine entries
 * appended since. Series memory: the readings blocks themselves, about as many rows as it can hold. All silent.
 *
 * One thing does not come back: that a value was said again under a higher seq, since no row tells of it. Only a third,
 * different value for the same series and time, sent between the two and arriving after the restart, could notice.
 */
import type { MessageName, Quarantined } from "../core/envelope.ts";
import { GIVEN, type Given } from "../core/maintenance.ts";
import type { Logger } from "../core/observe.ts";
import { INGEST_READER, type Journal, type JournalEntry, type Stream } from "../core/ports.ts";
import { withTest } from "../core/qc.ts";
import { QC, type QcFlag, QUALIFIERS } from "../core/reading.ts";
import { decodeReadingBlock, type ReadingBlock } from "../core/reading-block.ts";
import { decodeTelemetry } from "./codecs/telemetry.ts";
import { type Dedupe, type DedupeSnapshot, ENTRIES_MAX } from "./dedupe.ts";
import { decodeQuarantined } from "./quarantine.ts";
import type { SeriesWindow } from "./series-window.ts";

export const INGEST = INGEST_READER;

const READ_BYTES = 4 * 1024 * 1024;
const MARKS_MAX = 64;
const ROWS_A_MARK = ENTRIES_MAX / MARKS_MAX;
const BLOCKS_A_MARK = 4_096;

/** Where in stream `readings` the rows begin that series memory can hold: marks every so many rows or blocks. */
export class Marks {
  readonly #offsets: number[];
  #rows = 0;
  #blocks = 0;

  constructor(offsets: readonly number[]) {
    this.#offsets = [...offsets];
  }

  /** @param offset of the block just appended. */
  add(offset: number, rows: number): void {
    if (this.#offsets.length === 0 || this.#rows >= ROWS_A_MARK || this.#blocks >= BLOCKS_A_MARK) {
      this.#offsets.push(offset);
      this.#rows = 0;
      this.#blocks = 0;
    }
    this.#rows += rows;
    this.#blocks += 1;
    if (this.#offsets.length > MARKS_MAX) this.#offsets.shift();
  }

  get offsets(): readonly number[] {
    return this.#offsets;
  }
}

interface IngestState {
  readonly version: 1;
  /** Ends of the streams as of the snapshot. */
  readonly readingsEnd: number;
  readonly quarantineEnd: number;
  readonly marks: readonly number[];
  readonly dedupe: DedupeSnapshot;
}

export interface Progress {
  readonly marks: Marks;
  /** Offsets that the next appended block and quarantine entry will get. */
  readingsEnd: number;
  quarantineEnd: number;
}

export function encodeState({ marks, readingsEnd, quarantineEnd }: Progress, dedupe: Dedupe): Uint8Array {
  const state: IngestState = {
    version: 1,
    readingsEnd,
    quarantineEnd,
    marks: marks.offsets,
    dedupe: dedupe.snapshot(),
  };
  return Buffer.from(JSON.stringify(state));
}

/** Fills an empty `dedupe`. */
export async function warmUp(
  { journal, dedupe, log }: { readonly journal: Journal; readonly dedupe: Dedupe; readonly log: Logger },
  signal: AbortSignal,
): Promise<Progress> {
  const saved = await journal.loadState(INGEST);
  const state = saved === null ? null : decodeState(saved.bytes, log);
  const { streams } = await journal.stats();
  if (state) dedupe.restore(state.dedupe);

  const firstNew = state?.readingsEnd ?? 0;
  const first = state?.marks[0] ?? Math.max(0, streams.readings.end - BLOCKS_A_MARK);
  const marks = new Marks(state?.marks ?? []);
  let rows = 0;
  for await (const { offset, bytes } of entries(journal, "readings", Math.max(first, streams.readings.start), signal)) {
    const block = decodeReadingBlock(bytes);
    recallBlock(block, dedupe, offset >= firstNew);
    if (offset >= firstNew) marks.add(offset, block.count);
    rows += block.count;
  }
  const quarantineFrom = Math.max(state?.quarantineEnd ?? 0, streams.quarantine.start);
  for await (const { bytes } of entries(journal, "quarantine", quarantineFrom, signal)) recallFaulty(bytes, dedupe);
  log.info({ rows, ...dedupe.size }, "ingest remembers what came in before");
  return { marks, readingsEnd: await journal.end("readings"), quarantineEnd: await journal.end("quarantine") };
}

/** @param isNew appended after the snapshot, so that its messages are not in it. */
function recallBlock(block: ReadingBlock, dedupe: Dedupe, isNew: boolean): void {
  const windows = block.series.map((series) => dedupe.window(series));
  let current = -1;
  for (let row = 0; row < block.revisedFrom; row++) {
    const index = block.messageIndex[row] as number;
    const message = block.messages[index];
    const window = windows[block.seriesIndex[row] as number];
    if (!message || !window) continue;
    if (index !== current) {
      if (isNew) {
        dedupe.isRepeat(message);
        dedupe.settle(message, false);
      } else dedupe.recall(message);
      current = index;
    }
    const mark =
      (block.cmp[row] as number) * 8 + (QUALIFIER_INDEX[block.said.get(row) ?? (block.qualifier[row] as number)] ?? 0);
    dedupe.remember(window, block.time[row] as number, block.value[row] as number, mark);
    tell(window, block, row, message.backfill);
  }
  // Its message was seen long ago, or is yet to be replayed from quarantine: a revision says nothing of it.
  for (let row = block.revisedFrom; row < block.count; row++) {
    const window = windows[block.seriesIndex[row] as number];
    if (window) tell(window, block, row, block.messages[block.messageIndex[row] as number]?.backfill ?? false);
  }
}

/** What quality control said. Blocks of before the single tests were kept know gross range only. */
function tell(window: SeriesWindow, block: ReadingBlock, row: number, isBackfill: boolean): void {
  const index = window.indexOf(block.time[row] as number);
  if (index < 0) return;
  const flag = block.flag[row] as QcFlag;
  window.setBackfill(index, isBackfill);
  window.give(index, givenOf(block, row));
  window.tell(index, flag === QC.good ? 0 : (block.tests.get(row) ?? withTest(0, 0, flag)));
}

/** A window gave what stands there where the device said something else. */
function givenOf(block: ReadingBlock, row: number): Given {
  if (!block.said.has(row)) return GIVEN.none;
  return block.qualifier[row] === CALIBRATION ? GIVEN.calibration : GIVEN.maintenance;
}
const CALIBRATION = "C".charCodeAt(0);

const QUALIFIER_INDEX: Readonly<Record<number, number>> = Object.fromEntries(
  QUALIFIERS.map((letter, index) => [letter.charCodeAt(0), index]),
);

/** A message of which readings were refused may be replayed: it is not "seen". */
function recallFaulty(bytes: Uint8Array, dedupe: Dedupe): void {
  const entry = decodeQuarantined(bytes);
  const name = entry.readings === 0 ? null : (entry.message ?? nameOfOld(entry));
  if (name === null) return;
  const message = { ...name, receivedAt: entry.receivedAt };
  dedupe.isRepeat(message);
  dedupe.settle(message, true);
}

/** Entries of before other formats were taken hold telemetry, and the message's number only inside its bytes. */
function nameOfOld({ payload, device }: Quarantined): MessageName | null {
  if (payload === "") return null;
  const decoded = decodeTelemetry(Buffer.from(payload, "base64"), { quantities: {} });
  return "refused" in decoded ? null : { device, boot: decoded.boot, seq: decoded.seq };
}

/** The entries of a stream up to its present end. */
async function* entries(
  journal: Journal,
  stream: Stream,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<JournalEntry> {
  const end = await journal.end(stream);
  let at = from;
  while (at < end && !signal.aborted) {
    const read = await journal.read(stream, at, READ_BYTES);
    if (read.length === 0) return;
    yield* read;
    at = (read.at(-1) as JournalEntry).offset + 1;
  }
}

function decodeState(bytes: Uint8Array, log: Logger): IngestState | null {
  try {
    const state = JSON.parse(Buffer.from(bytes).toString()) as IngestState;
    if (state.version === 1) return state;
    log.warn({ version: state.version }, "ingest state is of another version; it begins anew");
  } catch (error) {
    log.error({ err: error }, "ingest state is unreadable; it begins anew");
  }
  return null;
}
