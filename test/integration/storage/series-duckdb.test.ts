import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLogger, Metrics } from "../../../core/observe.ts";
import type { TimeSeriesStore } from "../../../core/ports.ts";
import type { Reading } from "../../../core/reading.ts";
import { openDuckdbSeries } from "../../../storage/series-duckdb.ts";
import { seriesContract } from "../../contract/series.ts";
import { aBlock, aReading, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";

const log = createLogger("silent");

/** @param hotRowsMax rows at which runs are sorted; small ones put every path to work. */
function duckdbPlace(hotRowsMax: number) {
  return async () => {
    const folder = await mkdtemp(join(tmpdir(), "series-"));
    return {
      open: () => openDuckdbSeries({ folder, clock: new FakeClock(), log, metrics: new Metrics(), hotRowsMax }),
      keepsPosition: true,
      dispose: () => rm(folder, { recursive: true, force: true }),
    };
  };
}

seriesContract("DuckDB", duckdbPlace(2_000_000));
seriesContract("DuckDB that sorts at every turn", duckdbPlace(1));
seriesContract("DuckDB that sorts now and then", duckdbPlace(3_000));

describe("DuckDB series", () => {
  const HOUR = 3_600_000;
  const DAY = 24 * HOUR;
  const series = "mw-1/cd/total/rtd";
  let place: Awaited<ReturnType<ReturnType<typeof duckdbPlace>>>;
  let store: TimeSeriesStore;
  beforeEach(async () => {
    place = await duckdbPlace(1)();
    store = await place.open();
  });
  afterEach(async () => {
    await store.close();
    await place.dispose();
  });
  const write = (offset: number, ...readings: Partial<Reading>[]) =>
    store.write([aBlock(readings.map(aReading))], { reader: "series", offset });
  const counts = async (stepMs: number) =>
    (await store.buckets({ series, from: 0, to: NOW * 2 }, stepMs)).map(({ time, count }) => [time - NOW, count]);

  test("a write whose position cannot be kept leaves nothing behind, and the next one works", async () => {
    await write(1, { time: NOW, value: 1 });
    await expect(
      write(1.5, { time: NOW, value: 2 }, { time: NOW + 1, value: 3 }, { series: "b/cd/total/rtd" }),
    ).rejects.toThrow("SERIES_UNAVAILABLE");
    expect(await store.count()).toBe(1);
    expect(await store.latest()).toMatchObject([{ series, value: 1 }]);
    expect(await store.position("series")).toBe(1);
    await write(2, { time: NOW + 1, value: 3 }, { series: "b/cd/total/rtd" });
    await store.close();
    store = await place.open();
    expect((await store.latest()).map((point) => point.series)).toEqual([series, "b/cd/total/rtd"]);
    expect(await store.position("series")).toBe(2);
    expect(await store.corrections({ series, from: 0, to: NOW * 2 })).toEqual([]);
  });

  test("roll-ups outlive the raw points, take late ones, and are dropped in their turn", async () => {
    await write(1, { time: NOW - 9 * DAY }, { time: NOW - 9 * DAY + 1 }, { time: NOW - 2 * DAY }, { time: NOW });
    await store.maintain({ rawBefore: NOW - DAY, rollupBefore: null });
    expect(await store.count()).toBe(1);
    await write(2, { time: NOW - 9 * DAY + 2 }, { time: NOW - 9 * DAY + HOUR });
    for (const isMaintained of [false, true]) {
      if (isMaintained) await store.maintain({ rawBefore: NOW - DAY, rollupBefore: null });
      expect(await counts(HOUR)).toEqual([
        [-9 * DAY, 3],
        [-9 * DAY + HOUR, 1],
        [-2 * DAY, 1],
        [0, 1],
      ]);
      expect(await counts(DAY)).toEqual([
        [-9 * DAY, 4],
        [-2 * DAY, 1],
        [0, 1],
      ]);
    }
    await store.maintain({ rawBefore: NOW - DAY, rollupBefore: NOW - 5 * DAY });
    expect(await counts(HOUR)).toEqual([
      [-2 * DAY, 1],
      [0, 1],
    ]);
    expect(await counts(DAY)).toEqual([
      [-2 * DAY, 1],
      [0, 1],
    ]);
  });

  test("a correction of a late reading whose neighbours were dropped does not undo their roll-up", async () => {
    await write(1, { time: NOW - 9 * DAY }, { time: NOW - 9 * DAY + 1 }, { time: NOW });
    await store.maintain({ rawBefore: NOW - DAY, rollupBefore: null });
    await write(2, { time: NOW - 9 * DAY + 2, value: 1 });
    await store.maintain({ rawBefore: null, rollupBefore: null });
    await write(3, { time: NOW - 9 * DAY + 2, value: 2 });
    await store.maintain({ rawBefore: null, rollupBefore: null });
    expect((await counts(HOUR))[0]?.[1]).toBeGreaterThanOrEqual(3);
  });

  test("answers while points are written and sorted never miss or double one", async () => {
    const PER_WRITE = 50;
    await write(0, { time: NOW - HOUR });
    let written = 1;
    let isDone = false;
    const writing = (async () => {
      for (let n = 0; n < 60; n++) {
        await write(
          n + 1,
          ...Array.from({ length: PER_WRITE }, (_, i) => ({ time: NOW + (n * PER_WRITE + i) * 60_000 })),
        );
        written += PER_WRITE;
      }
      isDone = true;
    })();
    while (!isDone) {
      const before = written;
      const points = await store.query({ series, from: 0, to: NOW * 2 }, 1_000_000);
      const total = (await store.buckets({ series, from: 0, to: NOW * 2 }, HOUR)).reduce(
        (sum, { count }) => sum + count,
        0,
      );
      const after = written + PER_WRITE;
      for (const seen of [points.length, total]) {
        expect(seen).toBeGreaterThanOrEqual(before);
        expect(seen).toBeLessThanOrEqual(after);
      }
      expect(new Set(points.map(({ time }) => time)).size).toBe(points.length);
    }
    await writing;
    expect(await store.count()).toBe(60 * PER_WRITE + 1);
  });
});
