/**
 * Rule kind `tailings`: the grade of a tailings pond (GB 39496-2020 5.5.4), blue, yellow, orange, red as score 1 to 4.
 *
 * Each point is graded by the pond's own design values; a grade without a design value does not run. Points of one
 * item: 4 at blue raise the item to yellow, 3 at yellow to orange, 2 at orange to red. Items: 4 at blue count as one at
 * yellow. What the copy of the standard at hand breaks off after that is not guessed: no further raising across items.
 * A raised item is not a raised point, so one raising never causes the next.
 */
import type { Level } from "../../core/alarm.ts";
import { conversion, convert } from "../../core/quantity.ts";
import { GRADES, type TailingsItem, type TailingsRule } from "../../core/rule-group.ts";
import { mostFirst } from "./composite.ts";
import { type Bound, type Judgement, judge, KEPT, NOT_JUDGED, VIOLATED } from "./condition.ts";
import type { DetectorMemory } from "./detector.ts";
import type { Group, GroupDetector, GroupMember, GroupStep } from "./group.ts";
import { fits, groupAt, membersBy } from "./group-scope.ts";
import { withDeadband } from "./limit.ts";
import { FORM } from "./marks.ts";
import { Movement, type MovementMemory } from "./movement.ts";

const POINTS_BLUE_TO_YELLOW = 4;
const POINTS_YELLOW_TO_ORANGE = 3;
const POINTS_ORANGE_TO_RED = 2;
const ITEMS_BLUE_TO_YELLOW = 4;

/** The level that a score of a tailings rule means: 1 blue to 4 red. */
export function levelOfScore(score: number): Level {
  return GRADES[Math.min(Math.max(Math.round(score), 1), GRADES.length) - 1] ?? "red";
}

/** @param points grades of one item's points, 0 (calm) to 4 (red). */
export function itemGrade(points: ArrayLike<number>): number {
  const counts = countGrades(points);
  const worst = worstOf(points);
  if (worst === 3 && (counts[3] ?? 0) >= POINTS_ORANGE_TO_RED) return 4;
  if (worst === 2 && (counts[2] ?? 0) >= POINTS_YELLOW_TO_ORANGE) return 3;
  if (worst === 1 && (counts[1] ?? 0) >= POINTS_BLUE_TO_YELLOW) return 2;
  return worst;
}

/** @param items grades of the pond's items. */
export function pondGrade(items: ArrayLike<number>): number {
  const worst = worstOf(items);
  return worst === 1 && (countGrades(items)[1] ?? 0) >= ITEMS_BLUE_TO_YELLOW ? 2 : worst;
}

function countGrades(grades: ArrayLike<number>): number[] {
  const counts = [0, 0, 0, 0, 0];
  for (let at = 0; at < grades.length; at++) counts[grades[at] ?? 0] = (counts[grades[at] ?? 0] ?? 0) + 1;
  return counts;
}
function worstOf(grades: ArrayLike<number>): number {
  let worst = 0;
  for (let at = 0; at < grades.length; at++) worst = Math.max(worst, grades[at] ?? 0);
  return worst;
}

/** One group a site; told at the rule's station, else at the pond's first one. */
export function tailingsGroups(rule: TailingsRule, members: readonly GroupMember[]): Group[] {
  const wanted = members.filter((member) => rule.items.some((item) => asksFor(item, member)));
  return membersBy(wanted, ({ site }) => site.id).flatMap((site) => groupAt(rule.at, site.members, []));
}

function asksFor(item: TailingsItem, { quantity, station, aggregate }: GroupMember): boolean {
  return item.quantity === quantity && aggregate !== "sum" && fits(item.station, station.id);
}

export function createTailings(rule: TailingsRule, members: readonly GroupMember[]): GroupDetector {
  return new Tailings(rule, members);
}

/** One measure of one member. */
interface Part {
  readonly index: number;
  readonly item: TailingsItem;
  /** Numbers of its item and of its point among all points of that item. */
  readonly itemNumber: number;
  readonly pointNumber: number;
  /** By grade from blue; null where there is no design value. */
  readonly bounds: readonly (readonly Bound[] | null)[];
  readonly movement: Movement | null;
  readonly noise: number;
}

interface TailingsMemory {
  readonly grades: readonly number[];
  readonly movements: readonly (MovementMemory | null)[];
}

class Tailings implements GroupDetector {
  readonly #members: readonly GroupMember[];
  readonly #parts: readonly Part[];
  /** Newest grade by part; it stays until the next usable reading: missing data never clears. */
  readonly #grades: Uint8Array;
  readonly #points: readonly Uint8Array[];
  readonly #items: Uint8Array;
  score = 0;

  constructor(rule: TailingsRule, members: readonly GroupMember[]) {
    const names = [...new Set(rule.items.map(nameOf))];
    const points: string[][] = names.map(() => []);
    this.#parts = rule.items.flatMap((item) =>
      members.flatMap((member, index) => {
        if (!asksFor(item, member)) return [];
        const itemNumber = names.indexOf(nameOf(item));
        const keys = points[itemNumber] as string[];
        if (!keys.includes(member.key)) keys.push(member.key);
        const part = { index, item, itemNumber, pointNumber: keys.indexOf(member.key) };
        const moves = item.measure === "rate" || item.measure === "failure";
        const movement = moves ? new Movement(item.over) : null;
        return [{ ...part, bounds: boundsOfItem(rule, item, member), movement, noise: member.resolution ?? 0 }];
      }),
    );
    this.#members = members;
    this.#grades = new Uint8Array(this.#parts.length);
    this.#points = points.map((keys) => new Uint8Array(keys.length));
    this.#items = new Uint8Array(names.length);
  }

  step({ time, values, forms, flags }: GroupStep): Judgement {
    let judged = false;
    for (let at = 0; at < this.#parts.length; at++) {
      const { index, movement } = this.#parts[at] as Part;
      const [value, form] = [values[index] ?? Number.NaN, forms[index] ?? FORM.unfit];
      if (form === FORM.unfit || Number.isNaN(value)) continue;
      // A jump that statistics call wrong would bend every rate for the whole span.
      if (movement && (form !== FORM.plain || flags[index] === 4)) continue;
      if (this.#grade(at, time, value, form)) judged = true;
    }
    if (!judged) return NOT_JUDGED;
    this.#weigh();
    return this.score > 0 ? VIOLATED : KEPT;
  }

  #grade(at: number, time: number, value: number, form: number): boolean {
    const { item, bounds, movement, noise } = this.#parts[at] as Part;
    movement?.take(time, value);
    const measured = measure(item, movement, time, value, noise);
    if (Number.isNaN(measured)) return false;
    const had = this.#grades[at] ?? 0;
    let found = 0;
    let judged = false;
    for (let grade = 1; grade <= GRADES.length; grade++) {
      const bound = bounds[grade - 1];
      if (!bound) continue;
      const answer = judge(bound, measured, form);
      if (answer !== NOT_JUDGED) judged = true;
      // A grade that it had stays inside the deadband, and where nothing certain is said.
      if (answer === VIOLATED || (answer !== KEPT && had >= grade)) found = grade;
    }
    if (!judged) return false;
    this.#grades[at] = found;
    return true;
  }

  #weigh(): void {
    for (const points of this.#points) points.fill(0);
    for (let at = 0; at < this.#parts.length; at++) {
      const { itemNumber, pointNumber } = this.#parts[at] as Part;
      const points = this.#points[itemNumber] as Uint8Array;
      points[pointNumber] = Math.max(points[pointNumber] ?? 0, this.#grades[at] ?? 0);
    }
    for (let item = 0; item < this.#items.length; item++)
      this.#items[item] = itemGrade(this.#points[item] as Uint8Array);
    this.score = pondGrade(this.#items);
  }

  contributors(): readonly number[] {
    const worst = new Map<number, number>();
    for (const [at, { index }] of this.#parts.entries()) {
      const grade = this.#grades[at] ?? 0;
      if (grade > 0) worst.set(index, Math.max(worst.get(index) ?? 0, grade));
    }
    return mostFirst(worst, this.#members);
  }

  /** `pointsBlue` to `pointsRed`, `itemsBlue` to `itemsRed`: how many stand at that grade, and the pond's own as `grade`. */
  figures(): Readonly<Record<string, number>> {
    const points = [0, 0, 0, 0, 0];
    for (const item of this.#points) for (const grade of item) points[grade] = (points[grade] ?? 0) + 1;
    const items = countGrades(this.#items);
    const found: Record<string, number> = { grade: this.score };
    for (const [at, name] of ["Blue", "Yellow", "Orange", "Red"].entries()) {
      found[`points${name}`] = points[at + 1] ?? 0;
      found[`items${name}`] = items[at + 1] ?? 0;
    }
    return found;
  }

  save(): DetectorMemory {
    return {
      grades: [...this.#grades],
      movements: this.#parts.map(({ movement }) => movement?.save() ?? null),
    } satisfies TailingsMemory;
  }
  load(memory: DetectorMemory | null): void {
    const saved = memory as TailingsMemory | null;
    for (const [at, { movement }] of this.#parts.entries()) {
      this.#grades[at] = saved?.grades[at] ?? 0;
      movement?.load(saved?.movements[at] ?? null);
    }
    this.#weigh();
  }
}

function nameOf({ item, quantity }: TailingsItem): string {
  return item ?? quantity;
}

/** Small is worse for these (standard's own list); for days to failure and freeboard as well. */
const WORSE_BELOW: readonly string[] = ["freeboard", "dry_beach", "phreatic_depth"];
/** Either direction is movement. */
const MOVING = /^displacement_/;

function sideOf({ worse, measure, quantity }: TailingsItem): "above" | "below" {
  if (worse) return worse;
  if (measure === "failure" || measure === "freeboard") return "below";
  return measure === "value" && WORSE_BELOW.includes(quantity) ? "below" : "above";
}

function measure(item: TailingsItem, movement: Movement | null, time: number, value: number, noise: number): number {
  const moving = MOVING.test(item.quantity);
  if (item.measure === "freeboard") return (item.crest ?? Number.NaN) - value;
  if (item.measure === "failure") return movement?.daysToFailure(time, noise) ?? Number.NaN;
  if (item.measure === "value") return moving ? Math.abs(value) : value;
  const rate = movement?.rate(time, value) ?? Number.NaN;
  // Phreatic depth and beach worsen by falling: their rate counts downwards.
  return moving ? Math.abs(rate) : WORSE_BELOW.includes(item.quantity) ? -rate : rate;
}

function boundsOfItem(rule: TailingsRule, item: TailingsItem, member: GroupMember): (readonly Bound[] | null)[] {
  const change = item.unit === undefined ? null : conversion(item.quantity, member.station.medium, item.unit);
  const side = sideOf(item);
  return GRADES.map((grade) => {
    const orange = item.red === undefined || item.orangeFactor === undefined ? undefined : item.red * item.orangeFactor;
    const value = item[grade] ?? (grade === "orange" ? orange : undefined);
    if (value === undefined || (item.unit !== undefined && !change)) return null;
    // Days to failure have no unit to convert; a rate is scaled, never shifted.
    const scaled = change && item.measure !== "failure" ? convert(value, { ...change, offset: 0 }) : value;
    // A design value is reached, not only passed: at the red level it is red.
    return [withDeadband(scaled, side === "above" ? "<" : ">", rule.deadband)];
  });
}
