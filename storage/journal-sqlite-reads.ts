/**
 * Reading the journal, in the thread that wants to know: a read-only connection of its own, synchronous and fast.
 *
 * Damage: a group whose checksum fails, a row that is missing, or a page that SQLite cannot read. It is passed over so
 * that the stream goes on, but never silently: each damaged range is reported once, and its offsets stay a gap.
 */
import { Unavailable } from "../core/errors.ts";
import { type JournalEntry, type JournalStats, STREAMS } from "../core/ports.ts";
import { type StoredGroup, unpackGroup } from "./journal-sqlite-group.ts";
import { type Connection, isSqliteError, openForReading } from "./journal-sqlite-schema.ts";

/** Entries `first` to `end - 1` of a stream cannot be read. */
export interface DamagedRange {
  readonly stream: string;
  readonly first: number;
  readonly end: number;
  readonly reason: "checksum" | "missing" | "unreadable";
}

interface DecodedGroup {
  readonly first: number;
  readonly end: number;
  readonly entries: readonly JournalEntry[];
}

/** Entries taken so far by one `read`. */
interface Taking {
  readonly stream: number;
  readonly entries: JournalEntry[];
  bytesLeft: number;
  /** Next offset wanted. */
  at: number;
}

export class JournalReads {
  readonly #db: Connection;
  readonly #file: string;
  readonly #report: (range: DamagedRange) => void;
  readonly #statements: ReturnType<typeof prepare>;
  /** Last group read of each stream: a reader that takes less than a group at a time does not decode it again. */
  readonly #decoded: (DecodedGroup | undefined)[] = STREAMS.map(() => undefined);
  readonly #damaged: { first: number; end: number }[][] = STREAMS.map(() => []);

  /** @throws Unavailable `JOURNAL_FAILED`, as every method here. */
  constructor(parts: { readonly file: string; readonly report: (range: DamagedRange) => void }) {
    this.#file = parts.file;
    this.#report = parts.report;
    const { db, statements } = this.#guard(() => {
      const opened = openForReading(parts.file);
      return { db: opened, statements: prepare(opened) };
    });
    this.#db = db;
    this.#statements = statements;
  }

  /** Entries from `offset` on; never more than `bytesMax` bytes, but at least one entry when there is one. */
  read(stream: number, offset: number, bytesMax: number): JournalEntry[] {
    return this.#guard(() => {
      const end = this.end(stream);
      const taking: Taking = { stream, entries: [], bytesLeft: bytesMax, at: this.from(stream, offset) };
      while (taking.at < end) {
        try {
          if (this.#take(taking, end)) break;
        } catch (error) {
          if (!isDamage(error)) throw error;
          this.#pass(taking, this.#nextReadable(stream, taking.at, end), "unreadable");
        }
      }
      return taking.entries;
    });
  }

  end(stream: number): number {
    return this.#guard(() => this.#statements.streams[stream]!.end.get() as number);
  }

  start(stream: number): number {
    return this.#guard(() => (this.#statements.start.get(STREAMS[stream]!) as number | undefined) ?? 0);
  }

  /** Where a reader at `offset` goes on: beyond what was trimmed and beyond known damage. */
  from(stream: number, offset: number): number {
    let from = Math.max(offset, this.start(stream));
    for (const range of this.#damaged[stream]!) if (range.first <= from && from < range.end) from = range.end;
    return from;
  }

  position(reader: string, stream: number): number {
    return this.#guard(() => {
      const start = this.start(stream);
      return Math.max(start, (this.#statements.position.get(reader, STREAMS[stream]!) as number | undefined) ?? start);
    });
  }

  state(reader: string): { readonly offset: number; readonly bytes: Uint8Array } | null {
    return this.#guard(() => {
      const row = this.#statements.state.get(reader) as { offset: number; bytes: Uint8Array } | undefined;
      return row ?? null;
    });
  }

  stats(): Pick<JournalStats, "streams" | "readers"> {
    return this.#guard(() => {
      const streams = STREAMS.map((name, index) => {
        const bytes = this.#statements.streams[index]!.bytes.get() as number | null;
        return [name, { start: this.start(index), end: this.end(index), bytes: bytes ?? 0 }];
      });
      return {
        streams: Object.fromEntries(streams) as JournalStats["streams"],
        readers: this.#statements.readers.all() as JournalStats["readers"][number][],
      };
    });
  }

  /** Space inside the file that trimming has freed and appends will use. */
  reusableBytes(): number {
    return this.#guard(() => {
      const pages = Number(this.#db.pragma("freelist_count", { simple: true }));
      return pages * Number(this.#db.pragma("page_size", { simple: true }));
    });
  }

  close(): void {
    this.#db.close();
  }

  /** Takes groups until enough is there (true) or none is left (false). */
  #take(taking: Taking, end: number): boolean {
    const { stream } = taking;
    const known = this.#decoded[stream];
    if (known && known.first <= taking.at && taking.at < known.end && takeFrom(known, taking)) return true;
    const rows = this.#statements.streams[stream]!.from.iterate(taking.at) as Iterable<StoredGroup>;
    for (const row of rows) {
      const rowEnd = row.first + row.count;
      if (rowEnd <= taking.at) continue;
      if (row.first > taking.at) this.#pass(taking, row.first, "missing");
      const entries = unpackGroup(stream, row);
      if (!entries) {
        this.#pass(taking, rowEnd, "checksum");
        continue;
      }
      const group = { first: row.first, end: rowEnd, entries };
      this.#decoded[stream] = group;
      if (takeFrom(group, taking)) return true;
    }
    if (taking.at < end) this.#pass(taking, end, "missing");
    return true;
  }

  #pass(taking: Taking, end: number, reason: DamagedRange["reason"]): void {
    const first = Math.max(taking.at, this.start(taking.stream));
    taking.at = end;
    // What was trimmed a moment ago is not damaged.
    if (first >= end) return;
    const known = this.#damaged[taking.stream]!;
    if (known.some((range) => range.first <= first && end <= range.end)) return;
    known.push({ first, end });
    this.#report({ stream: STREAMS[taking.stream]!, first, end, reason });
  }

  /** Bisects for the first group beyond `at` that SQLite can reach; `end` when there is none. */
  #nextReadable(stream: number, at: number, end: number): number {
    let unreadable = at;
    let readable = end;
    while (readable - unreadable > 1) {
      const middle = unreadable + Math.floor((readable - unreadable) / 2);
      const found = this.#firstFrom(stream, middle);
      if (found === undefined) unreadable = middle;
      else readable = middle;
    }
    return this.#firstFrom(stream, readable) ?? end;
  }

  #firstFrom(stream: number, offset: number): number | undefined {
    try {
      const row = this.#statements.streams[stream]!.next.get(offset) as StoredGroup | undefined;
      return row?.first;
    } catch (error) {
      if (!isDamage(error)) throw error;
      return undefined;
    }
  }

  #guard<T>(ask: () => T): T {
    try {
      return ask();
    } catch (error) {
      if (!isSqliteError(error, "SQLITE_")) throw error;
      throw new Unavailable(
        "JOURNAL_FAILED",
        {
          what: `the journal cannot be read: ${error.message} (${error.code})`,
          where: this.#file,
          mend: "check the disk and its messages in the system log; restore a backup when the file is damaged",
        },
        { cause: error },
      );
    }
  }
}

/** What is on the disk makes no sense; other errors of reading may pass and must not skip anything. */
function isDamage(error: unknown): boolean {
  return isSqliteError(error, "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ");
}

/** True when no more may be taken. */
function takeFrom(group: DecodedGroup, taking: Taking): boolean {
  for (let index = taking.at - group.first; index < group.entries.length; index++) {
    const entry = group.entries[index]!;
    if (entry.bytes.byteLength > taking.bytesLeft && taking.entries.length > 0) return true;
    taking.entries.push(entry);
    taking.bytesLeft -= entry.bytes.byteLength;
    taking.at = entry.offset + 1;
  }
  return taking.bytesLeft <= 0;
}

function prepare(db: Connection) {
  return {
    start: db.prepare("SELECT start FROM streams WHERE stream = ?").pluck(),
    position: db.prepare("SELECT offset FROM readers WHERE reader = ? AND stream = ?").pluck(),
    readers: db.prepare("SELECT reader, stream, offset FROM readers ORDER BY reader, stream"),
    state: db.prepare("SELECT offset, bytes FROM states WHERE reader = ?"),
    streams: STREAMS.map((stream) => ({
      from: db.prepare(
        `SELECT first, count, crc, bytes FROM groups_${stream}
         WHERE first >= coalesce((SELECT max(first) FROM groups_${stream} WHERE first <= ?), 0) ORDER BY first`,
      ),
      next: db.prepare(`SELECT first, count, crc, bytes FROM groups_${stream} WHERE first >= ? ORDER BY first LIMIT 1`),
      end: db
        .prepare(
          `SELECT max(coalesce((SELECT first + count FROM groups_${stream} ORDER BY first DESC LIMIT 1), 0),
                      coalesce((SELECT next FROM streams WHERE stream = '${stream}'), 0))`,
        )
        .pluck(),
      bytes: db
        .prepare(
          `SELECT (SELECT total FROM groups_${stream} ORDER BY first DESC LIMIT 1)
                - (SELECT total - length(bytes) FROM groups_${stream} ORDER BY first LIMIT 1)`,
        )
        .pluck(),
    })),
  };
}
