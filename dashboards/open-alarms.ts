/**
 * The open alarms in memory, so that a map of a thousand stations costs no query per station. Filled from the store,
 * kept fresh by the tail of stream `alarms`, and refilled now and then: the store runs a moment behind the stream, and
 * a page must never show green because an event fell between the two.
 */
import type { Alarm } from "../core/alarm.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/observe.ts";
import type { AlarmStore } from "../core/ports.ts";

const PAGE = 200;
const REFRESH_MS = 60_000;
/** Alarms seen lately from the stream, re-applied over a refill. */
const RECENT_MAX = 5_000;
const NONE: readonly Alarm[] = [];

export class OpenAlarms {
  readonly #store: AlarmStore;
  #open = new Map<string, Alarm>();
  /** Newest version of each alarm that came by the stream or the desk, open or not; oldest first. */
  readonly #recent = new Map<string, Alarm>();
  #byStation: Map<string, Alarm[]> | null = null;

  constructor(store: AlarmStore) {
    this.#store = store;
  }

  /** Refills from the store. */
  async refresh(): Promise<void> {
    const open = new Map<string, Alarm>();
    let cursor: string | null | undefined;
    do {
      const page = await this.#store.list({
        state: ["active", "acknowledged"],
        limit: PAGE,
        ...(cursor ? { cursor } : {}),
      });
      for (const alarm of page.alarms) if (isOpen(alarm)) open.set(alarm.id, alarm);
      cursor = page.cursor;
    } while (cursor);
    this.#open = open;
    for (const alarm of this.#recent.values()) this.#place(alarm);
    this.#byStation = null;
  }

  /** Refills every minute until the returned function is called; a failed refill leaves what is known. */
  keepFresh({ clock, log }: { clock: Clock; log: Logger }): () => void {
    let busy = false;
    return clock.every(REFRESH_MS, () => {
      if (busy) return;
      busy = true;
      this.refresh()
        .catch((error) => log.warn({ err: error }, "open alarms could not be read again; the old ones stay"))
        .finally(() => {
          busy = false;
        });
    });
  }

  /** Takes a newer version of an alarm. */
  apply(alarm: Alarm): void {
    this.#recent.delete(alarm.id);
    this.#recent.set(alarm.id, alarm);
    if (this.#recent.size > RECENT_MAX) {
      for (const id of this.#recent.keys()) {
        this.#recent.delete(id);
        break;
      }
    }
    this.#place(alarm);
    this.#byStation = null;
  }

  /** The newer of what the store says and what came by the stream. */
  newest(stored: Alarm | null, id: string): Alarm | null {
    const recent = this.#recent.get(id);
    return recent && (!stored || recent.updatedAt >= stored.updatedAt) ? recent : stored;
  }

  ofStation(station: string): readonly Alarm[] {
    if (!this.#byStation) {
      this.#byStation = new Map();
      for (const alarm of this.#open.values()) {
        const known = this.#byStation.get(alarm.station);
        if (known) known.push(alarm);
        else this.#byStation.set(alarm.station, [alarm]);
      }
    }
    return this.#byStation.get(station) ?? NONE;
  }

  all(): Iterable<Alarm> {
    return this.#open.values();
  }

  #place(alarm: Alarm): void {
    const known = this.#open.get(alarm.id);
    if (known && known.updatedAt > alarm.updatedAt) return;
    if (isOpen(alarm)) this.#open.set(alarm.id, alarm);
    else this.#open.delete(alarm.id);
  }
}

function isOpen(alarm: Alarm): boolean {
  return alarm.state !== "cleared" && alarm.supersededBy === null;
}
