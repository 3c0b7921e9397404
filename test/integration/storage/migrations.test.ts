import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../core/clock.ts";
import { Database } from "../../../storage/sql-driver.ts";
import { MIGRATIONS } from "../../../storage/sql-migrations.ts";
import { type Ledger, openLedger } from "../../../storage/sql-sqlite.ts";
import * as build from "../../support/builders.ts";
import { temporaryFolder } from "../../support/folders.ts";

/** A database file as an older program left it. */
function fixture(version: number): string {
  const file = join(temporaryFolder(), "ledger.db");
  const database = new Database(file);
  database.pragma("foreign_keys = OFF"); // a dump names children before parents
  database.exec(readFileSync(join(import.meta.dirname, `fixtures/ledger-v${version}.sql`), "utf8"));
  database.close();
  return file;
}

async function opened(file: string, migrations = MIGRATIONS): Promise<Ledger> {
  const ledger = await openLedger({ file, clock: systemClock, migrations });
  onTestFinished(() => ledger.close());
  return ledger;
}

function look<T>(file: string, query: string): T[] {
  const database = new Database(file, { readonly: true });
  try {
    return database.prepare(query).all() as T[];
  } finally {
    database.close();
  }
}

const SCHEMA = "select type, name, sql from sqlite_master where name not like 'sqlite_%' order by type, name";

test("a version 1 ledger opens with everything that was in it", async () => {
  const ledger = await opened(fixture(1));
  expect(await ledger.registry.snapshot()).toMatchObject({
    ...{ version: 3, tenants: [build.aTenant()], sites: [build.aSite()], stations: [build.aStation()] },
    ...{ devices: [build.aDevice()], credentials: [{ device: "dev-1", hmac: "aa" }] },
    rules: [{ version: 1, rule: build.aRule(), changedBy: "ann" }],
  });
  expect(await ledger.alarms.get("alarm-1")).toEqual(build.anAlarm());
  expect(await ledger.alarms.history("alarm-1")).toEqual([build.anAlarmEvent()]);
  expect(await ledger.alarms.position("recorder")).toBe(1);
  expect(await ledger.outbox.due(build.NOW, 10)).toEqual([build.anOutboxItem()]);
  expect(await ledger.accounts.user("officer")).toEqual(build.aUser());
  expect(await ledger.accounts.session("s-1")).toMatchObject({ user: "officer", csrf: "c" });
  expect(await ledger.accounts.token("bb")).toMatchObject({ name: "grafana" });
  expect(await ledger.accounts.consumers()).toEqual([{ name: "scada", tenant: "tenant-1", hmac: "cc" }]);
});

test("a version 1 audit log is chained from its first entry, and goes on", async () => {
  const file = fixture(1);
  const { accounts } = await opened(file);
  expect(await accounts.verifyAudit()).toBeNull();
  await accounts.audit({ at: 9, actor: "bob", via: "web", action: "x", object: "o", detail: "after" });
  expect((await accounts.audits(10)).map(({ detail }) => detail)).toEqual([
    ...["after", "before the chain, 第3条", "before the chain, 第2条", "before the chain, 第1条"],
  ]);
  expect(await accounts.verifyAudit()).toBeNull();
  const raw = new Database(file);
  raw.exec("update audit set object = 'other' where position = 2");
  raw.close();
  expect(await accounts.verifyAudit()).toBe(2);
});

test("version 2: each credential goes on without an end, and a second one can join it", async () => {
  const { registry } = await opened(fixture(2));
  expect((await registry.snapshot()).credentials).toEqual([{ device: "dev-1", hmac: "aa" }]);
  await registry.putCredentials([{ device: "dev-1", hmac: "bb" }], "ann", 60_000);
  expect((await registry.snapshot()).credentials).toMatchObject([{ hmac: "aa" }, { hmac: "bb" }]);
});

test("a migrated ledger has the same tables as a new one", async () => {
  const [old, fresh] = [fixture(1), join(temporaryFolder(), "ledger.db")];
  await opened(old);
  await opened(fresh);
  expect(look(old, SCHEMA)).toEqual(look(fresh, SCHEMA));
  expect(look(old, "select version, name from schema_version order by version")).toEqual(
    MIGRATIONS.map(({ name }, at) => ({ version: at + 1, name })),
  );
});

test("a released migration still makes what it made", async () => {
  const [old, fresh] = [fixture(1), join(temporaryFolder(), "ledger.db")];
  await opened(fresh, MIGRATIONS.slice(0, 1));
  expect(look(fresh, SCHEMA)).toEqual(look(old, SCHEMA));
});

test("a migration that fails leaves the version before, whole and usable", async () => {
  const file = fixture(1);
  const failing = {
    name: "half",
    up: async (tx: Parameters<(typeof MIGRATIONS)[0]["up"]>[0]) => {
      await sql`create table half (id text)`.execute(tx);
      await sql`insert into nowhere values (1)`.execute(tx);
    },
  };
  await expect(opened(file, [...MIGRATIONS, failing])).rejects.toThrow("nowhere");
  expect(look(file, "select max(version) as version from schema_version")).toEqual([{ version: MIGRATIONS.length }]);
  expect(look(file, "select name from sqlite_master where name = 'half'")).toEqual([]);
  expect(await (await opened(file)).accounts.verifyAudit()).toBeNull();
});

test("a ledger of a newer program is refused and left alone", async () => {
  const file = fixture(1);
  const newer = { name: "from the future", up: async () => {} };
  await (await openLedger({ file, clock: systemClock, migrations: [...MIGRATIONS, newer] })).close();
  const before = look(file, "select * from schema_version");
  await expect(opened(file)).rejects.toMatchObject({
    ...{ code: "SCHEMA_NEWER", name: "Misconfigured", fault: { where: file } },
  });
  expect(look(file, "select * from schema_version")).toEqual(before);
});
