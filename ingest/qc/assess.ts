/**
 * All tests of one series, reading by reading in order of data time, over the memory that de-duplication keeps anyway.
 *
 * A flag is a function of a finite stretch of readings: each test looks a bounded way back (spike also one reading ahead),
 * and state here is nothing but a short cut, the same whether it was carried along or made by walking the stretch again.
 * Only plain readings without a qualifier and within the fail span take part as neighbours: what is censored, declared
 * (F, M, S, D, C, B, T) or impossible neither gets nor gives a verdict of spike, rate, flat line or attenuation.
 */
import type { Directory } from "../../core/ports.ts";
import { type PackedTests, QC_TESTS, withoutTest, withTest } from "../../core/qc.ts";
import { QC, type QcFlag } from "../../core/reading.ts";
import type { SeriesWindow } from "../series-window.ts";
import { Attenuated } from "./attenuated.ts";
import { climatology } from "./climatology.ts";
import { grossRange } from "./gross-range.ts";
import { RangeWindow } from "./range-window.ts";
import { spikeSize } from "./spike.ts";
import type { Level, Thresholds } from "./thresholds.ts";

/** Rates are per minute; within one a step counts as it is: the noise of a quick sensor is no rate. */
const RATE_MS = 60_000;
/** Readings further apart are no neighbours of each other: thresholds of spike and rate are meant for running sensors. */
export const NEIGHBOUR_MS = 6 * 3_600_000;
/** How far before a run without change its natural spread is looked at. */
export const SPREAD_MS = 24 * 3_600_000;
/** Steps that make a noise estimate: at most, at least. */
export const NOISE_STEPS = 24;
const NOISE_STEPS_MIN = 8;
/** Spread of a day in steps of the resolution below which flat limits are multiplied. */
const SPREAD_STEPS = 10;
const SPREAD_READINGS_MIN = 12;
const COARSE_FACTOR = 4;

const [GROSS, CLIMATOLOGY, SPIKE, RATE, FLAT, ATTENUATED, GAP] = (
  ["gross", "climatology", "spike", "rate", "flat", "attenuated", "gap"] as const
).map((name) => QC_TESTS.indexOf(name)) as [number, number, number, number, number, number, number];

/** Places in a control's limits; of a level: suspect, fail, share, noise. */
const FAIL_LOW = 0;
const FAIL_HIGH = 1;
const SUSPECT_LOW = 2;
const SUSPECT_HIGH = 3;
const GAP_MS = 4;
const SPIKE_LEVEL = 5;
const RATE_LEVEL = 9;
const FAIL = 1;
const SHARE = 2;
const NOISE = 3;
const EVERYTHING = [-Number.MAX_VALUE, Number.MAX_VALUE] as const;
const steps = new Float64Array(NOISE_STEPS);

export class SeriesControl {
  readonly thresholds: Thresholds;
  /** The newest one in which the thresholds were found to hold. */
  directory: Directory;
  /** Data time of the newest reading that was stepped. */
  newest = Number.NEGATIVE_INFINITY;
  /** Times of the last two readings that take part. */
  #lastTime = Number.NEGATIVE_INFINITY;
  #lastValue = Number.NaN;
  #beforeTime = Number.NEGATIVE_INFINITY;
  #beforeValue = Number.NaN;
  #runFrom = Number.NaN;
  /** 1 or COARSE_FACTOR; 0 until the run is long enough to ask. */
  #runFactor = 0;
  /** Data time of the reading that the last `step` gave a spike verdict on, and the verdict. */
  spikeAt = Number.NaN;
  spikeFlag: QcFlag = QC.notEvaluated;
  readonly #flat: { readonly suspect: RangeWindow; readonly fail: RangeWindow } | null;
  #flatFrom = Number.NaN;
  readonly #attenuated: Attenuated | null;
  /** Spans and gap, then spike and rate levels: numbers of one representation, for fields of several make V8 leave its fast path. */
  readonly #limits: Float64Array;
  readonly #hasSpike: boolean;
  readonly #hasRate: boolean;
  readonly #isDifferential: boolean;
  readonly #hasSeasons: boolean;

  constructor(thresholds: Thresholds, directory: Directory) {
    this.thresholds = thresholds;
    this.directory = directory;
    const { spans, spike, rate, gapMs } = thresholds;
    this.#hasSeasons = thresholds.climatology !== null;
    this.#hasSpike = spike !== null;
    this.#hasRate = rate !== null;
    this.#isDifferential = spike?.isDifferential ?? true;
    this.#limits = Float64Array.of(
      ...(spans.failSpan ?? EVERYTHING),
      ...(spans.suspectSpan ?? EVERYTHING),
      gapMs ?? Number.POSITIVE_INFINITY,
      ...numbersOf(spike),
      ...numbersOf(rate),
    );
    const hasTolerance = (thresholds.flat?.tolerance ?? 0) > 0;
    this.#flat = hasTolerance ? { suspect: new RangeWindow(), fail: new RangeWindow() } : null;
    const { attenuated } = thresholds;
    this.#attenuated = attenuated
      ? new Attenuated({ ...attenuated, periodMs: attenuated.period, minReadings: attenuated.minReadings })
      : null;
  }

  /** Begin of the present run of equal values. */
  get runFrom(): number {
    return this.#runFrom;
  }

  /** How far back a walk must begin for tests with a window, ms. */
  get lookbackMs(): number {
    const { flat, attenuated } = this.thresholds;
    return Math.max(this.#flat ? Math.max(flat?.suspect ?? 0, flat?.fail ?? 0) : 0, attenuated?.period ?? 0);
  }

  /** Does this entry take part in the tests that look at neighbours? */
  takesPart(window: SeriesWindow, index: number): boolean {
    const value = window.value(index);
    return (
      window.isPlain(index) &&
      value >= (this.#limits[FAIL_LOW] as number) &&
      value <= (this.#limits[FAIL_HIGH] as number)
    );
  }

  /** Tests that need no neighbours. */
  alone(value: number, time: number): PackedTests {
    const { spans, climatology: seasons } = this.thresholds;
    const packed = withTest(0, GROSS, grossRange(value, spans));
    if (seasons === null || !Number.isFinite(value)) return packed;
    return withTest(packed, CLIMATOLOGY, climatology(value, time, Number.NaN, seasons));
  }

  /** Judges the entry at `index`, the next one in order; all entries before it are in the window. */
  step(window: SeriesWindow, index: number): PackedTests {
    const time = window.time(index);
    const value = window.value(index);
    this.newest = time;
    this.spikeAt = Number.NaN;
    const isPossible = value >= (this.#limits[FAIL_LOW] as number) && value <= (this.#limits[FAIL_HIGH] as number);
    let packed = 0;
    if (
      !isPossible ||
      value < (this.#limits[SUSPECT_LOW] as number) ||
      value > (this.#limits[SUSPECT_HIGH] as number) ||
      this.#hasSeasons
    )
      packed = this.alone(value, time);
    if (index > 0 && time - window.time(index - 1) > (this.#limits[GAP_MS] as number))
      packed = withTest(packed, GAP, QC.fail);
    if (!isPossible || !window.isPlain(index)) return packed; // takes no part
    const isNear = time - this.#lastTime <= NEIGHBOUR_MS;
    if (isNear) {
      this.#judgeSpike(window, index, value);
      packed = withTest(packed, RATE, this.#rate(window, index, time, value));
    }
    packed = withTest(packed, FLAT, this.#flatLine(window, index, time, value, isNear));
    if (this.#attenuated) packed = withTest(packed, ATTENUATED, this.#attenuated.next(time, value));
    this.#beforeTime = isNear ? this.#lastTime : Number.NEGATIVE_INFINITY;
    this.#beforeValue = this.#lastValue;
    this.#lastTime = time;
    this.#lastValue = value;
    return packed;
  }

  /** The verdict on the reading before this one, which only now has both neighbours. */
  #judgeSpike(window: SeriesWindow, index: number, value: number): void {
    this.spikeAt = this.#lastTime;
    this.spikeFlag = QC.notEvaluated;
    if (!this.#hasSpike || this.#beforeTime === Number.NEGATIVE_INFINITY) return;
    const [before, middle] = [this.#beforeValue, this.#lastValue];
    const size = spikeSize(before, middle, value, this.#isDifferential ? "differential" : "average");
    const scale = Math.max(Math.abs(before), Math.abs(value));
    const flag = this.#level(size, scale, SPIKE_LEVEL);
    this.spikeFlag =
      flag !== QC.good && this.#isNoise(window, index, this.#beforeTime, size, SPIKE_LEVEL) ? QC.good : flag;
  }

  #rate(window: SeriesWindow, index: number, time: number, value: number): QcFlag {
    if (!this.#hasRate) return QC.good;
    const step = Math.abs(value - this.#lastValue);
    const scale = Math.max(Math.abs(value), Math.abs(this.#lastValue));
    const flag = this.#level((step * RATE_MS) / Math.max(time - this.#lastTime, RATE_MS), scale, RATE_LEVEL);
    return flag !== QC.good && this.#isNoise(window, index, this.#lastTime, step, RATE_LEVEL) ? QC.good : flag;
  }

  /** @param scale what the share is a share of. @param level SPIKE_LEVEL or RATE_LEVEL. */
  #level(size: number, scale: number, level: number): QcFlag {
    const limits = this.#limits;
    if (!(size > (limits[level] as number) && size > (limits[level + SHARE] as number) * scale)) return QC.good;
    return size > (limits[level + FAIL] as number) ? QC.fail : QC.suspect;
  }

  /** No more than so many times the median step of the readings up to `until`? Asked only beyond a threshold. */
  #isNoise(window: SeriesWindow, index: number, until: number, size: number, level: number): boolean {
    const noise = this.#limits[level + NOISE] as number;
    if (noise === 0) return false;
    let count = 0;
    let [laterTime, later] = [Number.NaN, Number.NaN];
    for (let at = index; at >= 0 && count < NOISE_STEPS; at--) {
      const time = window.time(at);
      if (time > until || !this.takesPart(window, at)) continue;
      if (laterTime - time > NEIGHBOUR_MS) break;
      if (!Number.isNaN(later)) steps[count++] = Math.abs(later - window.value(at));
      [laterTime, later] = [time, window.value(at)];
    }
    return count >= NOISE_STEPS_MIN && size <= noise * medianOf(steps.subarray(0, count));
  }

  #flatLine(window: SeriesWindow, index: number, time: number, value: number, isNear: boolean): QcFlag {
    const { flat } = this.thresholds;
    if (flat === null) return QC.good;
    if (this.#flat) return this.#flatWithin(time, value, isNear);
    if (!isNear || value !== this.#lastValue) {
      this.#runFrom = time;
      this.#runFactor = 0;
      return QC.good;
    }
    const lasted = time - this.#runFrom;
    if (lasted < Math.min(flat.suspect, flat.fail)) return QC.good;
    if (this.#runFactor === 0) this.#runFactor = this.#factorOf(window, index);
    if (lasted >= flat.fail * this.#runFactor) return QC.fail;
    return lasted >= flat.suspect * this.#runFactor ? QC.suspect : QC.good;
  }

  /** The range over each duration lies below the tolerance, and readings without a hole cover it. */
  #flatWithin(time: number, value: number, isNear: boolean): QcFlag {
    const { flat } = this.thresholds;
    if (!this.#flat || flat === null) return QC.good;
    if (!isNear) this.#flatFrom = time;
    let flag: QcFlag = QC.good;
    for (const [duration, window, verdict] of [
      [flat.suspect, this.#flat.suspect, QC.suspect],
      [flat.fail, this.#flat.fail, QC.fail],
    ] as const) {
      window.push(time, value);
      window.dropBefore(time - duration);
      if (time - this.#flatFrom >= duration && window.range < flat.tolerance) flag = verdict;
    }
    return flag;
  }

  /** One where the interquartile range of the day before the run is at least ten steps of its resolution. */
  #factorOf(window: SeriesWindow, index: number): number {
    const values: number[] = [];
    for (let at = index; at >= 0; at--) {
      const time = window.time(at);
      if (time < this.#runFrom - SPREAD_MS) break;
      if (time <= this.#runFrom && this.takesPart(window, at)) values.push(window.value(at));
    }
    return isFine(values) ? 1 : COARSE_FACTOR;
  }
}

function numbersOf(level: Level | null): readonly number[] {
  return level ? [level.suspect, level.fail, level.share, level.noise] : [Number.POSITIVE_INFINITY, 0, 0, 0];
}

/** Sorts in place. */
function isFine(values: number[]): boolean {
  if (values.length < SPREAD_READINGS_MIN) return false;
  values.sort((one, other) => one - other);
  let step = Number.POSITIVE_INFINITY;
  for (let at = 1; at < values.length; at++) {
    const difference = (values[at] as number) - (values[at - 1] as number);
    if (difference > 0 && difference < step) step = difference;
  }
  const quartile = (share: number) => values[Math.floor(values.length * share)] as number;
  // Decimals: 0.1 is 10 × 0.01 in spite of the last bit.
  return quartile(0.75) - quartile(0.25) >= SPREAD_STEPS * step * (1 - 1e-6);
}

function medianOf(values: Float64Array): number {
  values.sort();
  const middle = values.length >> 1;
  if (values.length % 2 === 1) return values[middle] as number;
  return ((values[middle - 1] as number) + (values[middle] as number)) / 2;
}

/** Tests of a reading with a new spike verdict; one that waits counts as good. */
export function withSpike(packed: PackedTests, flag: QcFlag): PackedTests {
  const others = withoutTest(packed, SPIKE);
  return flag === QC.suspect || flag === QC.fail ? withTest(others, SPIKE, flag) : others;
}

/** `packed` with the spike verdict of `other`. */
export function withSpikeOf(packed: PackedTests, other: PackedTests): PackedTests {
  return withoutTest(packed, SPIKE) | (other & ~withoutTest(other, SPIKE));
}
