/**
 * The alarm engine on the clock of a tape: what would have fired. The very Judge of the server; only its clock is another
 * one, and its ticks come when something may have fallen silent instead of every second.
 */
import { Judge, type JudgeOptions } from "./alerts/judge.ts";
import type { AlarmEvent } from "./core/alarm.ts";
import type { Directory } from "./core/ports.ts";
import type { ReadingBlock } from "./core/reading-block.ts";

/** The server ticks once a second: silence is found within one. */
const TICK_MS = 1_000;

export interface ReplayParts {
  readonly directory: Directory;
  /** Of the packs: `engineOf`. */
  readonly engine: JudgeOptions;
  /** When the tape begins, ms since 1970 UTC: devices are awaited from here on. */
  readonly begin: number;
  readonly onEvent: (event: AlarmEvent) => void;
}

export class Replay {
  readonly judge: Judge;
  readonly #onEvent: (event: AlarmEvent) => void;
  #offset = 0;
  #now: number;
  #ticked: number;
  #due: number;

  constructor({ directory, engine, begin, onEvent }: ReplayParts) {
    this.#onEvent = onEvent;
    this.#now = begin;
    this.#ticked = begin;
    this.judge = new Judge(directory, engine);
    this.#tell(this.judge.resume(0, begin));
    this.#due = this.judge.silentFrom(begin);
  }

  /** Time on the clock of the tape. */
  get now(): number {
    return this.#now;
  }

  /** True when a tick may be due before `now`: then hand over what came before, and call `advance`. */
  isDue(now: number): boolean {
    return now > this.#due;
  }

  /** Moves the clock, with the ticks on the way that matter. Never back. */
  advance(now: number): void {
    if (now <= this.#now) return;
    this.#due = this.judge.silentFrom(this.#ticked);
    while (this.#due + TICK_MS <= now) {
      this.#tick(this.#due + TICK_MS);
      this.#due = this.judge.silentFrom(this.#ticked);
    }
    this.#now = now;
  }

  /** The end of the tape: silence up to `until` counts, and nothing waits any more. */
  end(until: number): void {
    this.advance(until);
    this.#tick(Math.max(this.#now, this.#ticked));
  }

  /** One block; what it holds came in up to `now`. */
  feed(block: ReadingBlock, now: number): void {
    // Groups wait for their members until the next tick: by then the tape has gone on.
    if (this.judge.groups.groups.size > 0 && now - this.#ticked >= TICK_MS)
      this.#tick(Math.min(now, this.#now + TICK_MS));
    this.#now = Math.max(this.#now, now);
    this.#tell(this.judge.block(block, ++this.#offset, this.#now));
  }

  #tick(now: number): void {
    this.#ticked = Math.max(this.#ticked, now);
    this.#tell(this.judge.tick(this.#offset, this.#ticked));
  }

  #tell(events: readonly AlarmEvent[]): void {
    for (const event of events) this.#onEvent(event);
  }
}
