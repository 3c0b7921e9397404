/**
 * From stream `alarms` to people and machines: MQTT at once, every other outlet through the durable outbox. Four loops
 * that do not wait for each other; each waits out an outage of its own.
 */
import type { Clock } from "../core/clock.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type { AlarmStore, Journal, Notifier, Outbox, Publisher } from "../core/ports.ts";
import { keepRunning } from "../core/service.ts";
import { runBackfillNotices, runLiveNotices } from "./enqueue.ts";
import { runAlarmPublisher } from "./publish.ts";
import { runSender } from "./send.ts";
import { Bell } from "./tail.ts";

export interface DispatchParts {
  readonly journal: Journal;
  readonly publisher: Publisher;
  /** Read once at the start, for the retained states of open alarms. */
  readonly alarms: Pick<AlarmStore, "list" | "position">;
  readonly outbox: Outbox;
  readonly notifiers: readonly Notifier[];
  /** Base of links to alarm pages. */
  readonly publicUrl?: string;
  /** 0 to 1, to spread retries; `Math.random` in production. */
  readonly random: () => number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Runs until the signal aborts. Rejects only for a fault of this program. */
export async function runDispatch(parts: DispatchParts, signal: AbortSignal): Promise<void> {
  const bell = new Bell();
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const queueing = {
    journal: parts.journal,
    outbox: parts.outbox,
    clock: parts.clock,
    outlets: parts.notifiers.map(({ name }) => name),
    publicUrl: parts.publicUrl ?? null,
    onQueued: bell.ring,
  };
  const run = (name: string, loop: (signal: AbortSignal) => Promise<void>): Promise<void> =>
    keepRunning(name, loop, parts, both).catch((error) => {
      stop.abort(); // a fault of ours in one loop ends them all
      throw error;
    });
  const loops = await Promise.allSettled([
    run("alarm-publisher", (until) => runAlarmPublisher(parts, until)),
    run("live-notices", (until) => runLiveNotices(queueing, until)),
    run("backfill-notices", (until) => runBackfillNotices(queueing, until)),
    run("sender", (until) => runSender(parts, bell, until)),
  ]);
  for (const loop of loops) if (loop.status === "rejected") throw loop.reason;
}
