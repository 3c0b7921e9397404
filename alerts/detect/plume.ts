/**
 * Rule kind `plume`: a well is beyond its limit, and the front may reach a water source soon. The arrival of a fraction
 * of the source's concentration is a band (P5, P50, P95) of a seeded Monte Carlo; the earliest (P5) decides.
 *
 * The gradient comes from the rule, or from heads of at least three wells (plane, ±30 %), taken along the path. Where
 * two wells of the path have seen the front, its timed velocity replaces that of the ground.
 * A band is made once for a source, its onset and its inputs; steps in between only compare times.
 */
import type { PlumeRule } from "../../core/rule-group.ts";
import { arrivalBand, type Band, type Range } from "./arrival.ts";
import { BEYOND, Beyond, type BeyondMemory } from "./beyond.ts";
import { mostFirst } from "./composite.ts";
import { type Judgement, KEPT, NOT_JUDGED, VIOLATED } from "./condition.ts";
import type { DetectorMemory } from "./detector.ts";
import { pointsOf } from "./flow-path.ts";
import { Front, frontVelocity } from "./front.ts";
import { distanceM, dot, gradientPlane, type Point, unitVector } from "./geometry.ts";
import type { Group, GroupDetector, GroupMember, GroupStep } from "./group.ts";
import { boundsOf, byKey, type LimitOf, limitOfMember, membersBy } from "./group-scope.ts";
import { FORM } from "./marks.ts";

const DAY_MS = 86_400_000;
const HEADS = "gw_level";
/** Uncertainty of a gradient from heads. */
const HEAD_SPREAD = 0.3;

/**
 * One group a quantity, fraction and aggregate: its source wells, the receptor where it measures, and the wells whose
 * heads are used. Told at the receptor, whether it measures or not. `on` must let in gw_level where heads are used.
 */
export function plumeGroups(rule: PlumeRule, members: readonly GroupMember[]): Group[] {
  const groundwater = members.filter(({ station }) => station.medium === "groundwater" || station.id === rule.receptor);
  const heads = groundwater.filter((member) => rule.wellheads && isHead(rule, member));
  const series = groundwater.filter(({ quantity }) => quantity !== HEADS);
  return membersBy(series, ({ quantity, fraction, aggregate }) => `${quantity}/${fraction}/${aggregate}`).flatMap(
    (group) => {
      const sources = group.members.filter((member) => isSource(rule, member));
      const used = group.members.filter((member) => isSource(rule, member) || member.station.id === rule.receptor);
      if (sources.length === 0) return [];
      const [station, about] = [rule.at ?? rule.receptor, group.name.replaceAll("/", ".")];
      return [{ station, about, members: [...used, ...heads].sort(byKey) }];
    },
  );
}

function isHead({ wellheads }: PlumeRule, { quantity, station }: GroupMember): boolean {
  return quantity === HEADS && wellheads?.[station.id] !== undefined;
}
function isSource({ sourceTypes, receptor }: PlumeRule, { quantity, station }: GroupMember): boolean {
  return quantity !== HEADS && station.id !== receptor && sourceTypes.includes(station.type);
}

export function createPlume(
  rule: PlumeRule,
  members: readonly GroupMember[],
  limitOf: LimitOf = limitOfMember,
): GroupDetector {
  return new Plume(rule, members, limitOf);
}

interface PlumeMemory {
  readonly time: number;
  readonly beyond: BeyondMemory;
  readonly fronts: readonly unknown[];
  readonly heads: readonly (number | null)[];
}

interface Forecast {
  readonly band: Band;
  readonly distance: number;
  readonly timed: boolean;
}

class Plume implements GroupDetector {
  readonly #rule: PlumeRule;
  readonly #members: readonly GroupMember[];
  readonly #beyond: Beyond;
  readonly #points: readonly (Point | null)[];
  readonly #fronts: readonly Front[];
  /** Newest head by member, m; NaN where not known. */
  readonly #heads: Float64Array;
  /** By place in `#beyond`; a function of the memory alone, so it is not saved. */
  readonly #forecasts = new Map<string, Forecast | null>();
  #time = 0;
  #worst = -1;
  #forecast: Forecast | null = null;
  score = 0;

  constructor(rule: PlumeRule, members: readonly GroupMember[], limitOf: LimitOf) {
    this.#rule = rule;
    this.#members = members;
    this.#beyond = new Beyond(
      members.flatMap((member, index) => {
        const bounds = isSource(rule, member) ? boundsOf(rule, rule.deadband, member, limitOf) : [];
        return bounds.length === 0 ? [] : [{ member, index, bounds, baseline: null }];
      }),
    );
    this.#points = pointsOf(members);
    this.#fronts = this.#beyond.watched.map(() => new Front(rule.frontSpan));
    this.#heads = new Float64Array(members.length).fill(Number.NaN);
  }

  step(step: GroupStep): Judgement {
    const judged = this.#beyond.take(step);
    for (let index = 0; index < this.#members.length; index++) {
      if (step.forms[index] !== FORM.plain || step.flags[index] === 4) continue;
      const member = this.#members[index] as GroupMember;
      const top = this.#rule.wellheads?.[member.station.id];
      if (member.quantity === HEADS && top !== undefined) this.#heads[index] = top - (step.values[index] as number);
    }
    for (let at = 0; at < this.#fronts.length; at++) {
      const { index } = this.#beyond.watched[at] as { index: number };
      if (step.forms[index] !== FORM.unfit && step.flags[index] !== 4 && !Number.isNaN(step.values[index])) {
        this.#fronts[at]?.take(step.time, step.values[index] as number);
      }
    }
    if (!judged) return NOT_JUDGED;
    this.#time = step.time;
    return this.#weigh();
  }

  #weigh(): Judgement {
    [this.#worst, this.#forecast, this.score] = [-1, null, 0];
    let [soonest, unknown] = [Number.POSITIVE_INFINITY, false];
    for (let at = 0; at < this.#beyond.watched.length; at++) {
      if (this.#beyond.state[at] !== BEYOND) continue;
      const forecast = this.#forecastOf(at);
      if (!forecast) unknown = true;
      const reach = (this.#beyond.since[at] as number) + (forecast?.band.p5 ?? Number.POSITIVE_INFINITY) * DAY_MS;
      if (!(reach < soonest)) continue;
      [soonest, this.#worst, this.#forecast] = [reach, at, forecast];
    }
    const left = soonest - this.#time;
    if (left > this.#rule.within) return unknown ? NOT_JUDGED : KEPT;
    this.score = this.#rule.within / Math.max(left, this.#rule.within / 10);
    return VIOLATED;
  }

  #forecastOf(at: number): Forecast | null {
    const gradient = this.#gradientFrom(at);
    const distance = this.#distanceFrom(at);
    if (!gradient || !(distance > 0)) return null;
    const timed = this.#timedVelocity(at);
    const { member } = this.#beyond.watched[at] as { member: GroupMember };
    const inputs = [member.key, this.#beyond.since[at], distance, ...gradient, ...(timed ?? [])].join(" ");
    let known = this.#forecasts.get(inputs);
    if (known !== undefined) return known;
    const { rule, quantity } = { rule: this.#rule, quantity: member.quantity };
    const pulse = rule.pulse === undefined ? null : rule.pulse / DAY_MS;
    const path = { quantity, distance, gradient, timed, fraction: rule.fraction, pulse };
    // Rule, source and onset make the seed, so the band does not jump about while its inputs change a little.
    const seed = `${rule.id} ${rule.receptor} ${member.key} ${this.#beyond.since[at]}`;
    known = { band: arrivalBand(rule.aquifer, path, seed, rule.draws), distance, timed: timed !== null };
    if (this.#forecasts.size >= 64) this.#forecasts.clear();
    this.#forecasts.set(inputs, known);
    return known;
  }

  /** Straight to the receptor, or along the rule's own path; NaN where neither is known. */
  #distanceFrom(at: number): number {
    const { along, receptor } = this.#rule;
    const { member, index } = this.#beyond.watched[at] as { member: GroupMember; index: number };
    if (along) return (along[receptor] ?? Number.NaN) - (along[member.station.id] ?? Number.NaN);
    const [from, to] = [this.#points[index], this.#receptorPoint()];
    return from && to ? distanceM(from, to) : Number.NaN;
  }

  #receptorPoint(): Point | null {
    return this.#points[this.#members.findIndex(({ station }) => station.id === this.#rule.receptor)] ?? null;
  }

  /** Along the path, rounded to 3 digits so that a breath of the water table makes no new band; 0 where it leads away, null while unknown. */
  #gradientFrom(at: number): Range | null {
    if (this.#rule.aquifer.gradient) return this.#rule.aquifer.gradient;
    const wells = this.#points.flatMap((point, index) => {
      const head = this.#heads[index] ?? Number.NaN;
      return point && !Number.isNaN(head) ? [{ ...point, head }] : [];
    });
    const plane = gradientPlane(wells);
    const from = this.#points[this.#beyond.watched[at]?.index ?? -1];
    const to = this.#receptorPoint();
    const path = from && to ? unitVector(from, to) : null;
    if (!plane) return null;
    const slope = Number((path ? dot(plane.flow, path) : plane.gradient).toPrecision(3));
    return slope > 0 ? [slope * (1 - HEAD_SPREAD), slope * (1 + HEAD_SPREAD)] : [0, 0];
  }

  /** From the wells between source and receptor that are beyond, where at least two have seen the front. */
  #timedVelocity(at: number): Range | null {
    const whole = this.#distanceFrom(at);
    const seen = this.#beyond.watched.flatMap((_, other) => {
      const along = whole - this.#distanceFrom(other);
      if (this.#beyond.state[other] !== BEYOND || !(along >= 0 && along < whole)) return [];
      const half = this.#fronts[other]?.halfRise(this.#time) ?? null;
      return half ? [{ along, half }] : [];
    });
    const front = frontVelocity(seen);
    if (!front || front.velocity === null) return null;
    const [velocity, factor] = [front.velocity, front.factor].map((value) => Number(value.toPrecision(3)));
    return velocity && factor ? [velocity / factor, velocity * factor] : null;
  }

  contributors(): readonly number[] {
    const shares = new Map<number, number>();
    for (const [at, { index }] of this.#beyond.watched.entries()) {
      if (this.#beyond.state[at] !== BEYOND) continue;
      shares.set(index, at === this.#worst ? Number.POSITIVE_INFINITY : (this.#beyond.excess[at] ?? 0));
    }
    return mostFirst(shares, this.#members);
  }

  /** Days are from the newest reading; what never arrives is left out. */
  figures(): Readonly<Record<string, number>> {
    const found: Record<string, number> = { withinDays: this.#rule.within / DAY_MS, fraction: this.#rule.fraction };
    if (!this.#forecast) return found;
    const { band, distance, timed } = this.#forecast;
    const age = (this.#time - (this.#beyond.since[this.#worst] as number)) / DAY_MS;
    for (const [name, days] of Object.entries(band)) if (Number.isFinite(days)) found[name] = days - age;
    return { ...found, distance, timed: timed ? 1 : 0, began: this.#beyond.since[this.#worst] as number };
  }

  save(): DetectorMemory {
    return {
      time: this.#time,
      beyond: this.#beyond.save(),
      fronts: this.#fronts.map((front) => front.save()),
      heads: Array.from(this.#heads, (head) => (Number.isNaN(head) ? null : head)),
    } satisfies PlumeMemory;
  }
  load(memory: DetectorMemory | null): void {
    const saved = memory as PlumeMemory | null;
    this.#time = saved?.time ?? 0;
    this.#beyond.load(saved?.beyond ?? null);
    for (const [at, front] of this.#fronts.entries()) front.load(saved?.fronts[at] ?? null);
    for (let index = 0; index < this.#heads.length; index++) this.#heads[index] = saved?.heads[index] ?? Number.NaN;
    this.#weigh();
  }
}
