/** Ingest and series writer on the real stores, with restarts: what was sent is what can be queried. */
import { describe, expect, test } from "vitest";
import { systemClock } from "../../../core/clock.ts";
import { Metrics } from "../../../core/observe.ts";
import type { Journal, TimeSeriesStore } from "../../../core/ports.ts";
import { scheduleHousekeeping } from "../../../ingest/housekeeping.ts";
import { runIngest } from "../../../ingest/pipeline.ts";
import { runSeriesWriter } from "../../../ingest/store.ts";
import { openSqliteJournal } from "../../../storage/journal-sqlite.ts";
import { openDuckdbSeries } from "../../../storage/series-duckdb.ts";
import { NOW } from "../../support/builders.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { aRaw, ingestDirectory, silent } from "../../support/ingest.ts";

const clock = systemClock;

interface House {
  readonly journal: Journal;
  readonly series: TimeSeriesStore;
  /** Until everything in `raw` can be queried. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

async function open(folder: string): Promise<House> {
  const metrics = new Metrics();
  const common = { folder, clock, log: silent, metrics };
  const journal = await openSqliteJournal({ ...common, diskReserveBytes: 0 });
  const series = await openDuckdbSeries(common);
  const stop = new AbortController();
  const directory = ingestDirectory();
  const parts = { journal, clock, log: silent, metrics };
  const loops = [
    runIngest({ ...parts, directory: () => directory, refresh: async () => {} }, stop.signal),
    runSeriesWriter({ ...parts, series }, stop.signal),
  ];
  const reached = async (reader: string, stream: "raw" | "readings"): Promise<void> => {
    while ((await journal.position(reader, stream)) < (await journal.end(stream))) {
      await Promise.race([clock.sleep(5), ...loops]);
    }
  };
  return {
    journal,
    series,
    settled: async () => {
      await reached("ingest", "raw");
      await reached("series", "readings");
    },
    stop: async () => {
      stop.abort();
      await Promise.all(loops);
      await series.close();
      await journal.close();
    },
  };
}

/** A 2-hour backlog at one message a second, two readings each; every value tells its second. */
const SECONDS = 7_200;
function message(second: number, receivedAt: number): Uint8Array {
  const ts = NOW - (SECONDS - second) * 1_000;
  const r = [
    { p: "cd", v: 1 + second, u: "µg/L" },
    { p: "ph", v: 7 + second / 10_000 },
  ];
  return aRaw({ v: 1, boot: "b1", seq: second, ts, r, backfill: true }, { receivedAt });
}

/** The same order every time. */
function shuffled(count: number): number[] {
  const order = Array.from({ length: count }, (_, n) => n);
  let state = 12_345;
  for (let n = count - 1; n > 0; n--) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    const other = state % (n + 1);
    [order[n], order[other]] = [order[other] as number, order[n] as number];
  }
  return order;
}

describe("on the journal and the series store of the embedded set-up", () => {
  test("a 2-hour backlog that comes late, shuffled and twice, with restarts, is stored once", async () => {
    const folder = temporaryFolder();
    const order = [...shuffled(SECONDS), ...shuffled(SECONDS).reverse()];
    const piece = Math.ceil(order.length / 3);
    for (let first = 0; first < order.length; first += piece) {
      const house = await open(folder);
      const entries = order.slice(first, first + piece).map((second, n) => message(second, NOW + first + n));
      await house.journal.commit({ append: [{ stream: "raw", entries }] });
      if (first === 0) await house.settled(); // the other times it stops in the middle of its work
      await house.stop();
    }
    const house = await open(folder);
    await house.settled();
    const query = { series: "mw-1/cd/total/rtd", from: NOW - SECONDS * 1_000, to: NOW };
    const points = await house.series.query(query, 10_000);
    expect(points.map(({ value }) => value)).toEqual(Array.from({ length: SECONDS }, (_, n) => (1 + n) / 1_000));
    expect(await house.series.count()).toBe(SECONDS * 2);
    expect(await house.series.corrections(query)).toEqual([]);
    const { streams } = await house.journal.stats();
    expect(streams.quarantine.end).toBe(0);
    await house.stop();
  });

  test("a corrected value is stored with its old one, and trimming waits for the readers", async () => {
    const house = await open(temporaryFolder());
    const send = (seq: number, v: number): Promise<void> =>
      house.journal.append("raw", aRaw({ boot: "b1", seq, ts: NOW, m: { cd: v } }, { receivedAt: NOW + seq }));
    await send(1, 5);
    await send(3, 7);
    await send(2, 6); // late: seq 3 stands
    await house.settled();
    const query = { series: "mw-1/cd/total/rtd", from: NOW, to: NOW + 1 };
    expect(await house.series.query(query, 10)).toMatchObject([{ value: 7 }]);
    expect(await house.series.corrections(query)).toMatchObject([{ oldValue: 5, newValue: 7 }]);

    const tasks = new Map<string, () => Promise<void>>();
    scheduleHousekeeping({
      scheduler: { schedule: (name, _, task) => void tasks.set(name, task), close: async () => {} },
      series: house.series,
      journal: house.journal,
      clock,
      log: silent,
      metrics: new Metrics(),
      settings: { rawDays: 400, rollupDays: 3_650, journalDays: 7, journalMegabytes: 1e-6 },
    });
    for (const task of tasks.values()) await task();
    const { streams } = await house.journal.stats();
    expect(streams.raw.start).toBeGreaterThan(0);
    expect(streams.readings.start).toBeGreaterThan(0);
    expect(streams.raw.start).toBeLessThanOrEqual(await house.journal.position("ingest", "raw"));
    await send(4, 8);
    await house.settled();
    expect(await house.series.latest(["mw-1/cd/total/rtd"])).toMatchObject([{ value: 8 }]);
    await house.stop();
  });
});
