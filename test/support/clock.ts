/** A clock that stands still until a test moves it. */
import type { Clock } from "../../core/clock.ts";

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}
interface Repeater {
  readonly ms: number;
  readonly task: () => void;
  due: number;
}

export class FakeClock implements Clock {
  #now: number;
  #elapsed = 0;
  #sleepers: Sleeper[] = [];
  readonly #repeaters = new Set<Repeater>();

  /** @param now wall time at the start, ms since 1970 UTC. */
  constructor(now = Date.UTC(2026, 2, 15)) {
    this.#now = now;
  }
  now(): number {
    return this.#now;
  }
  monotonic(): number {
    return this.#elapsed;
  }
  /** Sleepers and repeated tasks that wait now. */
  get pending(): number {
    return this.#sleepers.length + this.#repeaters.size;
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const sleeper: Sleeper = { due: this.#elapsed + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener(
        "abort",
        () => {
          this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
          resolve();
        },
        { once: true },
      );
    });
  }
  every(ms: number, task: () => void): () => void {
    const repeater: Repeater = { ms, task, due: this.#elapsed + ms };
    this.#repeaters.add(repeater);
    return () => this.#repeaters.delete(repeater);
  }
  /** Moves both times on; tasks that fall due run in order, then promises get their turn. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    for (;;) {
      const next = Math.min(...this.#sleepers.map(({ due }) => due), ...[...this.#repeaters].map(({ due }) => due));
      if (next > end) break;
      this.#moveTo(Math.max(next, this.#elapsed));
      const awake = this.#sleepers.filter(({ due }) => due <= this.#elapsed);
      this.#sleepers = this.#sleepers.filter(({ due }) => due > this.#elapsed);
      for (const { wake } of awake) wake();
      for (const repeater of this.#repeaters) {
        if (repeater.due > this.#elapsed) continue;
        repeater.due += repeater.ms;
        repeater.task();
      }
      await turn();
    }
    this.#moveTo(end);
    await turn();
  }
  /** A wall clock that jumps, as after an NTP correction; timers do not notice. */
  jump(ms: number): void {
    this.#now += ms;
  }
  #moveTo(elapsed: number): void {
    this.#now += elapsed - this.#elapsed;
    this.#elapsed = elapsed;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
