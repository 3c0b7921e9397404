/** The writer's side of the journal's tables: commits of groups, reader positions and states, and trimming in steps. */
import { STREAMS } from "../core/ports.ts";
import { groupChecksum, unpackGroup } from "./journal-sqlite-group.ts";
import type { Batch } from "./journal-sqlite-messages.ts";
import type { Connection } from "./journal-sqlite-schema.ts";

/** One step of trimming holds appends up for as long as the release of so many pages takes: about 1 ms. */
const TRIM_STEP_BYTES = 1_024 * 1_024;
const TRIM_STEP_GROUPS = 256;

export interface TrimRequest {
  /** Index in `STREAMS`. */
  readonly stream: number;
  readonly offset: number;
}

interface GroupRow {
  readonly first: number;
  readonly count: number;
  readonly total: number;
  readonly crc: number;
  readonly bytes: Uint8Array;
}

interface Mark {
  next: number;
  total: number;
}

/** Entries that were acknowledged once and are not there any more. */
export interface LostEntries {
  readonly stream: string;
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

export class JournalTables {
  /** Found while opening: damage at the end of a stream. */
  readonly lost: readonly LostEntries[];
  readonly #db: Connection;
  #marks: Mark[];
  readonly #statements;

  constructor(db: Connection) {
    this.#db = db;
    this.#statements = prepare(db);
    const found = STREAMS.map((stream, index) => this.#findMark(stream, index));
    this.#marks = found.map(({ mark }) => mark);
    this.lost = found.flatMap(({ lost }) => lost);
  }

  /** Offset of the next entry of each stream, in the order of `STREAMS`. */
  ends(): number[] {
    return this.#marks.map((mark) => mark.next);
  }

  /**
   * Writes the batches, and one step of each trimming, in one synced transaction. When it throws, nothing of it remains.
   *
   * @returns for each trim request whether it is finished.
   */
  commit(batches: readonly Batch[], trims: readonly TrimRequest[]): boolean[] {
    const marks = this.#marks.map((mark) => ({ ...mark }));
    this.#statements.begin.run();
    try {
      for (const batch of batches) this.#write(batch, marks);
      const finished = trims.map((trim) => this.#trimStep(trim, marks));
      this.#statements.commit.run();
      this.#marks = marks;
      return finished;
    } catch (error) {
      if (this.#db.inTransaction) this.#statements.rollback.run();
      throw error;
    }
  }

  /** Pages in the write-ahead log, and how many of them are in the database file already. */
  walPages(): { readonly log: number; readonly checkpointed: number } {
    return this.#statements.walPages.get() as { log: number; checkpointed: number };
  }

  /** Copies what it can from the write-ahead log to the database file without waiting for anyone. */
  checkpoint(): void {
    this.#statements.checkpoint.get();
  }

  #write(batch: Batch, marks: Mark[]): void {
    for (const { stream, count, bytes } of batch.groups) {
      const mark = marks[stream]!;
      const total = mark.total + bytes.byteLength;
      const crc = groupChecksum(stream, mark.next, count, bytes);
      this.#statements.streams[stream]!.insert.run(mark.next, count, total, crc, bytes);
      mark.next += count;
      mark.total = total;
    }
    for (const { reader, stream, offset } of batch.advance) this.#statements.advance.run(reader, stream, offset);
    for (const { reader, offset, bytes } of batch.state) this.#statements.state.run(reader, offset, bytes);
  }

  #trimStep({ stream, offset }: TrimRequest, marks: readonly Mark[]): boolean {
    const statements = this.#statements.streams[stream]!;
    const name = STREAMS[stream]!;
    const needed = this.#statements.needed.get(name, name) as number | null;
    const limit = Math.min(offset, needed ?? offset, marks[stream]!.next);
    let bytes = 0;
    let groups = 0;
    let last: number | undefined;
    for (const row of statements.oldest.iterate(limit, TRIM_STEP_GROUPS) as Iterable<{ first: number; size: number }>) {
      if (last !== undefined && bytes + row.size > TRIM_STEP_BYTES) break;
      last = row.first;
      bytes += row.size;
      groups++;
    }
    if (last === undefined) return true;
    statements.drop.run(last);
    const start = (statements.start.get() as number | undefined) ?? marks[stream]!.next;
    this.#statements.mark.run(name, start, marks[stream]!.next, marks[stream]!.total);
    return groups < TRIM_STEP_GROUPS && bytes < TRIM_STEP_BYTES / 2;
  }

  /** Numbers must never be used twice, so the next one is beyond everything that was ever handed out as done. */
  #findMark(stream: string, index: number): { mark: Mark; lost: LostEntries[] } {
    const last = this.#statements.streams[index]!.last.get() as GroupRow | undefined;
    const kept = this.#statements.kept.get(stream) as (Mark & { start: number }) | undefined;
    const mark = { next: kept?.next ?? 0, total: kept?.total ?? 0 };
    const lost: LostEntries[] = [];
    if (last) {
      mark.next = Math.max(mark.next, last.first + last.count);
      mark.total = Math.max(mark.total, last.total);
      if (!unpackGroup(index, last)) lost.push({ stream, first: last.first, end: last.first + last.count });
    }
    const done = (this.#statements.furthest.get(stream) as number | null) ?? 0;
    if (done > mark.next) {
      lost.push({ stream, first: mark.next, end: done });
      mark.next = done;
      this.#statements.mark.run(stream, kept?.start ?? 0, mark.next, mark.total);
    }
    return { mark, lost };
  }
}

function prepare(db: Connection) {
  return {
    begin: db.prepare("BEGIN IMMEDIATE"),
    commit: db.prepare("COMMIT"),
    rollback: db.prepare("ROLLBACK"),
    walPages: db.prepare("PRAGMA wal_checkpoint(NOOP)"),
    checkpoint: db.prepare("PRAGMA wal_checkpoint(PASSIVE)"),
    advance: db.prepare(
      `INSERT INTO readers VALUES (?, ?, ?) ON CONFLICT (reader, stream) DO UPDATE SET offset = excluded.offset`,
    ),
    state: db.prepare(
      `INSERT INTO states VALUES (?, ?, ?)
       ON CONFLICT (reader) DO UPDATE SET offset = excluded.offset, bytes = excluded.bytes`,
    ),
    // A state whose reader has never advanced could belong to any stream, so it counts for each.
    needed: db
      .prepare(
        `SELECT min(offset) FROM (
           SELECT offset FROM readers WHERE stream = ?
           UNION ALL SELECT s.offset FROM states s WHERE
             EXISTS (SELECT 1 FROM readers r WHERE r.reader = s.reader AND r.stream = ?)
             OR NOT EXISTS (SELECT 1 FROM readers r WHERE r.reader = s.reader))`,
      )
      .pluck(),
    furthest: db.prepare("SELECT max(offset) FROM readers WHERE stream = ?").pluck(),
    kept: db.prepare("SELECT start, next, total FROM streams WHERE stream = ?"),
    mark: db.prepare(
      `INSERT INTO streams (stream, start, next, total) VALUES (?, ?, ?, ?) ON CONFLICT (stream)
       DO UPDATE SET start = excluded.start, next = excluded.next, total = excluded.total`,
    ),
    streams: STREAMS.map((stream) => ({
      insert: db.prepare(`INSERT INTO groups_${stream} VALUES (?, ?, ?, ?, ?)`),
      last: db.prepare(`SELECT * FROM groups_${stream} ORDER BY first DESC LIMIT 1`),
      start: db.prepare(`SELECT first FROM groups_${stream} ORDER BY first LIMIT 1`).pluck(),
      oldest: db.prepare(
        `SELECT first, length(bytes) AS size FROM groups_${stream} WHERE first + count <= ? ORDER BY first LIMIT ?`,
      ),
      drop: db.prepare(`DELETE FROM groups_${stream} WHERE first <= ?`),
    })),
  };
}
