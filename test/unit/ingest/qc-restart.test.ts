/** Quality control over a restart of ingest: the state comes back from stream `readings`, revisions are no fresh readings. */
import { expect, test } from "vitest";
import { namedTests } from "../../../core/qc.ts";
import { decodeReadingBlock, readingAt } from "../../../core/reading-block.ts";
import { NOW } from "../../support/builders.ts";
import { aRaw, ingestAll, readingsIn, stored } from "../../support/ingest.ts";
import { MemoryJournal } from "../../support/journal-memory.ts";

const MINUTE = 60_000;
const message = (seq: number, value: number, at = seq) =>
  aRaw(
    { v: 1, boot: "b1", seq, r: [{ p: "ph", v: value, t: NOW + at * 15 * MINUTE }] },
    { receivedAt: NOW + seq * 15 * MINUTE + 500 },
  );

async function blocksOf(journal: MemoryJournal) {
  const entries = await journal.read("readings", 0, Number.MAX_SAFE_INTEGER);
  return entries.map(({ bytes }) => decodeReadingBlock(bytes));
}

test("a spike across a restart is revised with the origin of the reading itself", async () => {
  const journal = new MemoryJournal();
  await journal.append("raw", message(1, 7));
  await journal.append("raw", message(2, 8.2));
  await ingestAll({ journal });
  await journal.append("raw", message(3, 7));
  await ingestAll({ journal });
  const last = (await blocksOf(journal)).at(-1);
  expect(last?.count).toBe(2);
  expect(last?.revisedFrom).toBe(1);
  expect(namedTests(last?.tests.get(1) ?? 0)).toEqual({ spike: 4 });
  expect(last && readingAt(last, 1)).toMatchObject({
    ...{ time: NOW + 30 * MINUTE, value: 8.2, flag: 4 },
    origin: { device: "dev-1", boot: "b1", seq: 2, receivedAt: NOW + 30 * MINUTE, backfill: false },
  });
});

test("restarts between all messages, in another order: the same flags as in one go", async () => {
  const values = [7, 8.2, 7, 7, 7.01, 2.5, 7, 7.7, 7.7, 7];
  const inOrder = values.map((value, index) => message(index + 1, value));
  const whole = new MemoryJournal();
  for (const one of inOrder) await whole.append("raw", one);
  await ingestAll({ journal: whole });
  const parts = new MemoryJournal();
  for (const index of [9, 1, 3, 0, 2, 8, 5, 4, 7, 6]) {
    await parts.append("raw", inOrder[index] as Uint8Array);
    await ingestAll({ journal: parts });
  }
  const flags = stored(await readingsIn(whole));
  expect(stored(await readingsIn(parts))).toEqual(flags);
  expect(Object.values(flags).filter((text) => !text.endsWith(" 1"))).toEqual(["8.2 N 4", "2.5 N 4", "7 N 3"]);
});
