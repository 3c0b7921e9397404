/**
 * Pure: who may speak over which HJ 212 connection, and how long a password waits until it is looked at.
 *
 * An MN is no secret, and PW has six digits by default: a million. Tries are slowed before they are judged, by address and
 * by device; nothing is locked. From an address where the device has shown its password only the failures of the two
 * together count: a neighbour's wrong password does not delay it. From others the tries at one device take turns: five a
 * second in all, shared evenly among the addresses that have failed lately, each counted and logged. So six digits hold
 * for two days and twelve letters and digits (36^12 = 4.7e18) for ever, and a device that comes from a new address is
 * looked at after 4 s at most, after its turn behind the guesses of the same address where that has just failed.
 */
import { delayOf, FAILURES_FREE, MEMORY_MS, Recent } from "../core/failure-pace.ts";
import { keepNewest } from "../core/keep-newest.ts";
import type { DeviceContext } from "../core/site.ts";

/**
 * Whether a device's packets may come over a connection that others have spoken on already: a front-end machine carries
 * those that are registered with `via`, or that have proved themselves with a password or key of their own.
 */
export function mayShare(
  { device }: DeviceContext,
  others: readonly (DeviceContext | undefined)[],
  isProven: boolean,
): boolean {
  if (isProven || others.length === 0) return true;
  return others.some((other) => {
    if (!other) return false;
    const { id, via } = other.device;
    return id === device.id || device.via === id || via === device.id || (via !== undefined && via === device.via);
  });
}

/** So many wrong passwords of one address at one device, within a minute, are no mistake. */
const STUBBORN = 10;
const STUBBORN_MS = 10_000;
/** Addresses from which a device has shown its password. */
const KNOWN_ADDRESSES = 8;
/** Between two tries at one device, from all addresses that are not known for it. */
const TURN_MS = 200;
/** Who would wait longer for a turn is not looked at: a device sends again. */
const TURN_WAIT_MS_MAX = 30_000;
const GUESSERS_MAX = 1_000;

export class Guesses {
  readonly #byAddress = new Recent();
  readonly #byDevice = new Recent();
  readonly #byPair = new Recent();
  /** The newest last. */
  readonly #known = new Map<string, string[]>();
  /** Addresses that have failed at a device: until when that counts, and when the next try of theirs has its turn. */
  readonly #guessers = new Map<string, Map<string, { until: number; turnAt: number }>>();

  /**
   * How long a packet's password is not looked at, ms; infinite when too many of the same address wait already. Takes a
   * turn, so it is asked once for each password.
   *
   * @param now wall clock, ms.
   */
  waitMs(address: string, device: string, now: number): number {
    const own = this.#byPair.of(`${address} ${device}`, now);
    if (this.#known.get(device)?.includes(address)) return delayOf(own + 1, FAILURES_FREE);
    const tries = Math.max(this.#byAddress.of(address, now), this.#byDevice.of(device, now));
    const wait = own >= STUBBORN ? STUBBORN_MS : delayOf(tries + 1, FAILURES_FREE);
    const guessers = this.#guessersOf(device, now);
    const guesser = guessers?.get(address);
    if (!guessers || !guesser || this.#byDevice.of(device, now) < FAILURES_FREE) return wait;
    const at = Math.max(now + wait, guesser.turnAt);
    if (at - now > TURN_WAIT_MS_MAX) return Number.POSITIVE_INFINITY;
    guesser.turnAt = at + TURN_MS * guessers.size;
    return at - now;
  }

  wrong(address: string, device: string, now: number): void {
    this.#byAddress.add(address, now);
    this.#byDevice.add(device, now);
    this.#byPair.add(`${address} ${device}`, now);
    const guessers = this.#guessersOf(device, now) ?? new Map<string, { until: number; turnAt: number }>();
    const turnAt = guessers.get(address)?.turnAt ?? 0;
    guessers.delete(address); // re-inserted at the end: the first key is the one heard of longest ago
    guessers.set(address, { until: now + MEMORY_MS, turnAt });
    keepNewest(guessers, GUESSERS_MAX);
    this.#guessers.set(device, guessers);
  }

  right(address: string, device: string): void {
    const known = this.#known.get(device) ?? [];
    if (known.at(-1) === address) return;
    this.#known.set(device, [...known.filter((one) => one !== address), address].slice(-KNOWN_ADDRESSES));
  }

  forget(device: string): void {
    this.#known.delete(device);
  }

  #guessersOf(device: string, now: number): Map<string, { until: number; turnAt: number }> | undefined {
    const guessers = this.#guessers.get(device);
    for (const [address, { until, turnAt }] of guessers ?? []) {
      if (until > now || turnAt > now) break;
      guessers?.delete(address);
    }
    if (guessers?.size === 0) this.#guessers.delete(device);
    return guessers?.size === 0 ? undefined : guessers;
  }
}
