/** Commands to devices, their desired settings, and presence, as rows that survive a restart. Written once over Kysely. */
import type { ExpressionBuilder } from "kysely";
import {
  COMMAND_OPEN,
  COMMANDS_OPEN_MAX,
  type CommandAck,
  type CommandArgs,
  type CommandState,
  type CommandStore,
  DETAIL_CHARACTERS_MAX,
  type DeviceCommand,
  type DeviceConfig,
  type DeviceSettings,
  OWN_TRIES_MAX,
  stateAfterAck,
} from "../core/command.ts";
import { Refused } from "../core/errors.ts";
import type { AuditEntry } from "../core/ports.ts";
import type { PresenceStore } from "../core/presence.ts";
import { appendAudit } from "./accounts-sql.ts";
import { type LedgerTables, type Sql, type SqlTransaction, writeTogether } from "./sql-schema.ts";

export function createPresenceStore(db: Sql): PresenceStore {
  return {
    put: (records) =>
      writeTogether(db, async (tx) => {
        for (const { device, state, since, reason, address, protocol, until } of records) {
          const columns = { state, since, reason, address, protocol, back_at: until };
          await tx
            .insertInto("presence")
            .values({ device, ...columns })
            .onConflict((conflict) => conflict.column("device").doUpdateSet(columns))
            .execute();
        }
      }),
    async all() {
      const rows = await db.selectFrom("presence").selectAll().orderBy("device").execute();
      return rows.map(({ back_at: until, ...row }) => ({ ...row, until }));
    },
  };
}

export function createCommandStore(db: Sql): CommandStore {
  const write = <T>(work: (tx: SqlTransaction) => Promise<T>): Promise<T> => writeTogether(db, work);
  return {
    put: (command, audit) => write((tx) => put(tx, command, audit)),
    async get(id) {
      const row = await db.selectFrom("device_command").selectAll().where("id", "=", id).executeTakeFirst();
      return row ? toCommand(row) : null;
    },
    async of(device, limit) {
      const query = db.selectFrom("device_command").selectAll().where("device", "=", device);
      const rows = await query.orderBy("created_at", "desc").orderBy("id").limit(limit).execute();
      return rows.map(toCommand);
    },
    dueDevices: (sentBefore, page) => dueDevices(db, sentBefore, page),
    async due(devices, sentBefore) {
      if (devices.length === 0) return [];
      const query = db
        .selectFrom("device_command")
        .selectAll()
        .where("state", "in", ["queued", "sent"])
        .where("device", "in", [...devices])
        .where((e) => e.or([e("state", "=", "queued"), e("sent_at", "<=", sentBefore)]))
        .where(hasTriesLeft);
      const rows = await query.orderBy("created_at").orderBy("id").execute();
      return rows.map(toCommand);
    },
    async open(device) {
      const query = db.selectFrom("device_command").selectAll().where("device", "=", device);
      const rows = await query
        .where("state", "in", [...COMMAND_OPEN])
        .orderBy("created_at")
        .orderBy("id")
        .execute();
      return rows.map(toCommand);
    },
    async sent(id, at) {
      await write((tx) =>
        tx
          .updateTable("device_command")
          .set((e) => ({ state: "sent", sent_at: at, updated_at: at, tries: e("tries", "+", 1) }))
          .where("id", "=", id)
          .where("state", "in", ["queued", "sent"])
          .execute(),
      );
    },
    async rested(id, at) {
      const change = { sent_at: at, updated_at: at };
      await write((tx) =>
        tx.updateTable("device_command").set(change).where("id", "=", id).where("state", "=", "sent").execute(),
      );
    },
    expire: (now) => expire(db, now),
    forget: (before) => forget(db, before),
    answer: (device, ack, at) => write((tx) => answer(tx, { device, ack, at })),
    configure: (change, audit) => write((tx) => configure(tx, change, audit)),
    async config(device) {
      const row = await db.selectFrom("device_config").selectAll().where("device", "=", device).executeTakeFirst();
      return row ? toConfig(row) : null;
    },
    async configs(since = 0) {
      const query = db.selectFrom("device_config").selectAll().where("changed_at", ">=", since);
      return (await query.orderBy("device").execute()).map(toConfig);
    },
    async reported(device, version, at) {
      await write((tx) =>
        tx
          .updateTable("device_config")
          .set({ reported: version, reported_at: at })
          .where("device", "=", device)
          // What was read twice after a crash, or arrives late, does not take back what is newer.
          .where((e) => e.or([e("reported_at", "is", null), e("reported_at", "<=", at)]))
          .execute(),
      );
    },
  };
}

/** Two ranges of one index, merged: `or` and `distinct` together would read every open command of the fleet. */
async function dueDevices(
  db: Sql,
  sentBefore: number,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly string[]> {
  const next = (state: CommandState) =>
    db
      .selectFrom("device_command")
      .select("device")
      .where("state", "=", state)
      .where("device", ">", after)
      .groupBy("device")
      .orderBy("device")
      .limit(limit);
  const queued = await next("queued").execute();
  const sent = await next("sent").where("sent_at", "<=", sentBefore).where(hasTriesLeft).execute();
  const devices = new Set([...queued, ...sent].map(({ device }) => device));
  return [...devices].sort((one, other) => (one < other ? -1 : 1)).slice(0, limit);
}

async function put(tx: SqlTransaction, command: DeviceCommand, audit: AuditEntry): Promise<void> {
  const { id, device, op, args, state, detail, by, via } = command;
  const known = await tx.selectFrom("device_command").select("id").where("id", "=", id).executeTakeFirst();
  if (known) return;
  const { waiting } = await tx
    .selectFrom("device_command")
    .select((e) => e.fn.countAll<number>().as("waiting"))
    .where("device", "=", device)
    .where("state", "in", [...COMMAND_OPEN])
    .executeTakeFirstOrThrow();
  if (waiting >= COMMANDS_OPEN_MAX) {
    throw new Refused(
      "COMMANDS_FULL",
      {
        what: `device ${device} has ${waiting} commands that have not ended`,
        mend: "wait until the device has answered or they have expired",
      },
      409,
    );
  }
  const times = { created_at: command.createdAt, expires_at: command.expiresAt, sent_at: null };
  const row = { id, device, op, args: JSON.stringify(args), state, detail, by_whom: by, via, tries: 0, ...times };
  await tx
    .insertInto("device_command")
    .values({ ...row, updated_at: command.updatedAt })
    .execute();
  await appendAudit(tx, audit);
}

function hasTriesLeft(e: ExpressionBuilder<LedgerTables, "device_command">) {
  return e.or([e("via", "!=", "server"), e("tries", "<", OWN_TRIES_MAX)]);
}

/** Some at a time, since others write to the ledger too. */
async function forget(db: Sql, before: number): Promise<number> {
  let all = 0;
  for (;;) {
    const old = await db
      .selectFrom("device_command")
      .select("id")
      .where("state", "in", ["done", "failed", "unsupported", "expired"])
      .where("via", "=", "server")
      .where("updated_at", "<", before)
      .limit(FORGET_MAX)
      .execute();
    if (old.length === 0) return all;
    const ids = old.map(({ id }) => id);
    await writeTogether(db, (tx) => tx.deleteFrom("device_command").where("id", "in", ids).execute());
    all += old.length;
  }
}
const FORGET_MAX = 100;

/** Looks before it writes: nearly always there is nothing, and a look waits for nobody. */
async function expire(db: Sql, now: number): Promise<number> {
  const over = await db
    .selectFrom("device_command")
    .select("id")
    .where("state", "in", [...COMMAND_OPEN])
    .where("expires_at", "<=", now)
    .execute();
  if (over.length === 0) return 0;
  const { numUpdatedRows } = await writeTogether(db, (tx) =>
    tx
      .updateTable("device_command")
      .set({ state: "expired", updated_at: now })
      .where("state", "in", [...COMMAND_OPEN])
      .where("expires_at", "<=", now)
      .executeTakeFirstOrThrow(),
  );
  return Number(numUpdatedRows);
}

async function answer(
  tx: SqlTransaction,
  { device, ack, at }: { readonly device: string; readonly ack: CommandAck; readonly at: number },
): Promise<CommandState | null> {
  const row = await tx
    .selectFrom("device_command")
    .select("state")
    .where("id", "=", ack.id)
    .where("device", "=", device)
    .executeTakeFirst();
  const state = row ? stateAfterAck(row.state, ack.status) : null;
  const detail = detailText(ack.detail);
  if (row?.state === "accepted" && ack.status === "accepted" && detail !== "") {
    // How far it has got: a network server says queued, then sent. Nothing has ended by it.
    await tx.updateTable("device_command").set({ detail, updated_at: at }).where("id", "=", ack.id).execute();
  }
  if (state === null) return null;
  await tx
    .updateTable("device_command")
    .set({ state, updated_at: at, ...(detail === "" ? {} : { detail }) })
    .where("id", "=", ack.id)
    .execute();
  return state;
}

function detailText(detail: unknown): string {
  if (detail === undefined || detail === null) return "";
  const text = typeof detail === "string" ? detail : JSON.stringify(detail);
  return text.slice(0, DETAIL_CHARACTERS_MAX).replace(/[\p{Cc}\p{Cs}]/gu, "\uFFFD");
}

async function configure(
  tx: SqlTransaction,
  { device, values, by, at }: { device: string; values: DeviceSettings; by: string; at: number },
  audit: AuditEntry,
): Promise<DeviceConfig> {
  const known = await tx.selectFrom("device_config").selectAll().where("device", "=", device).executeTakeFirst();
  const version = (known?.version ?? 0) + 1;
  const columns = { version, body: JSON.stringify(values), changed_by: by, changed_at: at };
  await tx
    .insertInto("device_config")
    .values({ device, ...columns, reported: null, reported_at: null })
    .onConflict((conflict) => conflict.column("device").doUpdateSet(columns))
    .execute();
  await appendAudit(tx, audit);
  return toConfig({ device, ...columns, reported: known?.reported ?? null, reported_at: known?.reported_at ?? null });
}

function toCommand(row: LedgerTables["device_command"]): DeviceCommand {
  const { id, device, op, state, detail, by_whom: by, via, tries } = row;
  const args = JSON.parse(row.args) as CommandArgs;
  const { created_at: createdAt, expires_at: expiresAt, sent_at: sentAt, updated_at: updatedAt } = row;
  return { id, device, op, args, state, detail, by, via, createdAt, expiresAt, sentAt, tries, updatedAt };
}

function toConfig(row: LedgerTables["device_config"]): DeviceConfig {
  const { device, version, changed_by: by, changed_at: at, reported, reported_at: reportedAt } = row;
  return { device, version, values: JSON.parse(row.body) as DeviceSettings, by, at, reported, reportedAt };
}
