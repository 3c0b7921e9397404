/**
 * Pure: who may speak over which HJ 212 connection, and how long a password waits until it is looked at.
 *
 * An MN is no secret, and PW has six digits by default: a million. Tries are slowed before they are judged, by address and
 * by device, each connection by itself. So nothing is locked and nobody stands in another's queue: a right password from
 * wherever is looked at after 4 s at most, after 10 s where the same address has just failed ten times at this device. What
 * 200 connections of one address can try is 20 a second, each counted and logged: six digits hold for half a day, twelve
 * letters and digits (36^12 = 4.7e18) for ever.
 */
import { delayOf, FAILURES_FREE, Recent } from "../core/failure-pace.ts";
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

export class Guesses {
  readonly #byAddress = new Recent();
  readonly #byDevice = new Recent();
  readonly #byPair = new Recent();
  /** The newest last. */
  readonly #known = new Map<string, string[]>();

  /** How long a packet's password is not looked at, ms. @param now wall clock, ms. */
  waitMs(address: string, device: string, now: number): number {
    const tries = Math.max(this.#byAddress.of(address, now), this.#byDevice.of(device, now));
    const isKnown = this.#known.get(device)?.includes(address) ?? false;
    if (!isKnown && this.#byPair.of(`${address} ${device}`, now) >= STUBBORN) return STUBBORN_MS;
    return delayOf(tries + 1, FAILURES_FREE);
  }

  wrong(address: string, device: string, now: number): void {
    this.#byAddress.add(address, now);
    this.#byDevice.add(device, now);
    this.#byPair.add(`${address} ${device}`, now);
  }

  right(address: string, device: string): void {
    const known = this.#known.get(device) ?? [];
    if (known.at(-1) === address) return;
    this.#known.set(device, [...known.filter((one) => one !== address), address].slice(-KNOWN_ADDRESSES));
  }

  forget(device: string): void {
    this.#known.delete(device);
  }
}
