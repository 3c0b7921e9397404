/**
 * The kinds of falsification that the score injects into real series, with strength and duration. Each is what an
 * inspector with the raw table before him could see. Strengths and durations were chosen beside the detectors, so they
 * are not blind: several last as long as a signal needs (its least days or readings) and have a place only where the
 * series is fine enough. Recall here is recall of these cheats at these places, not of falsification at large.
 */
import { quantile } from "../../alerts/detect/integrity/statistics.ts";
import { seeded, type Tape } from "./integrity-sets.ts";

export interface Cheat {
  readonly kind: string;
  /** For people: strength and duration. */
  readonly what: string;
  readonly days: number;
  /** Longer where the series is slow: at least so many readings. */
  readonly readings?: number;
  /** The series has the limit (otherwise none is given to the detector). */
  readonly limited?: boolean;
  /** Counts in the middle half of the stretch that the cheat needs to be visible to anybody; 30 unless given. */
  readonly counts?: number;
  /** Times that the value must rise above the limit in the stretch for the cheat to be more than an outage or two. */
  readonly excursions?: number;
  /** Only probes can stand in a bottle. */
  readonly probes?: boolean;
  /** Changes the copies in `values` and `declared` between rows `from` and `to`. */
  apply(place: Place): void;
}
export interface Place {
  readonly tape: Tape;
  readonly column: number;
  readonly from: number;
  readonly to: number;
  /** Limit given to the series: its 85 % quantile over the injected stretch before injection. */
  readonly limit: number;
  /** One count, and the middle half of the stretch's values. */
  readonly q: number;
  readonly iqr: number;
  readonly seed: number;
}

const values = (place: Place) => place.tape.values[place.column] as Float64Array;
const rounded = (value: number, q: number) => Number((Math.round(value / q) * q).toFixed(9));
function each(place: Place, change: (value: number, row: number) => number): void {
  const column = values(place);
  for (let row = place.from; row < place.to; row++) column[row] = change(column[row] as number, row);
}

/** A row about `days` before `row`, at the same time of day. */
function earlier({ tape: { times } }: Place, row: number, days: number): number {
  const target = (times[row] as number) - days * 86_400_000;
  let found = row;
  while (found > 0 && (times[found] as number) > target) found--;
  return found;
}
function copied(place: Place, change: (value: number) => number): void {
  const source = earlier(place, place.from, 5);
  const column = values(place).slice();
  each(place, (_, row) => change(column[source + row - place.from] as number));
}

export const CHEATS: readonly Cheat[] = [
  {
    kind: "constant",
    what: "the last value is sent on for 2 days",
    days: 2,
    apply: (place) => {
      const held = values(place)[place.from] as number;
      each(place, () => held);
    },
  },
  {
    kind: "under the limit",
    what: "for 21 days each value above the limit (its 85 % quantile) becomes one just below it, within 5 % of the limit or 30 % of the IQR",
    days: 21,
    limited: true,
    apply: (place) => {
      const random = seeded(place.seed);
      const reach = Math.min(0.05 * place.limit, 0.3 * place.iqr);
      each(place, (value) =>
        value > place.limit ? rounded(place.limit - place.q - random() * reach, place.q) : value,
      );
    },
  },
  {
    kind: "clipped",
    what: "for 10 days nothing above the 85 % quantile is sent, but that value",
    days: 10,
    apply: (place) => each(place, (value) => Math.min(value, rounded(place.limit, place.q))),
  },
  {
    kind: "invented digits",
    what: "for 30 days 40 % of the readings end in 0 or 5",
    days: 30,
    counts: 100,
    apply: (place) => {
      const random = seeded(place.seed);
      each(place, (value) => (random() < 0.4 ? rounded(value, 5 * place.q) : value));
    },
  },
  {
    kind: "copy of the past",
    what: "3 days (at least 60 readings) are those from 5 days before, at the same hours",
    days: 3,
    readings: 60,
    apply: (place) => copied(place, (value) => value),
  },
  {
    kind: "shifted copy",
    what: "3 days (at least 60 readings) are those from 5 days before less 20 % of the IQR",
    days: 3,
    readings: 60,
    apply: (place) => copied(place, (value) => rounded(value - 0.2 * place.iqr, place.q)),
  },
  {
    kind: "scaled copy",
    what: "3 days (at least 60 readings) are those from 5 days before times 0.8",
    days: 3,
    readings: 60,
    apply: (place) => copied(place, (value) => rounded(0.8 * value, place.q)),
  },
  {
    kind: "noise removed",
    what: "for 5 days (at least 400 readings) the deviations from the stretch's median are sent at 4 %",
    days: 5,
    readings: 400,
    apply: (place) => {
      const stretch = [...values(place).slice(place.from, place.to)].filter((value) => !Number.isNaN(value));
      const centre = quantile(
        stretch.sort((a, b) => a - b),
        0.5,
      );
      each(place, (value) => rounded(centre + 0.04 * (value - centre), place.q));
    },
  },
  {
    kind: "gaps when high",
    what: "for 25 days nothing is sent while the value is above the limit (its 85 % quantile)",
    days: 25,
    limited: true,
    excursions: 10,
    apply: (place) => each(place, (value) => (value > place.limit ? Number.NaN : value)),
  },
  {
    kind: "maintenance cover",
    what: "for 25 days the device declares maintenance while the value is above the limit",
    days: 25,
    limited: true,
    excursions: 10,
    apply: (place) => {
      const declared = place.tape.declared[place.column] as Uint8Array;
      each(place, (value, row) => {
        if (value > place.limit) declared[row] = 1;
        return value;
      });
    },
  },
  {
    kind: "standard solution",
    what: "for 5 days (at least 400 readings) the probe stands in a standard (1, 2, 5 x 10^n) below 60 % of the median, noise 0.1 %",
    days: 5,
    readings: 400,
    probes: true,
    apply: (place) => {
      const random = seeded(place.seed);
      const stretch = [...values(place).slice(place.from, place.to)].filter((value) => !Number.isNaN(value));
      const most =
        0.6 *
        quantile(
          stretch.sort((a, b) => a - b),
          0.5,
        );
      const power = 10 ** Math.floor(Math.log10(most));
      const standard = power * (most >= 5 * power ? 5 : most >= 2 * power ? 2 : 1);
      each(place, () => rounded(standard * (1 + 0.002 * (random() - 0.5)), place.q));
    },
  },
  {
    kind: "inconsistent pair",
    what: "for 2 days TDS is sent at 70 % while EC is not",
    days: 2,
    apply: (place) => each(place, (value) => rounded(0.7 * value, place.q)),
  },
];
