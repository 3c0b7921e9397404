/**
 * The files of the journal: tables, settings of connections, and the lock that keeps a second process out.
 *
 * One table a stream, so that appends always go to the right edge of a tree and trimming takes from the left.
 */
import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Misconfigured } from "../core/errors.ts";
import { STREAMS } from "../core/ports.ts";
import { type Connection, Database } from "./sql-driver.ts";

export type { Connection } from "./sql-driver.ts";

/** Written to `user_version`; a newer file is refused. 2: stream `fleet`. Every table is made when it is missing. */
const SCHEMA_VERSION = 2;
/** How long a connection waits for a lock of another connection of this process. */
const LOCK_WAIT_MS = 5_000;
/** The write-ahead log file is cut back to this after it starts over. */
const WAL_FILE_BYTES_MAX = 32 * 1_024 * 1_024;

/** `total` is the sum of bytes of the stream up to and with this group, so that sizes need no scan; `streams` keeps it, and where to go on, beyond trimming. */
const TABLES = `
${STREAMS.map(
  (stream) => `CREATE TABLE IF NOT EXISTS groups_${stream} (
  first INTEGER PRIMARY KEY, count INTEGER NOT NULL, total INTEGER NOT NULL, crc INTEGER NOT NULL, bytes BLOB NOT NULL
) STRICT;`,
).join("\n")}
CREATE TABLE IF NOT EXISTS streams (
  stream TEXT PRIMARY KEY, start INTEGER NOT NULL, next INTEGER NOT NULL, total INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS readers (
  reader TEXT NOT NULL, stream TEXT NOT NULL, offset INTEGER NOT NULL, PRIMARY KEY (reader, stream)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS states (
  reader TEXT PRIMARY KEY, offset INTEGER NOT NULL, bytes BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS opened (only INTEGER PRIMARY KEY CHECK (only = 1), times INTEGER NOT NULL) STRICT;
`;

export function journalFile(folder: string): string {
  return join(folder, "journal.db");
}

/**
 * Opens for writing. Ends with a durable write of its own: it proves that the disk takes one, and it overwrites what an
 * unsuccessful commit may have left behind in the write-ahead log, so that a refused entry cannot come back.
 * Checkpoints are made by the keeper (journal-sqlite-keeper.ts) and never inside a commit.
 */
export function openForWriting(file: string): Connection {
  const db = new Database(file, { timeout: LOCK_WAIT_MS });
  try {
    db.pragma("journal_mode = WAL");
    // The default of this build is NORMAL in WAL mode: commits would not be synced.
    db.pragma("synchronous = FULL");
    db.pragma("wal_autocheckpoint = 0");
    db.pragma(`journal_size_limit = ${WAL_FILE_BYTES_MAX}`);
    const version = Number(db.pragma("user_version", { simple: true }));
    if (version > SCHEMA_VERSION) {
      throw new Misconfigured("JOURNAL_VERSION", {
        what: `the journal was written by a newer version (schema ${version}, this program knows ${SCHEMA_VERSION})`,
        where: file,
        mend: "start the newer program, or restore a backup of this version",
      });
    }
    if (version < SCHEMA_VERSION) {
      db.exec(TABLES);
      db.pragma(`user_version = ${SCHEMA_VERSION}`);
    }
    db.exec("INSERT INTO opened VALUES (1, 1) ON CONFLICT DO UPDATE SET times = times + 1");
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

export function openForReading(file: string): Connection {
  const db = new Database(file, { readonly: true, fileMustExist: true, timeout: LOCK_WAIT_MS });
  db.pragma("query_only = 1");
  return db;
}

/** Makes the folder, and its entry in its parent, durable. */
export function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  syncFolder(folder);
  syncFolder(dirname(resolve(folder)));
}

export function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/**
 * Takes the folder for this process until the returned function is called or the process ends, however it ends: the
 * operating system holds the lock of an open SQLite transaction.
 *
 * @throws Misconfigured `DATA_DIR_IN_USE`.
 */
export function lockFolder(folder: string): () => void {
  const file = join(folder, "lock.db");
  const lock = new Database(file, { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    if (!isSqliteError(error, "SQLITE_BUSY")) throw error;
    throw new Misconfigured(
      "DATA_DIR_IN_USE",
      {
        what: "another running process uses this data folder",
        where: file,
        mend: "stop that process first, or give each process its own EWS_DATA_DIR",
      },
      { cause: error },
    );
  }
  return () => lock.close();
}

/** True for an error of SQLite whose code begins with one of `codes` (extended codes are longer). */
export function isSqliteError(error: unknown, ...codes: readonly string[]): error is Error & { code: string } {
  return error instanceof Database.SqliteError && codes.some((code) => error.code.startsWith(code));
}
