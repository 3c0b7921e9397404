import { describe, expect, test } from "vitest";
import { Unavailable } from "../../../core/errors.ts";
import { Metrics } from "../../../core/observe.ts";
import type { SeriesPosition, TimeSeriesStore } from "../../../core/ports.ts";
import type { ReadingBlock } from "../../../core/reading-block.ts";
import { runSeriesWriter } from "../../../ingest/store.ts";
import { aBlockEncoded, aReading, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { silent } from "../../support/ingest.ts";
import { HastyClock } from "../../support/ingest-journals.ts";
import { MemoryJournal } from "../../support/journal-memory.ts";

interface Write {
  readonly rows: number;
  readonly blocks: number;
  readonly offset: number;
}

/** Notes what is written; away for the first `refusals` tries. */
class FakeSeries {
  readonly writes: Write[] = [];
  refusals = 0;
  stored: number | null = null;
  onWrite: () => void = () => {};
  async write(blocks: readonly ReadingBlock[], { offset }: SeriesPosition): Promise<void> {
    if (this.refusals-- > 0) throw new Unavailable("SERIES_UNAVAILABLE", { what: "the server is away" });
    this.writes.push({ rows: blocks.reduce((sum, { count }) => sum + count, 0), blocks: blocks.length, offset });
    this.onWrite();
  }
  async position(): Promise<number | null> {
    return this.stored;
  }
}

const block = (rows: number): Uint8Array =>
  aBlockEncoded(Array.from({ length: rows }, (_, n) => aReading({ time: NOW + n })));

/** Lets the loop run until it waits. */
const idle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function start(journal: MemoryJournal, series: FakeSeries, clock: FakeClock) {
  const stop = new AbortController();
  const store = series as unknown as TimeSeriesStore;
  const running = runSeriesWriter({ journal, series: store, clock, log: silent, metrics: new Metrics() }, stop.signal);
  await idle();
  return {
    stop: async () => {
      stop.abort();
      await running;
    },
    /** Resolves once `count` writes have been made and the journal knows. */
    written: async (count: number): Promise<void> => {
      const position = () => journal.position("series", "readings");
      while (series.writes.length < count || (await position()) < (series.writes.at(-1)?.offset ?? 0)) {
        await idle();
      }
    },
  };
}

describe("the loop readings → series", () => {
  test("gathers what comes within half a second into one write", async () => {
    const [journal, series, clock] = [new MemoryJournal(), new FakeSeries(), new FakeClock(NOW)];
    const writer = await start(journal, series, clock);
    await journal.append("readings", block(2));
    await idle();
    await clock.advance(200);
    await journal.append("readings", block(3));
    await idle();
    await clock.advance(200);
    expect(series.writes).toEqual([]);
    await clock.advance(150);
    await writer.written(1);
    expect(series.writes).toEqual([{ rows: 5, blocks: 2, offset: 2 }]);
    expect(await journal.position("series", "readings")).toBe(2);
    await writer.stop();
  });

  test("writes at once when there is a lot, and never much more than 50,000 rows together", async () => {
    const [journal, series, clock] = [new MemoryJournal(), new FakeSeries(), new FakeClock(NOW)];
    for (let n = 0; n < 12; n++) await journal.append("readings", block(10_000));
    const writer = await start(journal, series, clock);
    await writer.written(2);
    await idle();
    expect(series.writes.slice(0, 2)).toEqual([
      { rows: 50_000, blocks: 5, offset: 5 },
      { rows: 50_000, blocks: 5, offset: 10 },
    ]);
    await clock.advance(500);
    await writer.written(3);
    await writer.stop();
  });

  test.each`
    what                                              | stored  | journalAt | first
    ${"where the store stands"}                       | ${3}    | ${1}      | ${{ blocks: 2, offset: 5 }}
    ${"where the journal says, if it keeps none"}     | ${null} | ${1}      | ${{ blocks: 4, offset: 5 }}
    ${"from the beginning, when it is new"}           | ${0}    | ${0}      | ${{ blocks: 5, offset: 5 }}
    ${"where the journal says, if it is ahead of it"} | ${99}   | ${2}      | ${{ blocks: 3, offset: 5 }}
  `(
    "goes on $what",
    async ({ stored, journalAt, first }: { stored: number | null; journalAt: number; first: object }) => {
      const [journal, series, clock] = [new MemoryJournal(), new FakeSeries(), new FakeClock(NOW)];
      for (let n = 0; n < 5; n++) await journal.append("readings", block(1));
      await journal.commit({ advance: [{ reader: "series", stream: "readings", offset: journalAt }] });
      series.stored = stored;
      const writer = await start(journal, series, clock);
      await clock.advance(600);
      await writer.written(1);
      expect(series.writes).toMatchObject([first]);
      await writer.stop();
    },
  );

  test("waits for a store that is away, and skips and repeats nothing", async () => {
    const [journal, series] = [new MemoryJournal(), new FakeSeries()];
    series.refusals = 5;
    const writer = await start(journal, series, new HastyClock(NOW));
    for (let n = 0; n < 4; n++) await journal.append("readings", block(1));
    while ((series.writes.at(-1)?.offset ?? 0) < 4) await writer.written(series.writes.length + 1);
    expect(series.writes.reduce((sum, { rows }) => sum + rows, 0)).toBe(4);
    expect(await journal.position("series", "readings")).toBe(4);
    await writer.stop();
  });

  test("holds its position while the store is away", async () => {
    const [journal, series, clock] = [new MemoryJournal(), new FakeSeries(), new FakeClock(NOW)];
    series.refusals = Number.POSITIVE_INFINITY;
    const writer = await start(journal, series, clock);
    await journal.append("readings", block(1));
    for (let n = 0; n < 20; n++) await clock.advance(10_000);
    expect(series.writes).toEqual([]);
    expect(await journal.position("series", "readings")).toBe(0);
    await writer.stop();
  });
});
