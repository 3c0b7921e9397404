/**
 * Commands down and what became of them: request → 9011 (accepted) → data packets → 9012 (result), one at a time a
 * device, since loggers lose track of more (HJ 212-2017 §6.7: the platform sends the next request after the last ended).
 *
 * A request that nobody answers is sent again with the same QN, so that the device does it once. It goes to whatever
 * connection the device has then: a line that broke in between costs one re-send, not the command.
 */
import type { Clock } from "../core/clock.ts";
import { type FieldCommand, type FieldOutcome, type PendingFieldCommand, SAID_MAX } from "../core/field-session.ts";

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

export class Exchanges {
  readonly #clock: Clock;
  readonly #timings: ExchangeTimings;
  readonly #send: (packet: Uint8Array) => boolean;
  readonly #waiting: Exchange[] = [];
  #turn: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** @param parts.send false when the device has no connection now. */
  constructor(parts: { clock: Clock; timings: ExchangeTimings; send: (packet: Uint8Array) => boolean }) {
    this.#clock = parts.clock;
    this.#timings = parts.timings;
    this.#send = parts.send;
  }

  get pending(): readonly PendingFieldCommand[] {
    return this.#waiting.map(({ kind, state, sent, packets, askedAt }) => ({ kind, state, sent, packets, askedAt }));
  }

  /** @param prepare called when the command's turn has come. Never rejects. */
  run(command: FieldCommand, prepare: () => Request): Promise<FieldOutcome> {
    if (this.#isClosed) return Promise.resolve(never("closing"));
    if (this.#waiting.length >= WAITING_MAX) return Promise.resolve(never("busy"));
    const exchange: Exchange = {
      ...{ request: null, kind: command.kind, askedAt: this.#clock.now(), state: "waiting", sent: 0, packets: 0 },
      ...{ deviceTime: undefined, said: new Map(), verdict: null, wake: ignore },
    };
    this.#waiting.push(exchange);
    const outcome = this.#turn.then(() => this.#exchange(exchange, prepare));
    this.#turn = outcome.then(ignore);
    return outcome;
  }

  /** @param qn of the answer; for data packets, which bear QNs of their own, `code` tells to whom they belong. */
  answered(answer: Answer, of: { readonly qn: string } | { readonly code: string }): boolean {
    const exchange = this.#waiting[0];
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
      exchange.state = "accepted";
      if (request.expects === "stream") exchange.verdict = { state: "accepted", code: "ok" };
    }
    exchange.wake();
    return true;
  }

  /** Everything that waits is over; what a device has agreed to stays so, and is not asked for again. */
  close(): void {
    this.#isClosed = true;
    for (const exchange of this.#waiting) {
      const isAgreed = exchange.state === "accepted" || exchange.packets > 0;
      exchange.verdict ??= { state: isAgreed ? "accepted" : "expired", code: "closing" };
      exchange.wake();
    }
  }

  async #exchange(exchange: Exchange, prepare: () => Request): Promise<FieldOutcome> {
    if (!exchange.verdict) await this.#request(exchange, prepare());
    const { executionMs, totalMs } = this.#timings;
    const endsAt = this.#clock.monotonic() + totalMs;
    while (!exchange.verdict) {
      const leftMs = Math.min(executionMs, endsAt - this.#clock.monotonic());
      if (leftMs > 0 && (await this.#wait(exchange, leftMs))) continue;
      exchange.verdict ??= { state: "expired", code: "no-result" };
    }
    this.#waiting.shift();
    const { verdict, sent, packets, deviceTime, said } = exchange;
    return {
      ...{ ...verdict, sent, packets },
      ...(deviceTime === undefined ? {} : { deviceTime }),
      ...(said.size === 0 ? {} : { said: Object.fromEntries(said) }),
    };
  }

  /** Sends until something comes back or the re-sends are used up. */
  async #request(exchange: Exchange, request: Request): Promise<void> {
    exchange.request = request;
    while (!exchange.verdict && exchange.state !== "accepted" && exchange.packets === 0) {
      if (exchange.sent > this.#timings.resends) {
        exchange.verdict = { state: "expired", code: "no-answer" };
      } else if (!this.#send(request.packet()) && exchange.sent === 0) {
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

function never(code: "busy" | "closing"): FieldOutcome {
  return { state: code === "busy" ? "failed" : "expired", code, sent: 0, packets: 0 };
}

function ignore(): void {}
