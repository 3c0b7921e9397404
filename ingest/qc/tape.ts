/**
 * Quality control of rows that come from a file instead of a device: the same `Qc` and the same memory that ingest uses.
 * Rows may come in any order; for one series and time the later row stands. Order and division do not change the flags
 * that stand at the end, as far as the memory of a series reaches (9,216 readings).
 */
import type { Directory } from "../../core/ports.ts";
import type { PackedTests } from "../../core/qc.ts";
import type { Comparison, Qualifier } from "../../core/reading.ts";
import { Dedupe, markOf } from "../dedupe.ts";
import { Qc } from "./qc.ts";

/** A row of before whose tests are others now. Its flag: `aggregateOf(packed)`. */
export type OnTapeRevision = (series: string, time: number, value: number, packed: PackedTests) => void;

export interface QcTape {
  /**
   * One row; value in the canonical unit, NaN when missing.
   *
   * @returns packed tests as far as known now (core/qc.ts names them); null for a row that is known already.
   */
  add(series: string, time: number, value: number, cmp: Comparison, qualifier: Qualifier): PackedTests | null;
  /** Call at the end and as often as revisions are wanted; late rows count from here on. */
  settle(onRevision: OnTapeRevision): void;
}

export function createQcTape(directory: () => Directory): QcTape {
  const dedupe = new Dedupe();
  const qc = new Qc(directory);
  dedupe.isRepeat({ device: "", boot: "", seq: -1, receivedAt: 0 });
  return {
    add(series, time, value, cmp, qualifier) {
      const window = dedupe.window(series);
      const verdict = dedupe.judge(window, time, value, markOf(cmp, qualifier));
      return verdict === "fresh" || verdict === "corrected" ? qc.assess(series, window, time, value) : null;
    },
    settle(onRevision) {
      qc.settle((series, window, index, packed) => onRevision(series, window.time(index), window.value(index), packed));
    },
  };
}
