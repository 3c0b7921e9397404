/** The newest of what a device says of its equipment, and what changed in it. Pure; bounded. */
import { type DeviceFact, FACTS_MAX, type FactSeen } from "../core/fleet.ts";

/** Changes kept, the oldest forgotten first. */
export const CHANGES_MAX = 50;
/** HJ 212-2017 table 4: i, whose it is (1 instrument, 2 logger, 3 auxiliary), then 1 for a log. Or of channel `event`. */
const LOG = /^event\/|(^|\/)i[123]1\d{3}-Info$/;

export interface DeviceFactsSnapshot {
  readonly newest: readonly FactSeen[];
  readonly changes: readonly FactSeen[];
}

export class DeviceFacts {
  readonly #newest = new Map<string, FactSeen>();
  /** Newest last. */
  #changes: FactSeen[] = [];

  constructor(saved?: DeviceFactsSnapshot) {
    for (const fact of saved?.newest ?? []) this.#newest.set(fact.name, fact);
    this.#changes = [...(saved?.changes ?? [])];
  }

  /** One that is older than what is known of its name tells nothing new; an entry of a log is told each time. */
  add(fact: DeviceFact, receivedAt: number): void {
    const known = this.#newest.get(fact.name);
    if (known ? fact.time < known.time : this.#newest.size >= FACTS_MAX) return;
    const seen = { ...fact, receivedAt };
    this.#newest.set(fact.name, seen);
    const isSame = known?.value === fact.value && (known.time === fact.time || !LOG.test(fact.name));
    if (isSame) return;
    this.#changes.push(seen);
    if (this.#changes.length > CHANGES_MAX) this.#changes.shift();
  }

  get newest(): readonly FactSeen[] {
    return [...this.#newest.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  }
  /** Newest first. */
  get changes(): readonly FactSeen[] {
    return [...this.#changes].reverse();
  }
  snapshot(): DeviceFactsSnapshot {
    return { newest: [...this.#newest.values()], changes: this.#changes };
  }
}
