/**
 * Counts tries in a window, by key, with a bound on how many keys are remembered. An attempt counts when it starts, so
 * that a hundred at once cannot all slip through before the first has failed.
 */

const KEYS_MAX = 20_000;

export class AttemptWindow {
  readonly #max: number;
  readonly #windowMs: number;
  /** Insertion order is age: the oldest key is forgotten first. */
  readonly #tries = new Map<string, { count: number; until: number }>();

  constructor(limits: { readonly max: number; readonly windowMs: number }) {
    this.#max = limits.max;
    this.#windowMs = limits.windowMs;
  }

  /** Counts a try. @returns 0 when it may go on, else the seconds to wait; a refused try does not prolong the wait. */
  start(key: string, now: number): number {
    let entry = this.#tries.get(key);
    if (!entry || now >= entry.until) {
      this.#tries.delete(key);
      entry = { count: 0, until: now + this.#windowMs };
      this.#tries.set(key, entry);
      this.#forgetOldest();
    }
    if (entry.count >= this.#max) return Math.max(1, Math.ceil((entry.until - now) / 1_000));
    entry.count++;
    return 0;
  }

  /** Forgets a key after a success. */
  clear(key: string): void {
    this.#tries.delete(key);
  }

  /** Takes one try back: it turned out not to count. */
  giveBack(key: string): void {
    const entry = this.#tries.get(key);
    if (entry && entry.count > 0) entry.count--;
  }

  #forgetOldest(): void {
    if (this.#tries.size <= KEYS_MAX) return;
    for (const key of this.#tries.keys()) {
      this.#tries.delete(key);
      return;
    }
  }
}
