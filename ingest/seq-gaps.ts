/**
 * Which message numbers of a device are missing, as ranges: opened when a number is skipped, cut and closed when it
 * arrives late. The same arithmetic serves holes in data time. Pure; bounded.
 */
import type { SeqGap, SeqRun } from "../core/fleet.ts";

/** Ranges listed for one device; the oldest are forgotten first, and counted. */
export const GAPS_MAX = 64;
/** Boots followed for each device, the least recently used forgotten first. */
export const GAP_BOOTS_MAX = 4;

interface Boot {
  readonly boot: string;
  /** Lowest and highest number seen. */
  low: number;
  high: number;
}

export interface SeqGapsSnapshot {
  readonly boots: readonly (readonly [boot: string, low: number, high: number])[];
  readonly gaps: readonly SeqGap[];
  readonly arrivedLate: number;
  readonly forgotten: number;
}

export class SeqGaps {
  /** Most recently used first. */
  #boots: Boot[] = [];
  #gaps: SeqGap[] = [];
  #arrivedLate = 0;
  #forgotten = 0;

  get gaps(): readonly SeqGap[] {
    return this.#gaps;
  }
  get arrivedLate(): number {
    return this.#arrivedLate;
  }
  get forgotten(): number {
    return this.#forgotten;
  }

  /**
   * @param at arrival, ms.
   * @param opensBelow whether numbers between this run and the lowest one seen are missing; not so for data times, where
   *   an old record says nothing of the years between.
   */
  add([boot, from, to]: SeqRun, at: number, opensBelow = true): void {
    const known = this.#boot(boot);
    if (known === null) {
      this.#boots.unshift({ boot, low: from, high: to });
      if (this.#boots.length > GAP_BOOTS_MAX) this.#forgetBoot();
      return;
    }
    if (from <= known.high && to >= known.low) this.#cut(boot, from, to);
    if (from > known.high + 1) this.#open({ boot, from: known.high + 1, to: from - 1, since: at });
    // Numbers below the first one seen: this program met the device in the middle of its boot.
    if (opensBelow && to < known.low - 1) this.#open({ boot, from: to + 1, to: known.low - 1, since: at });
    known.low = Math.min(known.low, from);
    known.high = Math.max(known.high, to);
  }

  /** The oldest gap that has been open since `before` (ms) or longer and was not asked for; null when there is none. */
  unasked(before: number): SeqGap | null {
    return this.#gaps.find(({ since, askedAt }) => askedAt === undefined && since <= before) ?? null;
  }

  /** What is left of it when numbers of it arrive counts as asked for too. */
  asked({ boot, from }: Pick<SeqGap, "boot" | "from">, at: number): void {
    this.#gaps = this.#gaps.map((one) => (one.boot === boot && one.from === from ? { ...one, askedAt: at } : one));
  }

  snapshot(): SeqGapsSnapshot {
    return {
      boots: this.#boots.map(({ boot, low, high }) => [boot, low, high] as const),
      gaps: this.#gaps,
      arrivedLate: this.#arrivedLate,
      forgotten: this.#forgotten,
    };
  }

  static restore({ boots, gaps, arrivedLate, forgotten }: SeqGapsSnapshot): SeqGaps {
    const restored = new SeqGaps();
    restored.#boots = boots.map(([boot, low, high]) => ({ boot, low, high }));
    restored.#gaps = [...gaps];
    restored.#arrivedLate = arrivedLate;
    restored.#forgotten = forgotten;
    return restored;
  }

  #boot(boot: string): Boot | null {
    const at = this.#boots.findIndex((known) => known.boot === boot);
    if (at < 0) return null;
    const [known] = this.#boots.splice(at, 1) as [Boot];
    this.#boots.unshift(known);
    return known;
  }

  #forgetBoot(): void {
    const gone = this.#boots.pop();
    const before = this.#gaps.length;
    this.#gaps = this.#gaps.filter(({ boot }) => boot !== gone?.boot);
    this.#forgotten += before - this.#gaps.length;
  }

  #open(gap: SeqGap): void {
    this.#gaps.push(gap);
    if (this.#gaps.length <= GAPS_MAX) return;
    this.#gaps.shift();
    this.#forgotten += 1;
  }

  #cut(boot: string, from: number, to: number): void {
    if (this.#gaps.length === 0) return;
    const left: SeqGap[] = [];
    for (const gap of this.#gaps) {
      if (gap.boot !== boot || gap.to < from || gap.from > to) {
        left.push(gap);
        continue;
      }
      this.#arrivedLate += Math.min(gap.to, to) - Math.max(gap.from, from) + 1;
      if (gap.from < from) left.push({ ...gap, to: from - 1 });
      if (gap.to > to) left.push({ ...gap, from: to + 1 });
    }
    // A cut can split a range; the bound holds all the same.
    this.#forgotten += Math.max(0, left.length - GAPS_MAX);
    this.#gaps = left.slice(-GAPS_MAX);
  }
}
