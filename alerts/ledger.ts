/**
 * The alarms that the engine may still have to change: those whose episode lies in a window, and those that a person
 * may still acknowledge. What they say is exactly what stream `alarms` last said.
 */
import type { Alarm, AlarmEvent } from "../core/alarm.ts";

/** An alarm as last told. */
export interface Told {
  alarm: Alarm;
  /** Events told of it so far; numbers the next one. */
  events: number;
  /** Ascending in the order of raising: when episodes join, the lowest keeps its id. */
  readonly order: number;
  /** True when its episode has left the window: readings can no longer change it. */
  settled: boolean;
}

/** Settled alarms that nobody has acknowledged are kept so that somebody can, up to this many; the oldest go first. */
export const SETTLED_MAX = 10_000;

export class Ledger {
  readonly #told = new Map<string, Told>();
  readonly #settledIds = new Set<string>();
  #order = 0;

  get(id: string): Told | undefined {
    return this.#told.get(id);
  }
  all(): IterableIterator<Told> {
    return this.#told.values();
  }
  get size(): number {
    return this.#told.size;
  }

  add(alarm: Alarm, events = 1): Told {
    const told: Told = { alarm, events, order: this.#order++, settled: false };
    this.#told.set(alarm.id, told);
    return told;
  }
  /** Takes an alarm over from a snapshot or from the stream, in the order of raising. */
  restore(alarm: Alarm, events: number): Told {
    const known = this.#told.get(alarm.id);
    if (!known) return this.add(alarm, events);
    known.alarm = alarm;
    known.events = events;
    return known;
  }
  /** What an event of stream `alarms` says, after a restart. */
  apply({ id, alarm }: Pick<AlarmEvent, "id" | "alarm">): void {
    const told = this.restore(alarm, Number(id.slice(id.lastIndexOf("-") + 1)));
    if (alarm.supersededBy !== null || (told.settled && alarm.acknowledgedBy !== null)) this.remove(told);
  }
  /** Superseded or retracted: nothing can happen to it any more. */
  remove(told: Told): void {
    this.#told.delete(told.alarm.id);
    this.#settledIds.delete(told.alarm.id);
  }

  /** Its episode has left the window, or no rule watches it any more. */
  settle(told: Told): void {
    told.settled = true;
    if (told.alarm.acknowledgedBy !== null) {
      this.remove(told);
      return;
    }
    this.#settledIds.add(told.alarm.id);
    if (this.#settledIds.size <= SETTLED_MAX) return;
    for (const oldest of this.#settledIds) {
      this.#settledIds.delete(oldest);
      this.#told.delete(oldest);
      return;
    }
  }
}
