/**
 * The numbered migrations of the ledger, in SQL that SQLite and PostgreSQL both accept. Forward only.
 *
 * A released migration is never edited: what it did is in somebody's database. A change is a new entry at the end of
 * `MIGRATIONS`, with the tables of sql-schema.ts, and a fixture of the version before in test/integration/storage.
 */
import { sql } from "kysely";
import type { Clock } from "../core/clock.ts";
import { Misconfigured } from "../core/errors.ts";
import type { AuditEntry } from "../core/ports.ts";
import { AUDIT_GENESIS, auditHash, type Sql, type SqlTransaction, writeTogether } from "./sql-schema.ts";

export interface Migration {
  readonly name: string;
  up(tx: SqlTransaction): Promise<void>;
}

/** Number N is at index N - 1. */
export const MIGRATIONS: readonly Migration[] = [
  { name: "base", up: (tx) => run(tx, BASE) },
  { name: "audit hash chain, alarms by level", up: chainAudit },
  { name: "several credentials a device, claim codes", up: (tx) => run(tx, CREDENTIALS) },
  { name: "presence, device commands and settings", up: (tx) => run(tx, FLEET) },
  { name: "sealed secrets of field devices", up: (tx) => run(tx, FIELD_SECRETS) },
  { name: "commands by state and device", up: (tx) => run(tx, COMMANDS_BY_STATE) },
  { name: "revoked devices", up: (tx) => run(tx, REVOKED) },
  { name: "monitoring plans, control zones, words of persons on farmland", up: (tx) => run(tx, REGULATION) },
  { name: "maintenance windows", up: (tx) => run(tx, MAINTENANCE) },
];

/**
 * Brings the database to the newest version, one transaction a step, so that a crash leaves a whole version behind.
 * Safe while other threads and processes do the same: each step begins with the write lock.
 *
 * @throws Misconfigured `SCHEMA_NEWER` when a newer program has been here.
 */
export async function migrate(
  db: Sql,
  parts: { readonly clock: Clock; readonly where: string; readonly migrations?: readonly Migration[] },
): Promise<void> {
  const migrations = parts.migrations ?? MIGRATIONS;
  const step = async (tx: SqlTransaction): Promise<boolean> => {
    await run(tx, VERSIONS);
    const row = await tx
      .selectFrom("schema_version")
      .select((e) => e.fn.max("version").as("version"))
      .executeTakeFirst();
    const version = row?.version ?? 0;
    if (version > migrations.length) {
      throw new Misconfigured("SCHEMA_NEWER", {
        what: `the database has schema version ${version}, this program knows versions up to ${migrations.length}`,
        where: parts.where,
        mend: "run the newer program, or restore a backup that this version made",
      });
    }
    const next = migrations[version];
    if (!next) return false;
    await next.up(tx);
    const applied = { version: version + 1, name: next.name, applied_at: parts.clock.now() };
    await tx.insertInto("schema_version").values(applied).execute();
    return true;
  };
  while (await writeTogether(db, step));
}

async function run(tx: SqlTransaction, statements: string): Promise<void> {
  for (const statement of statements.split(";")) {
    if (statement.trim()) await sql.raw(statement).execute(tx);
  }
}

const VERSIONS = `
create table if not exists schema_version (version bigint primary key, name text not null, applied_at bigint not null)`;

const BASE = `
create table counter (name text primary key, value bigint not null);
create table tenant (id text primary key, body text not null);
create table site (id text primary key, tenant text not null references tenant (id), body text not null);
create table station (id text primary key, site text not null references site (id), body text not null);
create table device (id text primary key, station text not null references station (id), body text not null);
create index site_by_tenant on site (tenant);
create index station_by_site on station (site);
create index device_by_station on device (station);
create table device_history (
  device text not null, version bigint not null, station text not null, since_at bigint not null, until_at bigint,
  changed_by text not null, primary key (device, version));
create index device_history_by_station on device_history (station);
create table credential (
  device text primary key references device (id), hmac text not null, changed_at bigint not null,
  changed_by text not null);
create table rule (
  id text not null, version bigint not null, current integer not null, body text not null,
  changed_at bigint not null, changed_by text not null, primary key (id, version));

create table reader_position (reader text primary key, next_offset bigint not null);
create table alarm (
  id text primary key, state text not null, level text not null, hidden integer not null, tenant text not null,
  site text not null, station text not null, updated_at bigint not null, body text not null);
create index alarm_by_state on alarm (hidden, state, updated_at desc, id);
create index alarm_by_tenant on alarm (tenant, hidden, state, updated_at desc, id);
create index alarm_by_site on alarm (site, hidden, state, updated_at desc, id);
create index alarm_by_station on alarm (station, hidden, state, updated_at desc, id);
create table alarm_event (
  id text primary key, position bigint not null unique, alarm text not null, kind text not null, at bigint not null,
  body text not null);
create index alarm_event_by_alarm on alarm_event (alarm, position);
create table outbox (
  key text primary key, outlet text not null, alarm text not null, event text not null, body text not null,
  state text not null, tries integer not null, due_at bigint not null, detail text not null, settled_at bigint);
create index outbox_due on outbox (state, due_at);
create index outbox_by_alarm on outbox (alarm, due_at);

create table user_account (
  name text primary key, role text not null, tenant text, password_hash text not null, totp text);
create table session (
  id text primary key, owner text not null, csrf text not null, created_at bigint not null, seen_at bigint not null,
  expires_at bigint not null);
create index session_by_owner on session (owner);
create index session_by_expiry on session (expires_at);
create table api_token (
  hmac text primary key, name text not null, role text not null, tenant text, expires_at bigint not null);
create table consumer (name text primary key, tenant text, hmac text not null);
create table audit (
  position bigint primary key, at bigint not null, actor text not null, via text not null, action text not null,
  object text not null, detail text not null)`;

/** Version 3: a device may have several credentials, each with an end, and claim codes. */
const CREDENTIALS = `
create table credential_of_3 (
  device text not null references device (id), hmac text not null, valid_until bigint, changed_at bigint not null,
  changed_by text not null, primary key (device, hmac));
insert into credential_of_3 (device, hmac, valid_until, changed_at, changed_by)
  select device, hmac, null, changed_at, changed_by from credential;
drop table credential;
alter table credential_of_3 rename to credential;
create table claim_code (
  hmac text primary key, device text not null references device (id), expires_at bigint not null,
  made_at bigint not null, made_by text not null, used_at bigint, withdrawn_at bigint);
create index claim_code_by_device on claim_code (device)`;
/** Version 5: what must be sent to a device in clear, sealed with a key that is not in this database. */
const FIELD_SECRETS = `
create table field_secret (
  device text not null references device (id), kind text not null, sealed text not null, changed_at bigint not null,
  changed_by text not null, primary key (device, kind))`;

/** Version 6: the commander goes through devices, not through commands. */
const COMMANDS_BY_STATE = `
drop index device_command_by_state;
create index device_command_by_state on device_command (state, device, created_at)`;

/** Version 7: a device may be revoked that has no credential to end, since its protocol knows none. */
const REVOKED = `
create table revoked_device (
  device text primary key references device (id), since_at bigint not null, revoked_by text not null)`;

/** Every version of a plan or zone stays; records are only added. No child of the registry: history outlives a station. */
const REGULATION = `
create table regulation_document (
  kind text not null, id text not null, version bigint not null, current integer not null, body text not null,
  changed_at bigint not null, changed_by text not null, primary key (kind, id, version));
create index regulation_document_current on regulation_document (kind, current, id);
create table regulation_record (
  position bigint primary key, kind text not null, subject text not null, at bigint not null, by_whom text not null,
  via text not null, body text not null);
create index regulation_record_by_subject on regulation_record (kind, subject, position)`;

/** Windows set and ended, only added. No child of the registry: history outlives a station. */
const MAINTENANCE = `
create table maintenance_record (
  position bigint primary key, kind text not null, window_id text not null, station text not null, at bigint not null,
  by_whom text not null, via text not null, body text not null);
create index maintenance_record_by_station on maintenance_record (station, position)`;

/** Version 2: every audit entry is bound to the one before, those already written included. */
async function chainAudit(tx: SqlTransaction): Promise<void> {
  await run(
    tx,
    "alter table audit add column prev_hash text not null default '';" +
      "alter table audit add column hash text not null default '';" +
      "create index alarm_by_level on alarm (hidden, state, level, updated_at desc, id)",
  );
  const entries = sql<AuditEntry & { position: number }>`select * from audit order by position`;
  let prevHash = AUDIT_GENESIS;
  for (const row of (await entries.execute(tx)).rows) {
    const hash = auditHash(row.position, row, prevHash);
    await sql`update audit set prev_hash = ${prevHash}, hash = ${hash} where position = ${row.position}`.execute(tx);
    prevHash = hash;
  }
}

/** Presence is no child of the registry: a device that is taken out of it may still be connected for a moment. */
const FLEET = `
create table presence (
  device text primary key, state text not null, since bigint not null, reason text not null, address text,
  protocol text not null, back_at bigint);
create table device_command (
  id text primary key, device text not null, op text not null, args text not null, state text not null,
  detail text not null, by_whom text not null, via text not null, tries integer not null, created_at bigint not null,
  expires_at bigint not null, sent_at bigint, updated_at bigint not null);
create index device_command_by_device on device_command (device, created_at desc, id);
create index device_command_by_state on device_command (state, created_at, id);
create table device_config (
  device text primary key, version bigint not null, body text not null, changed_by text not null,
  changed_at bigint not null, reported bigint, reported_at bigint);
create index device_config_by_change on device_config (changed_at)`;
