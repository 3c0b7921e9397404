/** Readers that wait for a stream to grow. */
import type { Clock } from "../core/clock.ts";
import { STREAMS } from "../core/ports.ts";
import type { JournalReads } from "./journal-sqlite-reads.ts";

/** Safety net beneath the writer's messages. */
const POLL_MS = 1_000;

interface Waiter {
  readonly stream: number;
  readonly offset: number;
  readonly release: () => void;
}

export class JournalWaiters {
  readonly #reads: JournalReads;
  readonly #watch: () => void;
  readonly #waiting = new Set<Waiter>();
  readonly #stopPolling: () => void;
  #ends: readonly number[] = STREAMS.map(() => 0);
  #watching = false;

  /** @param watch asks the writer for the ends of streams, now and after every commit; called once. */
  constructor(reads: JournalReads, clock: Clock, watch: () => void) {
    this.#reads = reads;
    this.#watch = watch;
    this.#stopPolling = clock.every(POLL_MS, () => this.#poll());
  }

  wait(stream: number, offset: number, signal: AbortSignal): Promise<void> {
    const from = this.#reads.from(stream, offset);
    if (signal.aborted || this.#ends[stream]! > from || this.#reads.end(stream) > from) return Promise.resolve();
    return new Promise((resolve) => {
      const waiter: Waiter = {
        stream,
        offset: from,
        release: () => {
          this.#waiting.delete(waiter);
          signal.removeEventListener("abort", waiter.release);
          resolve();
        },
      };
      this.#waiting.add(waiter);
      signal.addEventListener("abort", waiter.release, { once: true });
      if (this.#watching) return;
      this.#watching = true;
      this.#watch();
    });
  }

  setEnds(ends: readonly number[]): void {
    if (ends.length === STREAMS.length) this.#ends = ends;
    for (const waiter of this.#waiting) if (this.#ends[waiter.stream]! > waiter.offset) waiter.release();
  }

  close(): void {
    this.#stopPolling();
    for (const waiter of this.#waiting) waiter.release();
  }

  #poll(): void {
    if (this.#waiting.size > 0) this.setEnds(STREAMS.map((_, stream) => this.#reads.end(stream)));
  }
}
