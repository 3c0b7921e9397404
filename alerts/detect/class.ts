/**
 * Rule kind `class`: the class of a station's water, the worst of its quantities (single-factor evaluation, GB/T
 * 14848-2017 clause 6, GB 3838-2002 clause 5.1), got worse than before, or is worse than a given class.
 *
 * A sample is what the station measured at one time; a quantity that it lacks keeps the class of its last value for
 * `hold`, so that a sample of few quantities is compared like with like. The condition holds while the class is worse
 * than before it changed; after `settleAfter` samples the worse class is what later ones are compared with.
 */
import type { ClassRule } from "../../core/rule-trend.ts";
import { WATER_CLASSES } from "../../core/site.ts";
import { type Judgement, KEPT, NOT_JUDGED, VIOLATED } from "./condition.ts";
import type { GroupDetector, GroupMember, GroupStep } from "./group.ts";
import { finiteOrNull, isMeasured } from "./results.ts";

/**
 * Level of one value, 0 for the best class; null when the pack has no classes for the quantity. A censored value must
 * get the best class that it may have: only what is certain makes a water worse.
 */
export type RankOf = (member: GroupMember, value: number, form: number) => number | null;

export function createClass(rule: ClassRule, members: readonly GroupMember[], rankOf: RankOf): GroupDetector {
  return new ClassChange(rule, members, rankOf);
}

const NONE = -1;

class ClassChange implements GroupDetector {
  /** Class number of the last sample: 1 for class I. */
  score = 0;
  readonly #rule: ClassRule;
  readonly #members: readonly GroupMember[];
  readonly #rankOf: RankOf;
  readonly #ranks: Int8Array;
  readonly #times: Float64Array;
  #worst = NONE;
  /** Class that a sample is compared with. */
  #reference = NONE;
  /** Samples in a row that were worse. */
  #worse = 0;

  constructor(rule: ClassRule, members: readonly GroupMember[], rankOf: RankOf) {
    this.#rule = rule;
    this.#members = members;
    this.#rankOf = rankOf;
    this.#ranks = new Int8Array(members.length).fill(NONE);
    this.#times = new Float64Array(members.length).fill(Number.NEGATIVE_INFINITY);
  }

  step({ time, values, forms, flags }: GroupStep): Judgement {
    let measured = false;
    for (let index = 0; index < this.#members.length; index++) {
      if (this.#take(index, time, values[index] as number, forms[index] as number, flags[index] as number)) {
        measured = true;
      }
    }
    if (!measured) return NOT_JUDGED;
    this.#worst = NONE;
    for (let index = 0; index < this.#ranks.length; index++) {
      const isHeld = time - (this.#times[index] as number) <= this.#rule.hold;
      if (isHeld) this.#worst = Math.max(this.#worst, this.#ranks[index] as number);
    }
    this.score = this.#worst + 1;
    return this.#rule.worseThan === undefined
      ? this.#compare()
      : this.#count(WATER_CLASSES.indexOf(this.#rule.worseThan));
  }

  #take(index: number, time: number, value: number, form: number, flag: number): boolean {
    if (!isMeasured(value, form, flag) || flag === 4) return false;
    const rank = this.#rankOf(this.#members[index] as GroupMember, value, form);
    if (rank === null) return false;
    this.#ranks[index] = rank;
    this.#times[index] = time;
    return true;
  }

  #compare(): Judgement {
    if (this.#reference === NONE) {
      this.#reference = this.#worst;
      return NOT_JUDGED;
    }
    const judgement = this.#count(this.#reference);
    if (this.#worst <= this.#reference) this.#reference = this.#worst;
    else if (this.#worse >= this.#rule.samples + this.#rule.settleAfter) {
      this.#reference = this.#worst;
      this.#worse = 0;
      return KEPT;
    }
    return judgement;
  }

  /** A worse sample that is not yet one of enough says nothing. */
  #count(bound: number): Judgement {
    if (this.#worst <= bound) {
      this.#worse = 0;
      return KEPT;
    }
    this.#worse++;
    return this.#worse >= this.#rule.samples ? VIOLATED : NOT_JUDGED;
  }

  contributors(): readonly number[] {
    const found: number[] = [];
    for (let index = 0; index < this.#ranks.length; index++) {
      if (this.#ranks[index] === this.#worst && this.#worst !== NONE) found.push(index);
    }
    return found;
  }

  figures(): Readonly<Record<string, number>> {
    const { worseThan, samples } = this.#rule;
    const bound = worseThan === undefined ? this.#reference : WATER_CLASSES.indexOf(worseThan);
    let measured = 0;
    for (const rank of this.#ranks) if (rank !== NONE) measured++;
    return {
      class: this.score,
      boundClass: bound + 1,
      fixed: worseThan === undefined ? 0 : 1,
      worseSamples: this.#worse,
      samples,
      quantities: measured,
      deciding: this.contributors().length,
    };
  }

  save() {
    const known: [key: string, rank: number, time: number | null][] = [];
    for (const [index, { key }] of this.#members.entries()) {
      const rank = this.#ranks[index] as number;
      if (rank !== NONE) known.push([key, rank, finiteOrNull(this.#times[index] as number)]);
    }
    return { known, reference: this.#reference, worse: this.#worse };
  }
  /** By key: members that came or went since then do not shift what is known of the others. */
  load(memory: unknown): void {
    const saved = memory as ReturnType<ClassChange["save"]> | null;
    const known = new Map(saved?.known.map(([key, rank, time]) => [key, { rank, time }]));
    for (const [index, { key }] of this.#members.entries()) {
      const found = known.get(key);
      this.#ranks[index] = found?.rank ?? NONE;
      this.#times[index] = found?.time ?? Number.NEGATIVE_INFINITY;
    }
    this.#reference = saved?.reference ?? NONE;
    this.#worse = saved?.worse ?? 0;
    this.#worst = NONE;
    this.score = 0;
  }
}
