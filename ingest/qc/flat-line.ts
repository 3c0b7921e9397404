/**
 * Flat-line test (QARTOD test 8): the range of the last `count` + 1 readings lies below the tolerance (strictly, so that
 * tolerance 0 flags nothing). Missing readings take a place in the window and no part in the range.
 */
import { QC, type QcFlag } from "../../core/reading.ts";
import { RangeWindow } from "./range-window.ts";

/** One series, reading by reading. */
export class FlatLine {
  readonly #tolerance: number;
  readonly #suspect: Counted;
  readonly #fail: Counted;
  #readings = 0;

  /** @param counts how many intervals without change are suspect and fail: the duration over the nominal interval. */
  constructor(counts: { readonly suspect: number; readonly fail: number; readonly tolerance: number }) {
    this.#tolerance = counts.tolerance;
    this.#suspect = { count: counts.suspect, window: new RangeWindow() };
    this.#fail = { count: counts.fail, window: new RangeWindow() };
  }

  /** @param value NaN when missing. */
  next(value: number): QcFlag {
    const row = this.#readings++;
    const isMissing = !Number.isFinite(value);
    const isSuspect = this.#isFlat(this.#suspect, row, isMissing ? null : value);
    const isFail = this.#isFlat(this.#fail, row, isMissing ? null : value);
    if (isMissing) return QC.missing;
    return isFail ? QC.fail : isSuspect ? QC.suspect : QC.good;
  }

  #isFlat({ count, window }: Counted, row: number, value: number | null): boolean {
    if (value !== null) window.push(row, value);
    window.dropBefore(row - count);
    return row >= count && window.range < this.#tolerance;
  }
}

interface Counted {
  readonly count: number;
  readonly window: RangeWindow;
}
