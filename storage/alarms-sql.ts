/** Alarms and their history as pages read them, and reader positions; written once over Kysely. */
import { ALARM_STATES, type Alarm, type AlarmEvent, type AlarmState, type Level } from "../core/alarm.ts";
import { Refused } from "../core/errors.ts";
import type { AlarmFilter, AlarmStore } from "../core/ports.ts";
import { readTogether, type Sql, type SqlTransaction, writeTogether } from "./sql-schema.ts";

export function createAlarmStore(db: Sql): AlarmStore {
  return {
    record: (events, position) =>
      writeTogether(db, async (tx) => {
        if (events.length > 0) await recordEvents(tx, events);
        await writePosition(tx, position);
      }),
    position: (reader) => readPosition(db, reader),
    list: (filter) => list(db, filter),
    async get(id) {
      const row = await db.selectFrom("alarm").select("body").where("id", "=", id).executeTakeFirst();
      return row ? (JSON.parse(row.body) as Alarm) : null;
    },
    async history(id) {
      const rows = await db
        .selectFrom("alarm_event")
        .select("body")
        .where("alarm", "=", id)
        .orderBy("position")
        .execute();
      return rows.map((row) => JSON.parse(row.body) as AlarmEvent);
    },
    async counts({ tenant, withoutIntegrity = false } = {}) {
      let query = db
        .selectFrom("alarm")
        .select(["state", (e) => e.fn.countAll<number>().as("alarms")])
        .where("hidden", "in", [...shownMarks(withoutIntegrity)])
        .groupBy("state");
      if (tenant !== undefined) query = query.where("tenant", "=", tenant);
      const counts: Record<AlarmState, number> = { active: 0, acknowledged: 0, cleared: 0 };
      for (const { state, alarms } of await query.execute()) counts[state] = alarms;
      return counts;
    },
    close: async () => {}, // the ledger owns the file
  };
}

/**
 * Column `hidden`: 0 is for everybody, 1 was superseded or retracted, 2 is an alarm of suspected data. Each value is an
 * index range of its own.
 */
const HIDDEN = { no: 0, superseded: 1, integrity: 2 } as const;

function hiddenMark({ supersededBy, category }: Alarm): number {
  if (supersededBy !== null) return HIDDEN.superseded;
  return category === "integrity" ? HIDDEN.integrity : HIDDEN.no;
}
function shownMarks(withoutIntegrity: boolean): readonly number[] {
  return withoutIntegrity ? [HIDDEN.no] : [HIDDEN.no, HIDDEN.integrity];
}

export async function readPosition(db: Sql, reader: string): Promise<number> {
  const row = await db
    .selectFrom("reader_position")
    .select("next_offset")
    .where("reader", "=", reader)
    .executeTakeFirst();
  return row?.next_offset ?? 0;
}

export async function writePosition(
  tx: SqlTransaction,
  position: { readonly reader: string; readonly offset: number },
): Promise<void> {
  await tx
    .insertInto("reader_position")
    .values({ reader: position.reader, next_offset: position.offset })
    .onConflict((conflict) => conflict.column("reader").doUpdateSet({ next_offset: position.offset }))
    .execute();
}

const EVENTS_A_STATEMENT = 100;

async function recordEvents(tx: SqlTransaction, events: readonly AlarmEvent[]): Promise<void> {
  for (let at = 0; at < events.length; at += EVENTS_A_STATEMENT) {
    const fresh = await unseen(tx, events.slice(at, at + EVENTS_A_STATEMENT));
    if (fresh.length === 0) continue; // an event seen before must not bring back an older state
    const last = await tx
      .selectFrom("alarm_event")
      .select((e) => e.fn.max("position").as("position"))
      .executeTakeFirst();
    const first = (last?.position ?? 0) + 1;
    const rows = fresh.map((event, n) => {
      const { id, kind, at, alarm } = event;
      return { id, position: first + n, alarm: alarm.id, kind, at, body: JSON.stringify(event) };
    });
    await tx.insertInto("alarm_event").values(rows).execute();
    // A later event of the same alarm replaces an earlier one.
    await putAlarms(tx, [...new Map(fresh.map(({ alarm }) => [alarm.id, alarm])).values()]);
  }
}

async function unseen(tx: SqlTransaction, events: readonly AlarmEvent[]): Promise<AlarmEvent[]> {
  const byId = new Map<string, AlarmEvent>();
  for (const event of events) if (!byId.has(event.id)) byId.set(event.id, event);
  const seen = await tx
    .selectFrom("alarm_event")
    .select("id")
    .where("id", "in", [...byId.keys()])
    .execute();
  for (const { id } of seen) byId.delete(id);
  return [...byId.values()];
}

async function putAlarms(tx: SqlTransaction, alarms: readonly Alarm[]): Promise<void> {
  const rows = alarms.map((alarm) => {
    const { id, state, level, tenant, site, station } = alarm;
    const hidden = hiddenMark(alarm);
    return {
      id,
      state,
      level,
      tenant,
      site,
      station,
      hidden,
      updated_at: alarm.updatedAt,
      body: JSON.stringify(alarm),
    };
  });
  await tx
    .insertInto("alarm")
    .values(rows)
    .onConflict((conflict) =>
      conflict.column("id").doUpdateSet((e) => ({
        state: e.ref("excluded.state"),
        level: e.ref("excluded.level"),
        tenant: e.ref("excluded.tenant"),
        site: e.ref("excluded.site"),
        station: e.ref("excluded.station"),
        hidden: e.ref("excluded.hidden"),
        updated_at: e.ref("excluded.updated_at"),
        body: e.ref("excluded.body"),
      })),
    )
    .execute();
}

type Row = { id: string; updated_at: number; body: string };

/** One ordered index range a state (and level), merged: a page costs its own rows, however many other alarms there are. */
async function list(db: Sql, filter: AlarmFilter): ReturnType<AlarmStore["list"]> {
  const after = filter.cursor === undefined ? null : decodeCursor(filter.cursor);
  const states = [...new Set(filter.state ?? ALARM_STATES)];
  const levels = filter.level ? [...new Set(filter.level)] : [null];
  const marks = shownMarks(filter.withoutIntegrity ?? false);
  const ranges = states.flatMap((state) =>
    levels.flatMap((level) => marks.map((hidden) => ({ state, level, hidden, after }))),
  );
  const rows = await readTogether(db, async (tx) => {
    const found: Row[] = [];
    for (const range of ranges) found.push(...(await listRange(tx, range, filter)));
    return found;
  });
  rows.sort((a, b) => b.updated_at - a.updated_at || (a.id < b.id ? -1 : 1));
  const page = rows.slice(0, filter.limit);
  const last = page.at(-1);
  return {
    alarms: page.map((row) => JSON.parse(row.body) as Alarm),
    cursor: last && rows.length > page.length ? encodeCursor({ updatedAt: last.updated_at, id: last.id }) : null,
  };
}

function listRange(
  tx: SqlTransaction,
  { state, level, hidden, after }: { state: AlarmState; level: Level | null; hidden: number; after: Cursor | null },
  { tenant, site, station, limit }: AlarmFilter,
): Promise<Row[]> {
  let query = tx
    .selectFrom("alarm")
    .select(["id", "updated_at", "body"])
    .where("hidden", "=", hidden)
    .where("state", "=", state);
  if (tenant !== undefined) query = query.where("tenant", "=", tenant);
  if (site !== undefined) query = query.where("site", "=", site);
  if (station !== undefined) query = query.where("station", "=", station);
  if (level !== null) query = query.where("level", "=", level);
  if (after) {
    query = query
      .where("updated_at", "<=", after.updatedAt) // lets the index start here
      .where((e) => e.or([e("updated_at", "<", after.updatedAt), e("id", ">", after.id)]));
  }
  return query
    .orderBy("updated_at", "desc")
    .orderBy("id")
    .limit(limit + 1)
    .execute();
}

interface Cursor {
  readonly updatedAt: number;
  readonly id: string;
}

function encodeCursor({ updatedAt, id }: Cursor): string {
  return Buffer.from(JSON.stringify([updatedAt, id])).toString("base64url");
}

function decodeCursor(text: string): Cursor {
  try {
    const [updatedAt, id] = JSON.parse(Buffer.from(text, "base64url").toString()) as unknown[];
    if (typeof updatedAt === "number" && typeof id === "string") return { updatedAt, id };
  } catch {
    // falls through to the refusal
  }
  throw new Refused("CURSOR_INVALID", {
    what: "the cursor is not one that this list handed out",
    mend: "begin again without a cursor",
  });
}
