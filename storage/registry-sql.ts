/**
 * The registry: who and where, credentials, rules; written once over Kysely. Every change raises the version in its own
 * transaction, is checked against what is there, and leaves an audit entry.
 */
import { sql } from "kysely";
import type { Clock } from "../core/clock.ts";
import { Refused } from "../core/errors.ts";
import type { Registry, RegistryContents, RegistrySnapshot } from "../core/ports.ts";
import type { Rule, VersionedRule } from "../core/rule.ts";
import type { Device } from "../core/site.ts";
import { canonicalJson } from "./canonical-json.ts";
import {
  admitDevices,
  keptCredentials,
  keptRevocations,
  putCredentials,
  revokeCredentials,
} from "./credentials-sql.ts";
import { maintenanceWindows } from "./maintenance-sql.ts";
import { beginChange, type Change, slices } from "./registry-change.ts";
import { complete, refuseFaults } from "./registry-check.ts";
import { type LedgerTables, readTogether, type Sql, type SqlTransaction, writeTogether } from "./sql-schema.ts";

/** Where a device stood from `since` (ms, wall clock) until `until`; null for where it stands now. */
export interface Placement {
  readonly device: string;
  readonly station: string;
  readonly since: number;
  readonly until: number | null;
  readonly by: string;
}

export interface HistoricRegistry extends Registry {
  /** Which devices have stood at a station, oldest first: the swaps behind a series. */
  placements(station: string): Promise<readonly Placement[]>;
  /** Every version of a rule, oldest first. */
  ruleHistory(id: string): Promise<readonly VersionedRule[]>;
}

export function createRegistry(db: Sql, clock: Clock): HistoricRegistry {
  return {
    async version() {
      const query = db.selectFrom("counter").select("value").where("name", "=", "registry");
      return (await query.executeTakeFirst())?.value ?? 0;
    },
    snapshot: () => readTogether(db, snapshot),
    put: (contents, by) =>
      writeTogether(db, async (tx) => {
        const put = complete(contents);
        const text = summary(put);
        if (text === "") return;
        refuseFaults(await allContents(tx), put);
        const change = await beginChange(tx, { by, at: clock.now(), action: "registry.put", object: "registry", text });
        await putContents(tx, put, change);
      }),
    putCredentials: (credentials, by, overlapMs = 0) =>
      writeTogether(db, (tx) => putCredentials(tx, credentials, { by, at: clock.now(), overlapMs })),
    revokeCredentials: (devices, by) =>
      writeTogether(db, (tx) => revokeCredentials(tx, devices, { by, at: clock.now() })),
    admitDevices: (devices, by) => writeTogether(db, (tx) => admitDevices(tx, devices, { by, at: clock.now() })),
    putRules: (rules, by) => writeTogether(db, (tx) => putRules(tx, rules, { by, at: clock.now() })),
    async placements(station) {
      const rows = await db
        .selectFrom("device_history")
        .selectAll()
        .where("station", "=", station)
        .orderBy("since_at")
        .orderBy("version")
        .execute();
      return rows.map(({ device, since_at: since, until_at: until, changed_by: by }) => {
        return { device, station, since, until, by };
      });
    },
    async ruleHistory(id) {
      return (await db.selectFrom("rule").selectAll().where("id", "=", id).orderBy("version").execute()).map(toRule);
    },
    close: async () => {}, // the ledger owns the file
  };
}

async function allContents(tx: SqlTransaction): Promise<RegistryContents> {
  const bodies = async <T>(table: "tenant" | "site" | "station" | "device"): Promise<T[]> => {
    const rows = await tx.selectFrom(table).select("body").orderBy("id").execute();
    return rows.map((row) => JSON.parse(row.body) as T);
  };
  return {
    tenants: await bodies("tenant"),
    sites: await bodies("site"),
    stations: await bodies("station"),
    devices: await bodies("device"),
  };
}

async function snapshot(tx: SqlTransaction): Promise<RegistrySnapshot> {
  const counter = await tx.selectFrom("counter").select("value").where("name", "=", "registry").executeTakeFirst();
  return {
    version: counter?.value ?? 0,
    ...(await allContents(tx)),
    credentials: await keptCredentials(tx),
    revoked: await keptRevocations(tx),
    rules: await currentRules(tx),
    maintenance: await maintenanceWindows(tx),
  };
}

async function currentRules(tx: SqlTransaction): Promise<VersionedRule[]> {
  return (await tx.selectFrom("rule").selectAll().where("current", "=", 1).orderBy("id").execute()).map(toRule);
}

function toRule({ version, body, changed_at: changedAt, changed_by: changedBy }: LedgerTables["rule"]): VersionedRule {
  return { version, rule: JSON.parse(body) as Rule, changedAt, changedBy };
}

/** "sites park-1; devices d-1 d-2"; empty when there is nothing to put. */
function summary(put: RegistryContents): string {
  const kinds = ["tenants", "sites", "stations", "devices"] as const;
  const named = kinds.filter((kind) => put[kind].length > 0);
  return named.map((kind) => `${kind} ${put[kind].map((one) => one.id).join(" ")}`).join("; ");
}

async function putContents(tx: SqlTransaction, put: RegistryContents, change: Change): Promise<void> {
  await recordPlacements(tx, put.devices, change);
  // Parents first: the database itself holds the references too.
  await upsert(tx, "tenant", null, put.tenants);
  await upsert(tx, "site", "tenant", put.sites);
  await upsert(tx, "station", "site", put.stations);
  await upsert(tx, "device", "station", put.devices);
}

async function upsert<Parent extends string>(
  tx: SqlTransaction,
  table: string,
  parent: Parent | null,
  rows: readonly ({ readonly id: string } & { readonly [name in Parent]?: unknown })[],
): Promise<void> {
  const columns = parent ? ["id", "body", parent] : ["id", "body"];
  const fresh = columns.slice(1).map((name) => sql`${sql.ref(name)} = ${sql.ref(`excluded.${name}`)}`);
  for (const some of slices(rows)) {
    const values = some.map((row) => {
      const own = parent ? [row.id, JSON.stringify(row), row[parent]] : [row.id, JSON.stringify(row)];
      return sql`(${sql.join(own)})`;
    });
    await sql`insert into ${sql.table(table)} (${sql.join(columns.map((name) => sql.ref(name)))})
      values ${sql.join(values)} on conflict (id) do update set ${sql.join(fresh)}`.execute(tx);
  }
}

/** A new device begins a placement; a moved one ends its old placement as well. */
async function recordPlacements(tx: SqlTransaction, devices: readonly Device[], change: Change): Promise<void> {
  if (devices.length === 0) return;
  const rows = await tx.selectFrom("device").select(["id", "station"]).execute();
  const standing = new Map(rows.map(({ id, station }) => [id, station]));
  const moved = devices.filter((device) => standing.get(device.id) !== device.station);
  const { at, by, version } = change;
  for (const some of slices(moved)) {
    const named = some.map((device) => device.id);
    await tx
      .updateTable("device_history")
      .set({ until_at: at })
      .where("until_at", "is", null)
      .where("device", "in", named)
      .execute();
    const begun = some.map(({ id: device, station }) => {
      return { device, version, station, since_at: at, until_at: null, changed_by: by };
    });
    await tx.insertInto("device_history").values(begun).execute();
  }
}

function refuseDoubled(ids: readonly string[]): void {
  const doubled = ids.filter((id, at) => ids.indexOf(id) !== at);
  if (doubled.length === 0) return;
  throw new Refused("REGISTRY_INVALID", {
    what: `rule ids given twice: ${doubled.join(", ")}`,
    where: "registry, rules",
    mend: "give each rule its own id; nothing was changed",
  });
}

async function putRules(tx: SqlTransaction, rules: readonly Rule[], who: { by: string; at: number }): Promise<number> {
  refuseDoubled(rules.map((rule) => rule.id));
  const present = new Map((await currentRules(tx)).map((row) => [row.rule.id, row]));
  const changed = rules.filter((rule) => {
    const old = present.get(rule.id);
    return !old || canonicalJson(old.rule) !== canonicalJson(rule);
  });
  if (changed.length === 0) return 0;
  const text = changed.map((rule) => rule.id).join(" ");
  await beginChange(tx, { ...who, action: "registry.rules", object: "rules", text });
  for (const rule of changed) {
    const { id } = rule;
    const version = (present.get(id)?.version ?? 0) + 1;
    await tx.updateTable("rule").set({ current: 0 }).where("id", "=", id).where("current", "=", 1).execute();
    const row = { id, version, current: 1, body: JSON.stringify(rule), changed_at: who.at, changed_by: who.by };
    await tx.insertInto("rule").values(row).execute();
  }
  return changed.length;
}
