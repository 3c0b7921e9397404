/**
 * People, sessions, tokens, consumers and the audit log, written once over Kysely.
 *
 * The audit log only grows. Each entry's hash covers the entry and the hash before it, so that a changed or removed
 * entry breaks the chain from there on. A cut-off end or a chain rewritten as a whole shows only against a hash that
 * was kept elsewhere.
 */
import type { Clock } from "../core/clock.ts";
import type { Accounts, AuditEntry, Session, User } from "../core/ports.ts";
import {
  AUDIT_GENESIS,
  auditHash,
  type LedgerTables,
  type Sql,
  type SqlTransaction,
  writeTogether,
} from "./sql-schema.ts";

export interface AuditedAccounts extends Accounts {
  /** Position (from 1) of the first entry that does not fit the chain; null when all of it holds. */
  verifyAudit(): Promise<number | null>;
}

const VERIFIED_AT_ONCE = 1_000;

/** Expired sessions and tokens are handed out with their `expiresAt`; whoever asks decides. */
export function createAccounts(db: Sql, clock: Clock): AuditedAccounts {
  const write = <T>(work: (tx: SqlTransaction) => Promise<T>): Promise<T> => writeTogether(db, work);
  return {
    async user(name) {
      const row = await db.selectFrom("user_account").selectAll().where("name", "=", name).executeTakeFirst();
      return row ? toUser(row) : null;
    },
    async users() {
      return (await db.selectFrom("user_account").selectAll().orderBy("name").execute()).map(toUser);
    },
    async putUser({ name, role, tenant, passwordHash, totp }) {
      const columns = { role, tenant, password_hash: passwordHash, totp };
      await write((tx) =>
        tx
          .insertInto("user_account")
          .values({ name, ...columns })
          .onConflict((conflict) => conflict.column("name").doUpdateSet(columns))
          .execute(),
      );
    },
    async session(id) {
      const row = await db.selectFrom("session").selectAll().where("id", "=", id).executeTakeFirst();
      return row ? toSession(row) : null;
    },
    putSession: (session) => putSession(db, session, clock.now()),
    async dropSession(id) {
      await write((tx) => tx.deleteFrom("session").where("id", "=", id).execute());
    },
    async dropSessionsOf(user) {
      await write((tx) => tx.deleteFrom("session").where("owner", "=", user).execute());
    },
    async putToken({ hmac, name, role, tenant, expiresAt }) {
      const columns = { name, role, tenant, expires_at: expiresAt };
      await write((tx) =>
        tx
          .insertInto("api_token")
          .values({ hmac, ...columns })
          .onConflict((conflict) => conflict.column("hmac").doUpdateSet(columns))
          .execute(),
      );
    },
    async token(hmac) {
      const row = await db.selectFrom("api_token").selectAll().where("hmac", "=", hmac).executeTakeFirst();
      if (!row) return null;
      const { name, role, tenant, expires_at: expiresAt } = row;
      return { hmac, name, role, tenant, expiresAt };
    },
    async putConsumer({ name, tenant, hmac }) {
      await write((tx) =>
        tx
          .insertInto("consumer")
          .values({ name, tenant, hmac })
          .onConflict((conflict) => conflict.column("name").doUpdateSet({ tenant, hmac }))
          .execute(),
      );
    },
    consumers: () => db.selectFrom("consumer").select(["name", "tenant", "hmac"]).orderBy("name").execute(),
    audit: (entry) => write((tx) => appendAudit(tx, entry)),
    audits: (limit) =>
      db
        .selectFrom("audit")
        .select(["at", "actor", "via", "action", "object", "detail"])
        .orderBy("position", "desc")
        .limit(limit)
        .execute(),
    verifyAudit: () => verifyAudit(db),
  };
}

/** Adds one entry to the chain inside a transaction, so that the deed and its record stand or fall together. */
export async function appendAudit(tx: SqlTransaction, entry: AuditEntry): Promise<void> {
  const last = await tx
    .selectFrom("audit")
    .select(["position", "hash"])
    .orderBy("position", "desc")
    .limit(1)
    .executeTakeFirst();
  const position = (last?.position ?? 0) + 1;
  const prevHash = last?.hash ?? AUDIT_GENESIS;
  const { at, actor, via, action, object, detail } = entry;
  const hash = auditHash(position, entry, prevHash);
  const row = { position, at, actor, via, action, object, detail, prev_hash: prevHash, hash };
  await tx.insertInto("audit").values(row).execute();
}

async function verifyAudit(db: Sql): Promise<number | null> {
  let prevHash = AUDIT_GENESIS;
  for (let done = 0; ; ) {
    const rows = await db
      .selectFrom("audit")
      .selectAll()
      .where("position", ">", done)
      .orderBy("position")
      .limit(VERIFIED_AT_ONCE)
      .execute();
    if (rows.length === 0) return null;
    for (const row of rows) {
      const position = done + 1;
      const fits = row.position === position && row.prev_hash === prevHash;
      if (!fits || row.hash !== auditHash(position, row, prevHash)) return position;
      prevHash = row.hash;
      done = position;
    }
  }
}

/** Sessions that are over are swept out by the next sign-in. */
async function putSession(db: Sql, session: Session, now: number): Promise<void> {
  const { id, user: owner, csrf, createdAt, seenAt, expiresAt } = session;
  const columns = { owner, csrf, created_at: createdAt, seen_at: seenAt, expires_at: expiresAt };
  await writeTogether(db, async (tx) => {
    await tx.deleteFrom("session").where("expires_at", "<", now).execute();
    await tx
      .insertInto("session")
      .values({ id, ...columns })
      .onConflict((conflict) => conflict.column("id").doUpdateSet(columns))
      .execute();
  });
}

function toUser({ name, role, tenant, password_hash: passwordHash, totp }: LedgerTables["user_account"]): User {
  return { name, role, tenant, passwordHash, totp };
}

function toSession(row: LedgerTables["session"]): Session {
  const { id, owner: user, csrf, created_at: createdAt, seen_at: seenAt, expires_at: expiresAt } = row;
  return { id, user, csrf, createdAt, seenAt, expiresAt };
}
