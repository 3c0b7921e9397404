/** A clock that stands still until a test moves it. */
import type { Clock } from "../../core/clock.ts";

interface Timer {
  dueAt: number;
  readonly run: () => void;
  /** Null for a single run. */
  readonly everyMs: number | null;
}

export class FakeClock implements Clock {
  #now: number;
  #monotonic = 0;
  readonly #timers = new Set<Timer>();

  /** @param now ms since 1970 UTC. */
  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        this.#timers.delete(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer: Timer = { dueAt: this.#monotonic + Math.max(0, ms), run: done, everyMs: null };
      this.#timers.add(timer);
      signal?.addEventListener("abort", done, { once: true });
    });
  }

  every(ms: number, task: () => void): () => void {
    const timer: Timer = { dueAt: this.#monotonic + ms, run: task, everyMs: ms };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Sets the wall clock alone, as a correction of the system's time does. */
  jump(ms: number): void {
    this.#now += ms;
  }

  /** Moves time forward, timer by timer in the order they are due; what each sets off runs before the next. */
  async advance(ms: number): Promise<void> {
    const until = this.#monotonic + ms;
    await settled();
    for (let timer = this.#next(until); timer; timer = this.#next(until)) {
      this.#moveTo(timer.dueAt);
      if (timer.everyMs === null) this.#timers.delete(timer);
      else timer.dueAt += Math.max(1, timer.everyMs);
      timer.run();
      await settled();
    }
    this.#moveTo(until);
    await settled();
  }

  /** Timers that are set and not yet run. */
  get pending(): number {
    return this.#timers.size;
  }

  #next(until: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (timer.dueAt <= until && (!next || timer.dueAt < next.dueAt)) next = timer;
    return next;
  }

  #moveTo(monotonic: number): void {
    this.#now += monotonic - this.#monotonic;
    this.#monotonic = monotonic;
  }
}

/** Lets promise callbacks and what is ready on the event loop run. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
