/** Tapes into a replay: files are read in columns and merged by arrival. */
import type { ReplayIngest } from "../replay-ingest.ts";
import type { Tape, TapeBatch } from "../simulators/tape.ts";

type Slot = ReturnType<ReplayIngest["slot"]>;

/** @param pause awaited after each batch, e.g. to write out what came of it. */
export async function replayTapes(
  tapes: readonly Tape[],
  ingest: ReplayIngest,
  pause: () => Promise<void>,
): Promise<void> {
  const heads: Head[] = [];
  for (const tape of tapes) {
    const head = new Head(tape, ingest);
    if (await head.load()) heads.push(head);
  }
  while (heads.length > 0) {
    const first = heads.reduce((best, head) => (head.arrival < best.arrival ? head : best));
    let until = Number.POSITIVE_INFINITY;
    for (const head of heads) if (head !== first && head.arrival < until) until = head.arrival;
    first.feed(until);
    if (!first.isSpent) continue;
    await pause();
    if (!(await first.load())) heads.splice(heads.indexOf(first), 1);
  }
}

class Head {
  readonly #tape: Tape;
  readonly #ingest: ReplayIngest;
  readonly #batches: AsyncIterator<TapeBatch>;
  readonly #slots: Slot[] = [];
  #batch: TapeBatch | null = null;
  #row = 0;

  constructor(tape: Tape, ingest: ReplayIngest) {
    this.#tape = tape;
    this.#ingest = ingest;
    this.#batches = tape.read();
  }

  get arrival(): number {
    return this.#batch?.arrival[this.#row] ?? Number.POSITIVE_INFINITY;
  }
  get isSpent(): boolean {
    return this.#batch === null || this.#row >= this.#batch.count;
  }

  /** The next batch. False at the end of the file. */
  async load(): Promise<boolean> {
    const next = await this.#batches.next();
    this.#batch = next.done ? null : next.value;
    this.#row = 0;
    return !next.done;
  }

  /** Rows of the batch that came in up to `until`. */
  feed(until: number): void {
    const batch = this.#batch;
    if (!batch) return;
    const { time, arrival, value, target, cmp, count } = batch;
    let row = this.#row;
    for (; row < count && (arrival[row] as number) <= until; row++) {
      const slot = this.#slotOf(target[row] as number);
      this.#ingest.add(slot, time[row] as number, arrival[row] as number, value[row] as number, cmp[row] as number);
    }
    this.#row = row;
  }

  #slotOf(index: number): Slot {
    let slot = this.#slots[index];
    if (!slot) {
      const target = this.#tape.targets[index];
      if (!target) throw new Error(`tape ${this.#tape.file} has no target ${index}`);
      slot = this.#ingest.slot(target);
      this.#slots[index] = slot;
    }
    return slot;
  }
}
