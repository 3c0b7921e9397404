/**
 * Writes rows whose flag quality control has changed after the fact, or whose qualifier a maintenance window has: same
 * series, time, value and sign. Such a row carries the origin of the reading itself, so that its alarm is as late as the
 * reading was and not as late as the neighbour that gave it another flag: device and boot from the memory of boots,
 * arrival to the second. Of a device that names no boot the memory knows the arrival only; it then bears the name of the
 * device that last reported the series, and none after a restart until one has.
 */
import { effectiveQualifier, GIVEN } from "../core/maintenance.ts";
import { aggregateOf } from "../core/qc.ts";
import type { Origin } from "../core/reading.ts";
import { QUALIFIERS } from "../core/reading.ts";
import type { ReadingBlockBuilder } from "../core/reading-block.ts";
import type { Dedupe } from "./dedupe.ts";
import type { Qc } from "./qc/qc.ts";
import { SEQ_NONE, type SeriesWindow } from "./series-window.ts";

export class Revisions {
  readonly #dedupe: Dedupe;
  /** The device that last reported a series since the start. */
  readonly #devices = new Map<string, string>();

  constructor(dedupe: Dedupe) {
    this.#dedupe = dedupe;
  }

  /** A row of this batch was written, of a message with this origin. */
  note(series: string, window: SeriesWindow, time: number, { device, backfill }: Origin): void {
    if (this.#devices.get(series) !== device) this.#devices.set(series, device);
    const index = window.indexOf(time);
    if (index >= 0 && window.isBackfill(index) !== backfill) window.setBackfill(index, backfill);
  }

  /** Ends the batch. @returns how many rows were revised. */
  write(qc: Qc, block: ReadingBlockBuilder): number {
    let count = 0;
    let last: Origin | null = null;
    qc.settle((series, window, index, packed) => {
      if (count === 0) block.revisions();
      const origin = this.#originOf(series, window, index);
      if (!last || !isSame(last, origin)) block.message(origin);
      last = origin;
      const mark = window.mark(index);
      const own = QUALIFIERS[mark & 7] ?? "N";
      const given = window.given(index);
      const qualifier = effectiveQualifier(own, given).charCodeAt(0);
      block.row(series, window.time(index), window.value(index), mark >>> 3, aggregateOf(packed), qualifier);
      if (given !== GIVEN.none) block.said(own.charCodeAt(0));
      block.tests(packed);
      count += 1;
    });
    return count;
  }

  #originOf(series: string, window: SeriesWindow, index: number): Origin {
    const { bootId, seq, receivedSeconds } = window.sender(index);
    const named = this.#dedupe.bootOf(bootId);
    return {
      device: named?.device ?? this.#devices.get(series) ?? "",
      boot: named?.boot ?? "",
      seq: named === undefined || seq === SEQ_NONE ? -1 : seq,
      receivedAt: receivedSeconds * 1_000,
      backfill: window.isBackfill(index),
    };
  }
}

function isSame(one: Origin, other: Origin): boolean {
  return (
    one.device === other.device &&
    one.boot === other.boot &&
    one.seq === other.seq &&
    one.receivedAt === other.receivedAt &&
    one.backfill === other.backfill
  );
}
