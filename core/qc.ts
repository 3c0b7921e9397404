/**
 * Quality control as everybody sees it: the QARTOD tests in their fixed order, the flags of one reading's tests packed
 * into one number, their aggregate, and the thresholds a station may set for its quantities.
 */
import { z } from "zod";
import { Duration } from "./duration.ts";
import { QC, type QcFlag } from "./reading.ts";

/** The order is part of the format of reading blocks: add at the end, at most ten. */
export const QC_TESTS = [
  "gross",
  "climatology",
  "spike",
  "rate",
  "flat",
  "attenuated",
  "gap",
  "order",
  "location",
  "syntax",
] as const;
export type QcTest = (typeof QC_TESTS)[number];

const BITS = 3;
/** Flag 9 in three bits. */
const MISSING_CODE = 5;

/**
 * Flags of single tests in 30 bits, three a test, the first one lowest: 3 and 4 as in QARTOD, 5 for flag 9, else 0 (good
 * or not evaluated). 0 as a whole is a reading with flag 1.
 */
export type PackedTests = number;

/** `packed` with one more test. @param test its index in `QC_TESTS`. */
export function withTest(packed: PackedTests, test: number, flag: QcFlag): PackedTests {
  if (flag === QC.good || flag === QC.notEvaluated) return packed;
  return packed | ((flag === QC.missing ? MISSING_CODE : flag) << (test * BITS));
}

export function withoutTest(packed: PackedTests, test: number): PackedTests {
  return packed & ~(7 << (test * BITS));
}

/**
 * The aggregate of QARTOD (last wins: 9 < 2 < 1 < 3 < 4) of a reading of which at least one test ran; a missing value
 * is missing to each of them.
 */
export function aggregateOf(packed: PackedTests): QcFlag {
  let flag: QcFlag = QC.good;
  for (let rest = packed; rest !== 0; rest >>>= BITS) {
    const code = rest & 7;
    if (code === QC.fail) return QC.fail;
    if (code === QC.suspect) flag = QC.suspect;
    else if (code === MISSING_CODE && flag === QC.good) flag = QC.missing;
  }
  return flag;
}

/** By name, for evidence and replay: `{"spike":3}`. Tests that are good or were not evaluated are left out. */
export function namedTests(packed: PackedTests): Partial<Record<QcTest, QcFlag>> {
  const named: Partial<Record<QcTest, QcFlag>> = {};
  for (let test = 0; test < QC_TESTS.length; test++) {
    const code = (packed >>> (test * BITS)) & 7;
    if (code !== 0) named[QC_TESTS[test] as QcTest] = code === MISSING_CODE ? QC.missing : (code as QcFlag);
  }
  return named;
}

const Span = z
  .tuple([z.number(), z.number()])
  .transform(([one, other]) => [Math.min(one, other), Math.max(one, other)] as const);
const Ms = z.union([Duration, z.number().positive()]);

/**
 * Differential spike: the smaller of the steps to both neighbours, when they point opposite ways; average: the distance
 * from the neighbours' mean. Suspect beyond `suspect` and beyond `share` times the larger neighbour; `noise` asks besides
 * for so many times the median step of the readings before (at most 24 of them, when there are 8).
 */
const QcSpike = z.strictObject({
  method: z.enum(["differential", "average"]).default("differential"),
  suspect: z.number().positive(),
  fail: z.number().positive().optional(),
  share: z.number().positive().optional(),
  noise: z.number().positive().optional(),
});
/** Change a minute; `share` is of the larger of both values, `noise` is about the step itself. */
const QcRate = z.strictObject({
  suspect: z.number().positive(),
  fail: z.number().positive().optional(),
  share: z.number().positive().optional(),
  noise: z.number().positive().optional(),
});
/** No change for so long; with `tolerance`, a range below it. */
const QcFlat = z.strictObject({ suspect: Ms, fail: Ms, tolerance: z.number().nonnegative().default(0) });
/** Standard deviation or range over a trailing window. */
const QcAttenuated = z.strictObject({
  check: z.enum(["std", "range"]).default("range"),
  suspect: z.number().positive(),
  fail: z.number().nonnegative().default(0),
  period: Ms,
  minReadings: z.number().int().min(1).default(3),
});
/** Seasonal bands: months of the year (UTC, 1 to 12, both ends included); later members win. */
const QcSeason = z.strictObject({
  months: z.tuple([z.number().int().min(1).max(12), z.number().int().min(1).max(12)]),
  suspect: Span,
  fail: Span.optional(),
});

/** Thresholds of one quantity, in its canonical unit. A field not given keeps its default; null switches its test off. */
export const QcThresholds = z
  .strictObject({
    fail: Span.nullable().optional(),
    suspect: Span.nullable().optional(),
    spike: QcSpike.nullable().optional(),
    rate: QcRate.nullable().optional(),
    flat: QcFlat.nullable().optional(),
    attenuated: QcAttenuated.nullable().optional(),
    climatology: z.array(QcSeason).min(1).max(48).nullable().optional(),
    /** A reading so long after the one before fails. */
    gap: Ms.nullable().optional(),
  })
  .refine(
    ({ fail, suspect }) => !fail || !suspect || (suspect[0] >= fail[0] && suspect[1] <= fail[1]),
    "the suspect span must lie inside the fail span",
  );
export type QcThresholds = z.infer<typeof QcThresholds>;

/** By quantity id. */
export const QcOfStation = z.record(z.string().regex(/^[a-z0-9_]{1,40}$/), QcThresholds);
