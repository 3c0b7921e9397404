/** A bounded queue for connections that serve one task at a time: one writer makes conflicts and reordering impossible. */
import { Unavailable } from "../core/errors.ts";

export const WAITING_MAX = 256;

/** Lends each of `workers` to one task at a time; tasks start in the order they came. */
export class WorkQueue<Worker> {
  readonly #idle: Worker[];
  readonly #waiting: ((worker: Worker) => void)[] = [];
  readonly #size: number;
  readonly #name: string;
  #onIdle: (() => void) | undefined;
  #isClosed = false;

  constructor(name: string, workers: readonly Worker[]) {
    this.#name = name;
    this.#idle = [...workers];
    this.#size = workers.length;
  }

  /** @throws Unavailable `SERIES_BUSY` when too many tasks wait, `SERIES_CLOSED` after `close`. */
  async run<Result>(task: (worker: Worker) => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw this.#refusal("SERIES_CLOSED", "the series store is closed");
    if (this.#waiting.length >= WAITING_MAX) throw this.#refusal("SERIES_BUSY", "too many tasks wait");
    const worker = this.#idle.pop() ?? (await new Promise<Worker>((resolve) => this.#waiting.push(resolve)));
    try {
      return await task(worker);
    } finally {
      const next = this.#waiting.shift();
      if (next) next(worker);
      else this.#giveBack(worker);
    }
  }

  /** Refuses new tasks and resolves when the accepted ones are done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#idle.length === this.#size) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  #giveBack(worker: Worker): void {
    this.#idle.push(worker);
    if (this.#idle.length === this.#size) this.#onIdle?.();
  }
  #refusal(code: string, what: string): Unavailable {
    return new Unavailable(code, { what, where: `series store, ${this.#name}` });
  }
}
