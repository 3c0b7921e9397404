/**
 * Every refusal is counted; who was refused is logged, at most once a minute for each reason and party, so that a flood
 * of refusals is no flood of lines. Names from the wire are cut and appear as values only.
 */
import type { Clock } from "../core/clock.ts";
import { keepNewest } from "../core/keep-newest.ts";
import type { Logger } from "../core/observe.ts";

export interface Refused {
  readonly address: string;
  /** As claimed: nobody has proved it when a sign-in failed. */
  readonly account?: string | undefined;
  readonly topic?: string;
}

const LINE_MS = 60_000;
const PARTIES_MAX = 10_000;
const CHARACTERS_MAX = 128;

export class Refusals {
  readonly #count: (reason: string) => void;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Insertion order is age. */
  readonly #told = new Map<string, { readonly until: number; silent: number }>();

  constructor(parts: { readonly count: (reason: string) => void; readonly clock: Clock; readonly log: Logger }) {
    this.#count = parts.count;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  /** @param reason a word of ours, never text from the wire. */
  refuse(reason: string, { address, account = "", topic }: Refused): void {
    this.#count(reason);
    const key = `${reason} ${address} ${shortened(account)}`;
    const told = this.#told.get(key);
    const now = this.#clock.now();
    if (told && told.until > now) {
      told.silent += 1;
      return;
    }
    this.#told.delete(key);
    this.#told.set(key, { until: now + LINE_MS, silent: 0 });
    keepNewest(this.#told, PARTIES_MAX);
    const line = { reason, address, account: shortened(account), notTold: told?.silent ?? 0 };
    this.#log.warn(topic === undefined ? line : { ...line, topic: shortened(topic) }, "refused");
  }
}

function shortened(text: string): string {
  return text.length <= CHARACTERS_MAX ? text : `${text.slice(0, CHARACTERS_MAX)} …`;
}
