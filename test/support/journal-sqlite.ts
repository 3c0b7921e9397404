/** A journal on real files that closes with its test, and a log that remembers what it was told. */
import { onTestFinished } from "vitest";
import { type Clock, systemClock } from "../../core/clock.ts";
import { createLogger, type Logger, Metrics } from "../../core/observe.ts";
import {
  connectSqliteJournal,
  type OpenOptions,
  openSqliteJournal,
  type SqliteJournal,
} from "../../storage/journal-sqlite.ts";
import { temporaryFolder } from "./folders.ts";

export interface Told {
  readonly level: "info" | "warn" | "error";
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

/** @param told gets every line of the log. */
export function rememberingLog(told: Told[]): Logger {
  const log = createLogger("silent");
  for (const level of ["info", "warn", "error"] as const) {
    log[level] = (fields: unknown, message?: unknown) => {
      told.push({ level, fields: fields as Record<string, unknown>, message: String(message) });
    };
  }
  return log;
}

export async function aJournal(
  options: Partial<OpenOptions> = {},
): Promise<{ readonly journal: SqliteJournal; readonly options: OpenOptions; readonly told: Told[] }> {
  const told: Told[] = [];
  const all: OpenOptions = {
    folder: options.folder ?? temporaryFolder(),
    clock: systemClock,
    log: rememberingLog(told),
    metrics: new Metrics(),
    diskReserveBytes: 0,
    ...options,
  };
  const journal = await openSqliteJournal(all);
  onTestFinished(() => journal.close());
  return { journal, options: all, told };
}

/** The same journal as another thread sees it. */
export function connectTo(journal: SqliteJournal, options: OpenOptions, clock: Clock = systemClock) {
  return connectSqliteJournal({ ...options, clock, port: journal.connect() });
}

/** Total of a counter over its labels. */
export async function counted(metrics: Metrics, name: string): Promise<number> {
  const found = (await metrics.registry.getMetricsAsJSON()).find((metric) => metric.name === `jingtu_${name}_total`);
  return ((found?.values ?? []) as { value: number }[]).reduce((sum, { value }) => sum + value, 0);
}
