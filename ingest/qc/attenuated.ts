/**
 * Attenuated-signal test (QARTOD test 12): spread over the trailing window (t − period, t] below a threshold. Fewer than
 * `minReadings` → 2. As in ioos_qc a missing reading inside the window makes the range unknown (2), while the standard
 * deviation (n in the denominator) leaves it out.
 */
import { QC, type QcFlag } from "../../core/reading.ts";

export interface AttenuatedThresholds {
  readonly check: "std" | "range";
  readonly suspect: number;
  readonly fail: number;
  readonly periodMs: number;
  readonly minReadings: number;
}

/** One series in order of time; memory is the window. */
export class Attenuated {
  readonly #thresholds: AttenuatedThresholds;
  #times: number[] = [];
  #values: number[] = [];
  #head = 0;

  constructor(thresholds: AttenuatedThresholds) {
    this.#thresholds = thresholds;
  }

  /** @param value NaN when missing. */
  next(time: number, value: number): QcFlag {
    const { periodMs, suspect, fail } = this.#thresholds;
    this.#times.push(time);
    this.#values.push(Number.isFinite(value) ? value : Number.NaN);
    while ((this.#times[this.#head] as number) <= time - periodMs) this.#head += 1;
    if (this.#head > 64 && this.#head * 2 > this.#times.length) {
      this.#times = this.#times.slice(this.#head);
      this.#values = this.#values.slice(this.#head);
      this.#head = 0;
    }
    if (!Number.isFinite(value)) return QC.missing;
    const spread = this.#spread();
    if (Number.isNaN(spread)) return QC.notEvaluated;
    return spread < fail ? QC.fail : spread < suspect ? QC.suspect : QC.good;
  }

  #spread(): number {
    const { check, minReadings } = this.#thresholds;
    return spreadOf(this.#values, this.#head, this.#values.length, check, minReadings);
  }
}

/** NaN when it cannot be told. */
export function spreadOf(
  values: readonly number[],
  from: number,
  to: number,
  check: "std" | "range",
  minReadings: number,
): number {
  let [count, sum, low, high] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let at = from; at < to; at++) {
    const value = values[at] as number;
    if (Number.isNaN(value)) continue;
    count += 1;
    sum += value;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (count < minReadings || count === 0) return Number.NaN;
  if (check === "range") return count < to - from ? Number.NaN : high - low;
  const mean = sum / count;
  let squares = 0;
  for (let at = from; at < to; at++) {
    const value = values[at] as number;
    if (!Number.isNaN(value)) squares += (value - mean) ** 2;
  }
  return Math.sqrt(squares / count);
}
