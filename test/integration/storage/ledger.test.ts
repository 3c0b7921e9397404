import { execFile } from "node:child_process";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../core/clock.ts";
import { Database, sqlitePackage } from "../../../storage/sql-driver.ts";
import { auditHash } from "../../../storage/sql-schema.ts";
import { type Ledger, openLedger } from "../../../storage/sql-sqlite.ts";
import { accountsContract } from "../../contract/accounts.ts";
import { alarmsContract } from "../../contract/alarms.ts";
import { outboxContract } from "../../contract/outbox.ts";
import { registryContract } from "../../contract/registry.ts";
import {
  aDevice,
  anAlarm,
  anAlarmEvent,
  anOutboxItem,
  aRule,
  aSite,
  aStation,
  aTenant,
  NOW,
} from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { temporaryFolder } from "../../support/folders.ts";

async function opened(folder = temporaryFolder(), clock = new FakeClock(NOW)): Promise<Ledger> {
  const ledger = await openLedger({ file: join(folder, "ledger.db"), clock });
  onTestFinished(() => ledger.close());
  return ledger;
}

const city = { tenants: [aTenant()], sites: [aSite()], stations: [aStation()], devices: [aDevice()] };

registryContract("SQLite", async () => (await opened()).registry);
alarmsContract("SQLite", async () => (await opened()).alarms);
outboxContract("SQLite", async () => (await opened()).outbox);
accountsContract("SQLite", async () => (await opened()).accounts);

describe("the ledger file", () => {
  test("survives a restart with everything in it", async () => {
    const folder = temporaryFolder();
    const first = await opened(folder);
    await first.registry.put(city, "ann");
    await first.registry.putRules([aRule()], "ann");
    await first.alarms.record([anAlarmEvent()], { reader: "recorder", offset: 4 });
    await first.outbox.enqueue([anOutboxItem()], { reader: "dispatch", offset: 5 });
    const before = await first.registry.snapshot();
    await first.close();
    const second = await opened(folder);
    expect(await second.registry.snapshot()).toEqual(before);
    expect(await second.alarms.get("alarm-1")).toEqual(anAlarm());
    expect(await second.outbox.due(NOW, 10)).toEqual([anOutboxItem()]);
    expect([await second.alarms.position("recorder"), await second.outbox.position("dispatch")]).toEqual([4, 5]);
  });

  test("is readable by its owner only, side files included", async () => {
    const folder = temporaryFolder();
    const ledger = await opened(folder);
    await ledger.registry.put(city, "ann");
    for (const name of ["ledger.db", "ledger.db-wal", "ledger.db-shm"]) {
      expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
    }
  });

  test("says what is wrong with a file that is no database", async () => {
    const file = join(temporaryFolder(), "ledger.db");
    writeFileSync(file, "this is not a database, though it is long enough to look at".repeat(20));
    await expect(openLedger({ file, clock: systemClock })).rejects.toMatchObject({ code: "LEDGER_UNREADABLE" });
  });

  test("gives timers their turn during a closed loop of transactions", async () => {
    const ledger = await opened();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    onTestFinished(() => clearInterval(timer));
    for (let n = 0; n < 300; n++) await ledger.alarms.record([], { reader: "r", offset: n });
    expect(turns).toBeGreaterThan(3);
  });
});

describe("two processes on one file", () => {
  test("see each other's changes and version", async () => {
    const folder = temporaryFolder();
    const [server, cli] = [await opened(folder), await opened(folder)];
    await cli.registry.put(city, "cli");
    const version = await server.registry.version();
    expect((await server.registry.snapshot()).devices).toEqual([aDevice()]);
    await server.registry.putCredentials([{ device: "dev-1", hmac: "aa" }], "server");
    expect(await cli.registry.version()).toBe(version + 1);
    expect((await cli.registry.snapshot()).credentials).toEqual([{ device: "dev-1", hmac: "aa" }]);
    expect(await cli.accounts.verifyAudit()).toBeNull();
  });

  test("recording the same events from both keeps one of each", async () => {
    const folder = temporaryFolder();
    const [one, two] = [await opened(folder), await opened(folder)];
    const events = Array.from({ length: 50 }, (_, n) => anAlarmEvent({ alarm: anAlarm({ id: `a-${n}` }) }));
    await Promise.all([
      one.alarms.record(events, { reader: "recorder", offset: 50 }),
      two.alarms.record(events, { reader: "recorder", offset: 50 }),
    ]);
    expect(await one.alarms.counts()).toEqual({ active: 50, acknowledged: 0, cleared: 0 });
    expect(await two.alarms.history("a-7")).toEqual([events[7]]);
  });

  test("a writer waits for the other's transaction instead of failing", async () => {
    const folder = temporaryFolder();
    const ledger = await opened(folder);
    const { release, released } = await holdWriteLock(join(folder, "ledger.db"), 300);
    release();
    const put = ledger.registry.put(city, "ann");
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await put.finally(() => clearInterval(timer));
    await released;
    expect(turns).toBeGreaterThan(5); // and the thread goes on meanwhile
    expect((await ledger.registry.snapshot()).devices).toHaveLength(1);
  });

  test("a connection that only reads waits neither for a writer nor for one who waits to write", async () => {
    const folder = temporaryFolder();
    const [ledger, reader] = [await opened(folder), await opened(folder)];
    const { release, released } = await holdWriteLock(join(folder, "ledger.db"), 0);
    let isPut = false;
    const put = ledger.registry.put(city, "ann").then(() => {
      isPut = true;
    });
    const before = await reader.registry.version();
    expect((await reader.registry.snapshot()).version).toBe(before);
    expect(isPut).toBe(false);
    release();
    await Promise.all([put, released]);
    expect(await reader.registry.version()).toBeGreaterThan(before);
  });

  test("four that open a new file at the same time all find it whole", async () => {
    const file = join(temporaryFolder(), "ledger.db");
    const program = join(import.meta.dirname, "../../support/ledger-process.ts");
    const tenants = ["t-1", "t-2", "t-3", "t-4"];
    const start = promisify(execFile);
    await Promise.all(tenants.map((tenant) => start(process.execPath, ["--import", "tsx", program, file, tenant])));
    const ledger = await openLedger({ file, clock: systemClock });
    onTestFinished(() => ledger.close());
    expect((await ledger.registry.snapshot()).tenants.map(({ id }) => id)).toEqual(tenants);
    expect(await ledger.registry.version()).toBe(4);
    expect(await ledger.accounts.verifyAudit()).toBeNull();
  });
});

describe("the registry's history", () => {
  test("records a sensor swap and a device that moves", async () => {
    const clock = new FakeClock(NOW);
    const { registry } = await opened(temporaryFolder(), clock);
    await registry.put({ ...city, stations: [aStation(), aStation({ id: "mw-2" })] }, "ann");
    clock.advance(1_000);
    await registry.put({ devices: [aDevice({ station: "mw-2" }), aDevice({ id: "dev-2" })] }, "bob");
    clock.advance(1_000);
    await registry.put({ devices: [aDevice({ station: "mw-2", interval: 5_000 })] }, "bob");
    expect(await registry.placements("mw-1")).toEqual([
      { device: "dev-1", station: "mw-1", since: NOW, until: NOW + 1_000, by: "ann" },
      { device: "dev-2", station: "mw-1", since: NOW + 1_000, until: null, by: "bob" },
    ]);
    expect(await registry.placements("mw-2")).toEqual([
      { device: "dev-1", station: "mw-2", since: NOW + 1_000, until: null, by: "bob" },
    ]);
  });

  test("keeps every version of a rule", async () => {
    const { registry } = await opened();
    await registry.putRules([aRule()], "ann");
    await registry.putRules([aRule({ above: 0.02 })], "bob");
    const history = await registry.ruleHistory("cd-high");
    expect(history.map((row) => [row.version, row.rule, row.changedBy])).toEqual([
      [1, aRule(), "ann"],
      [2, aRule({ above: 0.02 }), "bob"],
    ]);
  });

  test("leaves an audit entry for each change and none for what was refused", async () => {
    const { registry, accounts } = await opened();
    await registry.put(city, "ann");
    await registry.putRules([aRule()], "bob");
    await registry.putRules([aRule()], "bob");
    await expect(registry.put({ sites: [aSite({ tenant: "x" })] }, "eve")).rejects.toThrow("REGISTRY_INVALID");
    const entries = await accounts.audits(10);
    expect(entries.map((entry) => [entry.actor, entry.action])).toEqual([
      ["bob", "registry.rules"],
      ["ann", "registry.put"],
    ]);
  });
});

describe("the audit chain", () => {
  const tampers: [string, string, number][] = [
    ["changed text", "update audit set detail = 'nothing' where position = 3", 3],
    [
      "a changed text with its hash taken from elsewhere",
      "update audit set actor = 'eve', hash = prev_hash where position = 2",
      2,
    ],
    ["a changed link", "update audit set prev_hash = hash where position = 3", 3],
    ["a removed entry", "delete from audit where position = 4", 4],
    ["a removed beginning", "delete from audit where position = 1", 1],
  ];
  test.each(tampers)("shows %s", async (_what, tamper, broken) => {
    const folder = temporaryFolder();
    const { accounts } = await opened(folder);
    for (let n = 1; n <= 5; n++) {
      await accounts.audit({ at: NOW + n, actor: "ann", via: "web", action: "x", object: "o", detail: `${n}` });
    }
    expect(await accounts.verifyAudit()).toBeNull();
    const raw = new Database(join(folder, "ledger.db"));
    raw.exec(tamper);
    raw.close();
    expect(await accounts.verifyAudit()).toBe(broken);
  });

  test("shows an entry rewritten with a hash that fits it", async () => {
    const folder = temporaryFolder();
    const { accounts } = await opened(folder);
    const entry = { at: NOW, actor: "ann", via: "web", action: "x", object: "o", detail: "" };
    for (let n = 1; n <= 3; n++) await accounts.audit(entry);
    const raw = new Database(join(folder, "ledger.db"));
    const first = raw.prepare("select hash from audit where position = 1").pluck().get() as string;
    const forged = auditHash(2, { ...entry, actor: "eve" }, first);
    raw.prepare("update audit set actor = 'eve', hash = ? where position = 2").run(forged);
    raw.prepare("update audit set prev_hash = ? where position = 3").run(forged);
    raw.close();
    expect(await accounts.verifyAudit()).toBe(3);
  });
});

test("sweeps out sessions that are over", async () => {
  const clock = new FakeClock(NOW);
  const { accounts } = await opened(temporaryFolder(), clock);
  const session = { user: "ann", csrf: "c", createdAt: NOW, seenAt: NOW };
  await accounts.putSession({ ...session, id: "old", expiresAt: NOW + 10 });
  clock.advance(11);
  await accounts.putSession({ ...session, id: "new", expiresAt: NOW + 100 });
  expect(await accounts.session("old")).toBeNull();
  expect(await accounts.session("new")).not.toBeNull();
});

/** Another thread takes the write lock and keeps it for `ms` after `release` was called. */
async function holdWriteLock(file: string, ms: number): Promise<{ release: () => void; released: Promise<void> }> {
  const code = `
    const { parentPort } = require("node:worker_threads");
    const database = new (require("${sqlitePackage}"))(${JSON.stringify(file)});
    database.exec("begin immediate; update counter set value = value");
    parentPort.postMessage("locked");
    parentPort.once("message", () => setTimeout(() => { database.exec("commit"); database.close(); }, ${ms}));`;
  const port = new Worker(code, { eval: true });
  const released = finished(port);
  await new Promise((resolve) => port.once("message", resolve));
  return { release: () => port.postMessage("release"), released };
}

function finished(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`thread ended with ${code}`))));
  });
}
