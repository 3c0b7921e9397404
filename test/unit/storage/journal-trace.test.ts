/** The judge of system-call traces must see a missing sync. */
import { expect, test } from "vitest";
import { judgeTrace } from "../../faults/journal-syncs.ts";

const write = '7  pwrite64(38</d/journal.db-wal>, "x"..., 4096, 0) = 4096';
const sync = "7  fsync(38</d/journal.db-wal>) = 0";
const cut = ["7  fsync(38</d/journal.db-wal> <unfinished ...>", "7  <... fsync resumed>) = 0"] as const;
const ack = '5  write(1<pipe:[9]>, "ack 1\\n", 6) = 6';

test.each([
  ["write, sync, answer", [write, sync, ack], 0],
  ["no sync", [write, ack], 1],
  ["answer before the sync", [write, ack, sync], 1],
  ["answer while the sync is under way", [write, cut[0], ack, cut[1]], 1],
  [
    "a sync that was cut in two by another thread's call",
    [write, cut[0], write.replace("7 ", "8 ").replace("-wal", ""), cut[1], ack],
    0,
  ],
  ["a write after the sync", [write, sync, write, ack], 1],
  ["a write that came during the sync", [write, cut[0], write.replace("7 ", "8 "), cut[1], ack], 1],
  ["a sync that failed", [write, sync.replace("= 0", "= -1 EIO (Input/output error)"), ack], 1],
  ["the sync of another file", [write, sync.replace("-wal", ""), ack], 1],
  ["one sync for two answers", [write, sync, ack, ack], 1],
])("%s", (_, lines, unsynced) => {
  expect(judgeTrace(lines).unsynced).toBe(unsynced);
});
