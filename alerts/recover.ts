/**
 * Brings the engine back to where it stood: snapshots, then the readings after them in silence, then what stream
 * `alarms` says was told. Readings give the windows, the stream gives the alarms, so nothing is told twice and what was
 * decided but not committed is decided again.
 */
import type { AlarmEvent } from "../core/alarm.ts";
import type { Clock } from "../core/clock.ts";
import { Unavailable } from "../core/errors.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type { Directory, Journal } from "../core/ports.ts";
import { decodeReadingBlock, type ReadingBlock } from "../core/reading-block.ts";
import type { BindLimit } from "./bind.ts";
import type { DetectorBook } from "./detect/book.ts";
import { Judge } from "./judge.ts";
import { decodeShard, loadShard, type SavedAlarm, SHARDS, shardOf } from "./snapshot.ts";

export interface EngineParts {
  readonly journal: Journal;
  readonly directory: () => Directory;
  readonly bindLimit: BindLimit;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Memory for windows; `WINDOW_BYTES_MAX` when left out. */
  readonly windowBytesMax?: number;
  /** All of the product when left out. */
  readonly detectors?: DetectorBook;
}

export const READER = "alerts";
export const shardReader = (shard: number): string => `${READER}-${shard}`;
export const READ_BYTES_MAX = 8 * 1024 * 1024;

export interface Recovered {
  readonly judge: Judge;
  /** Next entries to read. */
  readonly readings: number;
  readonly commands: number;
  /** End of stream `alarms`; the engine is its only writer. */
  readonly alarms: number;
}

export async function recover(parts: EngineParts): Promise<Recovered> {
  const { journal, clock, log } = parts;
  const { bindLimit, windowBytesMax, detectors } = parts;
  const judge = new Judge(parts.directory(), {
    bindLimit,
    ...(windowBytesMax === undefined ? {} : { windowBytesMax }),
    ...(detectors === undefined ? {} : { detectors }),
  });
  const startedAt = clock.monotonic();
  const readings = await journal.position(READER, "readings");
  const commands = await journal.position(READER, "commands");
  const alarms = await journal.end("alarms");
  const marks = await loadShards(parts, judge);
  const read = await replayReadings(parts, judge, marks, readings);
  await replayAlarms(parts, judge, marks, alarms);
  log.info(
    { series: judge.series.size, alarms: judge.ledger.size, blocks: read, ms: clock.monotonic() - startedAt },
    "alarm engine recovered",
  );
  return { judge, readings, commands, alarms };
}

interface Mark {
  /** Position in `readings` and `alarms` up to which the shard's snapshot goes. */
  readonly readings: number;
  readonly alarms: number;
}

async function loadShards({ journal, log }: EngineParts, judge: Judge): Promise<readonly Mark[]> {
  const marks: Mark[] = [];
  const alarms: SavedAlarm[] = [];
  for (let shard = 0; shard < SHARDS; shard++) {
    const saved = await journal.loadState(shardReader(shard));
    const decoded = saved && decodeShard(saved.bytes);
    if (saved && !decoded) log.warn({ shard }, "a snapshot of the alarm engine is of another version; it is rebuilt");
    if (decoded) {
      loadShard(judge, decoded);
      alarms.push(...decoded.alarms);
    }
    marks.push({
      readings: decoded ? saved.offset : await journal.position(shardReader(shard), "readings"),
      alarms: decoded ? decoded.alarmsOffset : await journal.position(shardReader(shard), "alarms"),
    });
  }
  for (const { alarm, events, settled } of alarms.sort((a, b) => a.order - b.order)) {
    const told = judge.ledger.restore(alarm, events);
    if (settled) judge.ledger.settle(told);
  }
  return marks;
}

async function replayReadings(parts: EngineParts, judge: Judge, marks: readonly Mark[], end: number): Promise<number> {
  let position = Math.min(end, ...marks.map((mark) => mark.readings));
  const from = position;
  while (position < end) {
    const entries = await parts.journal.read("readings", position, READ_BYTES_MAX);
    if (entries.length === 0) break;
    for (const { offset, bytes } of entries) {
      if (offset >= end) break;
      const block = readBlock(bytes, offset, parts);
      const wanted = (name: string): boolean => offset >= (marks[shardOf(name)]?.readings ?? 0);
      if (block) judge.block(block, offset + 1, parts.clock.now(), wanted);
    }
    position = (entries.at(-1)?.offset ?? end) + 1;
  }
  return end - from;
}

async function replayAlarms(parts: EngineParts, judge: Judge, marks: readonly Mark[], end: number): Promise<void> {
  let position = Math.min(end, ...marks.map((mark) => mark.alarms));
  while (position < end) {
    const entries = await parts.journal.read("alarms", position, READ_BYTES_MAX);
    if (entries.length === 0) break;
    for (const { offset, bytes } of entries) {
      const event = readEvent(bytes);
      if (offset >= (marks[shardOf(event.alarm.series)]?.alarms ?? 0)) judge.ledger.apply(event);
    }
    position = (entries.at(-1)?.offset ?? end) + 1;
  }
}

/** Null for an entry that is not a block: it is passed over and counted, for holding the engine would silence it. */
export function readBlock(bytes: Uint8Array, offset: number, { log, metrics }: EngineParts): ReadingBlock | null {
  try {
    return decodeReadingBlock(bytes);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    log.error({ err: error, offset }, "unreadable entry in stream readings; passed over");
    metrics.count("alerts_blocks_unreadable");
    return null;
  }
}

export function readEvent(bytes: Uint8Array): AlarmEvent {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as AlarmEvent;
}
