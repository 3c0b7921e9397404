/**
 * Whether devices are paced: read more slowly because ingest has fallen behind what was acknowledged.
 *
 * Without it a flood would be acknowledged faster than it is judged, and the alarm of a live reading would wait behind it
 * for minutes. Only an ingest that moves is waited for: while it stands still (starting, or away) the journal takes
 * everything, for that is what it is there for.
 */
import { keepNewest } from "../core/keep-newest.ts";
export interface Pace {
  /** Position of ingest when it was last seen. */
  readonly position: number;
  /** How many checks ago it moved. */
  readonly still: number;
  /** How many checks in a row senders have been held; 0 when they are not. */
  readonly held: number;
  readonly isHeld: boolean;
}

export const PACE_MS = 100;
export const START: Pace = { position: 0, still: Number.POSITIVE_INFINITY, held: 0, isHeld: false };
/** Messages in stream `raw` that ingest has not read: about three seconds of full load. */
export const BEHIND_MAX = 100_000;
export const BEHIND_RESUME = 50_000;
/** Ingest that has not moved for 2 s stands still. */
export const STILL_MAX = 20;

/** Every this many checks senders are read for one, so that a long hold breaks no CONNECT and no keep-alive. */
export const HELD_MAX = 10;

/** Pure: called every `PACE_MS` with the end of stream `raw` and ingest's position in it. */
export function nextPace(last: Pace, { end, position }: { readonly end: number; readonly position: number }): Pace {
  const still = position > last.position ? 0 : last.still + 1;
  const behind = end - position;
  const isBehind = still < STILL_MAX && behind > (last.held > 0 ? BEHIND_RESUME : BEHIND_MAX);
  const held = isBehind ? last.held + 1 : 0;
  return { position, still, held, isHeld: isBehind && held % HELD_MAX !== 0 };
}

/** The share of one sender, taken in any case: 5 messages a second, so a live device is never held for others. */
export const PACED_MESSAGE_MS = 200;
/** Who has sent more than its share waits for so long at most; a line that carries many devices must not owe for a day. */
export const PACED_DEBT_MS_MAX = 5_000;

/**
 * @param withinShareAt monotonic ms from which the sender has sent no more than its share; 0 at first.
 * @returns the same after `messages` more.
 */
export function owing(withinShareAt: number, now: number, messages = 1): number {
  return Math.min(Math.max(now, withinShareAt) + messages * PACED_MESSAGE_MS, now + PACED_DEBT_MS_MAX);
}

const SENDERS_MAX = 10_000;

/** The shares of senders without a connection, by name. */
export class Shares {
  readonly #withinShareAt = new Map<string, number>();

  /** How long until the sender has sent no more than its share. @param now monotonic ms. */
  owedMs(sender: string, now: number): number {
    return Math.max(0, (this.#withinShareAt.get(sender) ?? 0) - now);
  }

  /** @param devices whose messages the sender carries, itself among them. */
  take(sender: string, sent: { readonly now: number; readonly messages: number; readonly devices: number }): void {
    const before = this.#withinShareAt.get(sender) ?? 0;
    // Re-inserted at the end, so that the first is the one heard of longest ago.
    this.#withinShareAt.delete(sender);
    this.#withinShareAt.set(sender, owing(before, sent.now, sent.messages / sent.devices));
    keepNewest(this.#withinShareAt, SENDERS_MAX);
  }
}
