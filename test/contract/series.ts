/**
 * The contract of port TimeSeriesStore, run on every adapter: the same block twice equals once, a later write replaces,
 * nothing of a point is lost, buckets are exact whatever was late, and reopening changes nothing.
 */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Bucket, CorrectionRecord, TimeSeriesStore } from "../../core/ports.ts";
import type { Comparison, QcFlag, Qualifier } from "../../core/reading.ts";
import { type ModelRow, roundedTo, SeriesModel } from "./series-model.ts";

/** One empty store and how to come back to it. */
export interface SeriesPlace {
  open(): Promise<TimeSeriesStore>;
  /** False where the journal keeps the reader position. */
  readonly keepsPosition: boolean;
  dispose(): Promise<void>;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const T = Date.UTC(2026, 2, 15);
const ALL = { from: Date.UTC(1900, 0, 1), to: Date.UTC(2100, 0, 1) };
const CD = "mw-1/cd/total/rtd";
const PH = "mw-1/ph/total/rtd";
const KEEP = { rawBefore: null, rollupBefore: null };

function aRow(overrides: Partial<ModelRow> = {}): ModelRow {
  return { series: CD, time: T, value: 0.004, cmp: "", flag: 1, qualifier: "N", ...overrides };
}

export function seriesContract(name: string, make: () => Promise<SeriesPlace>): void {
  describe(`${name} keeps the series contract`, () => {
    let place: SeriesPlace;
    let store: TimeSeriesStore;
    let model: SeriesModel;
    let offset = 0;

    beforeEach(async () => {
      place = await make();
      store = await place.open();
      model = new SeriesModel();
      offset = 0;
    });
    afterEach(async () => {
      await store.close();
      await place.dispose();
    });

    async function write(...rows: ModelRow[]): Promise<void> {
      await store.write([model.write(rows)], { reader: "series", offset: ++offset });
    }
    async function reopen(): Promise<void> {
      await store.close();
      store = await place.open();
    }
    const points = (series = CD) => store.query({ series, ...ALL }, 1_000_000);

    test("an empty store answers with nothing", async () => {
      expect(await points()).toEqual([]);
      expect(await store.buckets({ series: CD, ...ALL }, HOUR)).toEqual([]);
      expect(await store.latest()).toEqual([]);
      expect(await store.corrections({ series: CD, ...ALL })).toEqual([]);
      expect(await store.count()).toBe(0);
      expect(await store.position("series")).toBe(place.keepsPosition ? 0 : null);
    });

    test("the same block twice equals once", async () => {
      const block = model.write([aRow(), aRow({ time: T + 1_000, value: 0.005 }), aRow({ series: PH, value: 7.1 })]);
      await store.write([block], { reader: "series", offset: 1 });
      await store.write([block], { reader: "series", offset: 1 });
      await store.maintain(KEEP);
      await store.write([block, block], { reader: "series", offset: 2 });
      expect(await points()).toEqual(model.query({ series: CD, ...ALL }));
      expect(await store.count()).toBe(3);
      expect(await store.corrections({ series: CD, ...ALL })).toEqual([]);
    });

    test.each([
      ["at once", false],
      ["after maintenance", true],
    ])("a later write of a key replaces the point, %s, and the old value is kept", async (_, isMaintained) => {
      await write(aRow({ value: 0.004 }), aRow({ time: T + 1_000, value: 0.1, cmp: "<" }));
      if (isMaintained) await store.maintain(KEEP);
      await write(aRow({ value: 0.007 }), aRow({ time: T + 1_000, value: 0.1 }));
      expect(await points()).toEqual(model.query({ series: CD, ...ALL }));
      const stripped = (await store.corrections({ series: CD, ...ALL })).map(withoutAt);
      expect(stripped).toEqual([
        { series: CD, time: T, oldValue: 0.004, oldCmp: "", newValue: 0.007, newCmp: "" },
        { series: CD, time: T + 1_000, oldValue: 0.1, oldCmp: "<", newValue: 0.1, newCmp: "" },
      ]);
      expect(await store.corrections({ series: CD, from: T + 1, to: T + 1_000 })).toEqual([]);
    });

    test("of equal keys within one write the last wins, and the first is kept as history", async () => {
      await write(aRow({ value: 1 }), aRow({ time: T - 5_000 }), aRow({ value: 2 }), aRow({ value: 3, cmp: ">" }));
      expect(await points()).toEqual(model.query({ series: CD, ...ALL }));
      const history = (await store.corrections({ series: CD, ...ALL })).map(withoutAt);
      expect(history).toHaveLength(2);
      expect(history).toEqual(expect.arrayContaining(model.corrections));
    });

    test.each<[string, Partial<ModelRow>]>([
      ["a value below the reporting limit", { value: 0.5, cmp: "<" }],
      ["a value above the range", { value: 4_000, cmp: ">", flag: 3, qualifier: "T" }],
      ["a plain zero", { value: 0 }],
      ["a tiny and exact number", { value: 0.1 + 0.2 }],
      ["a huge number", { value: -1.7976931348623157e308 }],
      ["no value at all", { value: Number.NaN, flag: 9, qualifier: "F" }],
      ["a time before 1970", { time: Date.UTC(1949, 9, 1) + 1 }],
      ["a time with odd milliseconds", { time: T + 123 }],
      ["a failed value", { flag: 4, qualifier: "D" }],
    ])("keeps %s as it came", async (_, overrides) => {
      await write(aRow(overrides));
      expect(await points()).toEqual(model.query({ series: CD, ...ALL }));
      expect(await store.latest([CD])).toEqual(model.latest());
      await reopen();
      await store.maintain(KEEP);
      expect(await points()).toEqual(model.query({ series: CD, ...ALL }));
      expect(await store.latest([CD])).toEqual(model.latest());
    });

    test("a value can be taken back", async () => {
      await write(aRow({ value: 0.004, cmp: "<" }), aRow({ time: T + 1_000 }));
      await write(aRow({ value: Number.NaN, flag: 9, qualifier: "M" }));
      expect(await points()).toEqual(model.query({ series: CD, ...ALL }));
      expectBuckets(await store.buckets({ series: CD, ...ALL }, HOUR), model.buckets({ series: CD, ...ALL }, HOUR));
    });

    test("a span includes its start, excludes its end, and is cut at the limit", async () => {
      await write(...[0, 1, 2, 3, 4].map((second) => aRow({ time: T + second * 1_000, value: second })));
      const times = async (from: number, to: number, limit: number) =>
        (await store.query({ series: CD, from, to }, limit)).map(({ time }) => (time - T) / 1_000);
      expect(await times(T + 1_000, T + 3_000, 10)).toEqual([1, 2]);
      expect(await times(T + 1_001, T + 3_001, 10)).toEqual([2, 3]);
      expect(await times(T, T + 10_000, 3)).toEqual([0, 1, 2]);
      expect(await times(T, T, 10)).toEqual([]);
      expect(await times(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 10)).toEqual([0, 1, 2, 3, 4]);
    });

    test("series with every allowed character stay apart", async () => {
      const names = ["A-Za-z0-9_.-", "a.b", "a_b", "a-b", "A.b", "..", "-", "_", "0", "x".repeat(64)];
      const keys = names.map((station) => `${station}/cd/dissolved/avg`);
      await write(...keys.map((series, index) => aRow({ series, value: index })));
      for (const [index, series] of keys.entries()) {
        expect((await points(series)).map(({ value }) => value)).toEqual([index]);
      }
      expect((await store.latest()).map(({ series }) => series).sort()).toEqual([...keys].sort());
      await reopen();
      expect((await store.latest(keys)).map(({ value }) => value)).toEqual(keys.map((_, index) => index));
    });

    test("buckets are exact for late and corrected data after maintenance", async () => {
      const every10min = Array.from({ length: 400 }, (_, i) =>
        aRow({ time: T + i * 600_000, value: i, flag: i % 7 === 0 ? 3 : 1, cmp: i % 5 === 0 ? "<" : "" }),
      );
      await write(...every10min.filter((_, i) => i % 3 !== 1));
      await store.maintain(KEEP);
      await write(...every10min.filter((_, i) => i % 3 === 1));
      await write(aRow({ time: T + 6 * 600_000, value: -50 }), aRow({ time: T - 3 * DAY, value: Number.NaN, flag: 9 }));
      for (const isMaintained of [false, true]) {
        if (isMaintained) await store.maintain(KEEP);
        for (const stepMs of [600_000, 900_000, HOUR, 3 * HOUR, DAY, 7 * DAY]) {
          for (const [from, to] of [
            [ALL.from, ALL.to],
            [T + 1_234_567, T + 2 * DAY + 7_654_321],
            [T + 10, T + 20 * 60_000],
          ] as const) {
            expectBuckets(
              await store.buckets({ series: CD, from, to }, stepMs),
              model.buckets({ series: CD, from, to }, stepMs),
            );
          }
        }
      }
    });

    test("latest is the newest by the time of measurement, not of arrival", async () => {
      await write(aRow({ time: T + 5_000, value: 5 }), aRow({ series: PH, time: T, value: 7 }));
      await write(aRow({ time: T + 1_000, value: 1 }), aRow({ series: PH, time: T, value: 8, flag: 4 }));
      expect(bySeries(await store.latest())).toEqual(model.latest());
      expect((await store.latest([PH, "nowhere/cd/total/rtd"])).map(({ value }) => value)).toEqual([8]);
      await reopen();
      expect(bySeries(await store.latest())).toEqual(model.latest());
    });

    test("the reader position moves with the points, also when there are none", async () => {
      await write(aRow());
      await store.write([], { reader: "series", offset: 17 });
      await store.write([model.write([aRow({ time: T + 1 })])], { reader: "o'ther", offset: 3 });
      await reopen();
      expect(await store.position("series")).toBe(place.keepsPosition ? 17 : null);
      expect(await store.position("o'ther")).toBe(place.keepsPosition ? 3 : null);
      expect(await store.count()).toBe(2);
    });

    test("maintenance drops raw points that are too old", async () => {
      await write(aRow({ time: T - 10 * DAY }), aRow({ time: T - 10 * DAY + 1_000 }), aRow({ time: T }));
      await store.maintain({ rawBefore: T - 5 * DAY, rollupBefore: null });
      expect((await points()).map(({ time }) => time)).toEqual([T]);
    });

    test("answers like a plain map after 10,000 random rows, late, doubled and corrected", async () => {
      await fc.assert(
        fc.asyncProperty(fc.integer(), async (seed) => {
          const random = seeded(seed);
          for (let batch = 0; batch < 25; batch++) {
            await write(...Array.from({ length: 400 }, () => randomRow(random, batch)));
            if (random() < 0.2) await store.maintain(KEEP);
            if (random() < 0.1) await reopen();
          }
          await expectEqualToModel(store, model, random);
        }),
        // Shrinking a seed finds nothing simpler and takes minutes.
        { numRuns: 1, endOnFailure: true },
      );
    });
  });
}

function expectBuckets(found: readonly Bucket[], expected: readonly Bucket[]): void {
  expect(roundedTo(expected, found)).toEqual(expected);
}

async function expectEqualToModel(store: TimeSeriesStore, model: SeriesModel, random: () => number): Promise<void> {
  expect(await store.count()).toBe(model.count());
  expect(bySeries(await store.latest())).toEqual(model.latest());
  for (const series of SERIES) {
    expect(await store.query({ series, ...ALL }, 1_000_000)).toEqual(model.query({ series, ...ALL }));
    const history = (await store.corrections({ series, ...ALL })).map(withoutAt);
    const expected = model.corrections.filter((correction) => correction.series === series);
    expect(new Set(history.map((c) => JSON.stringify(c)))).toEqual(new Set(expected.map((c) => JSON.stringify(c))));
    for (const stepMs of [600_000, HOUR, 6 * HOUR, DAY, 2 * DAY]) {
      const from = T - DAY + Math.floor(random() * 3 * DAY);
      const query = { series, from, to: from + Math.floor(random() * 3 * DAY) };
      expectBuckets(await store.buckets(query, stepMs), model.buckets(query, stepMs));
    }
  }
}

const SERIES = ["mw-1", "mw-2", "a.b", "a_b", "a-b"].flatMap((station) => [
  `${station}/cd/total/rtd`,
  `${station}/ph/dissolved/avg`,
]);

/** Times creep forward by batch, so that most rows are new, some late and some doubled. */
function randomRow(random: () => number, batch: number): ModelRow {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const isLate = random() < 0.2;
  const minute = isLate ? Math.floor(random() * 3_000) - 1_000 : batch * 80 + Math.floor(random() * 90);
  const isNull = random() < 0.05;
  return {
    series: pick(SERIES),
    time: T + minute * 60_000,
    value: isNull ? Number.NaN : Math.round(random() * 10_000) / 1_000,
    cmp: isNull ? "" : pick<Comparison>(["", "", "", "<", ">"]),
    flag: isNull ? 9 : pick<QcFlag>([1, 1, 1, 2, 3, 4]),
    qualifier: isNull ? "F" : pick<Qualifier>(["N", "N", "N", "T", "D"]),
  };
}

/** Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function withoutAt({ at, ...rest }: CorrectionRecord): Omit<CorrectionRecord, "at"> {
  expect(at).toBeGreaterThan(0);
  return rest;
}
function bySeries<Item extends { readonly series: string }>(items: readonly Item[]): Item[] {
  return [...items].sort((a, b) => (a.series < b.series ? -1 : 1));
}
