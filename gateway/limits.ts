/**
 * Limits by address: connections, and the pace of failed sign-ins.
 *
 * A failed sign-in is answered late, a right one at once, and nothing is ever locked: guessing a device's name cannot
 * keep the device out, and neither can a misconfigured neighbour behind the same router.
 */
import { isLoopback } from "../core/listen.ts";

/** Failures within `FAILURE_MEMORY_MS` that are answered at once: a typing error should not feel like a fault. */
const FAILURES_FREE = 5;
const FAILURE_DELAY_MS_MIN = 100;
const FAILURE_DELAY_MS_MAX = 4_000;
const FAILURE_MEMORY_MS = 60_000;
const ADDRESSES_MAX = 10_000;

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

/** How long a failed sign-in waits for its answer; doubles with each failure of the address. */
export class FailurePace {
  readonly #byAddress = new Map<string, { count: number; until: number }>();

  /** @param now ms. @returns delay in ms, 0 for the first few. */
  fail(address: string, now: number): number {
    const known = this.#byAddress.get(address);
    const count = known && known.until > now ? known.count + 1 : 1;
    // Re-inserted at the end, so that the first key is the one that failed longest ago.
    this.#byAddress.delete(address);
    this.#byAddress.set(address, { count, until: now + FAILURE_MEMORY_MS });
    for (const oldest of this.#byAddress.keys()) {
      if (this.#byAddress.size <= ADDRESSES_MAX) break;
      this.#byAddress.delete(oldest);
    }
    if (count <= FAILURES_FREE) return 0;
    return Math.min(FAILURE_DELAY_MS_MAX, FAILURE_DELAY_MS_MIN * 2 ** Math.min(16, count - FAILURES_FREE - 1));
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
