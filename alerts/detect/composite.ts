/**
 * Rule kind `composite`: and, or, k-of-n over conditions of one site. A condition holds while at least `stations`
 * stations have a newest reading that is not older than the tolerance and lies beyond the condition's bound.
 *
 * A condition that only an aged finding would fulfil is open: the composite is then judged only where the answer does
 * not depend on it. So silence neither raises nor clears.
 */
import type { CompositeRule, Condition } from "../../core/rule-group.ts";
import { Beyond, type BeyondMemory } from "./beyond.ts";
import { type Judgement, KEPT, NOT_JUDGED, VIOLATED } from "./condition.ts";
import type { DetectorMemory } from "./detector.ts";
import type { Group, GroupDetector, GroupMember, GroupStep } from "./group.ts";
import { boundsOf, byKey, fits, groupAt, type LimitOf, limitOfMember, membersBy } from "./group-scope.ts";

/** One group a site: the members that any condition asks for, told at a station of the first condition. */
export function compositeGroups(rule: CompositeRule, members: readonly GroupMember[]): Group[] {
  const wanted = members.filter((member) => rule.conditions.some((condition) => asksFor(condition, member)));
  return membersBy(wanted, ({ site }) => site.id).flatMap((site) => {
    const [first] = rule.conditions;
    const firsts = site.members.filter((member) => first !== undefined && asksFor(first, member));
    return groupAt(rule.at ?? firsts[0]?.station.id, site.members, []);
  });
}

export function createComposite(
  rule: CompositeRule,
  members: readonly GroupMember[],
  limitOf: LimitOf = limitOfMember,
): GroupDetector {
  return new Composite(rule, members, limitOf);
}

interface Part {
  readonly places: readonly number[];
  readonly stations: readonly number[];
}

interface CompositeMemory {
  readonly time: number;
  readonly beyond: BeyondMemory;
}

class Composite implements GroupDetector {
  readonly #rule: CompositeRule;
  readonly #members: readonly GroupMember[];
  readonly #beyond: Beyond;
  /** By condition: what it watches, as places in `#beyond`, and its stations as numbers in the same order. */
  readonly #parts: readonly Part[];
  readonly #needed: number;
  readonly #seen: Uint8Array;
  #time = 0;
  #held = 0;
  score = 0;

  constructor(rule: CompositeRule, members: readonly GroupMember[], limitOf: LimitOf) {
    const stations = [...new Set(members.map(({ station }) => station.id))];
    const pairs = rule.conditions.map((condition) =>
      members.flatMap((member, index) => {
        const bounds = asksFor(condition, member) ? boundsOf(condition, rule.deadband, member, limitOf) : [];
        return bounds.length === 0 ? [] : [{ member, index, bounds, baseline: null }];
      }),
    );
    let place = 0;
    this.#parts = pairs.map((watched) => ({
      places: watched.map(() => place++),
      stations: watched.map(({ member }) => stations.indexOf(member.station.id)),
    }));
    this.#rule = rule;
    this.#members = members;
    this.#beyond = new Beyond(pairs.flat());
    this.#needed = neededOf(rule);
    this.#seen = new Uint8Array(stations.length);
  }

  step(step: GroupStep): Judgement {
    if (!this.#beyond.take(step)) return NOT_JUDGED;
    this.#time = step.time;
    return this.#weigh();
  }

  #weigh(): Judgement {
    let [held, open] = [0, 0];
    for (let at = 0; at < this.#parts.length; at++) {
      const { stations } = this.#rule.conditions[at] as Condition;
      if (this.#stationsOf(at, false) >= stations) held++;
      else if (this.#stationsOf(at, true) >= stations) open++;
    }
    this.#held = held;
    this.score = held;
    if (held >= this.#needed) return VIOLATED;
    return held + open >= this.#needed ? NOT_JUDGED : KEPT;
  }

  /** Stations that fulfil a condition, with those whose finding has grown old or without. */
  #stationsOf(at: number, withOld: boolean): number {
    const { places, stations } = this.#parts[at] as Part;
    const within = this.#withinOf(at);
    this.#seen.fill(0);
    let count = 0;
    for (let each = 0; each < places.length; each++) {
      const place = places[each] as number;
      const station = stations[each] as number;
      const counts =
        this.#beyond.holds(place, this.#time, within) || (withOld && this.#beyond.mayHold(place, this.#time, within));
      if (!counts || this.#seen[station] === 1) continue;
      this.#seen[station] = 1;
      count++;
    }
    return count;
  }

  #withinOf(at: number): number {
    return this.#rule.conditions[at]?.within ?? this.#rule.within;
  }

  contributors(): readonly number[] {
    const worst = new Map<number, number>();
    for (const [at, { places }] of this.#parts.entries()) {
      for (const place of places) {
        if (!this.#beyond.holds(place, this.#time, this.#withinOf(at))) continue;
        const { index } = this.#beyond.watched[place] as { index: number };
        worst.set(index, Math.max(worst.get(index) ?? 0, this.#beyond.excess[place] ?? 0));
      }
    }
    return mostFirst(worst, this.#members);
  }

  figures(): Readonly<Record<string, number>> {
    const found: Record<string, number> = {
      conditions: this.#rule.conditions.length,
      needed: this.#needed,
      held: this.#held,
    };
    for (let at = 0; at < this.#parts.length; at++) found[`stations${at + 1}`] = this.#stationsOf(at, false);
    return found;
  }

  save(): DetectorMemory {
    return { time: this.#time, beyond: this.#beyond.save() } satisfies CompositeMemory;
  }
  load(memory: DetectorMemory | null): void {
    const saved = memory as CompositeMemory | null;
    this.#time = saved?.time ?? 0;
    this.#beyond.load(saved?.beyond ?? null);
    this.#weigh();
  }
}

function asksFor(condition: Condition, { quantity, station, fraction, aggregate }: GroupMember): boolean {
  return (
    condition.quantity === quantity &&
    fits(condition.station, station.id) &&
    fits(condition.stationType, station.type) &&
    fits(condition.medium, station.medium) &&
    fits(condition.fraction, fraction) &&
    fits(condition.aggregate, aggregate)
  );
}

function neededOf({ combine, conditions }: CompositeRule): number {
  if (combine === "and") return conditions.length;
  return combine === "or" ? 1 : combine.atLeast;
}

/** Indexes of members, the largest share first; members with the same share in the order of their keys. */
export function mostFirst(shares: ReadonlyMap<number, number>, members: readonly GroupMember[]): number[] {
  return [...shares]
    .sort(([a, x], [b, y]) => y - x || byKey(members[a] as GroupMember, members[b] as GroupMember))
    .map(([index]) => index);
}
