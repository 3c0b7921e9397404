/** Journals that misbehave and clocks that do not wait, for tests of what must survive both. */
import { Unavailable } from "../../core/errors.ts";
import type { JournalChange } from "../../core/ports.ts";
import { FakeClock } from "./clock.ts";
import { MemoryJournal } from "./journal-memory.ts";

/** Every commit is refused once before it is taken. */
export class ReluctantJournal extends MemoryJournal {
  refusals = 0;
  #refuseNext = true;
  override async commit(change: JournalChange): Promise<void> {
    this.#refuseNext = !this.#refuseNext;
    if (!this.#refuseNext) {
      this.refusals += 1;
      throw new Unavailable("JOURNAL_FULL", { what: "the disk is nearly full" });
    }
    await super.commit(change);
  }
  override append(...[stream, entry]: Parameters<MemoryJournal["append"]>): Promise<void> {
    return super.commit({ append: [{ stream, entries: [entry] }] });
  }
}

/** The process dies at commit number `at`: before it is durable, or after, when nobody learns of it any more. */
export class CrashingJournal extends MemoryJournal {
  #left = Number.POSITIVE_INFINITY;
  #isDurable = false;
  crashAt(commits: number, isDurable: boolean): void {
    this.#left = commits;
    this.#isDurable = isDurable;
  }
  override async commit(change: JournalChange): Promise<void> {
    if (change.advance === undefined) return super.commit(change);
    const isLast = this.#left-- === 0;
    if (!isLast || this.#isDurable) await super.commit(change);
    if (isLast) throw new Error("crash");
  }
}

/** Half a minute passes between any two looks at it, and nobody sleeps: snapshots are always due, retries at once. */
export class HastyClock extends FakeClock {
  #elapsed = 0;
  override monotonic(): number {
    this.#elapsed += 30_000;
    return this.#elapsed;
  }
  override sleep(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}
