/**
 * Readings of a tape through the parts of ingest: normaliser, de-duplication and quality control, in blocks for the
 * engine. What differs from the server is only where the readings come from.
 */

import { Misconfigured } from "./core/errors.ts";
import type { Directory } from "./core/ports.ts";
import { aggregateOf, namedTests, type PackedTests } from "./core/qc.ts";
import { findQuantity } from "./core/quantity.ts";
import type { Aggregate, Fraction, Origin, Qualifier } from "./core/reading.ts";
import { comparisonOf, type ReadingBlock, ReadingBlockBuilder, readingAt } from "./core/reading-block.ts";
import type { DeviceContext } from "./core/site.ts";
import type { DecodedReading } from "./ingest/codecs/codec.ts";
import { Dedupe, markOf } from "./ingest/dedupe.ts";
import { Normaliser } from "./ingest/normalise.ts";
import { Qc } from "./ingest/qc/qc.ts";
import { Revisions } from "./ingest/revisions.ts";
import type { SeriesWindow } from "./ingest/series-window.ts";
import type { Replay } from "./replay.ts";

/** A block ends with so many rows, or when the tape has gone on for so long: an alarm is at most that late in `at`. */
const BLOCK_ROWS = 4_096;
const BLOCK_MS = 60_000;

/** One stream of readings of a tape, as its sender would report it. */
export interface ReplayTarget {
  readonly station: string;
  readonly quantity: string;
  readonly unit: string;
  readonly fraction: Fraction;
  readonly aggregate: Aggregate;
}

/** A reading whose flag is not 1; a later one of the same series and time takes its place. */
export interface Flagged {
  readonly series: string;
  readonly time: number;
  readonly value: number;
  readonly flag: number;
  readonly tests: Readonly<Record<string, number>>;
}

export interface ReplayCounts {
  readings: number;
  repeated: number;
  /** Refused readings by code, as ingest would quarantine them. */
  readonly refused: Record<string, number>;
  readonly flags: Record<number, number>;
}

interface Slot {
  readonly normaliser: Normaliser;
  readonly device: string;
  /** Reused for each reading. */
  readonly reading: { -readonly [Field in keyof DecodedReading]: DecodedReading[Field] };
  window: SeriesWindow | null;
}

export class ReplayIngest {
  readonly counts: ReplayCounts = { readings: 0, repeated: 0, refused: {}, flags: {} };
  readonly #directory: Directory;
  readonly #replay: Replay;
  readonly #onFlag: (flagged: Flagged) => void;
  readonly #dedupe = new Dedupe();
  readonly #qc: Qc;
  readonly #revisions = new Revisions(this.#dedupe);
  readonly #block = new ReadingBlockBuilder();
  readonly #normalisers = new Map<string, Normaliser>();
  /** Of the block at hand. */
  #began = Number.POSITIVE_INFINITY;
  #newest = Number.NEGATIVE_INFINITY;
  #device = "";
  #arrival = Number.NaN;
  #origin: Origin = { device: "", boot: "", seq: -1, receivedAt: 0, backfill: false };

  constructor(parts: {
    readonly directory: Directory;
    readonly replay: Replay;
    readonly onFlag: (flagged: Flagged) => void;
  }) {
    this.#directory = parts.directory;
    this.#qc = new Qc(() => parts.directory);
    this.#replay = parts.replay;
    this.#onFlag = parts.onFlag;
  }

  /** Prepares a stream of readings. @throws Misconfigured `STATION_UNKNOWN`. */
  slot({ station, quantity, unit, fraction, aggregate }: ReplayTarget): Slot {
    const context = reporterOf(this.#directory, station, quantity);
    if (!context) throw stationUnknown(station, quantity);
    let normaliser = this.#normalisers.get(context.device.id);
    if (!normaliser) {
      normaliser = new Normaliser(context);
      this.#normalisers.set(context.device.id, normaliser);
    }
    const reading = { quantity, unit, fraction, aggregate, value: 0, cmp: "", qualifier: "N", time: 0 } as const;
    return { normaliser, device: context.device.id, reading: { ...reading }, window: null };
  }

  /** @param value as sent, in the slot's unit; NaN when missing. @param cmp 0 plain, 1 `<`, 2 `>`. */
  add(slot: Slot, time: number, arrival: number, value: number, cmp: number, qualifier: Qualifier = "N"): void {
    const block = this.#block;
    if (block.count >= BLOCK_ROWS || arrival - this.#began >= BLOCK_MS) this.flush();
    if (this.#replay.isDue(arrival)) {
      this.flush();
      this.#replay.advance(arrival);
    }
    const { reading, normaliser } = slot;
    reading.value = Number.isNaN(value) ? null : value;
    reading.time = time;
    reading.cmp = comparisonOf(cmp);
    reading.qualifier = qualifier;
    const row = normaliser.row(reading, arrival);
    if ("code" in row) {
      this.counts.refused[row.code] = (this.counts.refused[row.code] ?? 0) + 1;
      return;
    }
    if (slot.device !== this.#device || arrival !== this.#arrival || block.count === 0)
      this.#begin(slot.device, arrival);
    const window = slot.window ?? this.#dedupe.window(row.series);
    slot.window = window;
    const verdict = this.#dedupe.judge(window, time, row.value, markOf(reading.cmp, qualifier));
    if (verdict === "repeat" || verdict === "superseded") {
      this.counts.repeated++;
      return;
    }
    this.counts.readings++;
    const packed = this.#qc.assess(row.series, window, time, row.value);
    block.row(row.series, time, row.value, cmp, aggregateOf(packed), qualifier.charCodeAt(0));
    block.tests(packed);
    this.#revisions.note(row.series, window, time, this.#origin);
    if (arrival < this.#began) this.#began = arrival;
    if (arrival > this.#newest) this.#newest = arrival;
  }

  /** Hands over what has been gathered. */
  flush(): void {
    const block = this.#block;
    this.#revisions.write(this.#qc, block);
    const view = block.view();
    this.#tellFlags(view);
    if (view.count > 0) this.#replay.feed(view, this.#newest);
    block.clear();
    this.#began = Number.POSITIVE_INFINITY;
    this.#device = "";
  }

  /** The end of the tape: silence up to `until` counts. */
  end(until: number): void {
    this.flush();
    this.#replay.end(until);
  }

  #begin(device: string, receivedAt: number): void {
    const origin = { device, boot: "", seq: -1, receivedAt, backfill: false };
    this.#dedupe.isRepeat(origin);
    this.#block.message(origin);
    this.#origin = origin;
    this.#device = device;
    this.#arrival = receivedAt;
  }

  /** Flags that readings came with, and those that later ones have changed: a flag of 1 takes an earlier line back. */
  #tellFlags(view: ReadingBlock): void {
    const tell = (row: number, packed: PackedTests): void => {
      const { series, time, value, flag } = readingAt(view, row);
      this.counts.flags[flag] = (this.counts.flags[flag] ?? 0) + 1;
      this.#onFlag({ series, time, value, flag, tests: namedTests(packed) });
    };
    for (const [row, packed] of view.tests) if (row < view.revisedFrom) tell(row, packed);
    for (let row = view.revisedFrom; row < view.count; row++) tell(row, view.tests.get(row) ?? 0);
  }
}

/** The device of a station that reports a quantity. */
export function reporterOf(directory: Directory, station: string, quantity: string): DeviceContext | undefined {
  const wanted = findQuantity(quantity)?.id ?? quantity;
  for (const { id, station: at, quantities } of directory.snapshot.devices) {
    if (at !== station) continue;
    if (Object.keys(quantities).some((name) => (findQuantity(name)?.id ?? name) === wanted))
      return directory.device(id);
  }
  return undefined;
}

function stationUnknown(station: string, quantity: string): Misconfigured {
  return new Misconfigured("STATION_UNKNOWN", {
    what: `no station ${station} is among the sites, so ${quantity} has no place`,
    where: "map file and --sites",
    mend: "name the station in the sites file as the map names it",
  });
}
