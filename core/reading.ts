/**
 * The words of a measurement: series, quality flags, qualifiers, censoring, and one reading with its origin.
 */

/** QARTOD primary flags (IOOS QARTOD manuals, flags section): the number is stored as such. */
export const QC = { good: 1, notEvaluated: 2, suspect: 3, fail: 4, missing: 9 } as const;
export type QcFlag = (typeof QC)[keyof typeof QC];

/** HJ 212 data flags: normal, maintenance stop, fault, supplementary, calibration ... as letters. */
export const QUALIFIERS = ["N", "F", "M", "S", "D", "C", "T", "B"] as const;
export type Qualifier = (typeof QUALIFIERS)[number];

/** F, M, S, D, C, B never raise a pollution alarm; N and T (over range: a lower bound) do. */
export function isInstrumentQualifier(qualifier: string): boolean {
  return qualifier !== "N" && qualifier !== "T";
}

/** Censoring: `<` below the reporting limit, `>` above the range, `""` a plain number. */
export type Comparison = "" | "<" | ">";

export const AGGREGATES = ["rtd", "avg", "min", "max", "sum"] as const;
export type Aggregate = (typeof AGGREGATES)[number];
export const FRACTIONS = ["total", "dissolved", "suspended", "extractable"] as const;
export type Fraction = (typeof FRACTIONS)[number];

/** What is measured where; belongs to the station, so that a swapped sensor continues it. */
export interface Series {
  readonly station: string;
  readonly quantity: string;
  readonly fraction: string;
  readonly aggregate: string;
}

/** `station/quantity/fraction/aggregate`, e.g. `mw-3/cd/dissolved/rtd`. None of the parts can hold a slash. */
export function seriesKey(series: Series): string {
  return `${series.station}/${series.quantity}/${series.fraction}/${series.aggregate}`;
}

export function parseSeriesKey(key: string): Series {
  const [station = "", quantity = "", fraction = "total", aggregate = "rtd"] = key.split("/");
  return { station, quantity, fraction, aggregate };
}

/** One validated reading, in the canonical unit of its quantity and medium. */
export interface Reading {
  /** `seriesKey`. */
  readonly series: string;
  /** When the sensor measured, ms since 1970 UTC (may be negative); not when the message arrived. */
  readonly time: number;
  /** NaN only when the device reported null with a qualifier other than N. */
  readonly value: number;
  readonly cmp: Comparison;
  readonly flag: QcFlag;
  readonly qualifier: Qualifier;
  readonly origin: Origin;
}

/** Which message a reading came in; `boot` is empty and `seq` is -1 when the device sent none. */
export interface Origin {
  readonly device: string;
  readonly boot: string;
  readonly seq: number;
  /** Arrival at the gateway, wall clock, ms since 1970 UTC. */
  readonly receivedAt: number;
  /** The device declared a bulk back-fill. */
  readonly backfill: boolean;
}
