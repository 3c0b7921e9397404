/** Named last-in-first-out stop, and loops that outlive an outage with capped exponential back-off. */
import type { Clock } from "./clock.ts";
import { Unavailable } from "./errors.ts";
import type { Logger } from "./observe.ts";

/** Closes what was opened, newest first; a step that fails is logged and does not keep the rest from closing. */
export class Shutdown {
  readonly #steps: { name: string; stop: () => Promise<void> | void }[] = [];
  readonly #log: Logger;
  constructor(log: Logger) {
    this.#log = log;
  }
  onStop(name: string, stop: () => Promise<void> | void): void {
    this.#steps.push({ name, stop });
  }
  async stop(): Promise<void> {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step.stop();
        this.#log.debug({ step: step.name }, "stopped");
      } catch (error) {
        this.#log.error({ err: error, step: step.name }, "stop step failed");
      }
    }
  }
}

const BACKOFF_MS_MIN = 100;
const BACKOFF_MS_MAX = 10_000;

/**
 * Runs `loop` until the signal aborts. An `Unavailable` is waited out (100 ms doubling to 10 s); every other error is
 * a bug and rejects, so that the process stops and the journal replays.
 */
export async function keepRunning(
  name: string,
  loop: (signal: AbortSignal) => Promise<void>,
  parts: { clock: Clock; log: Logger },
  signal: AbortSignal,
): Promise<void> {
  let backoffMs = BACKOFF_MS_MIN;
  while (!signal.aborted) {
    const startedAt = parts.clock.monotonic();
    try {
      await loop(signal);
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Unavailable)) throw error;
      if (parts.clock.monotonic() - startedAt > BACKOFF_MS_MAX) backoffMs = BACKOFF_MS_MIN;
      parts.log.warn({ loop: name, code: error.code, retryMs: backoffMs, err: error }, "loop waits for a resource");
      await parts.clock.sleep(backoffMs, signal);
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX);
    }
  }
}
