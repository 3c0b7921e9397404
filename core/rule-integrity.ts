/**
 * Rules that look for signs of falsified monitoring data (监测数据弄虚作假, 环发〔2015〕175号). What they find is evidence
 * to be checked by a person, never a finding.
 */
import { z } from "zod";
import { common, timing } from "./rule-common.ts";

/** Signals over the series of one station; see alerts/detect/integrity/. */
export const STATION_SIGNALS = [
  "constant",
  "limit-heap",
  "clipped",
  "digits",
  "benford",
  "copy",
  "affine-copy",
  "noise-drop",
  "gaps-when-high",
  "inconsistent-pair",
  "maintenance-cover",
  "standard-solution",
] as const;
export type StationSignal = (typeof STATION_SIGNALS)[number];

/** Thresholds of the sum of -log10(p): "check" from 4, "strong" from 8. */
const evidence = { check: z.number().min(1).max(72).default(4), strong: z.number().min(1).max(72).default(8) };

/**
 * All series of one station, judged once a day of data time (days of China Standard Time). `limit` is the own limit of
 * the quantity in its canonical unit, for the signals that need one, when no pack gives it; name one quantity then.
 */
export const IntegrityRule = z.strictObject({
  kind: z.literal("integrity"),
  ...common,
  ...timing,
  signals: z
    .array(z.enum(STATION_SIGNALS))
    .min(1)
    .default([...STATION_SIGNALS]),
  ...evidence,
  /** Days of history that counts and noise are compared with. */
  days: z.int().min(7).max(60).default(30),
  limit: z.number().positive().optional(),
});
export type IntegrityRule = z.infer<typeof IntegrityRule>;

/** Series of one quantity at the stations of one site that send the same numbers. */
export const IdenticalRule = z.strictObject({
  kind: z.literal("identical-stations"),
  ...common,
  ...timing,
  ...evidence,
  /** Equal readings in a row at equal times. */
  readings: z.int().min(8).max(500).default(12),
});
export type IdenticalRule = z.infer<typeof IdenticalRule>;
