/**
 * Maintenance windows as they were set and ended, written once over Kysely: records are only added. Each raises the
 * version of the registry, so that every reader of it learns of the window, and leaves its audit entry.
 */
import type { MaintenanceStore, MaintenanceWindow } from "../core/maintenance.ts";
import type { AuditEntry } from "../core/ports.ts";
import { appendAudit } from "./accounts-sql.ts";
import { canonicalJson } from "./canonical-json.ts";
import { raiseVersion } from "./registry-change.ts";
import { type LedgerTables, type Sql, type SqlTransaction, writeTogether } from "./sql-schema.ts";

type RecordRow = LedgerTables["maintenance_record"];

export function createMaintenanceStore(db: Sql): MaintenanceStore {
  return {
    windows: (station) => maintenanceWindows(db, station),
    add: ({ id, station, by, at, ...body }, audit) =>
      writeTogether(db, (tx) => {
        const row = { kind: "set", window_id: id, station, at, by_whom: by, via: viaOf(audit) } as const;
        return addRecord(tx, { ...row, body: canonicalJson(body) }, audit);
      }),
    end: ({ id, station }, { by, via, at, until }, audit) =>
      writeTogether(db, (tx) => {
        const row = { kind: "ended", window_id: id, station, at, by_whom: by, via } as const;
        return addRecord(tx, { ...row, body: canonicalJson({ until }) }, audit);
      }),
  };
}

/** Oldest first, each with the earliest end that was set. */
export async function maintenanceWindows(db: Sql, station?: string): Promise<MaintenanceWindow[]> {
  const all = db.selectFrom("maintenance_record").selectAll().orderBy("position");
  const windows = new Map<string, MaintenanceWindow>();
  for (const row of await (station === undefined ? all : all.where("station", "=", station)).execute()) {
    const known = windows.get(row.window_id);
    const body = JSON.parse(row.body) as object;
    if (row.kind === "set") windows.set(row.window_id, windowOf(row, body));
    else if (known) windows.set(row.window_id, ended(known, (body as { until: number }).until, row.by_whom));
  }
  return [...windows.values()];
}

function windowOf({ window_id: id, station, by_whom: by, at }: RecordRow, body: object): MaintenanceWindow {
  return { id, station, by, at, ...body } as MaintenanceWindow;
}

/** Two persons who end it at once: the earlier end holds, whoever came first. */
function ended(window: MaintenanceWindow, until: number, by: string): MaintenanceWindow {
  return window.endedAt !== undefined && window.endedAt <= until ? window : { ...window, endedAt: until, endedBy: by };
}

function viaOf({ via }: AuditEntry): RecordRow["via"] {
  return via === "web" || via === "api" ? via : "cli";
}

async function addRecord(tx: SqlTransaction, row: Omit<RecordRow, "position">, audit: AuditEntry): Promise<void> {
  const last = await tx
    .selectFrom("maintenance_record")
    .select((e) => e.fn.max("position").as("position"))
    .executeTakeFirst();
  await raiseVersion(tx);
  await tx
    .insertInto("maintenance_record")
    .values({ ...row, position: (last?.position ?? 0) + 1 })
    .execute();
  await appendAudit(tx, audit);
}
