/**
 * What the signals share about one series: its last readings, the summaries of its last days, its resolution. Bounded:
 * `RING` readings and `days` summaries. Everything is plain data.
 *
 * Readings that QC doubts (flags 3, 4) are kept: a frozen or invented value is what QC doubts. Values that the device
 * declares unusable and censored values are not kept.
 */
import { ascending, median, quantile } from "./statistics.ts";

/** Newest readings kept for comparison: 11 days at 1 min, 170 days at 15 min. */
export const RING = 16_384;
/** Readings that a day's spread is computed from: at least the last 96, so that slow series have one too. */
const SPREAD_MIN = 96;
const SPREAD_MAX = 1_536;
const DECIMALS_MAX = 6;

export interface DaySummary {
  readonly n: number;
  readonly median: number;
  readonly iqr: number;
  /** Median of |x(i) - x(i-1)|. */
  readonly step: number;
  readonly max: number;
  /** Readings that equal the day's greatest. */
  readonly atMax: number;
  /** Readings within ten counts below the greatest, itself included. */
  readonly nearMax: number;
  /** Changes of the day, and those of one or two units of the last decimal. */
  readonly moves: number;
  readonly small: number;
}

export interface Channel {
  /** Values in a ring; `count` is the number ever kept, so the newest stands at (count - 1) % RING. */
  readonly ring: number[];
  count: number;
  lastTime: number | null;
  /** Readings of the open day. */
  today: number;
  /** Of these, how many differ from the reading before. */
  changes: number;
  /** How many values need so many decimals, index 6 meaning six or more; halved when they pass 20,000. */
  readonly decimals: number[];
  readonly dts: number[];
  readonly days: DaySummary[];
  usual: Usual;
}

/** Medians over the days kept; zero until a day has closed. */
export interface Usual {
  readonly days: number;
  readonly iqr: number;
  readonly step: number;
  readonly median: number;
  /** One count: the given resolution, or what the values and their steps show. */
  readonly q: number;
  /** The values are resolved no finer than `q`, which is coarser than their last decimal: converted or padded. */
  readonly coarse: boolean;
  /** Decimals that 98 % of the values need; -1 when more than 5. */
  readonly places: number;
  /** Median time between readings, ms. */
  readonly interval: number;
  /** Spread of the daily medians and within days, whichever is greater. */
  readonly spread: number;
}

export function newChannel(): Channel {
  const usual = { days: 0, iqr: 0, step: 0, median: 0, q: 0, coarse: false, places: -1, interval: 0, spread: 0 };
  const decimals = new Array<number>(DECIMALS_MAX + 1).fill(0);
  return { ring: [], count: 0, lastTime: null, today: 0, changes: 0, decimals, dts: [], days: [], usual };
}

/** @param back 0 is the newest reading. */
export function valueAt(channel: Channel, back: number): number {
  return channel.ring[(channel.count - 1 - back) % RING] as number;
}

export function addReading(channel: Channel, time: number, value: number): void {
  if (channel.lastTime !== null) {
    if (channel.count > 0 && valueAt(channel, 0) !== value) channel.changes++;
    channel.dts[channel.count % 33] = time - channel.lastTime;
  }
  channel.lastTime = time;
  channel.ring[channel.count % RING] = value;
  channel.count++;
  channel.today++;
  const places = placesOf(value);
  channel.decimals[places] = (channel.decimals[places] ?? 0) + 1;
}

/** Decimals that a value needs, up to six; float noise of a unit conversion counts as needing them all. */
export function placesOf(value: number): number {
  for (let places = 0, scale = 1; places < DECIMALS_MAX; places++, scale *= 10) {
    const scaled = value * scale;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-7 * Math.max(1, Math.abs(scaled) * 1e-3)) return places;
  }
  return DECIMALS_MAX;
}

/** Closes the day: appends its summary and computes what is usual anew. Null when the day had no reading. */
export function closeDay(channel: Channel, daysMax: number, resolution: number | null): DaySummary | null {
  if (channel.today === 0) return null;
  const size = Math.min(channel.count, RING, Math.max(SPREAD_MIN, Math.min(channel.today, SPREAD_MAX)));
  const values: number[] = [];
  const steps: number[] = [];
  for (let back = 0; back < size; back++) {
    values.push(valueAt(channel, back));
    if (back > 0) steps.push(Math.abs(valueAt(channel, back) - valueAt(channel, back - 1)));
  }
  values.sort(ascending);
  steps.sort(ascending);
  const unit = 10 ** -(commonPlaces(channel) < 0 ? DECIMALS_MAX : commonPlaces(channel));
  const nonzero = steps.filter((step) => step > unit / 2);
  const small = nonzero.filter((step) => step < 2.5 * unit).length;
  const coarse = isCoarse(channel, nonzero, small, unit);
  const q =
    resolution ?? (coarse ? Math.max(unit, quantile(nonzero, 0.02), channel.usual.coarse ? channel.usual.q : 0) : unit);
  const max = values[values.length - 1] as number;
  let [atMax, nearMax] = [0, 0];
  for (let k = values.length - 1; k >= 0 && (values[k] as number) >= max - 10.5 * q; k--) {
    nearMax++;
    if (values[k] === max) atMax++;
  }
  const day: DaySummary = {
    n: channel.today,
    median: quantile(values, 0.5),
    iqr: quantile(values, 0.75) - quantile(values, 0.25),
    step: quantile(steps, 0.5),
    max,
    atMax,
    nearMax,
    moves: nonzero.length,
    small,
  };
  channel.days.push(day);
  if (channel.days.length > daysMax) channel.days.shift();
  channel.usual = usualOf(channel, q, coarse);
  channel.today = 0;
  channel.changes = 0;
  return day;
}

/**
 * Steps of one or two units are missing: were the values resolved to their last decimal, steps of a typical size of s
 * units would be that small in about 4 of 3 s (uniform up to 1.5 s). A fifth of that is too few.
 */
function isCoarse(channel: Channel, nonzero: readonly number[], smallToday: number, unit: number): boolean {
  let [moves, small] = [nonzero.length, smallToday];
  for (const day of channel.days) {
    moves += day.moves;
    small += day.small;
  }
  if (moves < 50) return channel.usual.coarse;
  const typical = Math.max(1, quantile(nonzero, 0.5) / unit);
  const expected = moves * Math.min(1, 4 / (3 * typical));
  return expected < 5 ? commonPlaces(channel) < 0 : small < 0.2 * expected;
}

function commonPlaces(channel: Channel): number {
  const { decimals } = channel;
  let total = 0;
  for (const n of decimals) total += n;
  if (total > 20_000) for (let k = 0; k < decimals.length; k++) decimals[k] = (decimals[k] as number) / 2;
  let seen = 0;
  for (let places = 0; places < DECIMALS_MAX; places++) {
    seen += decimals[places] as number;
    if (seen >= 0.98 * Math.min(total, seen + decimals.slice(places + 1).reduce((sum, n) => sum + n, 0))) return places;
  }
  return -1;
}

function usualOf(channel: Channel, q: number, coarse: boolean): Usual {
  const { days } = channel;
  const medians = days.map((day) => day.median).sort(ascending);
  const iqr = median(days.map((day) => day.iqr));
  return {
    days: days.length,
    iqr,
    step: median(days.map((day) => day.step)),
    median: quantile(medians, 0.5),
    q,
    coarse,
    places: commonPlaces(channel),
    interval: median(channel.dts.filter((dt) => dt > 0)),
    spread: Math.max(iqr, quantile(medians, 0.75) - quantile(medians, 0.25)),
  };
}
