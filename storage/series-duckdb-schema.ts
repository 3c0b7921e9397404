/**
 * Tables of the embedded series store, and how its file is opened.
 *
 * `hot` holds points in arrival order, `sealed` holds sorted runs. `hourly` is always the roll-up of `sealed` (never of
 * `hot`), except for the hours named in `recompute`; `daily` is the roll-up of `hourly`. So roll-ups plus hot rows plus
 * the raw rows of the hours to recompute give the exact answer at any moment, and a crash can only lose speed.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { Misconfigured, Unavailable } from "../core/errors.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const SERIES_FILE = "series.duckdb";
/** A row group of DuckDB: what a sorted run is skipped by. */
export const ROW_GROUP_ROWS = 122_880;

/** SQL: start of the epoch-aligned step that `expression` (ms, may be negative) lies in. */
export function stepStart(expression: string, stepMs: number): string {
  return `(${expression} - (${expression} % ${stepMs} + ${stepMs}) % ${stepMs})`;
}

const POINT = "series INTEGER, time BIGINT, value DOUBLE, cmp UTINYINT, flag UTINYINT, qualifier UTINYINT";
/** `worst` ranks flags so that 9 (missing) counts least: flag modulo 9. `valued` counts points that have a value. */
const ROLLUP =
  "series INTEGER, bucket BIGINT, count BIGINT, valued BIGINT, min DOUBLE, max DOUBLE, sum DOUBLE, censored BIGINT, worst UTINYINT";

/** Migration n makes schema n out of n - 1; never edit one that was published. */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    "CREATE TABLE series_keys (id INTEGER, key VARCHAR)",
    'CREATE TABLE positions (reader VARCHAR, "offset" BIGINT)',
    `CREATE TABLE hot (${POINT})`,
    `CREATE TABLE sealed (${POINT})`,
    `CREATE TABLE hourly (${ROLLUP})`,
    `CREATE TABLE daily (${ROLLUP})`,
    "CREATE TABLE recompute (series INTEGER, hour BIGINT)",
    "CREATE TABLE horizon (raw_before BIGINT)",
    "INSERT INTO horizon VALUES (-9000000000000000)",
    "CREATE TABLE corrections (series INTEGER, time BIGINT, old_value DOUBLE, old_cmp UTINYINT, new_value DOUBLE, new_cmp UTINYINT, noticed_at BIGINT)",
  ],
];

export interface SeriesFile {
  readonly instance: DuckDBInstance;
  readonly writer: DuckDBConnection;
  readonly path: string;
}

/**
 * Opens or makes `<folder>/series.duckdb` and brings it to the newest schema.
 * @throws Misconfigured `SERIES_LOCKED` (another process has it), `SERIES_NEWER` (written by a newer version);
 *   Unavailable `SERIES_UNAVAILABLE`.
 */
export async function openSeriesFile(options: {
  readonly folder: string;
  readonly memoryMegabytes: number;
  readonly threads: number;
}): Promise<SeriesFile> {
  const path = join(options.folder, SERIES_FILE);
  try {
    await mkdir(options.folder, { recursive: true });
    const instance = await DuckDBInstance.create(path, {
      memory_limit: `${options.memoryMegabytes}MB`,
      threads: String(options.threads),
      // Sorted runs must stay in the order they were sorted in.
      preserve_insertion_order: "true",
      // Larger than the default 16 MB: a checkpoint runs inside the commit that crosses it.
      checkpoint_threshold: "32MB",
      autoinstall_known_extensions: "false",
    });
    const writer = await instance.connect();
    await migrate(writer, path);
    await writer.run(`CREATE TEMP TABLE late (n INTEGER, ${POINT})`);
    return { instance, writer, path };
  } catch (error) {
    if (error instanceof Misconfigured) throw error;
    if (/lock on file|already open/i.test(String(error))) {
      throw new Misconfigured(
        "SERIES_LOCKED",
        { what: "another process has the series file open", where: path, mend: "stop it, or set another data folder" },
        { cause: error },
      );
    }
    throw unavailable(path, error);
  }
}

export function unavailable(where: string, cause: unknown): Unavailable {
  return new Unavailable("SERIES_UNAVAILABLE", { what: "the series file cannot be used now", where }, { cause });
}

async function migrate(writer: DuckDBConnection, path: string): Promise<void> {
  await writer.run("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER)");
  const [row] = await (await writer.run("SELECT max(version) FROM schema_version")).getRows();
  const version = Number(row?.[0] ?? 0);
  if (version > MIGRATIONS.length) {
    throw new Misconfigured("SERIES_NEWER", {
      what: `the series file has schema ${version}, this version knows ${MIGRATIONS.length}`,
      where: path,
      mend: "run the version that wrote it, or restore an older backup",
    });
  }
  for (const [index, statements] of MIGRATIONS.entries()) {
    if (index < version) continue;
    await inTransaction(writer, async () => {
      for (const statement of statements) await writer.run(statement);
      await writer.run(`INSERT INTO schema_version VALUES (${index + 1})`);
    });
  }
}

/** Commits what `body` did, or rolls all of it back and rejects. */
export async function inTransaction(connection: DuckDBConnection, body: () => Promise<void>): Promise<void> {
  await connection.run("BEGIN");
  try {
    await body();
    await connection.run("COMMIT");
  } catch (error) {
    // A failed COMMIT has already rolled back; the error that matters is the first.
    await connection.run("ROLLBACK").catch(() => undefined);
    throw error;
  }
}
