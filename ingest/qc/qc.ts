/**
 * Quality control over all series: rows in any order in, flags out; later, rows whose flag others have changed.
 *
 * In order a reading costs one step. A late one or a correction marks its place; `settle` walks the stretch it can touch
 * once a batch. Nothing is saved: after a restart the state comes back from the window by the same walk.
 * Thresholds are not retroactive: changed ones judge what comes from then on, and what is walked again with it.
 */
import type { Directory } from "../../core/ports.ts";
import type { PackedTests } from "../../core/qc.ts";
import type { SeriesWindow } from "../series-window.ts";
import { SeriesControl, withSpike } from "./assess.ts";
import { type Thresholds, thresholdsOf } from "./thresholds.ts";
import { stateBefore, walk } from "./walk.ts";

/** A known reading has another flag or qualifier: entry `index` of its window, tests as they are now. */
export type OnRevision = (series: string, window: SeriesWindow, index: number, packed: PackedTests) => void;

interface Touched {
  readonly series: string;
  /** Data times between which readings came late or changed; none when from > to. */
  from: number;
  to: number;
  /** Data times of rows whose tests have changed since they were given out. */
  readonly revised: Set<number>;
}

export class Qc {
  readonly #directory: () => Directory;
  readonly #touched = new Map<SeriesWindow, Touched>();

  constructor(directory: () => Directory) {
    this.#directory = directory;
  }

  /**
   * Judges a reading that its window has just taken in, fresh or as a correction.
   *
   * @returns its packed tests as far as they can be known now; `settle` may revise them.
   */
  assess(series: string, window: SeriesWindow, time: number, value: number): PackedTests {
    const before = window.control;
    const control = this.#controlOf(series, window, time);
    const last = window.count - 1;
    // Just made from the window, it cannot know whether the newest reading is new or corrected: that stretch is walked.
    const isSure = control === before || last === 0;
    if (isSure && time > control.newest && window.time(last) === time) {
      const packed = control.step(window, last);
      window.tell(last, packed);
      if (!Number.isNaN(control.spikeAt)) this.#tellSpike(series, window, control);
      return packed;
    }
    const index = window.indexOf(time);
    const packed = control.alone(value, time);
    if (index < 0) return packed; // older than all that is kept
    window.tell(index, packed);
    const touched = this.#touch(series, window);
    touched.from = Math.min(touched.from, time);
    touched.to = Math.max(touched.to, time);
    return packed;
  }

  /** The qualifier of a known reading has changed: it is told again, and its neighbours are judged without it, or with it. */
  requalify(series: string, window: SeriesWindow, time: number): void {
    this.#controlOf(series, window, Number.NaN);
    const touched = this.#touch(series, window);
    touched.from = Math.min(touched.from, time);
    touched.to = Math.max(touched.to, time);
    touched.revised.add(time);
  }

  /** Ends a batch: tells the rows whose flags its readings have changed. */
  settle(onRevision: OnRevision): void {
    for (const [window, { series, from, to, revised }] of this.#touched) {
      const control = window.control;
      if (from <= to && control) window.control = walk(window, control, from, to, (time) => revised.add(time));
      for (const time of revised) {
        const index = window.indexOf(time);
        if (index >= 0) onRevision(series, window, index, window.told(index));
      }
    }
    this.#touched.clear();
  }

  #tellSpike(series: string, window: SeriesWindow, { spikeAt, spikeFlag }: SeriesControl): void {
    const before = window.count - 2;
    const index = before >= 0 && window.time(before) === spikeAt ? before : window.indexOf(spikeAt);
    if (index < 0) return;
    // Good takes back what was told too: after a restart a correction of the newest reading comes this way.
    const told = window.told(index);
    const packed = withSpike(told, spikeFlag);
    if (packed === told) return; // a waiting spike test counts as good
    window.tell(index, packed);
    this.#touch(series, window).revised.add(spikeAt);
  }

  #touch(series: string, window: SeriesWindow): Touched {
    let touched = this.#touched.get(window);
    if (!touched) {
      touched = { series, from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY, revised: new Set() };
      this.#touched.set(window, touched);
    }
    return touched;
  }

  /** Of a series seen for the first time since the start or since its thresholds changed: made from its window. */
  #controlOf(series: string, window: SeriesWindow, time: number): SeriesControl {
    const directory = this.#directory();
    const control = window.control;
    if (control !== null && control.directory === directory) return control;
    const thresholds = thresholdsOf(series, directory);
    if (control !== null && isSame(control.thresholds, thresholds)) {
      control.directory = directory;
      return control;
    }
    const isNewest = window.count > 0 && window.time(window.count - 1) === time;
    const fresh = new SeriesControl(thresholds, directory);
    window.control = stateBefore(window, fresh, isNewest ? window.count - 1 : window.count);
    return window.control;
  }
}

function isSame(one: Thresholds, other: Thresholds): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
