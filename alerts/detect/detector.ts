/**
 * The form of a detector with memory over one series. A detector is a pure state machine on data time: the same readings
 * in the same order leave the same memory, so late data is judged by folding again from a saved memory.
 *
 * The engine keeps one at the window's left edge and one at its newest row, saves the former in snapshots, and freezes
 * the memory from before the deciding readings into the alarm, so that anybody can compute the verdict again.
 */
import type { Judgement } from "./condition.ts";

/** Plain data (numbers, strings, arrays, objects): survives JSON. Write a number that may be infinite or NaN as null. */
export type DetectorMemory = unknown;

export interface Detector {
  /**
   * The next reading in data time (`time` strictly ascends). VIOLATED while the condition holds, KEPT while it does not,
   * NOT_JUDGED when the reading says nothing (still warming up, unfit, censored where the statistic cannot use it).
   *
   * @param value canonical unit; NaN with form `unfit`. @param form `formOf` of the reading, without the suspect bit.
   * @param flag QARTOD flag; a detector that learns takes nothing from 4 and 9.
   */
  step(time: number, value: number, form: number, flag: number): Judgement;
  /** After a step that gave VIOLATED: how far beyond, > 0, comparable within the rule. */
  readonly excess: number;
  /** The named numbers of the last step, for people: e.g. `{ previous: 0.4, change: 0.42, threshold: 0.3 }`. Never on the hot path. */
  figures(): Readonly<Record<string, number>>;
  /** A copy: steps that follow do not change it. */
  save(): DetectorMemory;
  /** Continues exactly where `save` stood; with null begins anew. */
  load(memory: DetectorMemory | null): void;
}

/** What a detector may know of the series it watches. */
export interface SeriesContext {
  readonly quantity: string;
  /** Canonical unit. */
  readonly unit: string;
  /** Resolution of the series (one count), canonical unit; null when not known: detectors then learn or floor it. */
  readonly resolution: number | null;
  /** Nominal time between readings, ms; null when not known. */
  readonly intervalMs: number | null;
  /** The limit of the rule's pack at this place, where the rule names one. */
  readonly limit: { readonly value: number; readonly passes: "<=" | ">=" | "<" | ">" } | null;
}
