/**
 * One browser on the live stream: frames go out in order through one bounded queue. A browser that does not read is
 * closed; readings that do not fit wait as the newest value of each series, so that waiting costs no memory.
 */
import type { Writable } from "node:stream";
import type { LiveValue } from "./live-values.ts";
import type { Principal } from "./sessions.ts";

export const QUEUE_BYTES_MAX = 256 * 1_024;
/** Above this, readings wait so that alarms find room. */
const READINGS_BYTES_MAX = 64 * 1_024;
/** Values in one `readings` event, about 64 KiB. */
const VALUES_MAX = 1_000;

export type ByeReason = "session-ended" | "too-slow" | "closing";

export function frame(event: string, data: unknown, id?: number): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

export class Browser {
  readonly principal: Principal;
  /** Offset in stream `alarms` from which nothing has been sent yet. */
  nextAlarm: number;
  /** True while missed alarms are read from the journal; the shared tail leaves alarms to that. */
  catchingUp = false;
  readonly #out: Writable;
  readonly #owed = new Map<string, LiveValue>();
  #closed = false;

  constructor(out: Writable, principal: Principal, nextAlarm: number) {
    this.#out = out;
    this.principal = principal;
    this.nextAlarm = nextAlarm;
    out.on("close", () => {
      this.#closed = true;
    });
    out.on("error", () => {
      this.#closed = true; // the other side went away; there is nobody to tell
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** @returns false when the queue is full and the browser has been closed. */
  send(text: string): boolean {
    if (this.#closed) return false;
    if (this.#out.writableLength + Buffer.byteLength(text) > QUEUE_BYTES_MAX) {
      this.#closed = true;
      this.#out.destroy();
      return false;
    }
    this.#out.write(text);
    return true;
  }

  /** Sends values, or keeps the newest of each series until the queue has room; at most one event a call. */
  sendValues(values: readonly LiveValue[]): boolean {
    for (const value of values) this.#owed.set(value[0], value);
    if (this.#owed.size === 0 || this.#closed) return !this.#closed;
    if (this.#out.writableLength > READINGS_BYTES_MAX) return true;
    const batch: LiveValue[] = [];
    for (const [series, value] of this.#owed) {
      if (batch.length === VALUES_MAX) break;
      batch.push(value);
      this.#owed.delete(series);
    }
    return this.send(frame("readings", { values: batch }));
  }

  /** Bytes that the other side has not taken yet. */
  get queuedBytes(): number {
    return this.#out.writableLength;
  }

  /** Resolves when the queue is empty or the browser is gone. */
  drained(): Promise<void> {
    if (this.#closed || this.#out.writableLength === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#out.off("drain", done);
        this.#out.off("close", done);
        resolve();
      };
      this.#out.on("drain", done);
      this.#out.on("close", done);
    });
  }

  end(reason: ByeReason): void {
    if (this.#closed) return;
    this.send(frame("bye", { reason }));
    this.#closed = true;
    this.#out.end();
  }

  drop(): void {
    this.#closed = true;
    this.#out.destroy();
  }
}
