import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../core/clock.ts";
import { Refused } from "../../../core/errors.ts";
import { createLogger, Metrics } from "../../../core/observe.ts";
import type { Journal, JournalStats } from "../../../core/ports.ts";
import { loadPepper } from "../../../core/secret.ts";
import { backupAll, restoreAll, verifyBackup } from "../../../storage/backup.ts";
import { openSqliteJournal } from "../../../storage/journal-sqlite.ts";
import { openDuckdbSeries } from "../../../storage/series-duckdb.ts";
import { openLedger } from "../../../storage/sql-sqlite.ts";
import { aBlock, aDevice, aReading, aSite, aStation, aTenant, NOW } from "../../support/builders.ts";
import { temporaryFolder } from "../../support/folders.ts";

const city = { tenants: [aTenant()], sites: [aSite()], stations: [aStation()], devices: [aDevice()] };

/** All embedded stores on one data folder, as the server opens them. */
async function openStores(folder: string) {
  const parts = { folder, clock: systemClock, log: createLogger("silent"), metrics: new Metrics() };
  loadPepper(folder);
  const journal = await openSqliteJournal({ ...parts, diskReserveBytes: 0 });
  const ledger = await openLedger({ file: join(folder, "ledger.db"), clock: systemClock });
  const series = await openDuckdbSeries(parts);
  let closed: Promise<unknown> | undefined;
  const close = () =>
    (closed ??= series
      .close()
      .then(() => ledger.close())
      .then(() => journal.close()));
  onTestFinished(async () => void (await close()));
  return { journal, ledger, series, close, pepperFile: join(folder, "pepper") };
}

describe("a backup of running stores", () => {
  test("restores to the same contents, and the journal holds what the series had not read", async () => {
    const [home, away] = [temporaryFolder(), temporaryFolder()];
    const stores = await openStores(home);
    await stores.ledger.registry.put(city, "ann");
    await stores.journal.append("readings", Buffer.from("one"));
    await stores.series.write([aBlock([aReading({ time: NOW, value: 1 })])], { reader: "store", offset: 1 });
    // What arrives while the backup runs: before and after the copy of the journal.
    const late: Pick<Journal, "backup" | "stats"> = {
      stats: () => stores.journal.stats(),
      backup: async (folder) => {
        await stores.journal.append("readings", Buffer.from("two"));
        await stores.journal.backup(folder);
        await stores.journal.append("readings", Buffer.from("three"));
        await stores.series.write([aBlock([aReading({ time: NOW, value: 3 })])], { reader: "store", offset: 3 });
      },
    };
    const manifest = await backupAll({ ...stores, journal: late }, join(away, "b"));
    expect(manifest.files.map(({ part, name }) => [part, name])).toEqual([
      ["series", "series.duckdb"],
      ["ledger", "ledger.db"],
      ["journal", "journal.db"],
      ["keys", "pepper"],
    ]);
    expect(manifest.files[1]?.rows).toMatchObject({ tenant: 1, device: 1, audit: 1, alarm: 0 });
    const before = await stores.ledger.registry.snapshot();
    await stores.ledger.registry.put({ tenants: [aTenant({ id: "later" })] }, "ann");
    await stores.close();

    const restored = join(away, "data");
    await restoreAll(join(away, "b"), restored);
    for (const name of readdirSync(restored))
      expect([name, statSync(join(restored, name)).mode & 0o777]).toEqual([name, 0o600]);
    const again = await openStores(restored);
    expect(await again.ledger.registry.snapshot()).toEqual(before);
    const position = await again.series.position("store");
    expect(position).toBe(1);
    const rest = await again.journal.read("readings", position ?? 0, 1_000);
    expect(rest.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(["two"]);
    expect((await again.series.query({ series: "mw-1/cd/total/rtd", from: 0, to: NOW + 1 }, 10))[0]?.value).toBe(1);
    expect(loadPepper(restored)).toEqual(loadPepper(home));
  });

  test("takes the local CA along: it issues and revokes again where it was restored, its files for the owner alone", async () => {
    const [home, away] = [temporaryFolder(), temporaryFolder()];
    const ca = await import("../../../storage/certificate-authority.ts");
    await ca.initAuthority(home, { name: "Test CA", now: NOW });
    await ca.issueCertificate(home, { device: "dev-1", days: 30, now: NOW });
    const stores = await openStores(home);
    const { files } = await backupAll(stores, join(away, "b"));
    expect(files.filter(({ part }) => part === "ca").map(({ name }) => name)).toEqual([
      ...["ca.key", "ca.pem", "crl.pem", "issued.jsonl"],
    ]);
    expect(statSync(join(away, "b/ca.key")).mode & 0o777).toBe(0o600);

    const restored = join(away, "data");
    await restoreAll(join(away, "b"), restored);
    expect(statSync(join(restored, "ca")).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(join(restored, "ca"))) {
      expect([name, statSync(join(restored, "ca", name)).mode & 0o777]).toEqual([name, 0o600]);
      expect(readFileSync(join(restored, "ca", name))).toEqual(readFileSync(join(home, "ca", name)));
    }
    expect(readdirSync(restored)).not.toContain("ca.key");
    expect(await ca.revokeCertificates(restored, "dev-1", NOW)).toHaveLength(1);
    expect((await ca.issueCertificate(restored, { device: "dev-2", days: 30, now: NOW })).key).toContain("PRIVATE KEY");
  });

  test("takes imported packs and confirmed rows along, each back to its place, half-written ones not", async () => {
    const [home, away] = [temporaryFolder(), temporaryFolder()];
    mkdirSync(join(home, "packs"));
    writeFileSync(join(home, "packs", "db51-2978.json"), '{"id":"db51-2978"}');
    writeFileSync(join(home, "packs", "manifest.json"), '{"id":"manifest"}');
    writeFileSync(join(home, "packs", "half.json.new"), "{");
    writeFileSync(join(home, "confirmed-rows.yaml"), "- { pack: gb5084-2021, row: cd, by: ann, at: 1 }\n");
    const { files } = await backupAll(smallParts(home), join(away, "b"));
    expect(files.slice(-3).map(({ part, name }) => [part, name])).toEqual([
      ["packs", "packs_db51-2978.json"],
      ["packs", "packs_manifest.json"],
      ["confirmed", "confirmed-rows.yaml"],
    ]);

    const restored = join(away, "data");
    await restoreAll(join(away, "b"), restored);
    expect(statSync(join(restored, "packs")).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(restored, "packs")).sort()).toEqual(["db51-2978.json", "manifest.json"]);
    for (const name of ["packs/db51-2978.json", "packs/manifest.json", "confirmed-rows.yaml"]) {
      expect(readFileSync(join(restored, name))).toEqual(readFileSync(join(home, name)));
      expect(statSync(join(restored, name)).mode & 0o777).toBe(0o600);
    }
    expect(readdirSync(restored).filter((name) => name.startsWith("packs_"))).toEqual([]);
  });

  test("goes on while another process writes the ledger", async () => {
    const folder = temporaryFolder();
    const [ledger, other] = [await openedLedger(folder), await openedLedger(folder)];
    const many = Array.from({ length: 20_000 }, (_, n) => aTenant({ id: `t-${n}` }));
    await ledger.registry.put({ tenants: many }, "ann");
    let running = true;
    const target = temporaryFolder();
    const copied = ledger.backup(target).finally(() => {
      running = false;
    });
    let writes = 0;
    while (running)
      await other.accounts.audit({ at: writes++, actor: "a", via: "w", action: "x", object: "o", detail: "" });
    await copied;
    const copy = await openedLedger(target);
    expect(writes).toBeGreaterThan(0);
    expect((await copy.registry.snapshot()).tenants).toHaveLength(20_000);
    expect(await copy.accounts.verifyAudit()).toBeNull();
  });
});

async function openedLedger(folder: string) {
  const ledger = await openLedger({ file: join(folder, "ledger.db"), clock: systemClock });
  onTestFinished(() => ledger.close());
  return ledger;
}

/** Small stand-ins that write one file each. */
function smallParts(home: string) {
  writeFileSync(join(home, "pepper"), "00".repeat(32));
  const writes = (name: string, text: string) => ({
    backup: async (folder: string) => writeFileSync(join(folder, name), text),
  });
  const journal = { ...writes("journal.bin", "entries"), stats: async () => stats({}) };
  return {
    ...{ series: writes("series.duckdb", "points"), ledger: writes("ledger.bin", "rows"), journal },
    ...{ pepperFile: join(home, "pepper"), clock: systemClock },
  };
}

function stats({ start = 0, offset = 0 }): JournalStats {
  const stream = { start, end: 100, bytes: 0 };
  return {
    streams: { raw: stream, readings: stream, alarms: stream, commands: stream, quarantine: stream, fleet: stream },
    readers: [{ reader: "store", stream: "readings", offset }],
    ...{ diskFreeBytes: 1e9, full: false },
  };
}

async function aBackup() {
  const folder = temporaryFolder();
  const backup = join(folder, "b");
  await backupAll(smallParts(folder), backup);
  return { folder, backup, data: join(folder, "data") };
}

describe("a backup folder", () => {
  test("verifies, and shows when it was made", async () => {
    const { backup } = await aBackup();
    const manifest = await verifyBackup(backup);
    expect(manifest).toMatchObject({ format: 1, withSeries: true, files: { length: 4 } });
    expect(Number.isNaN(Date.parse(manifest.createdAt))).toBe(false);
    expect(statSync(backup).mode & 0o777).toBe(0o700);
    expect(statSync(join(backup, "pepper")).mode & 0o777).toBe(0o600);
  });

  test("leaves the series to a server that has its own backup", async () => {
    const folder = temporaryFolder();
    const refusal = new Refused("BACKUP_ELSEWHERE", { what: "use its own tool" });
    const parts = { ...smallParts(folder), series: { backup: () => Promise.reject(refusal) } };
    expect(await backupAll(parts, join(folder, "b"))).toMatchObject({ withSeries: false, files: { length: 3 } });
  });

  test("never replaces another one", async () => {
    const { folder, backup } = await aBackup();
    await expect(backupAll(smallParts(folder), backup)).rejects.toMatchObject({ code: "BACKUP_EXISTS" });
    await verifyBackup(backup);
  });

  test("does not appear when a store fails", async () => {
    const folder = temporaryFolder();
    const parts = { ...smallParts(folder), ledger: { backup: () => Promise.reject(new Error("disk full")) } };
    await expect(backupAll(parts, join(folder, "b"))).rejects.toThrow("disk full");
    expect(readdirSync(folder)).toEqual(["pepper"]);
  });

  test("is refused when the journal dropped what the copies still need", async () => {
    const folder = temporaryFolder();
    const answers = [stats({ offset: 40 }), stats({ start: 41, offset: 90 })];
    const parts = smallParts(folder);
    const journal = { ...parts.journal, stats: async () => answers.shift() ?? stats({}) };
    await expect(backupAll({ ...parts, journal }, join(folder, "b"))).rejects.toMatchObject({
      code: "BACKUP_OVERTAKEN",
    });
  });

  test.each<[string, (backup: string) => void, string]>([
    ["a changed byte", (b) => writeFileSync(join(b, "ledger.bin"), "rowz"), "ledger.bin"],
    ["a cut-off file", (b) => writeFileSync(join(b, "journal.bin"), ""), "journal.bin"],
    ["a missing file", (b) => rmSync(join(b, "pepper")), "pepper"],
    ["a missing manifest", (b) => rmSync(join(b, "manifest.json")), "manifest.json"],
    ["a cut-off manifest", (b) => writeFileSync(join(b, "manifest.json"), '{"format":1,'), "manifest.json"],
    [
      "a manifest that points elsewhere",
      (b) => edit(b, (text) => text.replace('"pepper"', '"../pepper"')),
      "manifest.json",
    ],
    [
      "several files",
      (b) => ["ledger.bin", "pepper"].forEach((n) => void appendFileSync(join(b, n), "x")),
      "ledger.bin: 5 bytes instead of 4; pepper",
    ],
  ])("is refused with %s, by name, and nothing is restored", async (_what, damage, named) => {
    const { backup, data } = await aBackup();
    damage(backup);
    const refusal = { code: "BACKUP_DAMAGED", message: expect.stringContaining(named) };
    await expect(verifyBackup(backup)).rejects.toMatchObject(refusal);
    await expect(restoreAll(backup, data)).rejects.toMatchObject(refusal);
    expect(existsSync(data)).toBe(false);
  });

  test("restores into an empty folder only", async () => {
    const { backup, data } = await aBackup();
    mkdirSync(join(data, "lost+found"), { recursive: true }); // a fresh volume
    await restoreAll(backup, data);
    expect(readFileSync(join(data, "ledger.bin"), "utf8")).toBe("rows");
    expect(readdirSync(data).sort()).toEqual(["journal.bin", "ledger.bin", "lost+found", "pepper", "series.duckdb"]);
    await expect(restoreAll(backup, data)).rejects.toMatchObject({ code: "DATA_DIR_NOT_EMPTY" });
  });
});

function edit(backup: string, change: (text: string) => string): void {
  const file = join(backup, "manifest.json");
  writeFileSync(file, change(readFileSync(file, "utf8")));
}
