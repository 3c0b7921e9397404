/** The journal when the disk is short, full, slow to answer or taken by another process. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FakeClock } from "../../support/clock.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { aJournal, connectTo, counted } from "../../support/journal-sqlite.ts";

const MEBIBYTE = 1_024 * 1_024;
const isRoot = process.getuid?.() === 0;

/** A disk of its own, in memory, that goes with the test; only root may mount one. */
function smallDisk(megabytes: number): string {
  const folder = temporaryFolder();
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder]);
  onTestFinished(() => {
    execFileSync("umount", ["-l", folder]);
  });
  return folder;
}

/** Moves time until the watch of the disk has said what is awaited. */
async function until(clock: FakeClock, isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await clock.advance(1_000);
}

test.runIf(isRoot)("a disk below its reserve refuses new messages, keeps room for the rest, and recovers", async () => {
  const folder = smallDisk(32);
  const clock = new FakeClock();
  const { journal, options, told } = await aJournal({ folder, clock, diskReserveBytes: 16 * MEBIBYTE });
  const other = await connectTo(journal, options);
  onTestFinished(() => other.close());
  await journal.append("raw", Buffer.from("before"));

  writeFileSync(join(folder, "ballast"), Buffer.alloc(24 * MEBIBYTE));
  await until(clock, async () => (await journal.stats()).full && (await other.stats()).full);
  for (const client of [journal, other]) {
    await expect(client.append("raw", Buffer.from("x"))).rejects.toMatchObject({ code: "JOURNAL_FULL" });
    const change = { append: [{ stream: "raw" as const, entries: [Buffer.from("x")] }] };
    await expect(client.commit(change)).rejects.toMatchObject({ code: "JOURNAL_FULL" });
  }
  await other.commit({
    append: [{ stream: "alarms", entries: [Buffer.from("!")] }],
    advance: [{ reader: "ingest", stream: "raw", offset: 1 }],
  });
  expect(told.map(({ message }) => message)).toEqual(["disk nearly full, messages are refused"]);
  expect(await counted(options.metrics, "journal_refused")).toBe(4);

  rmSync(join(folder, "ballast"));
  await until(clock, async () => !(await journal.stats()).full && !(await other.stats()).full);
  await journal.append("raw", Buffer.from("after"));
  expect((await journal.read("raw", 0, MEBIBYTE)).map(({ bytes }) => Buffer.from(bytes).toString())).toEqual([
    "before",
    "after",
  ]);
});

test.runIf(isRoot)(
  "a disk that is full in the middle of a commit refuses it whole, and takes the next when it can",
  async () => {
    const folder = smallDisk(8);
    const { journal, told } = await aJournal({ folder });
    await journal.append("raw", Buffer.from("kept"));
    writeFileSync(join(folder, "ballast"), Buffer.alloc(5 * MEBIBYTE));

    const large = {
      append: [
        { stream: "alarms" as const, entries: [Buffer.from("half")] },
        { stream: "raw" as const, entries: [Buffer.alloc(6 * MEBIBYTE)] },
      ],
      advance: [{ reader: "ingest", stream: "raw" as const, offset: 1 }],
    };
    for (const _ of [1, 2, 3]) await expect(journal.commit(large)).rejects.toMatchObject({ code: "JOURNAL_FAILED" });
    expect(await journal.end("raw")).toBe(1);
    expect(await journal.end("alarms")).toBe(0);
    expect(await journal.position("ingest", "raw")).toBe(0);

    rmSync(join(folder, "ballast"));
    await journal.append("raw", Buffer.from("next"));
    expect(await journal.end("raw")).toBe(2);
    expect(told.map(({ message }) => message)).toContain("journal commit failed, its entries were refused");
    expect(told.map(({ message }) => message)).toContain("journal opened anew after a failed commit");
  },
);

test("a second process and a second opening in this one are refused; a killed process lets go", async () => {
  const folder = temporaryFolder();
  const child = spawn(
    process.execPath,
    ["--import", "tsx", join(import.meta.dirname, "../../support/journal-child.ts"), folder],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  await once(child.stdout, "data");
  await expect(aJournal({ folder })).rejects.toMatchObject({ code: "DATA_DIR_IN_USE" });
  child.kill("SIGKILL");
  await once(child, "exit");
  const { journal } = await aJournal({ folder });
  await expect(aJournal({ folder })).rejects.toMatchObject({ code: "DATA_DIR_IN_USE" });
  await journal.append("raw", Buffer.from("x"));
});

test("what waits is bounded: beyond it calls are refused, and taken again when the disk has caught up", async () => {
  const { journal } = await aJournal({ pendingBytesMax: 10_000, groupBytesMax: 2_000 });
  const entry = Buffer.alloc(996);
  const results = await Promise.allSettled(Array.from({ length: 30 }, () => journal.append("raw", entry)));
  const refused = results.filter((result) => result.status === "rejected");
  expect(refused).toHaveLength(20);
  expect(refused[0]).toMatchObject({ reason: { code: "JOURNAL_BUSY" } });
  expect(await journal.end("raw")).toBe(10);
  await journal.append("raw", Buffer.alloc(50_000));
  expect(await journal.end("raw")).toBe(11);
});

test("a copy made while appends go on opens as a journal and holds a prefix", async () => {
  const { journal } = await aJournal();
  const folder = temporaryFolder();
  let count = 0;
  await journal.append("raw", Buffer.from(`${count++}`));
  let isCopying = true;
  const copying = journal.backup(folder).finally(() => {
    isCopying = false;
  });
  while (isCopying) await journal.append("raw", Buffer.from(`${count++}`));
  await copying;
  await expect(journal.backup(folder)).rejects.toMatchObject({ code: "BACKUP_EXISTS" });

  const copy = (await aJournal({ folder })).journal;
  const entries = await copy.read("raw", 0, 100 * MEBIBYTE);
  expect(entries.length).toBeGreaterThan(0);
  expect(entries.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(entries.map((_, index) => `${index}`));
  expect(count).toBeGreaterThan(entries.length);
});

test("closing lets waiting readers go and refuses what comes later; a client outlives its owner without hanging", async () => {
  const { journal, options } = await aJournal();
  const other = await connectTo(journal, options);
  const waiting = other.wait("raw", 0, new AbortController().signal);
  await journal.close();
  await waiting;
  await expect(journal.append("raw", Buffer.from("x"))).rejects.toMatchObject({ code: "JOURNAL_CLOSED" });
  await expect(other.append("raw", Buffer.from("x"))).rejects.toMatchObject({ code: "JOURNAL_CLOSED" });
  await other.close();
});

test("a position that is no offset is refused before anything of its batch is stored", async () => {
  const { journal } = await aJournal();
  const bad = { reader: "r", stream: "raw" as const, offset: 1.5 };
  const entries = [Buffer.from("x")];
  expect(() => journal.commit({ append: [{ stream: "raw", entries }], advance: [bad] })).toThrow(RangeError);
  await journal.append("raw", Buffer.from("y"));
  expect(await journal.end("raw")).toBe(1);
});
