/**
 * The loop outbox → outlets: sends what is due, again and again with growing pauses until it is taken or a day has
 * passed. A few at a time for each outlet, so that one that hangs does not hold the others up.
 */
import type { Clock } from "../core/clock.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type { Notifier, Outbox, OutboxItem, OutboxOutcome } from "../core/ports.ts";
import type { Bell } from "./tail.ts";

export interface SendParts {
  readonly outbox: Outbox;
  readonly notifiers: readonly Notifier[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** 0 to 1; spreads retries. */
  readonly random: () => number;
}

const AT_ONCE_MAX = 4;
const POLL_MS = 1_000;
const RETRY_MS_MIN = 2_000;
const RETRY_MS_MAX = 3_600_000;
const GIVE_UP_MS = 24 * 3_600_000;
const DUE_MIN = 64;
const DUE_MAX = 4_096;
const DRAIN_MS = 3_000;

/** @param bell rung when something was queued. */
export async function runSender(parts: SendParts, bell: Bell, signal: AbortSignal): Promise<void> {
  const { clock } = parts;
  const sender = new Sender(parts, bell);
  const stop = clock.every(POLL_MS, bell.ring);
  signal.addEventListener("abort", bell.ring, { once: true });
  try {
    while (!signal.aborted) {
      await sender.sendDue();
      await bell.rung();
    }
    await sender.drain();
  } finally {
    stop();
    signal.removeEventListener("abort", bell.ring);
  }
}

class Sender {
  readonly #parts: SendParts;
  readonly #bell: Bell;
  readonly #byName: ReadonlyMap<string, Notifier>;
  /** Keys on their way, by outlet. */
  readonly #flying = new Map<string, Set<string>>();
  readonly #work = new Set<Promise<void>>();
  #limit = DUE_MIN;
  #failure: unknown = null;

  constructor(parts: SendParts, bell: Bell) {
    this.#parts = parts;
    this.#bell = bell;
    this.#byName = new Map(parts.notifiers.map((notifier) => [notifier.name, notifier]));
  }

  async sendDue(): Promise<void> {
    if (this.#failure) throw this.#failure;
    const due = await this.#parts.outbox.due(this.#parts.clock.now(), this.#limit);
    let started = 0;
    for (const item of due) {
      const flying = this.#flying.get(item.outlet) ?? new Set();
      this.#flying.set(item.outlet, flying);
      if (flying.size >= AT_ONCE_MAX || flying.has(item.key)) continue;
      flying.add(item.key);
      started++;
      const work = this.#send(item).catch((error) => {
        this.#failure = error;
      });
      this.#work.add(work);
      work.finally(() => {
        this.#work.delete(work);
        flying.delete(item.key);
        this.#bell.ring();
      });
    }
    // A full page of items that wait for busy outlets must not hide those of others behind it.
    this.#limit = due.length === this.#limit && started === 0 ? Math.min(this.#limit * 2, DUE_MAX) : DUE_MIN;
  }

  /** Lets what is on its way come to an end, but not for long: it is sent again after the next start. */
  async drain(): Promise<void> {
    const done = new AbortController();
    await Promise.race([Promise.all(this.#work), this.#parts.clock.sleep(DRAIN_MS, done.signal)]);
    done.abort();
  }

  async #send(item: OutboxItem): Promise<void> {
    const { clock, log, metrics, outbox, random } = this.#parts;
    const notifier = this.#byName.get(item.outlet);
    const answer = notifier
      ? await notifier.send(item)
      : ({ kind: "given-up", detail: "the outlet is no longer configured" } as const);
    const outcome = outcomeOf(item, answer, clock.now(), random());
    await outbox.settle(item.key, outcome);
    metrics.count("notify_attempts", 1, { outlet: item.outlet, outcome: outcome.kind });
    if (outcome.kind === "given-up") {
      metrics.count("notify_given_up", 1, { outlet: item.outlet });
      log.error({ key: item.key, outlet: item.outlet, detail: outcome.detail }, "a notice could not be delivered");
    }
  }
}

/** Pure: what becomes of an item. @param chance 0 to 1. */
export function outcomeOf(
  item: OutboxItem,
  answer: Awaited<ReturnType<Notifier["send"]>>,
  now: number,
  chance: number,
): OutboxOutcome {
  const { kind, detail } = answer;
  if (kind !== "retry") return { kind, at: now, detail };
  const dueAt = now + pauseMs(item.tries, chance, answer.retryAfterMs ?? 0);
  if (dueAt - queuedAt(item) > GIVE_UP_MS)
    return { kind: "given-up", at: now, detail: `24 h without success: ${detail}` };
  return { kind, dueAt, detail };
}

/** Doubles from 2 s to 1 h, spread by a quarter either way, and never before the receiver asked for. */
export function pauseMs(tries: number, chance: number, retryAfterMs: number): number {
  const pause = Math.min(RETRY_MS_MIN * 2 ** Math.min(tries, 20), RETRY_MS_MAX);
  return Math.max(retryAfterMs, Math.round(pause * (0.75 + chance / 2)));
}

/** The body says when it was queued; `dueAt` moves with every try. */
function queuedAt({ body, dueAt }: OutboxItem): number {
  const { at } = JSON.parse(body) as { at?: unknown };
  return typeof at === "number" ? at : dueAt;
}
