/** What the server remembers of each registered device over all its connections, and of devices that nobody registered. */
import { createHash } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import type { FieldSession, UnclaimedDevice } from "../core/field-session.ts";
import { keepNewest } from "../core/keep-newest.ts";
import { Exchanges, type ExchangeTimings } from "./hj212-exchange.ts";
import { type Part, PartTimes, PartTracker } from "./hj212-parts.ts";

/** The connection a device is reached by. */
export interface Line {
  /** One packet down. */
  send(packet: Uint8Array): void;
  /** Each of its devices has come back on another one. */
  readonly isLeft: boolean;
  close(): void;
}

/** What the device itself last sent, for packets that go down to it. */
export interface Manner {
  readonly systemCode: string;
  readonly password: string;
  /** Version bits of `Flag`. */
  readonly version: number;
}

/** Commands whose number is remembered for their next try. */
const UNANSWERED_MAX = 64;

export class FieldDevice {
  readonly id: string;
  readonly exchanges: Exchanges;
  readonly parts = new PartTracker();
  readonly #partTimes = new PartTimes();
  readonly recent = new RecentPackets();
  mn: string;
  line: Line | null = null;
  /** Connections it has spoken on and that are open, the oldest first. */
  readonly lines = new Set<Line>();
  manner: Manner | null = null;
  address = "";
  connectedAt = 0;
  lastPacketAt = 0;
  frames = 0;
  resent = 0;
  crcErrors = 0;
  noiseBytes = 0;
  badLengths = 0;
  wrongPasswords = 0;
  /** It has been said that it has no password. */
  isWarnedOf = false;
  /** Wall clock of the last answer to its wish for the time, ms. */
  clockSetAt = Number.NEGATIVE_INFINITY;
  #lastQn = 0;
  /** By the command's id, oldest first. */
  readonly #unanswered = new Map<string, number>();

  constructor(parts: { id: string; mn: string; clock: Clock; timings: ExchangeTimings }) {
    this.id = parts.id;
    this.mn = parts.mn;
    this.exchanges = new Exchanges({
      ...parts,
      send: (packet) => {
        this.line?.send(packet);
        return this.line !== null;
      },
      isConnected: () => this.line !== null,
    });
  }

  /** Milliseconds for the next QN: `now`, or later when that was given already. */
  nextQn(now: number): number {
    this.#lastQn = Math.max(now, this.#lastQn + 1);
    return this.#lastQn;
  }

  /** As `nextQn`, but for a command that was tried before without an answer the same as then: the device does it once. */
  qnOf(command: string | undefined, now: number): number {
    const known = command === undefined ? undefined : this.#unanswered.get(command);
    const qn = known ?? this.nextQn(now);
    if (command === undefined) return qn;
    this.#unanswered.set(command, qn);
    keepNewest(this.#unanswered, UNANSWERED_MAX);
    return qn;
  }

  /** The device has heard it: asked once more it is a new exchange, since what was done under a number is not done again. */
  answered(command: string | undefined): void {
    if (command !== undefined) this.#unanswered.delete(command);
  }

  /** A numbered packet that has not come before. @returns its DataTime, its own or that of part 1; "" when not known. */
  notePart(part: Part, id: string, now: number): string {
    this.parts.note(part, now);
    return this.#partTimes.timeOf(part, id, now);
  }

  view(identity: Pick<FieldSession, "hasPassword" | "isRevoked">): FieldSession {
    const { id, mn, line, address, connectedAt, lastPacketAt, frames, resent } = this;
    const { crcErrors, noiseBytes, badLengths, wrongPasswords, parts, exchanges } = this;
    return {
      ...{ device: id, name: mn, connected: line !== null, address, connectedAt, lastPacketAt, frames, resent },
      ...{ crcErrors, noiseBytes, badLengths, wrongPasswords, ...identity },
      ...{ gaps: [...parts.gaps], pending: exchanges.pending },
    };
  }
}

/** Packets of one device that may be sent again: three re-sends at 10 s, some in flight at once. */
const RECENT_MAX = 128;
/** Re-sends of one packet that wait for its append; more than these are answered by the ones before. */
const WAITERS_MAX = 8;

/**
 * Tells a re-send from a new packet: byte for byte the same data segment. QN alone is no key, since loggers use one for
 * two packets; MN, QN, CN and PNO are all in the segment.
 */
export class RecentPackets {
  /** null: durable. Else who waits for it to be. */
  readonly #byDigest = new Map<string, (() => void)[] | null>();

  /**
   * @returns `new`: the caller stores it and says `settled`. `durable`: answer at once. `waiting`: `answer` is called
   *   once the first copy is durable.
   */
  note(
    segment: Uint8Array,
    answer: () => void,
  ): { readonly kind: "new" | "durable" | "waiting"; readonly key: string } {
    const key = createHash("sha1").update(segment).digest("base64");
    const known = this.#byDigest.get(key);
    if (known === null) return { kind: "durable", key };
    if (known) {
      if (known.length < WAITERS_MAX) known.push(answer);
      return { kind: "waiting", key };
    }
    this.#byDigest.set(key, []);
    if (this.#byDigest.size > RECENT_MAX) this.#forget();
    return { kind: "new", key };
  }

  /** The oldest durable ones. What still waits stays, or its re-send would be stored twice; the gate bounds how many do. */
  #forget(): void {
    let over = this.#byDigest.size - RECENT_MAX;
    for (const [key, waiting] of this.#byDigest) {
      if (over <= 0) return;
      if (waiting !== null) continue;
      this.#byDigest.delete(key);
      over -= 1;
    }
  }

  settled(key: string, isDurable: boolean): void {
    const waiting = this.#byDigest.get(key);
    if (!waiting) return;
    if (isDurable) this.#byDigest.set(key, null);
    else this.#byDigest.delete(key); // the connections are closed and send again
    if (isDurable) for (const answer of waiting) answer();
  }
}

const UNCLAIMED_MAX = 200;

/** Newest last; what was silent for longest makes room. */
export class Unclaimed {
  readonly #byName = new Map<string, UnclaimedDevice>();

  note(name: string, address: string, now: number): void {
    const packets = (this.#byName.get(name)?.packets ?? 0) + 1;
    this.#byName.delete(name);
    this.#byName.set(name, { name, address, lastPacketAt: now, packets });
    keepNewest(this.#byName, UNCLAIMED_MAX);
  }
  /** It has been registered meanwhile. */
  claimed(name: string): void {
    this.#byName.delete(name);
  }
  list(): readonly UnclaimedDevice[] {
    return [...this.#byName.values()];
  }
}
