/**
 * A well's own past: median and median absolute deviation of its last calm readings, and whether a new one lies beyond.
 *
 * Readings beyond stay out of the past, or a lasting rise would become the new normal and end its own alarm. A
 * non-detect enters at its reporting limit: the baseline is then "at most this". MAD has a floor of one count, since
 * quantised data often have none at all; 1.4826 turns it into a standard deviation.
 */
import type { OwnBaseline } from "../../core/rule-group.ts";

export interface BaselineMemory {
  readonly past: readonly number[];
  readonly next: number;
}

export class Baseline {
  readonly #rule: OwnBaseline;
  readonly #floor: number;
  readonly #past: Float64Array;
  readonly #sorted: Float64Array;
  #count = 0;
  #next = 0;
  /** Canonical unit; NaN until there are enough readings. */
  median = Number.NaN;
  /** Above this is beyond. */
  threshold = Number.NaN;

  /** @param resolution one count, canonical unit; null when not known. */
  constructor(rule: OwnBaseline, resolution: number | null) {
    this.#rule = rule;
    this.#floor = resolution ?? 0;
    this.#past = new Float64Array(rule.readings);
    this.#sorted = new Float64Array(rule.readings);
  }

  get ready(): boolean {
    return this.#count === this.#past.length;
  }

  /** Takes a calm reading into the past. */
  learn(value: number): void {
    this.#past[this.#next] = value;
    this.#next = (this.#next + 1) % this.#past.length;
    if (this.#count < this.#past.length) this.#count++;
    if (this.ready) this.#measure();
  }

  save(): BaselineMemory {
    return { past: [...this.#past.subarray(0, this.#count)], next: this.#next };
  }

  load(memory: BaselineMemory | null): void {
    this.#count = memory?.past.length ?? 0;
    this.#next = memory?.next ?? 0;
    if (memory) this.#past.set(memory.past);
    this.median = Number.NaN;
    this.threshold = Number.NaN;
    if (this.ready) this.#measure();
  }

  #measure(): void {
    const sorted = this.#sorted;
    sorted.set(this.#past);
    sorted.sort();
    const median = middle(sorted);
    for (let index = 0; index < sorted.length; index++) sorted[index] = Math.abs((this.#past[index] ?? 0) - median);
    sorted.sort();
    const sd = 1.4826 * Math.max(middle(sorted), this.#floor);
    this.median = median;
    this.threshold = median + Math.max(this.#rule.sds * sd, this.#rule.rise * Math.abs(median));
  }
}

function middle(sorted: Float64Array): number {
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}
