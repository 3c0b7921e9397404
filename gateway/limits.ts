/** Limits by address and by account: how fast connections come, stored sessions. How many: room.ts. Failures: core/failure-pace.ts. */
import { delayOf, KEYS_MAX, MEMORY_MS } from "../core/failure-pace.ts";
import { keepNewest } from "../core/keep-newest.ts";
import { isLoopback } from "../core/listen.ts";

/** Connecting more often within a minute is a circle: two devices with one id that throw each other out, a reset loop. */
const RECONNECTS_FREE = 20;

/** Slows an account that has proved itself and keeps coming back; it is answered late, never refused. */
export class ReconnectPace {
  readonly #windows = new Map<string, { count: number; until: number }>();

  /** Counts a right sign-in. @param now ms. @returns delay of its answer in ms. */
  enter(account: string, now: number): number {
    let window = this.#windows.get(account);
    if (!window || window.until <= now) {
      window = { count: 0, until: now + MEMORY_MS };
      this.#windows.delete(account);
      this.#windows.set(account, window);
      keepNewest(this.#windows, KEYS_MAX);
    }
    window.count += 1;
    return delayOf(window.count, RECONNECTS_FREE);
  }
}

/** A bucket for each key that holds a minute's worth and fills evenly. */
export class Rate {
  readonly #perMinute: number;
  readonly #buckets = new Map<string, { left: number; at: number }>();
  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /**
   * @param now monotonic ms.
   * @param cost of this one; less than 1 for a key that stands for many.
   * False when the key has used up its share; a moment later there is room again.
   */
  enter(key: string, now: number, cost = 1): boolean {
    const bucket = this.#buckets.get(key) ?? { left: this.#perMinute, at: now };
    const left = Math.min(this.#perMinute, bucket.left + ((now - bucket.at) * this.#perMinute) / MEMORY_MS);
    this.#buckets.delete(key);
    this.#buckets.set(key, { left: left >= cost ? left - cost : left, at: now });
    keepNewest(this.#buckets, KEYS_MAX);
    return left >= cost;
  }
}

/** Connections begun by one address. */
export class ConnectRate extends Rate {
  override enter(address: string, now: number): boolean {
    return isLoopback(address) || super.enter(address, now);
  }
}

/** Stored sessions of one consumer name; each holds a queue in memory for as long as the process lives. */
const CONSUMER_SESSIONS_MAX = 10;

export class ConsumerSessions {
  readonly #byName = new Map<string, Set<string>>();

  /** False when this name has its share of stored sessions already. */
  enter(name: string, clientId: string, clean: boolean): boolean {
    const sessions = this.#byName.get(name) ?? new Set<string>();
    if (clean) {
      sessions.delete(clientId);
      return true;
    }
    if (sessions.size >= CONSUMER_SESSIONS_MAX && !sessions.has(clientId)) return false;
    this.#byName.set(name, sessions.add(clientId));
    return true;
  }
}
