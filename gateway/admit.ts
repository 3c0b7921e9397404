/**
 * The PUBACK gate: a judged message enters the journal, and only its fsynced append releases the acknowledgement.
 *
 * Also the bound on what waits: while too much is in flight, of one connection or in all, nobody's socket is read, so
 * TCP slows the senders down. Why here: Aedes has no such bound, and its `client.pause()` hangs the connection for good.
 */
import type { Clock } from "../core/clock.ts";
import { encodeRaw, type RawMessage } from "../core/envelope.ts";
import { Unavailable } from "../core/errors.ts";
import type { Logger } from "../core/observe.ts";
import type { Journal } from "../core/ports.ts";
import { owing } from "./pace.ts";
import type { Tally } from "./tally.ts";

/**
 * Sockets are read while the counts are below these, so one chunk (64 KiB) may come on top.
 * A device with a window of 20 never meets the first; 20,000 messages are 100 ms of journal at 200,000 a second.
 */
export const IN_FLIGHT_PER_CONNECTION_MAX = 256;
export const IN_FLIGHT_BYTES_PER_CONNECTION_MAX = 1024 * 1024;
export const IN_FLIGHT_MAX = 20_000;
export const IN_FLIGHT_BYTES_MAX = 32 * 1024 * 1024;
/**
 * From so many in flight on, who has sent more than its share is not read: an append waits for those before it, and so
 * a live device never waits behind more than 50 ms of other devices' backlogs at 40,000 a second.
 */
export const BUSY_IN_FLIGHT = 2_000;

/** What the gate knows of a connection. */
export interface Sender {
  inFlight: number;
  inFlightBytes: number;
  /** Monotonic ms from which it has sent no more than its share; kept by the gate, 0 at first. */
  withinShareAt: number;
  /** Whose messages it carries, itself among them: each has a share. */
  readonly devices: number;
  /** Ids whose PUBACK is due; `sendAcks` empties it with one write. */
  readonly acks: number[];
  sendAcks(): void;
  /** False while its own answers are stuck in the socket: who does not read acknowledgements is not read either. */
  takesAnswers(): boolean;
  /** Reads again after `mayRead` said no. */
  resume(): void;
}

export class Gate {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #tally: Tally;
  readonly #held = new Set<Sender>();
  readonly #due: Sender[] = [];
  #messages = 0;
  #bytes = 0;
  #isClosing = false;
  #isRefusing = false;
  #isPaced = false;
  /** Monotonic ms at which the one timed append began; one sample a group commit is enough. */
  #sampledAt: number | null = null;
  #onIdle: (() => void) | null = null;

  constructor(parts: { journal: Journal; clock: Clock; log: Logger; tally: Tally }) {
    this.#journal = parts.journal;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#tally = parts.tally;
  }

  get inFlight(): number {
    return this.#messages;
  }
  get inFlightBytes(): number {
    return this.#bytes;
  }
  get held(): number {
    return this.#held.size;
  }
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /**
   * Appends to stream `raw`.
   *
   * @param ackId packet id to acknowledge once durable, or null when the broker answers or nothing is promised (QoS 0).
   * @param settled told after the append, with its error when it failed: then no acknowledgement may follow, and the
   *   connection must be closed so that the device sends again.
   */
  admit(sender: Sender, message: RawMessage, ackId: number | null, settled: (error: Error | null) => void): void {
    const entry = encodeRaw(message);
    const size = entry.byteLength;
    this.#messages += 1;
    this.#bytes += size;
    sender.inFlight += 1;
    sender.inFlightBytes += size;
    const now = this.#clock.monotonic();
    sender.withinShareAt = owing(sender.withinShareAt, now, 1 / sender.devices);
    const sampledAt = this.#sampledAt === null ? now : null;
    if (sampledAt !== null) this.#sampledAt = sampledAt;
    this.#journal.append("raw", entry).then(
      () => {
        this.#leave(sender, size, sampledAt);
        this.#tally.message(message.payload.byteLength);
        if (this.#isRefusing) this.#recovered();
        if (ackId !== null) sender.acks.push(ackId);
        settled(null);
      },
      (error: unknown) => {
        this.#leave(sender, size, sampledAt);
        this.#tally.refuse("journal-unavailable");
        if (!this.#isRefusing) this.#failed(error);
        settled(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  /** Whether the connection's socket may be read now; when not, it is resumed once there is room. */
  mayRead(sender: Sender): boolean {
    if (this.#isClosing) return false;
    if (!this.#isFull() && this.#mayTake(sender)) return true;
    this.#held.add(sender);
    return false;
  }

  /**
   * While paced only who has sent no more than its share is read, as when much is in flight: whoever flushes a backlog
   * waits, live devices do not.
   * What is in flight is answered as ever. Told again and again, which also lets in who is within its share again.
   */
  pace(isPaced: boolean): void {
    const wasPaced = this.#isPaced;
    this.#isPaced = isPaced;
    if (isPaced || wasPaced) this.#settleGroup();
  }

  /** A connection can take answers again, or is gone. */
  wake(sender: Sender): void {
    if (!this.#held.delete(sender) || this.#isClosing) return;
    sender.resume();
  }
  forget(sender: Sender): void {
    this.#held.delete(sender);
  }

  /** Reads nothing more; resolves when everything in flight is settled and answered, or after `drainMs`. */
  async close(drainMs: number): Promise<void> {
    this.#isClosing = true;
    this.#held.clear();
    if (this.#messages === 0) return;
    const stop = new AbortController();
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    await Promise.race([idle, this.#clock.sleep(drainMs, stop.signal)]);
    stop.abort();
  }

  #isFull(): boolean {
    return this.#messages >= IN_FLIGHT_MAX || this.#bytes >= IN_FLIGHT_BYTES_MAX;
  }

  #mayTake(sender: Sender): boolean {
    const isOpenToAll = !this.#isPaced && this.#messages < BUSY_IN_FLIGHT;
    const mayCome = isOpenToAll || sender.withinShareAt <= this.#clock.monotonic();
    return mayCome && hasRoom(sender) && sender.takesAnswers();
  }

  #leave(sender: Sender, size: number, sampledAt: number | null): void {
    this.#messages -= 1;
    this.#bytes -= size;
    sender.inFlight -= 1;
    sender.inFlightBytes -= size;
    if (sampledAt !== null) {
      this.#sampledAt = null;
      this.#tally.appended((this.#clock.monotonic() - sampledAt) / 1_000);
    }
    // The tick queue runs after every promise of the same group commit: one write a connection, not one a message.
    if (this.#due.length === 0) process.nextTick(() => this.#settleGroup());
    this.#due.push(sender);
  }

  #settleGroup(): void {
    for (const sender of this.#due) if (sender.acks.length > 0) sender.sendAcks();
    this.#due.length = 0;
    for (const sender of this.#held) {
      if (this.#isFull()) break;
      if (this.#mayTake(sender)) this.wake(sender);
    }
    if (this.#messages === 0) this.#onIdle?.();
  }

  #failed(error: unknown): void {
    this.#isRefusing = true;
    const code = error instanceof Unavailable ? error.code : undefined;
    this.#log.error(
      { err: error, code },
      "journal refuses messages; connections are closed so that devices send again",
    );
  }

  #recovered(): void {
    this.#isRefusing = false;
    this.#log.info({}, "journal takes messages again");
  }
}

function hasRoom(sender: Sender): boolean {
  return sender.inFlight < IN_FLIGHT_PER_CONNECTION_MAX && sender.inFlightBytes < IN_FLIGHT_BYTES_PER_CONNECTION_MAX;
}
