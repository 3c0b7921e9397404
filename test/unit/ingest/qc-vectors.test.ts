/** Every test against the flags that ioos_qc gives: vectors of the shared material, all of them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { QcFlag } from "../../../core/reading.ts";
import { aggregate } from "../../../ingest/qc/aggregate.ts";
import { Attenuated, spreadOf } from "../../../ingest/qc/attenuated.ts";
import { climatology, type Period } from "../../../ingest/qc/climatology.ts";
import { FlatLine } from "../../../ingest/qc/flat-line.ts";
import { grossRange, type Span, spansOf } from "../../../ingest/qc/gross-range.ts";
import { location, locationBounds, type Position, type Shape, shapeOf } from "../../../ingest/qc/location.ts";
import { rateOfChange } from "../../../ingest/qc/rate-of-change.ts";
import { type SpikeMethod, spike } from "../../../ingest/qc/spike.ts";
import { syntax } from "../../../ingest/qc/syntax.ts";
import { dataReception, impossibleDate, timeGap } from "../../../ingest/qc/times.ts";
import { validRange } from "../../../ingest/qc/valid-range.ts";
import { shared } from "../../support/vectors.ts";

interface Vector {
  readonly id: string;
  readonly fn: string;
  // biome-ignore lint/suspicious/noExplicitAny: arguments of another language, one shape a function
  readonly args: any;
  readonly flags?: readonly number[];
  readonly error?: unknown;
}

const HOUR = 3_600_000;
const number = (value: number | null): number => value ?? Number.NaN;
/** As numpy reads times without a zone: UTC. */
const ms = (text: string | number | null): number => {
  if (text === null) return Number.NaN;
  if (typeof text === "number") return text;
  return Date.parse(/Z$|[+-]\d\d:\d\d$/.test(text) || !text.includes("T") ? text : `${text}Z`);
};
const previous = <T>(values: readonly T[], at: number): T | undefined => values[at - 1];

/** How a whole array is judged by the tests of single readings. Throws where the library does. */
const run: Record<string, (args: Vector["args"]) => number[]> = {
  gross_range_test: ({ inp, fail_span, suspect_span }) => {
    const spans = spansOf(fail_span, suspect_span ?? null);
    return inp.map((value: number | null) => grossRange(number(value), spans));
  },
  valid_range_test: ({ inp, valid_span, start_inclusive, end_inclusive }) => {
    const isTime = inp.some((value: unknown) => typeof value === "string");
    const plain = (value: string | number | null) => (isTime ? ms(value) : number(value as number | null));
    const span = valid_span.map((end: string | number | null) => (end === null ? null : plain(end)));
    const how = { startInclusive: start_inclusive, endInclusive: end_inclusive };
    return inp.map((value: number | null) => validRange(plain(value), span, how));
  },
  climatology_test: ({ config, inp, tinp, zinp }) => {
    const members = config.map(
      (one: { tspan: (string | number)[]; vspan: Span; fspan?: Span; zspan?: Span; period?: Period | null }) => ({
        time: one.tspan.map((end) => (one.period ? Number(end) : ms(end))).sort((a, b) => a - b),
        period: one.period ?? undefined,
        suspect: one.vspan,
        fail: one.fspan ?? undefined,
        depth: one.zspan ?? undefined,
      }),
    );
    return inp.map((value: number | null, at: number) =>
      climatology(number(value), ms(tinp[at]), number(zinp[at] ?? null), members),
    );
  },
  spike_test: ({ inp, suspect_threshold, fail_threshold, method }) => {
    const thresholds = { suspect: suspect_threshold, fail: fail_threshold, method: method as SpikeMethod };
    return inp.map((value: number | null, at: number) =>
      spike(number(inp[at - 1] ?? null), number(value), number(inp[at + 1] ?? null), thresholds),
    );
  },
  rate_of_change_test: ({ inp, tinp, threshold, fail_threshold }) =>
    inp.map((value: number | null, at: number) =>
      rateOfChange(number(previous(inp, at) as number | null), number(value), ms(tinp[at]) - ms(tinp[at - 1] ?? null), {
        suspect: threshold,
        fail: fail_threshold,
      }),
    ),
  flat_line_test: ({ inp, tinp, suspect_threshold, fail_threshold, tolerance }) => {
    if (inp.length < 3) return inp.map((value: number | null) => (value === null ? 9 : 1));
    const steps = tinp.slice(1).map((time: string, at: number) => ms(time) - ms(tinp[at]));
    const interval = median(steps) / 1_000;
    const [suspect, fail] = [suspect_threshold, fail_threshold].map((one) => Math.trunc(one / interval));
    const line = new FlatLine({ suspect: suspect as number, fail: fail as number, tolerance });
    return inp.map((value: number | null) => line.next(number(value)));
  },
  attenuated_signal_test: ({
    inp,
    tinp,
    suspect_threshold,
    fail_threshold,
    test_period,
    min_obs,
    min_period,
    check_type,
  }) => {
    const thresholds = { check: check_type, suspect: suspect_threshold, fail: fail_threshold };
    if (!test_period) {
      const values = inp.map(number);
      // One statistic over all that is there: no form for a stream, so only its spread is ours.
      const known = values.filter((value: number) => !Number.isNaN(value));
      const spread = spreadOf(known, 0, known.length, check_type, 1);
      const flag = Number.isNaN(spread) ? 2 : spread < fail_threshold ? 4 : spread < suspect_threshold ? 3 : 1;
      return values.map((value: number) => (Number.isNaN(value) ? 9 : flag));
    }
    const steps = tinp.slice(1).map((time: string, at: number) => ms(time) - ms(tinp[at]));
    const byPeriod = min_period ? Math.trunc(min_period / (median(steps) / 1_000)) : null;
    const minReadings = min_obs ?? byPeriod ?? 1;
    const one = new Attenuated({ ...thresholds, periodMs: test_period * 1_000, minReadings });
    return inp.map((value: number | null, at: number) => one.next(ms(tinp[at]), number(value)));
  },
  time_gap_test: ({ tinp, fail_span }) => {
    const flags = tinp.map((time: string | null, at: number) =>
      timeGap(ms(tinp[at - 1] ?? null), ms(time), Math.trunc(fail_span * 3_600) * 1_000),
    );
    if (flags.length > 1 && flags[0] !== 9) flags[0] = tinp[1] === null ? 2 : flags[1];
    return flags;
  },
  data_reception_test: ({ tinp, fail_span, from_time }) =>
    tinp.map((time: string | null) => dataReception(ms(time), ms(from_time), fail_span * HOUR)),
  impossible_date_test: ({ tinp, now, fail_span }) => {
    const times = [tinp].flat().map((text: string | null) => {
      const time = ms(text);
      if (text !== null && Number.isNaN(time)) throw new Error(`${text} is no date`);
      return time;
    });
    return times.map((time: number) => impossibleDate(time, ms(now), fail_span ? fail_span.map(ms) : null));
  },
  syntax_test: ({ inp, nchar, lentype, delimiter }) =>
    inp.map((text: string | null) => syntax(text, { count: nchar, unit: lentype, delimiter })),
  location_test: ({ lon, lat, range_max, range_method }) => {
    if (range_method !== "haversine" && range_method !== "wgs84") throw new Error("no such method");
    const at = positions(lon, lat);
    return at.map((one, index) => location(previous(at, index), one, range_max));
  },
  location_bounds_test: ({ lon, lat, shape, flag_area }) => {
    const corners: Shape = shapeOf(shape);
    if (flag_area !== "outside" && flag_area !== "inside") throw new Error("no such area");
    return positions(lon, lat).map((one) => locationBounds(one, corners, flag_area));
  },
  qartod_compare: ({ vectors }) => {
    const [first = []] = vectors as QcFlag[][];
    return first.map((_, at) => aggregate((vectors as QcFlag[][]).map((flags) => flags[at] as QcFlag)));
  },
};

function positions(lon: readonly (number | null)[], lat: readonly (number | null)[]): Position[] {
  if (lon.length !== lat.length) throw new Error("lengths differ");
  return lon.map((one, at) => ({ lon: number(one), lat: number(lat[at] ?? null) }));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

describe.skipIf(!shared)("[shared] parity with ioos_qc", () => {
  const file = shared === undefined ? null : JSON.parse(readFileSync(join(shared, "data/qartod/vectors.json"), "utf8"));
  const vectors: readonly Vector[] = file?.vectors ?? [];

  test("there are 199 vectors of 13 functions, and each is run", () => {
    expect(vectors).toHaveLength(199);
    expect([...new Set(vectors.map(({ fn }) => fn))].sort()).toEqual(Object.keys(run).sort());
  });

  test.each(Object.keys(run))("%s", (fn) => {
    const own = vectors.filter((vector) => vector.fn === fn);
    expect(own.length).toBeGreaterThan(0);
    for (const { id, args, flags, error } of own) {
      if (error !== undefined) expect(() => run[fn]?.(args), id).toThrow();
      else expect({ id, flags: run[fn]?.(args) }).toEqual({ id, flags });
    }
  });
});
