/**
 * What one series has recently reported, by time: tells a repeat from a correction.
 *
 * Beside each entry stands what quality control last said of it, so that neighbours can be judged again (qc/qc.ts).
 * Sorted columns in two typed arrays, 32 bytes an entry, grown on demand up to `SERIES_ENTRIES_MAX` and out of a budget
 * shared by all series. In-order readings cost one comparison and an append; a late one a binary search and a move.
 * What has been forgotten is not lost: it passes as new, the stores overwrite by (series, time), and alerts look again.
 */

import type { Given } from "../core/maintenance.ts";
import type { PackedTests } from "../core/qc.ts";
import type { SeriesControl } from "./qc/assess.ts";

/** Holds 2 h at one reading a second after the oldest eighth has been dropped, and 5 days at one a minute. */
export const SERIES_ENTRIES_MAX = 9_216;
/** Allowed to every series even when the budget is spent. */
const ENTRIES_MIN = 16;
/** When the budget is half spent, entries this far behind the newest make room before a window grows. */
const SPAN_MS = 48 * 3_600_000;
/** The seq of a message that has none, or one too large to be kept. */
export const SEQ_NONE = 0xffffffff;

const WORDS = 4;
/** Ten tests of three bits. */
const TESTS_MASK = 0x3fffffff;
const BACKFILL = 0x40000000;

/** Entries that all windows together may still allocate beyond their minimum. */
export interface Budget {
  readonly total: number;
  left: number;
}

/** Which message an entry came from: enough to decide who wins. */
export interface Sender {
  /** Names (device, boot) in this process; 0 when the message named no boot. At most 2^25 - 1. */
  bootId: number;
  /** Or `SEQ_NONE`. */
  seq: number;
  /** Arrival, whole seconds since 1970. */
  receivedSeconds: number;
}

/** `fresh`: not known. `repeat`: equal. `corrected`: replaced the one in `oldValue`. `superseded`: lost against it. */
export type ReadingVerdict = "fresh" | "repeat" | "corrected" | "superseded";

export class SeriesWindow {
  /** Of the last `corrected` or `superseded`. */
  oldValue = Number.NaN;
  oldMark = 0;
  #count = 0;
  #capacity = 0;
  /** time, value */
  #numbers = new Float64Array(0);
  /** seq, received seconds, boot id × 128 + given × 32 + mark, told tests and back-fill bit */
  #words = new Uint32Array(0);
  /** Entries have been dropped on the left. */
  hasForgotten = false;
  /** State of quality control of this series, in order up to the newest reading; its owner is qc/qc.ts. */
  control: SeriesControl | null = null;
  readonly #budget: Budget;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Judges a reading and remembers it unless it is a repeat or loses.
   *
   * @param value NaN when missing.
   * @param mark  comparison and qualifier, 0 to 31; part of what "equal" means.
   */
  judge(time: number, value: number, mark: number, sender: Sender): ReadingVerdict {
    const at = this.find(time);
    if (at >= this.#count || this.#numbers[at * 2] !== time) {
      this.#insert(at, time, value, mark, sender);
      return "fresh";
    }
    const oldValue = this.#numbers[at * 2 + 1] as number;
    const oldMark = (this.#words[at * WORDS + 2] as number) & 31;
    const isEqual = oldValue === value || (Number.isNaN(oldValue) && Number.isNaN(value));
    if (isEqual && oldMark === mark) {
      // Whoever said it last in its own count stands for it: a late message from in between must not win.
      if (this.#wins(at, sender)) this.#put(at, time, value, this.given(at) * 32 + mark, sender);
      return "repeat";
    }
    this.oldValue = oldValue;
    this.oldMark = oldMark;
    if (!this.#wins(at, sender)) return "superseded";
    this.#put(at, time, value, mark, sender);
    return "corrected";
  }

  time(index: number): number {
    return this.#numbers[index * 2] as number;
  }
  value(index: number): number {
    return this.#numbers[index * 2 + 1] as number;
  }
  mark(index: number): number {
    return (this.#words[index * WORDS + 2] as number) & 31;
  }
  /** What a maintenance window made of it; the mark keeps what the device said. */
  given(index: number): Given {
    return (((this.#words[index * WORDS + 2] as number) >>> 5) & 3) as Given;
  }
  give(index: number, given: Given): void {
    const at = index * WORDS + 2;
    this.#words[at] = ((this.#words[at] as number) & ~96) | (given << 5);
  }
  /** Without sign, and without qualifier of device or window? */
  isPlain(index: number): boolean {
    return ((this.#words[index * WORDS + 2] as number) & 127) === 0;
  }
  sender(index: number): Sender {
    const at = index * WORDS;
    return {
      seq: this.#words[at] as number,
      receivedSeconds: this.#words[at + 1] as number,
      bootId: (this.#words[at + 2] as number) >>> 7,
    };
  }
  /** Tests as told: 0 when the flag is 1. */
  told(index: number): PackedTests {
    return (this.#words[index * WORDS + 3] as number) & TESTS_MASK;
  }
  tell(index: number, packed: PackedTests): void {
    const at = index * WORDS + 3;
    this.#words[at] = ((this.#words[at] as number) & ~TESTS_MASK) | packed;
  }
  isBackfill(index: number): boolean {
    return ((this.#words[index * WORDS + 3] as number) & BACKFILL) !== 0;
  }
  setBackfill(index: number, isBackfill: boolean): void {
    const at = index * WORDS + 3;
    this.#words[at] = ((this.#words[at] as number) & TESTS_MASK) | (isBackfill ? BACKFILL : 0);
  }

  /** Index of the entry at exactly this time, -1 when there is none. */
  indexOf(time: number): number {
    const last = this.#count - 1;
    if (last >= 0 && this.#numbers[last * 2] === time) return last;
    const at = this.find(time);
    return at <= last && this.#numbers[at * 2] === time ? at : -1;
  }

  /** Takes in what the journal says has won already. */
  remember(time: number, value: number, mark: number, sender: Sender): void {
    const at = this.find(time);
    if (at < this.#count && this.#numbers[at * 2] === time) this.#put(at, time, value, mark, sender);
    else this.#insert(at, time, value, mark, sender);
  }

  /** The higher seq within one boot wins, else the later arrival. */
  #wins(at: number, sender: Sender): boolean {
    const oldSeq = this.#words[at * WORDS] as number;
    const oldBoot = (this.#words[at * WORDS + 2] as number) >>> 7;
    const isSameBoot = oldBoot !== 0 && oldBoot === sender.bootId && oldSeq !== SEQ_NONE && sender.seq !== SEQ_NONE;
    if (isSameBoot && oldSeq !== sender.seq) return sender.seq > oldSeq;
    return sender.receivedSeconds >= (this.#words[at * WORDS + 1] as number);
  }

  /** Index of the first entry not before `time`. */
  find(time: number): number {
    let high = this.#count;
    if (high === 0 || (this.#numbers[(high - 1) * 2] as number) < time) return high;
    let low = 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#numbers[middle * 2] as number) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(at: number, time: number, value: number, mark: number, sender: Sender): void {
    let index = at;
    if (this.#count === this.#capacity) {
      index -= this.#makeRoom();
      if (index < 0) return; // older than all that is kept
    }
    if (index < this.#count) {
      this.#numbers.copyWithin((index + 1) * 2, index * 2, this.#count * 2);
      this.#words.copyWithin((index + 1) * WORDS, index * WORDS, this.#count * WORDS);
    }
    this.#count += 1;
    this.#words[index * WORDS + 3] = 0;
    this.#put(index, time, value, mark, sender);
  }

  #put(at: number, time: number, value: number, mark: number, { bootId, seq, receivedSeconds }: Sender): void {
    this.#numbers[at * 2] = time;
    this.#numbers[at * 2 + 1] = value;
    this.#words[at * WORDS] = seq;
    this.#words[at * WORDS + 1] = receivedSeconds;
    this.#words[at * WORDS + 2] = bootId * 128 + mark;
  }

  /** Grows, or drops the oldest; returns how many were dropped. */
  #makeRoom(): number {
    const budget = this.#budget;
    if (this.#count > 0 && budget.left < budget.total / 2) {
      const stale = this.find((this.#numbers[(this.#count - 1) * 2] as number) - SPAN_MS);
      if (stale >= this.#count / 4) return this.#drop(stale);
    }
    const wanted = Math.min(this.#capacity === 0 ? ENTRIES_MIN : this.#capacity * 2, SERIES_ENTRIES_MAX);
    const cost = this.#capacity === 0 ? 0 : wanted - this.#capacity;
    if (wanted === this.#capacity || cost > budget.left) return this.#drop(this.#count >>> 3);
    budget.left -= cost;
    const numbers = new Float64Array(wanted * 2);
    numbers.set(this.#numbers);
    const words = new Uint32Array(wanted * WORDS);
    words.set(this.#words);
    this.#numbers = numbers;
    this.#words = words;
    this.#capacity = wanted;
    return 0;
  }

  #drop(count: number): number {
    this.#numbers.copyWithin(0, count * 2, this.#count * 2);
    this.#words.copyWithin(0, count * WORDS, this.#count * WORDS);
    this.#count -= count;
    if (count > 0) this.hasForgotten = true;
    return count;
  }
}
