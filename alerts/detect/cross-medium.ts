/**
 * Rule kind `cross-medium`: a family of pollutants is beyond its limit or its own past in at least two media of one site
 * within each medium's tolerance. Media are slow in different ways, so each has its own: days in air, months in soil.
 *
 * Names the probable source: a station of type source or risk with the most findings on its down-gradient side, then
 * with findings of its own, then nearest to them. Up-gradient or background stations beyond before the site's own, in
 * a medium that counts, say that it came from outside; they never make a medium count themselves.
 */
import type { CrossMediumRule } from "../../core/rule-group.ts";
import { BEYOND, Beyond, type BeyondMemory } from "./beyond.ts";
import { mostFirst } from "./composite.ts";
import { type Judgement, KEPT, NOT_JUDGED, VIOLATED } from "./condition.ts";
import type { DetectorMemory } from "./detector.ts";
import { axisBetween, pointsOf } from "./flow-path.ts";
import { bearing, distanceM, dot, type Point } from "./geometry.ts";
import type { Group, GroupDetector, GroupMember, GroupStep } from "./group.ts";
import { boundsOf, byKey, groupAt, type LimitOf, limitOfMember, membersBy } from "./group-scope.ts";

const SOURCES: readonly string[] = ["source", "risk"];
const OUTSIDE: readonly string[] = ["upgradient", "background"];

/** One group a site that has the family in at least `atLeast` of the media; told at a source, else a risk station. */
export function crossMediumGroups(rule: CrossMediumRule, members: readonly GroupMember[]): Group[] {
  const wanted = members.filter((member) => isWatched(rule, member) || SOURCES.includes(member.station.type));
  return membersBy(wanted, ({ site }) => site.id).flatMap((site) => {
    const counted = site.members.filter((member) => isWatched(rule, member) && !OUTSIDE.includes(member.station.type));
    const media = new Set(counted.map(({ station }) => station.medium));
    return media.size >= rule.atLeast ? groupAt(rule.at, site.members, SOURCES) : [];
  });
}

function isWatched({ family, media }: CrossMediumRule, { quantity, station }: GroupMember): boolean {
  return family.includes(quantity) && media.some(({ medium }) => medium === station.medium);
}

export interface CrossMedium extends GroupDetector {
  /** The probable source; null without findings, without candidates, or when it came from outside. */
  source(): GroupMember | null;
}

export function createCrossMedium(
  rule: CrossMediumRule,
  members: readonly GroupMember[],
  limitOf: LimitOf = limitOfMember,
): CrossMedium {
  return new CrossMediumDetector(rule, members, limitOf);
}

interface CrossMediumMemory {
  readonly time: number;
  readonly beyond: BeyondMemory;
}

class CrossMediumDetector implements CrossMedium {
  readonly #rule: CrossMediumRule;
  readonly #members: readonly GroupMember[];
  readonly #beyond: Beyond;
  /** By place in `#beyond`: number of the medium in the rule, and whether the station lies outside of the site's reach. */
  readonly #medium: readonly number[];
  readonly #outside: readonly boolean[];
  readonly #points: readonly (Point | null)[];
  readonly #flow: Point | null;
  readonly #counts: Uint8Array;
  #time = 0;
  score = 0;

  constructor(rule: CrossMediumRule, members: readonly GroupMember[], limitOf: LimitOf) {
    const numberOf = ({ station }: GroupMember): number =>
      rule.media.findIndex(({ medium }) => medium === station.medium);
    const watched = members.flatMap((member, index) => {
      const part = isWatched(rule, member) ? rule.media[numberOf(member)] : undefined;
      if (!part) return [];
      const bounds = boundsOf(part, rule.deadband, member, limitOf);
      return [{ member, index, bounds, baseline: part.baseline ?? null }];
    });
    this.#rule = rule;
    this.#members = members;
    this.#beyond = new Beyond(watched);
    this.#medium = watched.map(({ member }) => numberOf(member));
    this.#outside = watched.map(({ member }) => OUTSIDE.includes(member.station.type));
    this.#points = pointsOf(members);
    const typed = (types: readonly string[]): number[] =>
      members.flatMap(({ station }, index) => (types.includes(station.type) ? [index] : []));
    this.#flow =
      rule.flowTowards === undefined
        ? axisBetween(this.#points, typed(["upgradient"]), typed(["downgradient"]))
        : bearing(rule.flowTowards);
    this.#counts = new Uint8Array(rule.media.length);
  }

  step(step: GroupStep): Judgement {
    if (!this.#beyond.take(step)) return NOT_JUDGED;
    this.#time = step.time;
    return this.#weigh();
  }

  #weigh(): Judgement {
    const counts = this.#counts.fill(0); // 1: a finding that has grown old, 2: a finding
    for (let at = 0; at < this.#medium.length; at++) {
      if (this.#outside[at] || this.#beyond.state[at] !== BEYOND) continue;
      const medium = this.#medium[at] as number;
      counts[medium] = Math.max(counts[medium] ?? 0, this.#isFresh(at) ? 2 : 1);
    }
    let [held, open] = [0, 0];
    for (let medium = 0; medium < counts.length; medium++) {
      if (counts[medium] === 2) held++;
      else if (counts[medium] === 1) open++;
    }
    this.score = held;
    if (held >= this.#rule.atLeast) return VIOLATED;
    return held + open >= this.#rule.atLeast ? NOT_JUDGED : KEPT;
  }

  #isFresh(at: number): boolean {
    return this.#beyond.holds(at, this.#time, this.#rule.media[this.#medium[at] ?? -1]?.within ?? 0);
  }

  /** Places of the findings that count. */
  #findings(): number[] {
    return this.#medium.flatMap((_, at) => (!this.#outside[at] && this.#isFresh(at) ? [at] : []));
  }

  #cameFromOutside(findings: readonly number[]): boolean {
    return this.#medium.some((medium, at) => {
      if (!this.#outside[at] || !this.#isFresh(at)) return false;
      const own = findings.filter((other) => this.#medium[other] === medium);
      const since = this.#beyond.since[at] as number;
      return own.length > 0 && own.every((other) => since <= (this.#beyond.since[other] as number));
    });
  }

  source(): GroupMember | null {
    const findings = this.#findings();
    if (findings.length === 0 || this.#cameFromOutside(findings)) return null;
    const candidates = this.#members
      .map((member, index) => ({ member, rank: this.#rank(index, findings) }))
      .filter(({ member }) => SOURCES.includes(member.station.type))
      .sort((a, b) => compare(a.rank, b.rank) || byKey(a.member, b.member));
    return candidates[0]?.member ?? null;
  }

  /** Smaller is likelier: findings not down-gradient of it, without own findings, mean distance to the findings in m. */
  #rank(index: number, findings: readonly number[]): readonly number[] {
    const { station } = this.#members[index] as GroupMember;
    const from = this.#points[index] ?? null;
    let [against, own, distance, placed] = [0, 0, 0, 0];
    for (const at of findings) {
      const { member, index: other } = this.#beyond.watched[at] as { member: GroupMember; index: number };
      if (member.station.id === station.id) own++;
      const to = this.#points[other] ?? null;
      if (!from || !to) continue;
      placed++;
      distance += distanceM(from, to);
      if (this.#flow && dot(this.#flow, { x: to.x - from.x, y: to.y - from.y }) < 0) against++;
    }
    return [against, -own, placed > 0 ? distance / placed : Number.MAX_VALUE];
  }

  contributors(): readonly number[] {
    const shares = new Map<number, number>();
    for (const at of this.#findings()) {
      const { index } = this.#beyond.watched[at] as { index: number };
      shares.set(index, this.#beyond.excess[at] ?? 0);
    }
    return mostFirst(shares, this.#members);
  }

  /** `source` is the index of a member at the probable source; -1 when none is named. */
  figures(): Readonly<Record<string, number>> {
    const findings = this.#findings();
    const source = this.source();
    return {
      media: this.score,
      needed: this.#rule.atLeast,
      findings: findings.length,
      offSite: this.#cameFromOutside(findings) ? 1 : 0,
      source: source ? this.#members.indexOf(source) : -1,
    };
  }

  save(): DetectorMemory {
    return { time: this.#time, beyond: this.#beyond.save() } satisfies CrossMediumMemory;
  }
  load(memory: DetectorMemory | null): void {
    const saved = memory as CrossMediumMemory | null;
    this.#time = saved?.time ?? 0;
    this.#beyond.load(saved?.beyond ?? null);
    this.#weigh();
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [at, value] of a.entries()) if (value !== b[at]) return value - (b[at] ?? 0);
  return 0;
}
