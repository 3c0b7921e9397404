/**
 * Rule kind `spread`: wells of one site and quantity, up- and down-gradient. Down-gradient beyond its bound or its own
 * past, and nothing up-gradient before or with it: the source is on the site. Up-gradient first: it came from outside.
 * Unknown up-gradient water proves neither.
 *
 * Also follows the front: half rises of the wells give its velocity; ln(velocity ÷ prior) says how well that agrees
 * with K·i/(n·R) of the rule's aquifer.
 */
import type { Aquifer, SpreadRule } from "../../core/rule-group.ts";
import { kdRange, transportOf } from "./arrival.ts";
import { BEYOND, Beyond, type BeyondMemory, CALM, finite, UNHEARD } from "./beyond.ts";
import { mostFirst } from "./composite.ts";
import { type Judgement, KEPT, NOT_JUDGED, VIOLATED } from "./condition.ts";
import type { DetectorMemory } from "./detector.ts";
import { axisBetween, pointsOf, positions } from "./flow-path.ts";
import { Front, type FrontVelocity, frontVelocity } from "./front.ts";
import type { Group, GroupDetector, GroupMember, GroupStep } from "./group.ts";
import { boundsOf, groupAt, type LimitOf, limitOfMember, membersBy } from "./group-scope.ts";
import { FORM } from "./marks.ts";

/** One group a site, medium, quantity, fraction and aggregate that has wells on both sides; told at a down-gradient well. */
export function spreadGroups(rule: SpreadRule, members: readonly GroupMember[]): Group[] {
  const { upGradient, downGradient } = rule;
  const wells = members.filter(({ station }) => [...upGradient, ...downGradient].includes(station.type));
  return membersBy(wells, wellsOf).flatMap((group) => {
    const has = (types: readonly string[]): boolean =>
      group.members.some(({ station }) => types.includes(station.type));
    return has(upGradient) && has(downGradient)
      ? groupAt(rule.at, group.members, downGradient, aboutOf(group.name))
      : [];
  });
}

function wellsOf({ site, station, quantity, fraction, aggregate }: GroupMember): string {
  return [site.id, station.medium, quantity, fraction, aggregate].join("/");
}

/** An id: the name without its site. */
function aboutOf(name: string): string {
  return name.split("/").slice(1).join(".");
}

export function createSpread(
  rule: SpreadRule,
  members: readonly GroupMember[],
  limitOf: LimitOf = limitOfMember,
): GroupDetector {
  return new Spread(rule, members, limitOf);
}

interface SpreadMemory {
  readonly time: number;
  readonly began: number | null;
  readonly offSite: boolean;
  readonly beyond: BeyondMemory;
  readonly fronts: readonly unknown[];
}

class Spread implements GroupDetector {
  readonly #rule: SpreadRule;
  readonly #members: readonly GroupMember[];
  readonly #beyond: Beyond;
  readonly #isUp: readonly boolean[];
  readonly #along: readonly number[];
  readonly #fronts: readonly Front[];
  #time = 0;
  /** When the first down-gradient well went beyond in the running spread; NaN while there is none. */
  #began = Number.NaN;
  #offSite = false;
  score = 0;

  constructor(rule: SpreadRule, members: readonly GroupMember[], limitOf: LimitOf) {
    this.#rule = rule;
    this.#members = members;
    this.#beyond = new Beyond(
      members.map((member, index) => ({
        member,
        index,
        bounds: boundsOf(rule, rule.deadband, member, limitOf),
        baseline: rule.baseline ?? null,
      })),
    );
    this.#isUp = members.map(({ station }) => rule.upGradient.includes(station.type));
    const all = members.map((_, index) => index);
    const up = all.filter((index) => this.#isUp[index]);
    const axis = axisBetween(
      pointsOf(members),
      up,
      all.filter((index) => !this.#isUp[index]),
    );
    this.#along = positions(rule.along, members, axis);
    this.#fronts = members.map(() => new Front(rule.frontSpan));
  }

  step(step: GroupStep): Judgement {
    const judged = this.#beyond.take(step);
    for (let at = 0; at < this.#fronts.length; at++) {
      const form = step.forms[at];
      const value = step.values[at] as number;
      if (form !== FORM.unfit && step.flags[at] !== 4 && !Number.isNaN(value)) this.#fronts[at]?.take(step.time, value);
    }
    if (!judged) return NOT_JUDGED;
    this.#time = step.time;
    return this.#weigh();
  }

  #weigh(): Judgement {
    const { state, since } = this.#beyond;
    let [fresh, any, heard, began] = [0, false, false, Number.POSITIVE_INFINITY];
    for (let at = 0; at < state.length; at++) {
      if (this.#isUp[at]) continue;
      if (state[at] !== UNHEARD) heard = true;
      if (state[at] !== BEYOND) continue;
      any = true;
      began = Math.min(began, since[at] as number);
      if (this.#beyond.holds(at, this.#time, this.#rule.within)) fresh++;
    }
    this.score = fresh;
    if (!any) {
      this.#began = Number.NaN;
      this.#offSite = false;
      return heard ? KEPT : NOT_JUDGED;
    }
    if (Number.isNaN(this.#began)) this.#began = began;
    if (!this.#offSite) this.#offSite = this.#upCameFirst();
    if (fresh === 0) return NOT_JUDGED;
    if (this.#offSite) return this.#rule.offSite === "tell" ? VIOLATED : KEPT;
    return this.#upIsKnown() ? VIOLATED : NOT_JUDGED;
  }

  /** An up-gradient well went beyond before or with the first down-gradient one, and had not long been calm again by then. */
  #upCameFirst(): boolean {
    const { state, since, over } = this.#beyond;
    for (let at = 0; at < state.length; at++) {
      if (!this.#isUp[at]) continue;
      if (state[at] === BEYOND && (since[at] as number) <= this.#began) return true;
      const ended = over[at] as number;
      if (ended <= this.#began && this.#began - ended <= this.#rule.within) return true;
    }
    return false;
  }

  #upIsKnown(): boolean {
    const { state, heard } = this.#beyond;
    for (let at = 0; at < state.length; at++) {
      if (this.#isUp[at] && state[at] !== UNHEARD && this.#time - (heard[at] as number) <= this.#rule.within)
        return true;
    }
    return false;
  }

  contributors(): readonly number[] {
    const shares = new Map<number, number>();
    for (let at = 0; at < this.#members.length; at++) {
      const counts = !this.#isUp[at] || this.#offSite;
      if (counts && this.#beyond.holds(at, this.#time, this.#rule.within)) {
        shares.set(at, this.#beyond.excess[at] ?? 0);
      }
    }
    return mostFirst(shares, this.#members);
  }

  figures(): Readonly<Record<string, number>> {
    const calmUp = this.#members.filter((_, at) => this.#isUp[at] && this.#beyond.state[at] === CALM).length;
    const found: Record<string, number> = { downBeyond: this.score, upCalm: calmUp, offSite: this.#offSite ? 1 : 0 };
    if (!Number.isNaN(this.#began)) found["began"] = this.#began;
    const front = this.#front();
    if (!front) return found;
    found["frontWells"] = front.wells;
    found["frontMoves"] = front.velocity === null ? 0 : 1;
    if (front.velocity === null) return found;
    found["velocity"] = front.velocity;
    const prior = this.#rule.aquifer ? priorVelocity(this.#rule.aquifer, this.#members[0]?.quantity ?? "") : null;
    if (prior === null) return found;
    found["prior"] = prior;
    found["consistency"] = Math.log(front.velocity / prior);
    return found;
  }

  #front(): FrontVelocity | null {
    const timed = this.#members.flatMap((_, at) => {
      const along = this.#along[at] ?? Number.NaN;
      const seen = this.#beyond.state[at] === BEYOND && Number.isFinite(along);
      const half = seen ? (this.#fronts[at]?.halfRise(this.#time) ?? null) : null;
      return half ? [{ along, half }] : [];
    });
    return frontVelocity(timed);
  }

  save(): DetectorMemory {
    return {
      time: this.#time,
      began: finite(this.#began),
      offSite: this.#offSite,
      beyond: this.#beyond.save(),
      fronts: this.#fronts.map((front) => front.save()),
    } satisfies SpreadMemory;
  }
  load(memory: DetectorMemory | null): void {
    const saved = memory as SpreadMemory | null;
    this.#time = saved?.time ?? 0;
    this.#began = saved?.began ?? Number.NaN;
    this.#offSite = saved?.offSite ?? false;
    this.#beyond.load(saved?.beyond ?? null);
    for (const [at, front] of this.#fronts.entries()) front.load(saved?.fronts[at] ?? null);
    this.#weigh();
  }
}

/** v' in the middle of all ranges, m/d; null without a gradient. */
export function priorVelocity(aquifer: Aquifer, quantity: string): number | null {
  if (aquifer.gradient === undefined) return null;
  const path = { quantity, distance: 1, gradient: aquifer.gradient, timed: null, fraction: 0.5, pulse: null };
  const { velocity, retardation } = transportOf(aquifer, path, [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
  return kdRange(aquifer, quantity)[1] > 0 ? velocity / retardation : velocity;
}
