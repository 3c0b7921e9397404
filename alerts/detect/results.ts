/**
 * What the kinds that judge results have in common: which readings count, and the median of a day, month or quarter of a
 * sensor's readings as one result. Days and months are those of China (UTC+8, no summer time).
 *
 * A period's result comes with the first reading of a later period; readings within a period say nothing. Over 256
 * readings a period, every second one is kept, then every fourth: the sample stays spread over the whole period.
 */
import type { Period } from "../../core/rule-trend.ts";
import { type Judgement, NOT_JUDGED } from "./condition.ts";
import type { Detector, DetectorMemory, SeriesContext } from "./detector.ts";
import { FORM } from "./marks.ts";

const DAY_MS = 86_400_000;
const ZONE_MS = 8 * 3_600_000;
const SAMPLE_MAX = 256;
/** No measurement in any unit is larger; sums of squares of what is stay finite. */
const VALUE_MAX = 1e100;

/** A detector of results; `Detector` without the choice of readings. */
export interface ResultDetector {
  /** @param value a measurement. @param form never `unfit`. */
  judge(time: number, value: number, form: number, flag: number): Judgement;
  readonly excess: number;
  figures(): Readonly<Record<string, number>>;
  save(): DetectorMemory;
  load(memory: DetectorMemory | null): void;
}

/** True when the rule has no results here: a sensor's readings come too often to be results, and no period is given. */
export function isTooFrequent(period: Period | undefined, { intervalMs }: SeriesContext): boolean {
  return period === undefined && intervalMs !== null && intervalMs < DAY_MS;
}

/** False for what is no measurement: no value, unfit by the device's own word, flagged missing, or absurd. */
export function isMeasured(value: number, form: number, flag: number): boolean {
  return Math.abs(value) <= VALUE_MAX && form !== FORM.unfit && flag !== 9;
}

/**
 * Feeds `inner` with results. Readings without a value, and of flags 4 and 9, are no results.
 * @param takesSuspect hand on results of flag 4 as well; `inner` then must not learn from them.
 */
export function onResults(
  inner: ResultDetector,
  { period, takesSuspect = false }: { readonly period: Period | undefined; readonly takesSuspect?: boolean },
): Detector {
  const median = period === undefined ? null : new PeriodMedian(period);
  let newest = Number.NEGATIVE_INFINITY;
  return {
    step(time, value, form, flag) {
      if (!isMeasured(value, form, flag) || time <= newest) return NOT_JUDGED;
      if (flag === 4 && (!takesSuspect || median)) return NOT_JUDGED;
      newest = time;
      if (!median) return inner.judge(time, value, form, flag);
      if (!median.take(time, value, form)) return NOT_JUDGED;
      return inner.judge(median.time, median.value, median.form, 1);
    },
    get excess() {
      return inner.excess;
    },
    figures: () => inner.figures(),
    save: () => ({ newest: finiteOrNull(newest), median: median?.save() ?? null, inner: inner.save() }),
    load(memory) {
      const saved = memory as { newest: number | null; median: MedianMemory | null; inner: DetectorMemory } | null;
      newest = saved?.newest ?? Number.NEGATIVE_INFINITY;
      median?.load(saved?.median ?? null);
      inner.load(saved?.inner ?? null);
    },
  };
}

interface MedianMemory {
  readonly start: number;
  readonly end: number;
  readonly seen: number;
  readonly stride: number;
  readonly values: readonly number[];
  readonly forms: readonly number[];
}

export class PeriodMedian {
  /** The result of the period that ended last; valid after `take` returned true. `time` is the middle of the period. */
  time = 0;
  value = 0;
  form: number = FORM.plain;
  readonly #period: Period;
  #start = 0;
  #end = Number.NEGATIVE_INFINITY;
  #seen = 0;
  #stride = 1;
  #values: number[] = [];
  #forms: number[] = [];

  constructor(period: Period) {
    this.#period = period;
  }

  /** True when the reading began a new period and the result of the one before is there. */
  take(time: number, value: number, form: number): boolean {
    let done = false;
    if (time >= this.#end) {
      done = this.#values.length > 0;
      if (done) this.#conclude();
      this.#begin(time);
    }
    if (this.#seen++ % this.#stride === 0) {
      if (this.#values.length >= SAMPLE_MAX) this.#thin();
      if ((this.#seen - 1) % this.#stride === 0) {
        this.#values.push(value);
        this.#forms.push(form);
      }
    }
    return done;
  }

  save(): MedianMemory | null {
    if (this.#values.length === 0) return null;
    const [start, end, seen, stride] = [this.#start, this.#end, this.#seen, this.#stride];
    return { start, end, seen, stride, values: [...this.#values], forms: [...this.#forms] };
  }
  load(memory: MedianMemory | null): void {
    this.#start = memory?.start ?? 0;
    this.#end = memory?.end ?? Number.NEGATIVE_INFINITY;
    this.#seen = memory?.seen ?? 0;
    this.#stride = memory?.stride ?? 1;
    this.#values = [...(memory?.values ?? [])];
    this.#forms = [...(memory?.forms ?? [])];
  }

  #begin(time: number): void {
    [this.#start, this.#end] = periodAround(this.#period, time);
    this.#seen = 0;
    this.#stride = 1;
    this.#values.length = 0;
    this.#forms.length = 0;
  }

  #thin(): void {
    let kept = 0;
    for (let index = 0; index < this.#values.length; index += 2, kept++) {
      this.#values[kept] = this.#values[index] as number;
      this.#forms[kept] = this.#forms[index] as number;
    }
    this.#values.length = kept;
    this.#forms.length = kept;
    this.#stride *= 2;
  }

  /** "<5" sorts just before 5, ">5" just after; a median that falls on such a value is one. */
  #conclude(): void {
    const [values, forms] = [this.#values, this.#forms];
    const order = values.map((_, index) => index);
    const rank = (index: number): number => RANK[forms[index] as number] ?? 0;
    order.sort((a, b) => (values[a] as number) - (values[b] as number) || rank(a) - rank(b));
    const low = order[(order.length - 1) >> 1] as number;
    const high = order[order.length >> 1] as number;
    this.time = (this.#start + this.#end) / 2;
    const plain = forms[low] === FORM.plain && forms[high] === FORM.plain;
    const decides = forms[low] === FORM.plain ? high : forms[high] === FORM.plain ? low : high;
    this.value = plain ? ((values[low] as number) + (values[high] as number)) / 2 : (values[high] as number);
    this.form = plain ? FORM.plain : (forms[decides] as number);
  }
}
const RANK: Readonly<Record<number, number>> = { [FORM.below]: -1, [FORM.above]: 1, [FORM.atLeast]: 1 };

/** First and next-after-last instant of the day, month or quarter that holds `time`, in China. */
export function periodAround(period: Period, time: number): [start: number, end: number] {
  const wall = time + ZONE_MS;
  if (period === "day") {
    const start = Math.floor(wall / DAY_MS) * DAY_MS - ZONE_MS;
    return [start, start + DAY_MS];
  }
  const date = new Date(wall);
  const months = period === "month" ? 1 : 3;
  const first = Math.floor(date.getUTCMonth() / months) * months;
  const startOf = (month: number): number => Date.UTC(date.getUTCFullYear(), month, 1) - ZONE_MS;
  return [startOf(first), startOf(first + months)];
}

/** What a value may really be: "<5" lies from 0 to 5, ">5" anywhere above. */
export function lowest(value: number, form: number): number {
  if (form === FORM.below) return value >= 0 ? 0 : Number.NEGATIVE_INFINITY;
  return value;
}
export function highest(value: number, form: number): number {
  return form === FORM.above || form === FORM.atLeast ? Number.POSITIVE_INFINITY : value;
}

export function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
