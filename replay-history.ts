/**
 * History of the series store as a tape: canonical readings with the flags they got, merged by time in steps that hold
 * some thousand rows each. A stored reading does not say when it came in: it counts as having come when measured.
 */
import type { Directory, Point, TimeSeriesStore } from "./core/ports.ts";
import { parseSeriesKey } from "./core/reading.ts";
import { comparisonCode, ReadingBlockBuilder } from "./core/reading-block.ts";
import type { Replay } from "./replay.ts";
import type { Flagged } from "./replay-ingest.ts";
import { reporterOf } from "./replay-ingest.ts";

/** Data time of one step at first; it grows while a step holds few rows. */
const STEP_MS = 8 * 86_400_000;
const STEP_MS_MAX = 8 * STEP_MS;
const STEP_ROWS = 20_000;
/** Series asked for at once. */
const QUERIES_MAX = 8;
/** Asked of one series at a time; a step that holds more is read in parts. */
const POINTS_MAX = 50_000;
const BLOCK_MS = 60_000;
const BLOCK_ROWS = 4_096;

export interface HistoryParts {
  readonly series: Pick<TimeSeriesStore, "query">;
  readonly keys: readonly string[];
  /** Inclusive, ms. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly directory: Directory;
  /** Each gets the same readings. */
  readonly replays: readonly Replay[];
  readonly onFlag: (flagged: Flagged) => void;
  /** Awaited after each step. @param rows read so far. */
  readonly pause: (rows: number) => Promise<void>;
}

interface Row {
  readonly key: string;
  readonly device: string;
  readonly point: Point;
}

/** @returns rows read. */
export async function replayHistory(parts: HistoryParts): Promise<number> {
  const devices = new Map(parts.keys.map((key) => [key, deviceOf(parts.directory, key)]));
  const feeder = new Feeder(parts);
  let [count, stepMs] = [0, STEP_MS];
  const read = (at: number) => {
    const reading = at < parts.to ? readStep(parts, devices, at, Math.min(parts.to, at + stepMs)) : null;
    reading?.catch(() => undefined); // awaited in the next round, unless this one fails
    return reading;
  };
  for (let next = read(parts.from); next !== null; ) {
    const { rows, end } = await next;
    count += rows.length;
    if (rows.length < STEP_ROWS / 2) stepMs = Math.min(STEP_MS_MAX, stepMs * 2);
    else if (rows.length > STEP_ROWS * 2) stepMs = Math.max(3_600_000, stepMs / 2);
    next = read(end); // the store reads on while the engines judge
    for (const row of rows) feeder.add(row);
    await parts.pause(count);
  }
  feeder.flush();
  for (const replay of parts.replays) replay.end(parts.to);
  return count;
}

/** One step; shorter when a series holds more than is asked for at once. */
async function readStep(
  { series, keys }: HistoryParts,
  devices: ReadonlyMap<string, string>,
  from: number,
  to: number,
): Promise<{ readonly rows: readonly Row[]; readonly end: number }> {
  let end = to;
  const rows: Row[] = [];
  for (let first = 0; first < keys.length; first += QUERIES_MAX) {
    const some = keys.slice(first, first + QUERIES_MAX);
    const found = await Promise.all(some.map((key) => series.query({ series: key, from, to: end }, POINTS_MAX)));
    for (const [index, points] of found.entries()) {
      const key = some[index] ?? "";
      const device = devices.get(key) ?? "";
      if (points.length === POINTS_MAX) end = Math.min(end, points.at(-1)?.time ?? end);
      for (const point of points) rows.push({ key, device, point });
    }
  }
  const kept = end === to ? rows : rows.filter(({ point }) => point.time < end);
  return { rows: kept.sort((a, b) => a.point.time - b.point.time), end };
}

class Feeder {
  readonly #parts: HistoryParts;
  readonly #block = new ReadingBlockBuilder();
  #began = 0;
  #newest = 0;
  #device = "";

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  add({ key, device, point }: Row): void {
    const { replays, onFlag } = this.#parts;
    const { time, cmp, flag, qualifier } = point;
    if (this.#block.count >= BLOCK_ROWS || time - this.#began >= BLOCK_MS) this.flush();
    if (replays.some((replay) => replay.isDue(time))) {
      this.flush();
      for (const replay of replays) replay.advance(time);
    }
    if (this.#block.count === 0) this.#began = time;
    if (this.#block.count === 0 || device !== this.#device || time !== this.#newest) {
      this.#block.message({ device, boot: "", seq: -1, receivedAt: time, backfill: false });
    }
    this.#device = device;
    this.#newest = time;
    const value = point.value ?? Number.NaN;
    if (flag !== 1) onFlag({ series: key, time, value, flag, tests: {} });
    this.#block.row(key, time, value, comparisonCode(cmp), flag, qualifier.charCodeAt(0));
  }

  flush(): void {
    if (this.#block.count > 0) {
      const block = this.#block.view();
      for (const replay of this.#parts.replays) replay.feed(block, this.#newest);
    }
    this.#block.clear();
  }
}

function deviceOf(directory: Directory, key: string): string {
  const { station, quantity } = parseSeriesKey(key);
  return reporterOf(directory, station, quantity)?.device.id ?? "";
}
