/** Damage in the write-ahead log: what SQLite drops without a word is told, and kept for a person to look at. */
import { copyFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Packer } from "../../../storage/journal-sqlite-group.ts";
import { journalFile, openForWriting } from "../../../storage/journal-sqlite-schema.ts";
import { JournalTables } from "../../../storage/journal-sqlite-tables.ts";
import { findLogDamage } from "../../../storage/journal-sqlite-wal.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { aJournal } from "../../support/journal-sqlite.ts";

const COMMITS = 60;

/** Files as a killed process leaves them: 60 commits of one entry in the log, none in the database file. */
function killedJournal(): string {
  const folder = temporaryFolder();
  const db = openForWriting(journalFile(folder));
  db.pragma("wal_checkpoint(TRUNCATE)");
  const tables = new JournalTables(db);
  for (let commit = 0; commit < COMMITS; commit++) {
    const packer = new Packer(0, 0);
    packer.add(Buffer.alloc(3_000 + commit, commit));
    tables.commit([{ groups: [packer.finish()], advance: [], state: [] }], []);
  }
  const copy = temporaryFolder();
  for (const end of ["", "-wal"]) copyFileSync(journalFile(folder) + end, journalFile(copy) + end);
  db.close();
  return copy;
}

/** How many of the 60 commits SQLite finds in the folder. */
function recovered(folder: string): number {
  const db = openForWriting(journalFile(folder));
  try {
    return new JournalTables(db).ends()[0]!;
  } finally {
    db.close();
  }
}

test("an undamaged log, cut anywhere as a killed process may leave it, is not called damaged", () => {
  const log = readFileSync(`${journalFile(killedJournal())}-wal`);
  expect(findLogDamage(log)).toBeUndefined();
  fc.assert(
    fc.property(fc.nat(log.byteLength), (cut) => {
      expect(findLogDamage(log.subarray(0, cut))).toBeUndefined();
    }),
    { numRuns: 50 },
  );
});

test("whatever bit is flipped, as many commits are reported as SQLite drops", () => {
  const source = killedJournal();
  const log = readFileSync(`${journalFile(source)}-wal`);
  fc.assert(
    fc.property(fc.nat(log.byteLength - 1), fc.integer({ min: 0, max: 7 }), (at, bit) => {
      const damaged = Buffer.from(log);
      damaged[at]! ^= 1 << bit;
      const found = findLogDamage(damaged);
      const folder = temporaryFolder();
      copyFileSync(journalFile(source), journalFile(folder));
      writeFileSync(`${journalFile(folder)}-wal`, damaged);
      const dropped = COMMITS - recovered(folder);
      // A flip in the mark or the salts of a commit frame hides that one commit itself.
      expect(found?.commits ?? 0).toBeGreaterThanOrEqual(dropped - 1);
      expect(found?.commits ?? 0).toBeLessThanOrEqual(dropped);
    }),
    { numRuns: 60 },
  );
});

test("opening tells what was dropped, keeps the damaged log, and goes on", async () => {
  const folder = killedJournal();
  const file = `${journalFile(folder)}-wal`;
  const log = readFileSync(file);
  log[Math.floor(log.byteLength / 2)]! ^= 4;
  writeFileSync(file, log);
  const { journal, told } = await aJournal({ folder });
  const end = await journal.end("raw");
  expect(end).toBeGreaterThan(0);
  expect(told).toMatchObject([{ level: "error", message: "acknowledged journal entries are lost" }]);
  expect(told[0]?.fields["detail"]).toContain(`${COMMITS - end} commits dropped`);
  expect(readFileSync(`${file}.damaged`).equals(log)).toBe(true);
  await journal.append("raw", Buffer.from("next"));
});

test("a torn last commit is no damage: it was never acknowledged", async () => {
  const folder = killedJournal();
  const file = `${journalFile(folder)}-wal`;
  truncateSync(file, readFileSync(file).byteLength - 2_000);
  const { journal, told } = await aJournal({ folder });
  expect(await journal.end("raw")).toBe(COMMITS - 1);
  expect(told).toEqual([]);
  expect(existsSync(join(folder, "journal.db-wal.damaged"))).toBe(false);
});
