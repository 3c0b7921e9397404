/** A journal in memory, for tests and benchmarks of what stands in front of one; passes test/contract/journal.ts. */
import { Refused } from "../../core/errors.ts";
import {
  type Journal,
  type JournalChange,
  type JournalEntry,
  type JournalStats,
  STREAMS,
  type Stream,
} from "../../core/ports.ts";

interface StreamState {
  start: number;
  entries: Uint8Array[];
  waiting: Set<() => void>;
}

export class MemoryJournal implements Journal {
  readonly #streams = new Map<Stream, StreamState>(
    STREAMS.map((stream) => [stream, { start: 0, entries: [], waiting: new Set() }]),
  );
  readonly #positions = new Map<string, { reader: string; stream: Stream; offset: number }>();
  readonly #states = new Map<string, { offset: number; bytes: Uint8Array }>();

  append(stream: Stream, entry: Uint8Array): Promise<void> {
    return this.commit({ append: [{ stream, entries: [entry] }] });
  }

  async commit(change: JournalChange): Promise<void> {
    for (const { stream, entries } of change.append ?? []) {
      const state = this.#state(stream);
      for (const entry of entries) state.entries.push(Uint8Array.from(entry));
      for (const wake of state.waiting) wake();
    }
    for (const advance of change.advance ?? [])
      this.#positions.set(`${advance.reader}/${advance.stream}`, { ...advance });
    for (const { reader, offset, bytes } of change.state ?? [])
      this.#states.set(reader, { offset, bytes: Uint8Array.from(bytes) });
  }

  async read(stream: Stream, offset: number, bytesMax: number): Promise<readonly JournalEntry[]> {
    const { start, entries } = this.#state(stream);
    const result: JournalEntry[] = [];
    let bytes = 0;
    for (let at = Math.max(offset, start); at < start + entries.length; at++) {
      const entry = entries[at - start] as Uint8Array;
      if (result.length > 0 && bytes + entry.byteLength > bytesMax) break;
      bytes += entry.byteLength;
      result.push({ offset: at, bytes: entry });
    }
    return result;
  }

  async end(stream: Stream): Promise<number> {
    const { start, entries } = this.#state(stream);
    return start + entries.length;
  }

  async wait(stream: Stream, offset: number, signal: AbortSignal): Promise<void> {
    const state = this.#state(stream);
    while (!signal.aborted && state.start + state.entries.length <= offset) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          state.waiting.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        state.waiting.add(wake);
        signal.addEventListener("abort", wake);
      });
    }
  }

  async position(reader: string, stream: Stream): Promise<number> {
    return this.#positions.get(`${reader}/${stream}`)?.offset ?? this.#state(stream).start;
  }

  async loadState(reader: string): Promise<{ offset: number; bytes: Uint8Array } | null> {
    return this.#states.get(reader) ?? null;
  }

  async trim(stream: Stream, offset: number): Promise<void> {
    const state = this.#state(stream);
    const needed = [...this.#positions.values()].flatMap((position) =>
      position.stream === stream
        ? [Math.min(position.offset, this.#states.get(position.reader)?.offset ?? position.offset)]
        : [],
    );
    const from = Math.min(offset, state.start + state.entries.length, ...needed);
    if (from <= state.start) return;
    state.entries.splice(0, from - state.start);
    state.start = from;
  }

  async stats(): Promise<JournalStats> {
    const of = (stream: Stream): JournalStats["streams"][Stream] => {
      const { start, entries } = this.#state(stream);
      return { start, end: start + entries.length, bytes: entries.reduce((sum, entry) => sum + entry.byteLength, 0) };
    };
    return {
      streams: {
        raw: of("raw"),
        readings: of("readings"),
        alarms: of("alarms"),
        commands: of("commands"),
        quarantine: of("quarantine"),
        fleet: of("fleet"),
      },
      readers: [...this.#positions.values()],
      diskFreeBytes: Number.MAX_SAFE_INTEGER,
      full: false,
    };
  }

  backup(): Promise<void> {
    return Promise.reject(new Refused("BACKUP_ELSEWHERE", { what: "a journal in memory has no files" }));
  }

  async close(): Promise<void> {
    for (const { waiting } of this.#streams.values()) for (const wake of waiting) wake();
  }

  #state(stream: Stream): StreamState {
    return this.#streams.get(stream) as StreamState;
  }
}
