/**
 * The web thread: the HTTP server of dashboards/ with its own journal reader and ledger connection. Its fault cannot
 * stop ingest: app.ts starts it again.
 */
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { createAlarmDesk } from "./alerts/desk.ts";
import { explain } from "./alerts/explain/explain.ts";
import { createMaintenanceDesk } from "./alerts/maintenance.ts";
import { createLimitBook } from "./alerts/packs/limits.ts";
import { createRegulationDesk } from "./alerts/regulation/desk.ts";
import { systemClock } from "./core/clock.ts";
import { createDirectory, followRegistry } from "./core/directory.ts";
import type { FleetHealth } from "./core/fleet.ts";
import { createLogger, Metrics } from "./core/observe.ts";
import type { TimeSeriesStore } from "./core/ports.ts";
import { loadPepper, newSecret } from "./core/secret.ts";
import { Shutdown } from "./core/service.ts";
import { createServer } from "./dashboards/server.ts";
import { createTelemetryDoor } from "./gateway/http.ts";
import { listQuarantine, replayQuarantine } from "./ingest/quarantine.ts";
import { appendRaw, createLabDesk } from "./lab.ts";
import { packsOf } from "./packs.ts";
import { createRulePreview } from "./preview.ts";
import { connectSqliteJournal } from "./storage/journal-sqlite.ts";
import { openLedger } from "./storage/sql-sqlite.ts";
import {
  FLEET_READS,
  SERIES_READS,
  WEB_SUPPORT,
  type WebControl,
  type WebData,
  type WebReady,
  type WebSupport,
} from "./thread-contracts.ts";
import { offer, remote, tellStart } from "./threads.ts";

async function start(data: WebData): Promise<WebReady> {
  const { config, version, webRoot } = data;
  const clock = systemClock;
  const log = createLogger(config.logLevel, "web");
  const metrics = new Metrics();
  const shutdown = new Shutdown(log);

  const ledger = await openLedger({ file: join(config.dataDir, "ledger.db"), clock });
  shutdown.onStop("ledger", () => ledger.close());
  const registry = await followRegistry(ledger.registry, { clock, log });
  const { directory } = registry;
  shutdown.onStop("registry", registry.stop);
  const journal = await connectSqliteJournal({ folder: config.dataDir, port: data.journalPort, clock, log });
  shutdown.onStop("journal", () => journal.close());
  const series = remote<TimeSeriesStore>(data.seriesPort, SERIES_READS);
  const fleet = remote<FleetHealth>(data.fleetPort, FLEET_READS);
  const support = remote<WebSupport>(data.supportPort, WEB_SUPPORT);

  const pepper = loadPepper(config.dataDir);
  const packs = packsOf(config.dataDir);
  const telemetry = createTelemetryDoor({ journal, directory, pepper, clock, log, metrics });
  shutdown.onStop("telemetry", () => telemetry.close());

  const server = await createServer({
    config,
    journal,
    series,
    alarms: ledger.alarms,
    desk: createAlarmDesk({ journal, alarms: ledger.alarms, clock, newId: () => newSecret().slice(0, 22) }),
    explain,
    registry: ledger.registry,
    directory,
    accounts: ledger.accounts,
    outbox: ledger.outbox,
    claims: ledger.claims,
    fleet,
    presence: ledger.presence,
    commands: ledger.commands,
    limits: createLimitBook(packs),
    regulation: createRegulationDesk({ directory, store: ledger.regulation, series, packs, clock }),
    preview: createRulePreview({ series, directory, packs, config, clock }),
    maintenance: createMaintenanceDesk({
      directory,
      store: ledger.maintenance,
      alarms: ledger.alarms,
      clock,
      newId: () => newSecret().slice(0, 12),
    }),
    pepper,
    telemetry,
    lab: createLabDesk({
      directory: async () => createDirectory(await ledger.registry.snapshot()),
      registry: ledger.registry,
      accounts: ledger.accounts,
      append: appendRaw(journal),
      clock,
    }),
    quarantine: {
      list: (options) => listQuarantine(journal, options),
      replay: (offsets) => replayQuarantine(journal, offsets),
    },
    doors: () => support.doors(),
    health: () => support.health(),
    metricsOf: async () => [await metrics.snapshot(), ...(await support.metrics())],
    clock,
    log,
    metrics,
    version,
    webRoot,
  });
  shutdown.onStop("http", () => server.close());
  offer<WebControl>(data.controlPort, { stop: () => shutdown.stop() });
  return { address: server.address };
}

await tellStart(parentPort, () => start(workerData as WebData));
