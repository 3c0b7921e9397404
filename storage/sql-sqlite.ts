/**
 * The ledger on SQLite: one file `ledger.db` that the server's threads and the command line open at the same time.
 *
 * WAL, so that readers never wait for a writer; `synchronous=FULL`, so that a resolved call survives power loss; every
 * writing transaction begins with the write lock (`begin immediate`), since one that starts as a reader and wants to
 * write later fails at once instead of waiting. The rest of the ledger is written over Kysely and knows no engine.
 */
import { chmodSync, closeSync, openSync } from "node:fs";
import { join } from "node:path";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
  type TransactionSettings,
} from "kysely";
import type { Clock } from "../core/clock.ts";
import type { CommandStore } from "../core/command.ts";
import type { Claims } from "../core/device-door.ts";
import { Misconfigured, Unavailable } from "../core/errors.ts";
import type { FieldSecrets } from "../core/field-secret.ts";
import type { MaintenanceStore } from "../core/maintenance.ts";
import type { AlarmStore, Outbox } from "../core/ports.ts";
import type { PresenceStore } from "../core/presence.ts";
import type { RegulationStore } from "../core/regulation.ts";
import { type AuditedAccounts, createAccounts } from "./accounts-sql.ts";
import { createAlarmStore } from "./alarms-sql.ts";
import { createCommandStore, createPresenceStore } from "./commands-sql.ts";
import { createClaims } from "./credentials-sql.ts";
import { createFieldSecrets } from "./field-secrets-sql.ts";
import { createMaintenanceStore } from "./maintenance-sql.ts";
import { createOutbox } from "./outbox-sql.ts";
import { createRegistry, type HistoricRegistry } from "./registry-sql.ts";
import { createRegulationStore } from "./regulation-sql.ts";
import { type Connection, Database } from "./sql-driver.ts";
import { type Migration, migrate } from "./sql-migrations.ts";
import type { LedgerTables } from "./sql-schema.ts";

export const LEDGER_FILE = "ledger.db";

/** Everything the ledger holds; its parts share one connection, so only `close` of the ledger closes the file. */
export interface Ledger {
  readonly registry: HistoricRegistry;
  readonly alarms: AlarmStore;
  readonly outbox: Outbox;
  readonly accounts: AuditedAccounts;
  readonly claims: Claims;
  readonly presence: PresenceStore;
  readonly commands: CommandStore;
  readonly fieldSecrets: FieldSecrets;
  readonly regulation: RegulationStore;
  readonly maintenance: MaintenanceStore;
  /** Writes a consistent `ledger.db` into `folder` while others go on writing. */
  backup(folder: string): Promise<void>;
  close(): Promise<void>;
}

/** How long a call waits for another thread's or process's transaction before it gives up. */
const BUSY_MS_MAX = 5_000;
const OPEN_TRIES_MAX = 50;
const OPEN_PAUSE_MS = 100;

/**
 * Opens or makes the file (mode 0600) and brings it to the present schema.
 *
 * @throws Misconfigured `SCHEMA_NEWER`, `LEDGER_UNREADABLE`; Unavailable `LEDGER_BUSY`.
 */
export async function openLedger(parts: {
  readonly file: string;
  readonly clock: Clock;
  /**
   * True where everything this connection writes can be read again from the journal (alarms, notices and the positions
   * they stand for): then a commit needs no sync of its own, and a power cut is made good by reading on. Consistency
   * is the same; `synchronous=NORMAL` in WAL can only lose the newest commits.
   */
  readonly canReplay?: boolean;
  /** For tests of older versions. */
  readonly migrations?: readonly Migration[];
}): Promise<Ledger> {
  const { file, clock } = parts;
  const database = await openFile(file, clock, parts.canReplay ? "NORMAL" : "FULL");
  const db = new Kysely<LedgerTables>({ dialect: new LedgerDialect(database, file) });
  try {
    await migrate(db, { clock, where: file, ...(parts.migrations ? { migrations: parts.migrations } : {}) });
  } catch (error) {
    database.close();
    throw error;
  }
  return {
    registry: createRegistry(db, clock),
    alarms: createAlarmStore(db),
    outbox: createOutbox(db),
    accounts: createAccounts(db, clock),
    claims: createClaims(db, clock),
    presence: createPresenceStore(db),
    commands: createCommandStore(db),
    fieldSecrets: createFieldSecrets(db, clock),
    regulation: createRegulationStore(db, clock),
    maintenance: createMaintenanceStore(db),
    backup: (folder) => copyWhileWriting(database, join(folder, LEDGER_FILE)),
    close: () => db.destroy().then(() => void database.close()),
  };
}

async function openFile(file: string, clock: Clock, synchronous: "FULL" | "NORMAL"): Promise<Connection> {
  try {
    closeSync(openSync(file, "a", 0o600)); // SQLite gives its side files the mode of the main file
    chmodSync(file, 0o600);
  } catch (cause) {
    throw unreadable(file, cause);
  }
  for (let tries = 1; ; tries++) {
    const database = new Database(file, { timeout: BUSY_MS_MAX });
    try {
      database.pragma("journal_mode = WAL");
      database.pragma(`synchronous = ${synchronous}`);
      database.pragma("foreign_keys = ON");
      return database;
    } catch (error) {
      database.close();
      // Two first openings at once: the change to WAL may fail without waiting.
      if (!isBusy(error) || tries === OPEN_TRIES_MAX) throw translated(error, file);
      await clock.sleep(OPEN_PAUSE_MS);
    }
  }
}

const PAGES_A_STEP = 1_000;
const RESTARTS_MAX = 3;

/** SQLite's online copy starts again whenever another connection writes; after a few restarts it is done in one step. */
async function copyWhileWriting(database: Connection, target: string): Promise<void> {
  let remaining = Number.POSITIVE_INFINITY;
  let restarts = 0;
  closeSync(openSync(target, "w", 0o600));
  await database.backup(target, {
    progress: ({ remainingPages, totalPages }) => {
      if (remainingPages > remaining) restarts++;
      remaining = remainingPages;
      return restarts >= RESTARTS_MAX ? totalPages : PAGES_A_STEP;
    },
  });
}

class LedgerDialect extends SqliteDialect {
  readonly #database: Connection;
  readonly #where: string;
  constructor(database: Connection, where: string) {
    super({ database });
    this.#database = database;
    this.#where = where;
  }
  override createDriver(): Driver {
    return new LedgerDriver(this.#database, this.#where);
  }
}

/** After so many uses of the connection the event loop gets a turn: the synchronous engine alone would starve timers. */
const USES_A_TURN = 16;
const BEGIN_WAIT_MS = 5;

class LedgerDriver extends SqliteDriver {
  readonly #database: Connection;
  #uses = 0;
  constructor(database: Connection, where: string) {
    super({ database: withStatementCache(database, where) });
    this.#database = database;
  }
  override async acquireConnection(): Promise<DatabaseConnection> {
    if (++this.#uses % USES_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    return super.acquireConnection();
  }
  override async beginTransaction(connection: DatabaseConnection, settings?: TransactionSettings): Promise<void> {
    if (settings?.accessMode === "read only") await connection.executeQuery(CompiledQuery.raw("begin"));
    else await this.#beginImmediate(connection);
  }
  /** Waits in small pieces: another connection of this very thread could else never finish what we wait for. */
  async #beginImmediate(connection: DatabaseConnection): Promise<void> {
    this.#database.pragma(`busy_timeout = ${BEGIN_WAIT_MS}`);
    try {
      for (let tries = 1; ; tries++) {
        try {
          return void (await connection.executeQuery(CompiledQuery.raw("begin immediate")));
        } catch (error) {
          const isLate = tries * BEGIN_WAIT_MS >= BUSY_MS_MAX;
          if (isLate || !(error instanceof Unavailable && error.code === "LEDGER_BUSY")) throw error;
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    } finally {
      this.#database.pragma(`busy_timeout = ${BUSY_MS_MAX}`);
    }
  }
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // A full disk rolls back by itself; a second rollback would hide the reason.
    if (this.#database.inTransaction) await super.rollbackTransaction(connection);
  }
}

const STATEMENTS_MAX = 200;

/** Statements are prepared once, and SQLite's errors get our names. */
function withStatementCache(database: Connection, where: string): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>();
  const named = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw translated(error, where);
    }
  };
  const prepare = (text: string): SqliteStatement => {
    const statement = named(() => database.prepare(text));
    return {
      reader: statement.reader,
      all: (parameters) => named(() => statement.all(parameters)),
      run: (parameters) => named(() => statement.run(parameters)),
      iterate: (parameters) => statement.iterate(parameters),
    };
  };
  return {
    close: () => database.close(),
    prepare: (text) => {
      let statement = prepared.get(text);
      if (!statement) {
        statement = prepare(text);
        if (prepared.size >= STATEMENTS_MAX) prepared.clear();
        prepared.set(text, statement);
      }
      return statement;
    },
  };
}

function sqliteCode(error: unknown): string {
  return error instanceof Database.SqliteError ? error.code : "";
}
function isBusy(error: unknown): boolean {
  return sqliteCode(error).startsWith("SQLITE_BUSY");
}

/** Anything that is not the file's or the disk's fault stays what it is: a bug of ours. */
function translated(error: unknown, where: string): unknown {
  const code = sqliteCode(error);
  if (isBusy(error)) {
    const what = `another process held the database for more than ${BUSY_MS_MAX} ms`;
    return new Unavailable("LEDGER_BUSY", { what, where, mend: "try again" }, { cause: error });
  }
  if (code.startsWith("SQLITE_FULL") || code.startsWith("SQLITE_IOERR")) {
    const what = `the database could not be written: ${(error as Error).message}`;
    return new Unavailable("LEDGER_DISK", { what, where, mend: "free disk space or check the disk" }, { cause: error });
  }
  const unusable = ["SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM"];
  return unusable.some((prefix) => code.startsWith(prefix)) ? unreadable(where, error) : error;
}

function unreadable(where: string, cause: unknown): Misconfigured {
  const what = `the database cannot be used: ${(cause as Error).message}`;
  const mend = "check the owner of the data folder, or restore the file from a backup";
  return new Misconfigured("LEDGER_UNREADABLE", { what, where, mend }, { cause });
}
