/**
 * How long failures wait for their answer, by address and by name. A failed try is answered late, a right one at once,
 * and nothing is ever locked: guessing a name cannot keep its owner out, and neither can a misconfigured neighbour behind
 * the same router.
 */
import { keepNewest } from "./keep-newest.ts";

/** Failures within `MEMORY_MS` that are answered at once: a typing error should not feel like a fault. */
export const FAILURES_FREE = 5;
const DELAY_MS_MIN = 100;
const DELAY_MS_MAX = 4_000;
export const MEMORY_MS = 60_000;
export const KEYS_MAX = 10_000;

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

/** How often something happened to a key lately; each time prolongs the memory. */
export class Recent {
  readonly #byKey = new Map<string, { count: number; until: number }>();

  /** @returns the count so far. */
  of(key: string, now: number): number {
    const known = this.#byKey.get(key);
    return known && known.until > now ? known.count : 0;
  }

  /** @returns the count with this one. */
  add(key: string, now: number): number {
    const known = this.#byKey.get(key);
    const count = known && known.until > now ? known.count + 1 : 1;
    // Re-inserted at the end, so that the first key is the one heard of longest ago.
    this.#byKey.delete(key);
    this.#byKey.set(key, { count, until: now + MEMORY_MS });
    keepNewest(this.#byKey, KEYS_MAX);
    return count;
  }
}

/** Doubles with each time beyond the free ones. */
export function delayOf(count: number, free: number): number {
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
