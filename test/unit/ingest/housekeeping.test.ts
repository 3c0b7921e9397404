import { describe, expect, test } from "vitest";
import { Metrics } from "../../../core/observe.ts";
import type { JournalStats, Scheduler, Stream } from "../../../core/ports.ts";
import { QUARANTINE_DAYS, scheduleHousekeeping, sizeBound } from "../../../ingest/housekeeping.ts";
import { JournalAge } from "../../../ingest/journal-age.ts";
import { NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { silent } from "../../support/ingest.ts";
import { MemoryJournal } from "../../support/journal-memory.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MEGABYTE = 1024 * 1024;

interface Task {
  readonly expression: string;
  readonly run: () => Promise<void>;
}
class FakeScheduler implements Scheduler {
  readonly tasks = new Map<string, Task>();
  schedule(name: string, expression: string, run: () => Promise<void>): void {
    this.tasks.set(name, { expression, run });
  }
  async close(): Promise<void> {}
  run(name: string): Promise<void> {
    return (this.tasks.get(name) as Task).run();
  }
}

function start(journal: MemoryJournal, clock: FakeClock, journalMegabytes = 1_000, maintain = async (_: object) => {}) {
  const scheduler = new FakeScheduler();
  const metrics = new Metrics();
  const settings = { rawDays: 400, rollupDays: 3650, journalDays: 7, journalMegabytes };
  scheduleHousekeeping({ scheduler, series: { maintain }, journal, clock, log: silent, metrics, settings });
  return { scheduler, metrics };
}

const starts = async (journal: MemoryJournal): Promise<Record<string, number>> => {
  const { streams } = await journal.stats();
  return Object.fromEntries(Object.entries(streams).map(([stream, { start }]) => [stream, start]));
};

test("three tasks, in five fields of cron", () => {
  const { scheduler } = start(new MemoryJournal(), new FakeClock(NOW));
  expect([...scheduler.tasks].map(([name, { expression }]) => [name, expression])).toEqual([
    ["series-maintain", "3-59/10 * * * *"],
    ["series-retention", "27 3 * * *"],
    ["journal-trim", "* * * * *"],
  ]);
});

test("sorting keeps everything, retention counts days back from now", async () => {
  const calls: object[] = [];
  const { scheduler } = start(
    new MemoryJournal(),
    new FakeClock(NOW),
    1_000,
    async (options) => void calls.push(options),
  );
  await scheduler.run("series-maintain");
  await scheduler.run("series-retention");
  expect(calls).toEqual([
    { rawBefore: null, rollupBefore: null },
    { rawBefore: NOW - 400 * DAY, rollupBefore: NOW - 3650 * DAY },
  ]);
});

test("a task that fails is counted and does not stop the others", async () => {
  const { scheduler, metrics } = start(new MemoryJournal(), new FakeClock(NOW), 1_000, () =>
    Promise.reject(new Error("away")),
  );
  await scheduler.run("series-maintain");
  await scheduler.run("journal-trim");
  expect(await metrics.registry.metrics()).toContain('jingtu_housekeeping_failures_total{task="series-maintain"} 1');
});

describe("trimming by age", () => {
  test("drops what is older than 7 days, and quarantine after 90, across restarts", async () => {
    const journal = new MemoryJournal();
    const clock = new FakeClock(NOW);
    let { scheduler } = start(journal, clock);
    const days = QUARANTINE_DAYS + 3;
    for (let hour = 0; hour < days * 24; hour++) {
      if (hour % 100 === 0) scheduler = start(journal, clock).scheduler;
      await scheduler.run("journal-trim");
      await journal.append("raw", Buffer.from("r"));
      await journal.append("quarantine", Buffer.from("q"));
      clock.jump(HOUR);
    }
    await scheduler.run("journal-trim");
    const end = days * 24;
    expect(await starts(journal)).toMatchObject({ raw: end - 7 * 24, quarantine: end - QUARANTINE_DAYS * 24 });
  });

  test("never takes what a reader has not read", async () => {
    const journal = new MemoryJournal();
    const clock = new FakeClock(NOW);
    const { scheduler } = start(journal, clock);
    for (let n = 0; n < 10; n++) await journal.append("raw", Buffer.from("r"));
    await journal.commit({ advance: [{ reader: "ingest", stream: "raw", offset: 4 }] });
    await scheduler.run("journal-trim");
    clock.jump(8 * DAY);
    await scheduler.run("journal-trim");
    expect(await starts(journal)).toMatchObject({ raw: 4 });
  });

  test("the index is bounded, takes one sample an hour, and knows nothing before its first", () => {
    const age = new JournalAge();
    const ends = (raw: number) => ({ raw, readings: 0, alarms: 0, commands: 0, quarantine: 0, fleet: 0 });
    for (let minute = 0; minute < 60 * 24 * 200; minute++) age.note(NOW + minute * 60_000, ends(minute));
    expect(age.samples.length).toBe(2_400);
    expect(age.before("raw", NOW + 200 * DAY - DAY)).toBe(199 * 24 * 60);
    expect(age.before("raw", NOW)).toBe(0);
    expect(age.note(NOW - DAY, ends(0))).toBe(false); // the clock was set back
  });
});

describe("trimming by size", () => {
  const stats = (bytes: Partial<Record<Stream, number>>): JournalStats => {
    const of = (stream: Stream) => ({ start: 100, end: 200, bytes: bytes[stream] ?? 0 });
    return {
      streams: {
        raw: of("raw"),
        readings: of("readings"),
        alarms: of("alarms"),
        commands: of("commands"),
        quarantine: of("quarantine"),
        fleet: of("fleet"),
      },
      readers: [],
      diskFreeBytes: 0,
      full: false,
    };
  };
  interface SizeRow {
    readonly bytes: Partial<Record<Stream, number>>;
    readonly raw: number;
    readonly readings: number;
    readonly quarantine: number;
  }
  test.each`
    bytes                                           | raw    | readings | quarantine | why
    ${{}}                                           | ${0}   | ${0}     | ${0}       | ${"empty"}
    ${{ raw: 500, readings: 490, alarms: 10 }}      | ${0}   | ${0}     | ${0}       | ${"just fits"}
    ${{ raw: 600, readings: 600 }}                  | ${117} | ${117}   | ${0}       | ${"a sixth too much"}
    ${{ raw: 500, readings: 400, quarantine: 250 }} | ${117} | ${117}   | ${0}       | ${"quarantine within its share stays"}
    ${{ raw: 300, quarantine: 1_000 }}              | ${0}   | ${0}     | ${175}     | ${"a flood of rubbish costs no data"}
    ${{ raw: 100, alarms: 5_000 }}                  | ${200} | ${200}   | ${0}       | ${"never beyond the end"}
  `("of 1,000 bytes: $why", ({ bytes, raw, readings, quarantine }: SizeRow) => {
    const bound = (stream: Stream) => sizeBound(stats(bytes), stream, 1_000);
    expect([bound("raw"), bound("readings"), bound("quarantine")]).toEqual([raw, readings, quarantine]);
    expect(bound("alarms")).toBe(0);
  });

  test("keeps the journal within its megabytes", async () => {
    const journal = new MemoryJournal();
    for (let n = 0; n < 50; n++) await journal.append("raw", new Uint8Array(MEGABYTE / 10));
    const { scheduler, metrics } = start(journal, new FakeClock(NOW), 2);
    await scheduler.run("journal-trim");
    expect((await journal.stats()).streams.raw.bytes).toBeLessThanOrEqual(2 * MEGABYTE);
    expect(await metrics.registry.metrics()).toContain('jingtu_journal_bytes{stream="raw"} ');
  });
});
