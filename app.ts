/**
 * The composition root: opens the stores, starts the threads in order, stops them in reverse. `main.ts`, the demo and
 * the tests embed it; it alone (with the two thread modules) knows every folder.
 */
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { loadRules, retired, SHIPPED_RULES, watchRules } from "./alerts/rules.ts";
import { followFieldSecrets } from "./app-field-secrets.ts";
import { startPipeline, startWeb } from "./app-threads.ts";
import { serveControl } from "./control.ts";
import { systemClock } from "./core/clock.ts";
import type { Config } from "./core/config.ts";
import { followRegistry } from "./core/directory.ts";
import { Misconfigured } from "./core/errors.ts";
import type { FieldCommand } from "./core/field-session.ts";
import { type Logger, Metrics } from "./core/observe.ts";
import type { Consumer } from "./core/ports.ts";
import type { Rule } from "./core/rule.ts";
import { loadPepper, newSecret } from "./core/secret.ts";
import { Shutdown } from "./core/service.ts";
import { hashPassword } from "./dashboards/passwords.ts";
import { type Commander, mqttCommander, startCommander } from "./gateway/commander.ts";
import { fieldCommander } from "./gateway/field-commander.ts";
import { lorawanCommander, sparkplugCommander } from "./gateway/foreign-commanders.ts";
import { createGateway, type Gateway } from "./gateway/gateway.ts";
import { openPresence } from "./gateway/presence.ts";
import { recordedCommand } from "./gateway/recorded-commands.ts";
import { healthOf } from "./health.ts";
import { replayQuarantine } from "./ingest/quarantine.ts";
import { packsOf } from "./packs.ts";
import { backupAll } from "./storage/backup.ts";
import { openSqliteJournal } from "./storage/journal-sqlite.ts";
import { type Ledger, openLedger } from "./storage/sql-sqlite.ts";
import type { WebReady, WebSupport } from "./thread-contracts.ts";

export interface Addresses {
  readonly mqtt: number | null;
  readonly mqtts: number | null;
  readonly ws: number | null;
  readonly http: number | null;
  readonly hj212: number;
}

export interface App {
  readonly addresses: Addresses;
  readonly url: string;
  /** Stops in reverse order; what was acknowledged is in the journal. */
  stop(): Promise<void>;
}

export interface AppParts {
  readonly config: Config;
  readonly version: string;
  readonly log: Logger;
  /** Told once, on the first run, when no administrator password was given. */
  readonly onFirstPassword: (name: string, password: string) => void;
  /** A thread failed for a reason that is not an outage: the caller should exit with 70. */
  readonly onFatal: (error: Error) => void;
}

export async function startApp(parts: AppParts): Promise<App> {
  const { config, log } = parts;
  const clock = systemClock;
  const metrics = new Metrics();
  const shutdown = new Shutdown(log);
  try {
    const dataDir = openDataDir(config.dataDir);
    const journal = await openSqliteJournal({
      folder: dataDir,
      clock,
      log,
      metrics,
      diskReserveBytes: config.diskReserveMegabytes * 1_048_576,
    });
    shutdown.onStop("journal", () => journal.close());
    const pepper = loadPepper(dataDir);
    const ledger = await openLedger({ file: join(dataDir, "ledger.db"), clock });
    shutdown.onStop("ledger", () => ledger.close());
    await firstRun(ledger, parts);
    await keepRules(ledger, config, { log, shutdown });

    const fieldSecrets = await followFieldSecrets({ secrets: ledger.fieldSecrets, dataDir, log });
    const registry = await followRegistry(ledger.registry, { clock, log, before: fieldSecrets.renew });
    const { directory } = registry;
    shutdown.onStop("registry", registry.stop);
    const consumers = await followConsumers(ledger, { shutdown });

    const presence = await openPresence({ store: ledger.presence, clock, log, metrics });
    shutdown.onStop("presence", () => presence.close());

    // Stopped after the gateway, which ends what is on its way.
    let commander: Commander | undefined;
    shutdown.onStop("commands on their way", () => commander?.settled());

    // The door opens first: what comes in is durable before anybody reads it.
    const gateway = await createGateway({
      config,
      journal,
      directory,
      consumers,
      fieldSecrets: fieldSecrets.current,
      pepper,
      presence,
      edgePresence: presence,
      clock,
      log,
      metrics,
    });
    shutdown.onStop("gateway", () => gateway.close());
    const down = { send: gateway.send, listens: gateway.listens, clock };
    commander = startCommander({
      commands: ledger.commands,
      ways: [fieldCommander(gateway.hj212), sparkplugCommander(down), lorawanCommander(down), mqttCommander(gateway)],
      publisher: gateway.publisher,
      directory,
      clock,
      log,
      metrics,
    });
    shutdown.onStop("commander", () => commander?.close());
    const pipeline = startPipeline({
      config,
      journal,
      publisher: gateway.publisher,
      edges: gateway.edges,
      shutdown,
      onFatal: parts.onFatal,
    });
    const support: WebSupport = {
      doors: async () => gateway.addresses,
      health: () => healthOf(journal),
      metrics: async () => [await metrics.snapshot(), await pipeline.control.metrics()],
    };
    const web = startWeb({
      config,
      version: parts.version,
      journal,
      pipeline: pipeline.worker,
      support,
      shutdown,
      log,
    });
    const [, webReady] = await Promise.all([pipeline.ready, web.ready]);
    const control = await serveControl(dataDir, {
      backup: ({ folder }) =>
        backupAll(
          { series: { backup: pipeline.control.backupSeries }, ledger, journal, pepperFile: join(dataDir, "pepper") },
          resolve(String(folder)),
        ),
      "hj212-sessions": async () => ({ sessions: gateway.hj212.sessions(), unclaimed: gateway.hj212.unclaimed() }),
      "hj212-command": ({ device, command }) =>
        recordedCommand(
          { device: String(device), command: command as FieldCommand, by: "cli" },
          { way: gateway.hj212, commands: ledger.commands, accounts: ledger.accounts, directory, clock },
        ),
      "series-latest": () => pipeline.control.seriesLatest(),
      "series-query": ({ series, from, to, limit }) =>
        pipeline.control.seriesQuery(
          { series: String(series), from: Number(from), to: Number(to) },
          Math.min(Number(limit), SERIES_POINTS_MAX),
        ),
      "quarantine-replay": ({ offsets }) => replayQuarantine(journal, offsets as number[]),
      status: async () => {
        const stats = await journal.stats(); // first, so that readers at the end mean that the points below are all
        const points = await pipeline.control.seriesCount();
        return { addresses: addressesOf(gateway, webReady), points, journal: stats };
      },
    });
    shutdown.onStop("control", () => control.close());
    return { addresses: addressesOf(gateway, webReady), url: webReady.address.url, stop: () => shutdown.stop() };
  } catch (error) {
    await shutdown.stop();
    throw error;
  }
}

/** Of one series that the command line may ask for at once. */
const SERIES_POINTS_MAX = 50_000;

function addressesOf(gateway: Gateway, web: WebReady): Addresses {
  return { ...gateway.addresses, http: web.address.port };
}

/** Makes the folder (0700) or refuses one that others may read: it holds the pepper and all data. */
function openDataDir(folder: string): string {
  const path = resolve(folder);
  if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o700 });
  const { mode } = statSync(path);
  if ((mode & 0o077) !== 0) {
    throw new Misconfigured("DATA_DIR_OPEN", {
      what: "the data folder can be read by other users of this machine",
      where: path,
      mend: `chmod 700 ${path}`,
    });
  }
  return path;
}

async function firstRun(ledger: Ledger, { config, onFirstPassword }: AppParts): Promise<void> {
  if ((await ledger.accounts.users()).length > 0) return;
  const password = config.adminPassword ?? newSecret().slice(0, 20);
  await ledger.accounts.putUser({
    name: "admin",
    role: "admin",
    tenant: null,
    passwordHash: await hashPassword(password),
    totp: null,
  });
  if (!config.adminPassword) onFirstPassword("admin", password);
}

/** Rules from YAML go into the registry at start and whenever a file changes; a broken edit keeps the old ones. */
async function keepRules(
  ledger: Ledger,
  config: Config,
  { log, shutdown }: { log: Logger; shutdown: Shutdown },
): Promise<void> {
  const packs = packsOf(config.dataDir);
  const folder = config.rulesDir ?? SHIPPED_RULES;
  const put = async (rules: readonly Rule[], by: string): Promise<void> => {
    const { rules: known } = await ledger.registry.snapshot();
    const changed = await ledger.registry.putRules([...rules, ...retired(rules, known)], by);
    log.info({ changed }, "rules in force");
  };
  await put(loadRules(folder, packs), "start");
  const stop = watchRules({
    folder,
    packs,
    clock: systemClock,
    log,
    onChange: (rules) => {
      put(rules, "file").catch((error) =>
        log.error({ err: error }, "changed rules could not be kept; the old ones stay"),
      );
    },
  });
  shutdown.onStop("rules", stop);
}

const CONSUMERS_POLL_MS = 1_000;
async function followConsumers(
  ledger: Ledger,
  { shutdown }: { shutdown: Shutdown },
): Promise<() => readonly Consumer[]> {
  let consumers = await ledger.accounts.consumers();
  const stop = systemClock.every(CONSUMERS_POLL_MS, () => {
    ledger.accounts.consumers().then(
      // The gateway renews rights whenever it gets another array: give it one only when something changed.
      (next) => (consumers = isDeepStrictEqual(next, consumers) ? consumers : next),
      () => undefined, // the old copy stays; the registry's poll logs an unreadable ledger
    );
  });
  shutdown.onStop("consumers", stop);
  return () => consumers;
}
