/**
 * The pipeline thread: ingest, series writer, alarm engine, recorder, dispatcher and housekeeping. Owns the embedded
 * series store and offers it to the web thread. Started by app.ts; its parts meet only in the journal.
 */
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { engineOf } from "./alerts/detectors.ts";
import { runDispatch } from "./alerts/dispatch.ts";
import { runAlerts } from "./alerts/engine.ts";
import { createWebhook } from "./alerts/notify/webhook.ts";
import { runRecorder } from "./alerts/record.ts";
import { systemClock } from "./core/clock.ts";
import type { Config } from "./core/config.ts";
import { followRegistry } from "./core/directory.ts";
import type { FleetHealth } from "./core/fleet.ts";
import { createLogger, Metrics } from "./core/observe.ts";
import type { Directory, Publisher, TimeSeriesStore } from "./core/ports.ts";
import { parseSeriesKey } from "./core/reading.ts";
import { keepRunning, Shutdown } from "./core/service.ts";
import type { EdgeListener } from "./core/sparkplug-edges.ts";
import { runCurrent } from "./ingest/current.ts";
import { FleetBook, runFleet } from "./ingest/fleet.ts";
import { scheduleHousekeeping } from "./ingest/housekeeping.ts";
import { runIngest } from "./ingest/pipeline.ts";
import { runSeriesWriter } from "./ingest/store.ts";
import { packsOf } from "./packs.ts";
import { connectSqliteJournal } from "./storage/journal-sqlite.ts";
import { openScheduler } from "./storage/scheduler-cron.ts";
import { openDuckdbSeries } from "./storage/series-duckdb.ts";
import { openInfluxSeries } from "./storage/series-influx.ts";
import { openLedger } from "./storage/sql-sqlite.ts";
import type { OfferSeries, PipelineControl, PipelineData, SERIES_READS } from "./thread-contracts.ts";
import { offer, remote, tellStart } from "./threads.ts";

async function start({ config, journalPort, publisherPort, controlPort }: PipelineData): Promise<void> {
  const clock = systemClock;
  const log = createLogger(config.logLevel, "pipeline");
  const metrics = new Metrics();
  const shutdown = new Shutdown(log);
  const abort = new AbortController();

  const ledger = await openLedger({ file: join(config.dataDir, "ledger.db"), clock, canReplay: true });
  shutdown.onStop("ledger", () => ledger.close());
  // A connection of its own: ingest asks before each batch and must never wait behind a write of this thread.
  const reader = await openLedger({ file: join(config.dataDir, "ledger.db"), clock, canReplay: true });
  shutdown.onStop("registry reader", () => reader.close());
  const registry = await followRegistry(reader.registry, { clock, log });
  const { directory } = registry;
  shutdown.onStop("registry", registry.stop);

  const series = await openSeries(config, directory, { clock, log, metrics });
  shutdown.onStop("series", () => series.close());
  const journal = await connectSqliteJournal({ folder: config.dataDir, port: journalPort, clock, log });
  shutdown.onStop("journal", () => journal.close());
  const scheduler = openScheduler({ log, clock });
  shutdown.onStop("scheduler", () => scheduler.close());
  const { rawDays, rollupDays, journalDays, journalMegabytes } = config;
  scheduleHousekeeping({
    scheduler,
    series,
    journal,
    clock,
    log,
    metrics,
    settings: { rawDays, rollupDays, journalDays, journalMegabytes },
  });

  const publisher = remote<Publisher & EdgeListener>(publisherPort, ["publish", "noticeEdges"]);
  const notifiers = config.webhookUrl
    ? [
        createWebhook({
          url: config.webhookUrl,
          ...(config.webhookSecret ? { secret: config.webhookSecret } : {}),
          fetch,
          clock,
        }),
      ]
    : [];
  const book = new FleetBook({ directory, clock });
  const engine = engineOf(packsOf(config.dataDir), clock.now());
  const shared = { journal, clock, log, metrics };
  const loops: Record<string, (signal: AbortSignal) => Promise<void>> = {
    ingest: (signal) => runIngest({ ...shared, directory, refresh: registry.refresh, edges: publisher }, signal),
    series: (signal) => runSeriesWriter({ ...shared, series }, signal),
    fleet: (signal) => runFleet({ ...shared, directory, book, commands: ledger.commands }, signal),
    current: (signal) => runCurrent({ series, directory, publisher, clock, log, metrics }, signal),
    alerts: (signal) => runAlerts({ ...shared, directory, ...engine }, signal),
    recorder: (signal) => runRecorder({ ...shared, alarms: ledger.alarms }, signal),
    dispatch: (signal) =>
      runDispatch(
        {
          ...shared,
          publisher,
          alarms: ledger.alarms,
          outbox: ledger.outbox,
          notifiers,
          random: Math.random,
          ...(config.publicUrl ? { publicUrl: config.publicUrl } : {}),
        },
        signal,
      ),
  };
  // A loop that ends with anything but `Unavailable` is a bug: the thread fails, the process exits, the journal replays.
  const running = Object.entries(loops).map(async ([name, loop]) => {
    await keepRunning(name, loop, { clock, log }, abort.signal);
    log.debug({ loop: name }, "loop ended");
  });
  for (const loop of running) {
    loop.catch((error) => {
      log.fatal({ err: error }, "a loop failed");
      throw error;
    });
  }

  offer<PipelineControl>(controlPort, {
    stop: async () => {
      abort.abort();
      await Promise.allSettled(running);
      await shutdown.stop();
      controlPort.unref();
      publisherPort.unref();
    },
    metrics: () => metrics.snapshot(),
    backupSeries: (folder) => series.backup(folder),
    seriesCount: () => series.count(),
    seriesQuery: (query, limit) => series.query(query, limit),
    seriesBuckets: (query, stepMs) => series.buckets(query, stepMs),
    seriesLatest: (names) => series.latest(names),
  });
  parentPort?.on("message", ({ seriesPort, fleetPort }: OfferSeries) => {
    offer(seriesPort, readsOf(series));
    offer<FleetHealth>(fleetPort, { device: (id) => book.device(id), all: () => book.all() });
  });
}

function openSeries(
  config: Config,
  directory: () => Directory,
  parts: { clock: typeof systemClock; log: ReturnType<typeof createLogger>; metrics: Metrics },
): Promise<TimeSeriesStore> {
  if (config.series === "duckdb") return openDuckdbSeries({ folder: config.dataDir, ...parts });
  return openInfluxSeries({
    url: config.influxUrl ?? "http://127.0.0.1:8086",
    database: config.influxDatabase,
    ...(config.influxAuth ? { authorization: config.influxAuth } : {}),
    ...(config.influxWritePath ? { writePath: config.influxWritePath } : {}),
    describe: (key) => {
      const place = directory().station(parseSeriesKey(key).station);
      return { tenant: place?.site.tenant ?? "unknown", site: place?.site.id ?? "unknown" };
    },
    ...parts,
  });
}

/** A plain object, so that the methods can be offered by name. */
function readsOf(series: TimeSeriesStore): Pick<TimeSeriesStore, (typeof SERIES_READS)[number]> {
  return {
    query: (query, limit) => series.query(query, limit),
    buckets: (query, stepMs) => series.buckets(query, stepMs),
    latest: (names) => series.latest(names),
    corrections: (query) => series.corrections(query),
    count: () => series.count(),
  };
}

await tellStart(parentPort, () => start(workerData as PipelineData));
