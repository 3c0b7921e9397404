/**
 * Calendar work on the stores: roll-ups and sorting every ten minutes, retention once a night, journal trimming by age
 * and size every minute, disk figures. Trimming never takes what a reader still needs: the journal sees to that.
 */
import type { Clock } from "../core/clock.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import {
  type Journal,
  type JournalStats,
  type Scheduler,
  STREAMS,
  type Stream,
  type TimeSeriesStore,
} from "../core/ports.ts";
import { type AgeSample, JournalAge } from "./journal-age.ts";

const DAY_MS = 86_400_000;
/** What could not be used waits longer than the rest for somebody to look. */
export const QUARANTINE_DAYS = 90;
/** Of the journal's size; beyond it the oldest quarantine goes first, so that a flood of rubbish cannot push out data. */
const QUARANTINE_SHARE = 0.25;
const READER = "housekeeping";

export interface HousekeepingParts {
  readonly scheduler: Scheduler;
  readonly series: Pick<TimeSeriesStore, "maintain">;
  readonly journal: Pick<Journal, "stats" | "trim" | "loadState" | "commit">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly settings: {
    readonly rawDays: number;
    readonly rollupDays: number;
    readonly journalDays: number;
    readonly journalMegabytes: number;
  };
}

/** Tasks run until the scheduler is closed; a task that fails is logged and runs again at its next time. */
export function scheduleHousekeeping(parts: HousekeepingParts): void {
  const { scheduler, series, clock, log, settings } = parts;
  const guarded = (name: string, task: () => Promise<void>) => async (): Promise<void> => {
    try {
      await task();
    } catch (error) {
      log.warn({ err: error, task: name, part: "ingest" }, "housekeeping failed; it will be tried again");
      parts.metrics.count("housekeeping_failures", 1, { task: name });
    }
  };
  const every = (name: string, expression: string, task: () => Promise<void>): void =>
    scheduler.schedule(name, expression, guarded(name, task));

  // Minutes 3, 13, …: not on the hour, when field devices report and people look.
  every("series-maintain", "3-59/10 * * * *", () => series.maintain({ rawBefore: null, rollupBefore: null }));
  every("series-retention", "27 3 * * *", () => {
    const now = clock.now();
    return series.maintain({
      rawBefore: now - settings.rawDays * DAY_MS,
      rollupBefore: now - settings.rollupDays * DAY_MS,
    });
  });
  every("journal-trim", "* * * * *", createTrimmer(parts));
}

function createTrimmer({ journal, clock, metrics, settings }: HousekeepingParts): () => Promise<void> {
  let age: JournalAge | null = null;
  return async () => {
    age ??= new JournalAge(await loadSamples(journal));
    const now = clock.now();
    const stats = await journal.stats();
    showDisk(stats, metrics);
    if (age.note(now, endsOf(stats))) await saveSamples(journal, age);
    for (const stream of STREAMS) {
      const days = stream === "quarantine" ? QUARANTINE_DAYS : settings.journalDays;
      const byAge = age.before(stream, now - days * DAY_MS);
      const bySize = sizeBound(stats, stream, settings.journalMegabytes * 1024 * 1024);
      const offset = Math.max(byAge, bySize);
      if (offset > stats.streams[stream].start) await journal.trim(stream, offset);
    }
  };
}

/**
 * Below which offset entries must go so that all streams fit into `bytesMax`. Quarantine is held to its share; what is
 * then too much comes off `raw` and `readings`, which hold nearly everything, in proportion to their sizes. Entries of
 * one stream are taken as equally large.
 */
export function sizeBound({ streams }: JournalStats, stream: Stream, bytesMax: number): number {
  const cut = (name: Stream, fraction: number): number => {
    const { start, end } = streams[name];
    return fraction <= 0 ? 0 : start + Math.ceil((end - start) * Math.min(fraction, 1));
  };
  const quarantineMax = bytesMax * QUARANTINE_SHARE;
  const quarantine = streams.quarantine.bytes;
  if (stream === "quarantine") return cut(stream, (quarantine - quarantineMax) / quarantine);
  if (stream !== "raw" && stream !== "readings") return 0;
  const total = STREAMS.reduce((sum, name) => sum + streams[name].bytes, 0);
  const excess = total - Math.max(0, quarantine - quarantineMax) - bytesMax;
  return cut(stream, excess / (streams.raw.bytes + streams.readings.bytes));
}

function endsOf({ streams }: JournalStats): Record<Stream, number> {
  const { raw, readings, alarms, commands, quarantine, fleet } = streams;
  return {
    raw: raw.end,
    readings: readings.end,
    alarms: alarms.end,
    commands: commands.end,
    quarantine: quarantine.end,
    fleet: fleet.end,
  };
}

async function loadSamples(journal: HousekeepingParts["journal"]): Promise<readonly AgeSample[]> {
  const saved = await journal.loadState(READER);
  if (saved === null) return [];
  return JSON.parse(Buffer.from(saved.bytes).toString()) as AgeSample[];
}

/** The offset says that this state needs no entries of any stream, so that it never holds trimming back. */
function saveSamples(journal: HousekeepingParts["journal"], age: JournalAge): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(age.samples));
  return journal.commit({ state: [{ reader: READER, offset: Number.MAX_SAFE_INTEGER, bytes }] });
}

function showDisk(stats: JournalStats, metrics: Metrics): void {
  for (const stream of STREAMS) {
    metrics.set("journal_bytes", stats.streams[stream].bytes, { stream });
    metrics.set("journal_entries", stats.streams[stream].end - stats.streams[stream].start, { stream });
  }
  for (const { reader, stream, offset } of stats.readers) {
    metrics.set("journal_lag_entries", stats.streams[stream].end - offset, { reader, stream });
  }
  metrics.set("disk_free_bytes", stats.diskFreeBytes);
  metrics.set("journal_full", stats.full ? 1 : 0);
}
