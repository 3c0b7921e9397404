/** A journal file that was damaged on disk: nothing is handed out wrong, nothing is passed over silently. */
import {
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Metrics } from "../../../core/observe.ts";
import type { JournalEntry } from "../../../core/ports.ts";
import { openJournalReader } from "../../../storage/journal-sqlite.ts";
import { type DamagedRange, JournalReads } from "../../../storage/journal-sqlite-reads.ts";
import { Database } from "../../../storage/sql-driver.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { aJournal, counted } from "../../support/journal-sqlite.ts";

const GROUPS = 300;
const ENTRIES_EACH = 20;
const MEBIBYTE = 1_024 * 1_024;

/** 300 groups of 20 entries of 100 bytes in stream raw, closed and fully in the database file. */
async function aClosedJournal(): Promise<string> {
  const { journal, options } = await aJournal();
  for (let group = 0; group < GROUPS; group++) {
    const entries = Array.from({ length: ENTRIES_EACH }, (_, index) => Buffer.alloc(100, `${group}:${index};`));
    await journal.commit({ append: [{ stream: "raw", entries }] });
  }
  await journal.close();
  return join(options.folder, "journal.db");
}

test("a flipped bit is found, reported once with stream and offsets, and only its group is passed over", async () => {
  const file = await aClosedJournal();
  const content = readFileSync(file);
  const at = content.indexOf(Buffer.alloc(100, "150:7;"));
  content[at + 50]! ^= 0x10;
  writeFileSync(file, content);

  const { journal, told, options } = await aJournal({ folder: join(file, "..") });
  for (const _ of [1, 2]) {
    const entries = await journal.read("raw", 2_990, MEBIBYTE);
    expect(entries.slice(0, 11).map(({ offset }) => offset)).toEqual([
      2_990, 2_991, 2_992, 2_993, 2_994, 2_995, 2_996, 2_997, 2_998, 2_999, 3_020,
    ]);
    expect(entries).toHaveLength(GROUPS * ENTRIES_EACH - 2_990 - ENTRIES_EACH);
  }
  const errors = told.filter(({ level }) => level === "error");
  expect(errors).toMatchObject([
    { fields: { code: "JOURNAL_DAMAGED", stream: "raw", first: 3_000, end: 3_020, reason: "checksum" } },
  ]);
  expect(await counted(options.metrics, "journal_damaged_groups")).toBe(1);
});

test("damage at the very end does not make a reader spin: wait waits for what comes after it", async () => {
  const file = await aClosedJournal();
  const content = readFileSync(file);
  content[content.indexOf(Buffer.alloc(100, "299:0;")) + 50]! ^= 0x01;
  writeFileSync(file, content);

  const { journal, told } = await aJournal({ folder: join(file, "..") });
  expect(told).toMatchObject([{ level: "error", fields: { detail: "raw 5980 to 5999" } }]);
  expect(await journal.read("raw", 5_980, MEBIBYTE)).toEqual([]);
  let isWoken = false;
  const waiting = journal.wait("raw", 5_985, new AbortController().signal).then(() => {
    isWoken = true;
  });
  await journal.append("alarms", Buffer.from("x"));
  expect(isWoken).toBe(false);
  await journal.append("raw", Buffer.from("next"));
  await waiting;
  expect(await journal.read("raw", 5_980, MEBIBYTE)).toMatchObject([{ offset: 6_000 }]);
});

test("a row that is gone leaves a reported gap, not a shift", async () => {
  const file = await aClosedJournal();
  const db = new Database(file);
  db.exec("DELETE FROM groups_raw WHERE first IN (20, 40)");
  db.close();
  const { journal, told } = await aJournal({ folder: join(file, "..") });
  const entries = await journal.read("raw", 10, MEBIBYTE);
  expect(entries.slice(9, 11).map(({ offset }) => offset)).toEqual([19, 60]);
  expect(told).toMatchObject([{ fields: { first: 20, end: 60, reason: "missing" } }]);
});

test("a position beyond the end shows that entries are lost: their numbers are not used again", async () => {
  const file = await aClosedJournal();
  const db = new Database(file);
  db.exec("INSERT INTO readers VALUES ('ingest', 'raw', 6000); DELETE FROM groups_raw WHERE first >= 5960");
  db.close();
  const { journal, told } = await aJournal({ folder: join(file, "..") });
  expect(told).toMatchObject([{ level: "error", fields: { detail: "raw 5960 to 5999" } }]);
  expect(await journal.end("raw")).toBe(6_000);
  await journal.append("raw", Buffer.from("next"));
  expect(await journal.read("raw", await journal.position("ingest", "raw"), MEBIBYTE)).toMatchObject([
    { offset: 6_000 },
  ]);
});

test.each([
  ["a page of zeros", (bytes: Buffer) => bytes.fill(0)],
  [
    "a page of noise",
    (bytes: Buffer) =>
      bytes.forEach((_, index) => {
        bytes[index] = (index * 7_919) % 251;
      }),
  ],
])("%s in the middle: every entry is either right or in a reported range", async (_, damage) => {
  const file = await aClosedJournal();
  const pages = statSync(file).size / 4_096;
  for (let page = 20; page < pages; page += Math.ceil(pages / 12)) {
    const copy = join(temporaryFolder(), "journal.db");
    copyFileSync(file, copy);
    overwrite(copy, page, damage);
    expectRightOrReported(copy);
  }
});

test("a file that was cut is refused at the start, by name, and by readers", async () => {
  const file = await aClosedJournal();
  truncateSync(file, Math.floor((statSync(file).size * 2) / 3));
  const where = { where: file };
  await expect(aJournal({ folder: join(file, "..") })).rejects.toMatchObject({ code: "JOURNAL_DAMAGED", fault: where });
  await expect(openJournalReader(join(file, ".."))).rejects.toMatchObject({ code: "JOURNAL_FAILED", fault: where });
});

test("a file that SQLite cannot open stops the start with a named code and its path", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "journal.db"), Buffer.alloc(8_192, "not a database"));
  await expect(aJournal({ folder, metrics: new Metrics() })).rejects.toMatchObject({
    code: "JOURNAL_DAMAGED",
    fault: { where: join(folder, "journal.db") },
  });
});

function overwrite(file: string, page: number, damage: (bytes: Buffer) => void): void {
  const bytes = Buffer.alloc(4_096);
  damage(bytes);
  const handle = openSync(file, "r+");
  writeSync(handle, bytes, 0, bytes.length, (page - 1) * 4_096);
  closeSync(handle);
}

function expectRightOrReported(file: string): void {
  const damaged: DamagedRange[] = [];
  const reads = new JournalReads({ file, report: (range) => damaged.push(range) });
  onTestFinished(() => reads.close());
  const end = reads.end(0);
  const seen = new Set<number>();
  for (let at = 0; ; ) {
    const entries: JournalEntry[] = reads.read(0, at, 50_000);
    for (const { offset, bytes } of entries) {
      const right = Buffer.alloc(100, `${Math.floor(offset / ENTRIES_EACH)}:${offset % ENTRIES_EACH};`);
      expect(right.equals(bytes), `entry ${offset}`).toBe(true);
      seen.add(offset);
    }
    const last = entries.at(-1);
    if (!last) break;
    at = last.offset + 1;
  }
  for (let offset = 0; offset < end; offset++) {
    const isReported = damaged.some(({ first, end: to }) => first <= offset && offset < to);
    expect(seen.has(offset) !== isReported, `entry ${offset} is either right or reported`).toBe(true);
  }
  expect(seen.size).toBeGreaterThan((GROUPS * ENTRIES_EACH) / 2);
}
