/**
 * Monitoring plans and control zones with all their versions, and what persons said of farmland, written once over
 * Kysely. A deed and its audit entry stand or fall together.
 */
import type { Clock } from "../core/clock.ts";
import type { ControlZone, Plan, Versioned } from "../core/plan.ts";
import type { AuditEntry } from "../core/ports.ts";
import type { ConfirmedCategory, CropResult, Deed, RegulationStore } from "../core/regulation.ts";
import { appendAudit } from "./accounts-sql.ts";
import { canonicalJson } from "./canonical-json.ts";
import { type LedgerTables, type Sql, type SqlTransaction, writeTogether } from "./sql-schema.ts";

type DocumentKind = LedgerTables["regulation_document"]["kind"];
type RecordRow = LedgerTables["regulation_record"];

export function createRegulationStore(db: Sql, clock: Clock): RegulationStore {
  return {
    plans: () => documents<Plan>(db, "plan"),
    zones: () => documents<ControlZone>(db, "zone"),
    putPlans: ({ plans, zones }, by) =>
      writeTogether(db, async (tx) => {
        const at = clock.now();
        const changed: string[] = [];
        for (const plan of plans) if (await putDocument(tx, "plan", plan, { at, by })) changed.push(`plan ${plan.id}`);
        for (const zone of zones) if (await putDocument(tx, "zone", zone, { at, by })) changed.push(`zone ${zone.id}`);
        if (changed.length > 0) {
          const detail = changed.join("; ").slice(0, 1_000);
          await appendAudit(tx, { at, actor: by, via: by, action: "plan.import", object: "plans", detail });
        }
        return changed.length;
      }),
    async confirmations() {
      const rows = await records(db, "farmland");
      return rows.map((row) => ({ ...bodyOf<ConfirmedCategory>(row), station: row.subject, ...deedOf(row) }));
    },
    confirm: ({ station, by, via, at, ...body }, audit) =>
      writeTogether(db, (tx) => addRecord(tx, "farmland", { subject: station, deed: { by, via, at }, body, audit })),
    async crops() {
      const rows = await records(db, "crop");
      return rows.map((row) => ({ ...bodyOf<CropResult>(row), station: row.subject, ...deedOf(row) }));
    },
    addCrop: (station, body, deed, audit) =>
      writeTogether(db, (tx) => addRecord(tx, "crop", { subject: station, deed, body, audit })),
  };
}

async function documents<T>(db: Sql, kind: DocumentKind): Promise<readonly Versioned<T>[]> {
  const query = db.selectFrom("regulation_document").selectAll().where("kind", "=", kind).where("current", "=", 1);
  return (await query.orderBy("id").execute()).map(
    ({ version, body, changed_at: changedAt, changed_by: changedBy }) => ({
      ...{ version, body: JSON.parse(body) as T, changedAt, changedBy },
    }),
  );
}

/** @returns false when the newest version says the same. */
async function putDocument(
  tx: SqlTransaction,
  kind: DocumentKind,
  document: Plan | ControlZone,
  { at, by }: { readonly at: number; readonly by: string },
): Promise<boolean> {
  const { id } = document;
  const body = canonicalJson(document);
  const known = await tx
    .selectFrom("regulation_document")
    .select(["version", "body"])
    .where("kind", "=", kind)
    .where("id", "=", id)
    .where("current", "=", 1)
    .executeTakeFirst();
  if (known?.body === body) return false;
  await tx
    .updateTable("regulation_document")
    .set({ current: 0 })
    .where("kind", "=", kind)
    .where("id", "=", id)
    .execute();
  const row = { kind, id, version: (known?.version ?? 0) + 1, current: 1, body, changed_at: at, changed_by: by };
  await tx.insertInto("regulation_document").values(row).execute();
  return true;
}

function records(db: Sql, kind: RecordRow["kind"]): Promise<RecordRow[]> {
  return db.selectFrom("regulation_record").selectAll().where("kind", "=", kind).orderBy("position").execute();
}
function bodyOf<T>({ body }: RecordRow): Omit<T, keyof Deed | "station"> {
  return JSON.parse(body) as Omit<T, keyof Deed | "station">;
}
function deedOf({ by_whom: by, via, at }: RecordRow): Deed {
  return { by, via, at };
}

async function addRecord(
  tx: SqlTransaction,
  kind: RecordRow["kind"],
  record: { readonly subject: string; readonly deed: Deed; readonly body: object; readonly audit: AuditEntry },
): Promise<void> {
  const { subject, deed, body, audit } = record;
  const last = await tx
    .selectFrom("regulation_record")
    .select((e) => e.fn.max("position").as("position"))
    .executeTakeFirst();
  const position = (last?.position ?? 0) + 1;
  const who = { at: deed.at, by_whom: deed.by, via: deed.via };
  await tx
    .insertInto("regulation_record")
    .values({ position, kind, subject, ...who, body: canonicalJson(body) })
    .execute();
  await appendAudit(tx, audit);
}
