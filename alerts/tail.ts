/** Follows one journal stream without polling: asks for entries only when the journal says that there are some. */
import type { Journal, JournalEntry, Stream } from "../core/ports.ts";

export class Tail {
  /** Offset of the next entry that was not handed out. */
  position: number;
  readonly #journal: Journal;
  readonly #stream: Stream;
  readonly #signal: AbortSignal;
  readonly #wake: () => void;
  #ready = true;
  #failure: unknown = null;

  /** @param wake called when entries have come. */
  constructor(journal: Journal, stream: Stream, position: number, signal: AbortSignal, wake: () => void) {
    this.#journal = journal;
    this.#stream = stream;
    this.position = position;
    this.#signal = signal;
    this.#wake = wake;
  }

  /** The next entries, or none at once. @throws whatever the journal threw while it was waited for. */
  async next(bytesMax: number): Promise<readonly JournalEntry[]> {
    if (this.#failure) throw this.#failure;
    if (!this.#ready) return [];
    const entries = await this.#journal.read(this.#stream, this.position, bytesMax);
    const last = entries.at(-1);
    if (last) this.position = last.offset + 1;
    else this.#await();
    return entries;
  }

  #await(): void {
    this.#ready = false;
    this.#journal.wait(this.#stream, this.position, this.#signal).then(
      () => {
        this.#ready = true;
        this.#wake();
      },
      (error) => {
        this.#failure = error;
        this.#wake();
      },
    );
  }
}

/** A bell: `rung` resolves once somebody has rung since the last time it was asked. */
export class Bell {
  #rung = false;
  #listener: (() => void) | null = null;

  ring = (): void => {
    this.#rung = true;
    this.#listener?.();
  };
  async rung(): Promise<void> {
    if (!this.#rung) await new Promise<void>((resolve) => (this.#listener = resolve));
    this.#listener = null;
    this.#rung = false;
  }
}
