/**
 * Limits by address and by account: connections, how fast they come, and the pace of sign-ins.
 *
 * A failed sign-in is answered late, a right one at once, and nothing is ever locked: guessing a device's name cannot
 * keep the device out, and neither can a misconfigured neighbour behind the same router.
 */
import { isLoopback } from "../core/listen.ts";

/** Failures within `MEMORY_MS` that are answered at once: a typing error should not feel like a fault. */
const FAILURES_FREE = 5;
const DELAY_MS_MIN = 100;
const DELAY_MS_MAX = 4_000;
const MEMORY_MS = 60_000;
const KEYS_MAX = 10_000;

/** One key a party: an IPv4 address (also when mapped into IPv6), or the /64 network of an IPv6 address. */
export function addressKey(remote: string | undefined): string {
  const address = (remote ?? "unknown").replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  if (!address.includes(":") || address === "::1") return address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...new Array<string>(Math.max(0, zeros)).fill("0"), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}

export type AdmissionVerdict = "admitted" | "connections-full" | "connections-per-address";

/** Counts open connections; loopback is exempt from the limit by address, not from the limit in all. */
export class ConnectionLimit {
  readonly #max: { readonly all: number; readonly perAddress: number };
  readonly #byAddress = new Map<string, number>();
  #all = 0;
  constructor(max: { readonly all: number; readonly perAddress: number }) {
    this.#max = max;
  }
  get open(): number {
    return this.#all;
  }
  /** Counts the connection when admitted; `leave` must follow then, and only then. */
  enter(address: string): AdmissionVerdict {
    if (this.#all >= this.#max.all) return "connections-full";
    const here = this.#byAddress.get(address) ?? 0;
    if (here >= this.#max.perAddress && !isLoopback(address)) return "connections-per-address";
    this.#all += 1;
    this.#byAddress.set(address, here + 1);
    return "admitted";
  }
  leave(address: string): void {
    this.#all -= 1;
    const here = (this.#byAddress.get(address) ?? 0) - 1;
    if (here > 0) this.#byAddress.set(address, here);
    else this.#byAddress.delete(address);
  }
}

/** How often something happened to a key lately; each time prolongs the memory. */
class Recent {
  readonly #byKey = new Map<string, { count: number; until: number }>();

  /** @returns the count with this one. */
  add(key: string, now: number): number {
    const known = this.#byKey.get(key);
    const count = known && known.until > now ? known.count + 1 : 1;
    // Re-inserted at the end, so that the first key is the one heard of longest ago.
    this.#byKey.delete(key);
    this.#byKey.set(key, { count, until: now + MEMORY_MS });
    for (const oldest of this.#byKey.keys()) {
      if (this.#byKey.size <= KEYS_MAX) break;
      this.#byKey.delete(oldest);
    }
    return count;
  }
}

/** Doubles with each time beyond the free ones. */
function delayOf(count: number, free: number): number {
  if (count <= free) return 0;
  return Math.min(DELAY_MS_MAX, DELAY_MS_MIN * 2 ** Math.min(16, count - free - 1));
}

/**
 * How long a failed sign-in waits for its answer: by the failures of its address, and by those of the name it tried,
 * from wherever they came. Names that nobody has count as well, so that waiting tells nothing about them.
 */
export class FailurePace {
  readonly #byAddress = new Recent();
  readonly #byName = new Recent();

  /** @param now ms. @returns delay in ms, 0 for the first few. */
  fail(address: string, name: string, now: number): number {
    const [here, tried] = [this.#byAddress.add(address, now), this.#byName.add(name, now)];
    return Math.max(delayOf(here, FAILURES_FREE), delayOf(tried, FAILURES_FREE));
  }
}

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
      for (const oldest of this.#windows.keys()) {
        if (this.#windows.size <= KEYS_MAX) break;
        this.#windows.delete(oldest);
      }
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
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= KEYS_MAX) break;
      this.#buckets.delete(oldest);
    }
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
