/**
 * The ledger's tables as the program of today sees them, and the two ways to use them. How they came about:
 * sql-migrations.ts.
 *
 * Ids are text, times bigint (ms since 1970 UTC), booleans 0 or 1, nested objects JSON text: SQLite and PostgreSQL give
 * these back as the same JavaScript types.
 */
import { createHash } from "node:crypto";
import type { Kysely, Transaction } from "kysely";
import type { AlarmState, Level } from "../core/alarm.ts";
import type { CommandState } from "../core/command.ts";
import type { CommandOp } from "../core/command-ops.ts";
import type { FieldSecretKind } from "../core/field-secret.ts";
import type { AuditEntry } from "../core/ports.ts";
import type { PresenceProtocol, PresenceState } from "../core/presence.ts";
import type { Role } from "../core/site.ts";
import { canonicalJson } from "./canonical-json.ts";

export interface LedgerTables {
  schema_version: { version: number; name: string; applied_at: number };
  /** `registry` counts every change of the registry. */
  counter: { name: string; value: number };
  reader_position: { reader: string; next_offset: number };
  tenant: { id: string; body: string };
  site: { id: string; tenant: string; body: string };
  station: { id: string; site: string; body: string };
  device: { id: string; station: string; body: string };
  /** Where a device stood since when; `until_at` is null for where it stands now. */
  device_history: {
    device: string;
    version: number;
    station: string;
    since_at: number;
    until_at: number | null;
    changed_by: string;
  };
  /** `valid_until` is null for one without an end; those that are over stay for a while. */
  credential: { device: string; hmac: string; valid_until: number | null; changed_at: number; changed_by: string };
  /** `used_at` and `withdrawn_at` are null for a code that is still open (until `expires_at`). */
  claim_code: {
    hmac: string;
    device: string;
    expires_at: number;
    made_at: number;
    made_by: string;
    used_at: number | null;
    withdrawn_at: number | null;
  };
  revoked_device: { device: string; since_at: number; revoked_by: string };
  /** Every version of every rule; `current` is 1 for the newest. */
  rule: { id: string; version: number; current: number; body: string; changed_at: number; changed_by: string };
  /** `hidden` is 1 once the alarm was retracted or superseded. */
  alarm: {
    id: string;
    state: AlarmState;
    level: Level;
    hidden: number;
    tenant: string;
    site: string;
    station: string;
    updated_at: number;
    body: string;
  };
  /** `position` orders events as they were recorded. */
  alarm_event: { id: string; position: number; alarm: string; kind: string; at: number; body: string };
  outbox: {
    key: string;
    outlet: string;
    alarm: string;
    event: string;
    body: string;
    state: "queued" | "sent" | "given-up";
    tries: number;
    due_at: number;
    detail: string;
    settled_at: number | null;
  };
  user_account: { name: string; role: Role; tenant: string | null; password_hash: string; totp: string | null };
  session: { id: string; owner: string; csrf: string; created_at: number; seen_at: number; expires_at: number };
  api_token: { hmac: string; name: string; role: Role; tenant: string | null; expires_at: number };
  consumer: { name: string; tenant: string | null; hmac: string };
  presence: {
    device: string;
    state: PresenceState;
    since: number;
    reason: string;
    address: string | null;
    protocol: PresenceProtocol;
    back_at: number | null;
  };
  device_command: {
    id: string;
    device: string;
    op: CommandOp;
    args: string;
    state: CommandState;
    detail: string;
    by_whom: string;
    via: string;
    tries: number;
    created_at: number;
    expires_at: number;
    sent_at: number | null;
    updated_at: number;
  };
  /** Desired settings and the version a device said it works by. */
  device_config: {
    device: string;
    version: number;
    body: string;
    changed_by: string;
    changed_at: number;
    reported: number | null;
    reported_at: number | null;
  };
  field_secret: { device: string; kind: FieldSecretKind; sealed: string; changed_at: number; changed_by: string };
  /** Every version of every plan and zone; `current` is 1 for the newest. */
  regulation_document: {
    kind: "plan" | "zone";
    id: string;
    version: number;
    current: number;
    body: string;
    changed_at: number;
    changed_by: string;
  };
  /** `subject` is a station; `position` orders records as they were made. */
  regulation_record: {
    position: number;
    kind: "farmland" | "crop";
    subject: string;
    at: number;
    by_whom: string;
    via: "cli" | "web" | "api";
    body: string;
  };
  /** `position` orders records as they were made. */
  maintenance_record: {
    position: number;
    kind: "set" | "ended";
    window_id: string;
    station: string;
    at: number;
    by_whom: string;
    via: "cli" | "web" | "api";
    body: string;
  };
  audit: {
    /** 1, 2, 3, … without gaps. */
    position: number;
    at: number;
    actor: string;
    via: string;
    action: string;
    object: string;
    detail: string;
    prev_hash: string;
    hash: string;
  };
}

export type Sql = Kysely<LedgerTables>;
export type SqlTransaction = Transaction<LedgerTables>;

/** Several reads that see one state of the database. */
export function readTogether<T>(db: Sql, read: (tx: SqlTransaction) => Promise<T>): Promise<T> {
  return db.transaction().setAccessMode("read only").setIsolationLevel("repeatable read").execute(read);
}

/**
 * All or nothing; durable when resolved. Every write goes through here, since this is where waiting for other threads
 * and processes is done well. Keep it short: they wait as well.
 */
export function writeTogether<T>(db: Sql, write: (tx: SqlTransaction) => Promise<T>): Promise<T> {
  return db.transaction().execute(write);
}

/** `prevHash` of the first audit entry. */
export const AUDIT_GENESIS = "0".repeat(64);

/** SHA-256 over the canonical JSON of entry and position, then the hash of the entry before; hex. */
export function auditHash(position: number, entry: AuditEntry, prevHash: string): string {
  const { at, actor, via, action, object, detail } = entry;
  const text = canonicalJson({ position, at, actor, via, action, object, detail });
  return createHash("sha256").update(text).update(prevHash).digest("hex");
}
