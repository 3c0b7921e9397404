/** The outbox: notifications waiting and their fate, as rows that survive a restart. Written once over Kysely. */
import type { Outbox, OutboxItem, OutboxOutcome } from "../core/ports.ts";
import { readPosition, writePosition } from "./alarms-sql.ts";
import { type LedgerTables, type Sql, writeTogether } from "./sql-schema.ts";

export function createOutbox(db: Sql): Outbox {
  return {
    enqueue: (items, position) =>
      writeTogether(db, async (tx) => {
        for (const { key, outlet, alarm, event, body, dueAt } of items) {
          const fate = { state: "queued" as const, tries: 0, due_at: dueAt, detail: "", settled_at: null };
          await tx
            .insertInto("outbox")
            .values({ key, outlet, alarm, event, body, ...fate })
            .onConflict((conflict) => conflict.column("key").doNothing())
            .execute();
        }
        await writePosition(tx, position);
      }),
    position: (reader) => readPosition(db, reader),
    async due(now, limit) {
      const rows = await db
        .selectFrom("outbox")
        .selectAll()
        .where("state", "=", "queued")
        .where("due_at", "<=", now)
        .orderBy("due_at")
        .orderBy("key")
        .limit(limit)
        .execute();
      return rows.map(toItem);
    },
    settle: (key, outcome) => settle(db, key, outcome),
    async of(alarm) {
      const rows = await db
        .selectFrom("outbox")
        .selectAll()
        .where("alarm", "=", alarm)
        .orderBy("due_at")
        .orderBy("key")
        .execute();
      return rows.map((row) => ({ ...toItem(row), state: row.state, detail: row.detail, at: row.settled_at }));
    },
    async depth() {
      const row = await db
        .selectFrom("outbox")
        .select((e) => e.fn.countAll<number>().as("waiting"))
        .where("state", "=", "queued")
        .executeTakeFirstOrThrow();
      return row.waiting;
    },
  };
}

/** What was sent or given up stays so: a late second outcome changes nothing. */
async function settle(db: Sql, key: string, outcome: OutboxOutcome): Promise<void> {
  const { detail } = outcome;
  const change =
    outcome.kind === "retry"
      ? { due_at: outcome.dueAt, detail }
      : { state: outcome.kind, settled_at: outcome.at, detail };
  await writeTogether(db, (tx) =>
    tx
      .updateTable("outbox")
      .set((e) => ({ ...change, tries: e("tries", "+", 1) }))
      .where("key", "=", key)
      .where("state", "=", "queued")
      .execute(),
  );
}

function toItem({ key, outlet, alarm, event, body, tries, due_at: dueAt }: LedgerTables["outbox"]): OutboxItem {
  return { key, outlet, alarm, event, body, tries, dueAt };
}
