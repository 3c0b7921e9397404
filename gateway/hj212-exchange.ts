/**
 * Commands down and what became of them: request → 9011 (accepted) → data packets → 9012 (result), one at a time a
 * device, since loggers lose track of more (HJ 212-2017 §6.7: the platform sends the next request after the last ended).
 *
 * A request that nobody answers is sent again with the same QN, so that the device does it once. It goes to whatever
 * connection the device has then: a line that broke in between costs one re-send, not the command.
 *
 * What people ask goes before what the server asks by itself, and nothing goes out after its time is over.
 */
import type { Clock } from "../core/clock.ts";
import {
  type FieldCommand,
  type FieldOrder,
  type FieldOutcome,
  type PendingFieldCommand,
  SAID_MAX,
} from "../core/field-session.ts";

export interface ExchangeTimings {
  /** How long a request waits for its first answer. HJ 212-2017 table 1: 10 s on mobile networks, 5 s on ADSL. */
  readonly answerMs: number;
  /** How often it is sent again then; table 1: 3. */
  readonly resends: number;
  /** How long an accepted request may be silent; every data packet begins it anew. The standard leaves it to us. */
  readonly executionMs: number;
  /** How long it may take in all after it was accepted, however much it sends. */
  readonly totalMs: number;
}
export const TIMINGS: ExchangeTimings = { answerMs: 10_000, resends: 3, executionMs: 60_000, totalMs: 30 * 60_000 };

/** A command in the words of the protocol. */
export interface Request {
  readonly command: FieldCommand;
  /** Identifies the exchange; the device's answers carry it. */
  readonly qn: string;
  /** CN, also of the data packets that answer it. */
  readonly code: string;
  /** `result`: 9011 then 9012. `stream`: 9011, then data without end. `notice`: 9013 is all. */
  readonly expects: "result" | "stream" | "notice";
  /** DataTime of what was asked for, inclusive: live data of the same CN are no answer. */
  readonly range?: { readonly from: string; readonly to: string };
  /** The packet; made at each sending, since the time in it should be the time of sending. */
  packet(): Uint8Array;
}

/** What the device said about a request. */
export type Answer =
  /** `noticed`: 9013, which is all that a notice gets. */
  | { readonly kind: "accepted" | "noticed" | "done" }
  | { readonly kind: "failed"; readonly code: string }
  | {
      readonly kind: "data";
      readonly dataTime?: string;
      readonly deviceTime?: number;
      readonly said?: ReadonlyMap<string, string>;
    };

/** Commands that may wait for their turn at one device. */
export const WAITING_MAX = 16;

interface Exchange {
  request: Request | null;
  readonly order: FieldOrder;
  readonly prepare: () => Request;
  readonly settle: (outcome: FieldOutcome) => void;
  readonly kind: FieldCommand["kind"];
  readonly askedAt: number;
  state: PendingFieldCommand["state"];
  sent: number;
  packets: number;
  deviceTime: number | undefined;
  readonly said: Map<string, string>;
  verdict: { readonly state: FieldOutcome["state"]; readonly code: string } | null;
  /** Ends the wait that is going on. */
  wake: () => void;
}

export interface ExchangesParts {
  readonly clock: Clock;
  readonly timings: ExchangeTimings;
  /** False when the device has no connection now. */
  send(packet: Uint8Array): boolean;
  isConnected(): boolean;
}

export class Exchanges {
  readonly #clock: Clock;
  readonly #timings: ExchangeTimings;
  readonly #parts: ExchangesParts;
  readonly #waiting: Exchange[] = [];
  #current: Exchange | null = null;
  #isClosed = false;

  constructor(parts: ExchangesParts) {
    this.#clock = parts.clock;
    this.#timings = parts.timings;
    this.#parts = parts;
  }

  get pending(): readonly PendingFieldCommand[] {
    return this.#all().map(({ kind, state, sent, packets, askedAt }) => ({ kind, state, sent, packets, askedAt }));
  }

  /** @param prepare called when the command's turn has come. Never rejects. */
  run(command: FieldCommand, prepare: () => Request, order: FieldOrder = {}): Promise<FieldOutcome> {
    if (this.#isClosed) return Promise.resolve(never("closing"));
    if (this.#all().length >= WAITING_MAX) return Promise.resolve(never("queue-full"));
    return new Promise((settle) => {
      this.#waiting.push({
        ...{ request: null, order, prepare, settle, kind: command.kind, askedAt: this.#clock.now(), state: "waiting" },
        ...{ sent: 0, packets: 0, deviceTime: undefined, said: new Map(), verdict: null, wake: ignore },
      });
      if (this.#current === null) void this.#takeTurns();
    });
  }

  #all(): readonly Exchange[] {
    return this.#current === null ? this.#waiting : [this.#current, ...this.#waiting];
  }

  /** The oldest of people's, else the oldest. */
  #next(): Exchange | null {
    const at = this.#waiting.findIndex(({ order }) => !order.isOwn);
    return this.#waiting.splice(Math.max(at, 0), 1)[0] ?? null;
  }

  async #takeTurns(): Promise<void> {
    for (let exchange = this.#next(); exchange; exchange = this.#next()) {
      this.#current = exchange;
      const outcome = await this.#exchange(exchange);
      this.#current = null;
      exchange.settle(outcome);
    }
  }

  /** @param qn of the answer; for data packets, which bear QNs of their own, `code` tells to whom they belong. */
  answered(answer: Answer, of: { readonly qn: string } | { readonly code: string }): boolean {
    const exchange = this.#current;
    const request = exchange?.request;
    if (!exchange || !request || exchange.verdict) return false;
    if ("qn" in of ? of.qn !== request.qn : of.code !== request.code) return false;
    if (answer.kind === "data") {
      if (request.expects !== "result" || !isAskedFor(answer.dataTime, request.range)) return false;
      exchange.packets += 1;
      exchange.deviceTime = answer.deviceTime ?? exchange.deviceTime;
      for (const [name, value] of answer.said ?? [])
        if (exchange.said.size < SAID_MAX || exchange.said.has(name)) exchange.said.set(name, value);
    } else if (answer.kind === "failed") {
      exchange.verdict = { state: "failed", code: answer.code };
    } else if (answer.kind === "done" || (answer.kind === "noticed" && request.expects === "notice")) {
      exchange.verdict = { state: "done", code: "ok" };
    } else {
      if (exchange.state !== "accepted") exchange.order.onAccepted?.();
      exchange.state = "accepted";
      if (request.expects === "stream") exchange.verdict = { state: "accepted", code: "ok" };
    }
    exchange.wake();
    return true;
  }

  /** Everything that waits is over; what a device has agreed to stays so, and is not asked for again. */
  close(): void {
    this.#isClosed = true;
    for (const exchange of this.#all()) {
      const isAgreed = exchange.state === "accepted" || exchange.packets > 0;
      exchange.verdict ??= { state: isAgreed ? "accepted" : "expired", code: "closing" };
      exchange.wake();
    }
  }

  async #exchange(exchange: Exchange): Promise<FieldOutcome> {
    exchange.verdict ??= this.#obstacle(exchange);
    const unnoted = exchange.verdict ? null : await noted(exchange.order);
    exchange.verdict ??= unnoted; // closed meanwhile, it stays so
    if (!exchange.verdict) await this.#request(exchange, exchange.prepare());
    const { executionMs, totalMs } = this.#timings;
    const endsAt = this.#clock.monotonic() + totalMs;
    while (!exchange.verdict) {
      const leftMs = Math.min(executionMs, endsAt - this.#clock.monotonic());
      if (leftMs > 0 && (await this.#wait(exchange, leftMs))) continue;
      exchange.verdict ??= { state: "expired", code: "no-result" };
    }
    const { verdict, sent, packets, deviceTime, said } = exchange;
    return {
      ...{ ...verdict, sent, packets },
      ...(deviceTime === undefined ? {} : { deviceTime }),
      ...(said.size === 0 ? {} : { said: Object.fromEntries(said) }),
    };
  }

  #isLate({ order: { expiresAt = Number.POSITIVE_INFINITY } }: Exchange): boolean {
    return expiresAt <= this.#clock.now();
  }

  /** Why it is over before anything is written down or sent. */
  #obstacle(exchange: Exchange): Exchange["verdict"] {
    if (this.#isLate(exchange)) return { state: "expired", code: "too-late" };
    return this.#parts.isConnected() ? null : { state: "failed", code: "offline" };
  }

  /** Sends until something comes back or the re-sends are used up. */
  async #request(exchange: Exchange, request: Request): Promise<void> {
    exchange.request = request;
    while (!exchange.verdict && exchange.state !== "accepted" && exchange.packets === 0) {
      if (exchange.sent > this.#timings.resends || this.#isLate(exchange)) {
        exchange.verdict = { state: "expired", code: exchange.sent > 0 ? "no-answer" : "too-late" };
      } else if (!this.#parts.send(request.packet()) && exchange.sent === 0) {
        exchange.verdict = { state: "failed", code: "offline" };
      } else {
        exchange.sent += 1;
        exchange.state = "sent";
        await this.#wait(exchange, this.#timings.answerMs);
      }
    }
  }

  /** False when `ms` passed and nothing came. */
  async #wait(exchange: Exchange, ms: number): Promise<boolean> {
    const woken = new AbortController();
    exchange.wake = () => woken.abort();
    await this.#clock.sleep(ms, woken.signal);
    exchange.wake = ignore;
    return woken.signal.aborted;
  }
}

/** A part without DataTime belongs to one that has it. */
function isAskedFor(dataTime: string | undefined, range: Request["range"]): boolean {
  if (!range || dataTime === undefined) return true;
  const stamp = dataTime.slice(0, range.from.length);
  return stamp >= range.from && stamp <= range.to;
}

async function noted({ onSending }: FieldOrder): Promise<Exchange["verdict"]> {
  try {
    await onSending?.();
    return null;
  } catch {
    return { state: "failed", code: "unnoted" };
  }
}

function never(code: "queue-full" | "closing"): FieldOutcome {
  return { state: code === "queue-full" ? "failed" : "expired", code, sent: 0, packets: 0 };
}

function ignore(): void {}
