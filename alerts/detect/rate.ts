/**
 * Rule kind `rate`: the change per time, measured against the newest reading at least `over` older. A base of less than
 * `over` would measure noise, one older than four times `over` says nothing of now.
 *
 * Of each 1/32 of `over` the first reading is kept as a base, so the memory is bounded whatever the pace. A censored
 * value is an interval; only a change that is certain counts.
 */
import type { RateRule } from "../../core/rule-trend.ts";
import { KEPT, NOT_JUDGED, VIOLATED } from "./condition.ts";
import type { Detector, SeriesContext } from "./detector.ts";
import { finiteOrNull, highest, isMeasured, lowest } from "./results.ts";

const SLOTS = 32;
const RING = SLOTS + 2;
const BASE_AGE_MAX = 4;

export function createRate(rule: RateRule, _context: SeriesContext): Detector {
  return new Rate(rule);
}

class Rate implements Detector {
  excess = 0;
  readonly #rule: RateRule;
  readonly #slotMs: number;
  readonly #times = new Float64Array(RING);
  readonly #lows = new Float64Array(RING);
  readonly #highs = new Float64Array(RING);
  #first = 0;
  #count = 0;
  #newest = Number.NEGATIVE_INFINITY;
  #figures = { elapsedMs: Number.NaN, baseTime: Number.NaN, base: Number.NaN, value: Number.NaN, rate: Number.NaN };

  constructor(rule: RateRule) {
    this.#rule = rule;
    this.#slotMs = rule.over / SLOTS;
  }

  step(time: number, value: number, form: number, flag: number) {
    if (!isMeasured(value, form, flag) || time <= this.#newest) return NOT_JUDGED;
    this.#newest = time;
    const judgement = this.#judge(time, value, form);
    if (flag !== 4) this.#keep(time, value, form);
    return judgement;
  }

  #judge(time: number, value: number, form: number) {
    const { over, per, above, direction } = this.#rule;
    while (this.#count > 1 && this.#timeAt(1) <= time - over) {
      this.#first = (this.#first + 1) % RING;
      this.#count--;
    }
    const age = time - this.#timeAt(0);
    if (this.#count === 0 || age < over || age > over * BASE_AGE_MAX) return NOT_JUDGED;
    const scale = per / age;
    const [low, high] = [this.#lows[this.#first] as number, this.#highs[this.#first] as number];
    const least = (lowest(value, form) - high) * scale;
    const most = (highest(value, form) - low) * scale;
    const base = high === Number.POSITIVE_INFINITY ? low : high;
    this.#note(age, base, value, (value - base) * scale);
    const up = direction === "falling" ? Number.NEGATIVE_INFINITY : least - above;
    const down = direction === "rising" ? Number.NEGATIVE_INFINITY : -most - above;
    this.excess = Math.max(up, down);
    if (this.excess > 0) return VIOLATED;
    const mayRise = direction !== "falling" && most > above;
    const mayFall = direction !== "rising" && least < -above;
    return mayRise || mayFall ? NOT_JUDGED : KEPT;
  }

  #note(elapsedMs: number, base: number, value: number, rate: number): void {
    const figures = this.#figures;
    figures.elapsedMs = elapsedMs;
    figures.baseTime = this.#timeAt(0);
    figures.base = base;
    figures.value = value;
    figures.rate = rate;
  }

  #keep(time: number, value: number, form: number): void {
    const last = this.#count > 0 ? this.#timeAt(this.#count - 1) : Number.NEGATIVE_INFINITY;
    if (Math.floor(time / this.#slotMs) === Math.floor(last / this.#slotMs)) return;
    if (this.#count === RING) {
      this.#first = (this.#first + 1) % RING;
      this.#count--;
    }
    const at = (this.#first + this.#count) % RING;
    this.#times[at] = time;
    this.#lows[at] = lowest(value, form);
    this.#highs[at] = highest(value, form);
    this.#count++;
  }

  #timeAt(index: number): number {
    return this.#times[(this.#first + index) % RING] as number;
  }

  figures(): Readonly<Record<string, number>> {
    const { above, per, over } = this.#rule;
    return { ...this.#figures, threshold: above, perMs: per, overMs: over };
  }

  save() {
    const bases: (number | null)[][] = [];
    for (let index = 0; index < this.#count; index++) {
      const at = (this.#first + index) % RING;
      const [time, low, high] = [this.#times[at], this.#lows[at], this.#highs[at]] as [number, number, number];
      bases.push([time, finiteOrNull(low), finiteOrNull(high)]);
    }
    return { newest: finiteOrNull(this.#newest), bases };
  }
  load(memory: unknown): void {
    const saved = memory as ReturnType<Rate["save"]> | null;
    this.#newest = saved?.newest ?? Number.NEGATIVE_INFINITY;
    this.#first = 0;
    this.#count = 0;
    this.excess = 0;
    for (const [time, low, high] of saved?.bases ?? []) {
      this.#times[this.#count] = time ?? 0;
      this.#lows[this.#count] = low ?? Number.NEGATIVE_INFINITY;
      this.#highs[this.#count++] = high ?? Number.POSITIVE_INFINITY;
    }
  }
}
