/**
 * One group rule over its members: merges their windows by data time, steps the detector once for each distinct time, and
 * writes what it answers into a derived series, which is watched, folded and told like any other.
 *
 * The newest time is taken in once as many members have spoken as at the time before, or when something newer or a tick
 * comes. A reading that comes later than that folds again from a checkpoint, so the outcome follows from the readings.
 */
import { chinaDay } from "../core/china-day.ts";
import type { Origin } from "../core/reading.ts";
import { Checkpoints } from "./checkpoints.ts";
import { type Judgement, NOT_JUDGED, VIOLATED } from "./detect/condition.ts";
import type { DetectorMemory } from "./detect/detector.ts";
import type { Group, GroupDetector, GroupStep } from "./detect/group.ts";
import { FORM, FORM_MASK, flagOf, formOf, isBackfill, marksOf } from "./detect/marks.ts";
import type { SeriesState } from "./series.ts";
import type { Row, Source } from "./window.ts";

const LETTER_N = 78;
const [GOOD, SUSPECT, MISSING] = [1, 3, 9];

/** Members' readings between those that decided, together: more are not kept. */
const BETWEEN_MAX = 2_000;

/** What decided an episode of a group, fit to be computed again. */
export interface GroupDecision {
  /** Of the detector before the first of `rows`. */
  readonly memory: DetectorMemory;
  readonly figures: Readonly<Record<string, number>>;
  /** Indexes into the group's members, most first. */
  readonly contributors: readonly number[];
  /** What each member reported from the first to the last deciding time. */
  readonly rows: readonly (readonly Row[])[];
}

export class GroupWatch {
  readonly group: Group;
  readonly derived: SeriesState;
  /** Rule and members; a group of another identity starts anew. */
  readonly identity: string;
  queued = false;
  /** Data time up to which members' windows have dropped rows; those steps are in the memory at the edge. */
  edgeTime = Number.NEGATIVE_INFINITY;
  readonly #members: readonly SeriesState[];
  readonly #create: () => GroupDetector;
  readonly #queue: (group: GroupWatch) => void;
  readonly #rowsMax: () => number;
  readonly #daily: boolean;
  readonly #edge: GroupDetector;
  #tail: GroupDetector;
  #tailTime = Number.NEGATIVE_INFINITY;
  readonly #points = new Checkpoints<DetectorMemory>();
  /** Data time of the earliest change that is not taken in. */
  #from = Number.POSITIVE_INFINITY;
  /** Replaced by another group: whatever it still waits for is left alone. */
  gone = false;
  /** The derived series has something to settle; at first to be told under the binding it now has. */
  #touched = true;
  /** How many members spoke at the last step that was derived, and at the one at hand. */
  #usual = 0;
  #speakers = 0;
  readonly #at: Int32Array;
  readonly #step: { time: number; values: Float64Array; forms: Uint8Array; flags: Uint8Array };
  readonly #origin: { -readonly [K in keyof Origin]: Origin[K] };
  #source: Source = { device: "", boot: "" };

  constructor(parts: {
    readonly group: Group;
    readonly identity: string;
    readonly members: readonly SeriesState[];
    readonly derived: SeriesState;
    readonly create: () => GroupDetector;
    /** Called once when there is something to settle. */
    readonly queue: (group: GroupWatch) => void;
    /** Bound on the derived series' window. */
    readonly rowsMax: () => number;
    /** Takes readings in once a day, when one of a later day comes; see `GroupPlan`. */
    readonly daily: boolean;
  }) {
    const count = parts.members.length;
    this.group = parts.group;
    this.identity = parts.identity;
    this.derived = parts.derived;
    this.#members = parts.members;
    this.#create = parts.create;
    this.#queue = parts.queue;
    this.#rowsMax = parts.rowsMax;
    this.#daily = parts.daily;
    this.#edge = parts.create();
    this.#tail = parts.create();
    this.#at = new Int32Array(count);
    const [values, forms, flags] = [new Float64Array(count), new Uint8Array(count), new Uint8Array(count)];
    this.#step = { time: 0, values, forms, flags };
    this.#origin = { device: "", boot: "", seq: -1, receivedAt: 0, backfill: false };
    for (const { window } of parts.members) this.edgeTime = Math.max(this.edgeTime, window.edge);
    this.touch(Number.NEGATIVE_INFINITY);
  }

  /** Memory at the edge, for snapshots. */
  get edgeMemory(): DetectorMemory {
    return this.#edge.save();
  }
  restore(memory: DetectorMemory, edgeTime: number): void {
    this.#edge.load(memory);
    this.edgeTime = Math.max(this.edgeTime, edgeTime);
    this.#tailTime = Number.POSITIVE_INFINITY; // whatever is settled next folds from the edge
  }

  /** Data time up to which it has judged. */
  get tailTime(): number {
    return this.#tailTime;
  }
  /** Takes over from a group of other members: what that one found stands, and this one begins after it. */
  beginAfter(time: number): void {
    this.edgeTime = Math.max(this.edgeTime, time);
    this.#tailTime = Math.max(this.#tailTime, this.edgeTime);
  }

  /** A member's row at `time` came or changed. */
  touch(time: number): void {
    if (time <= this.edgeTime && time !== Number.NEGATIVE_INFINITY) return; // its neighbours are gone
    if (time < this.#from) this.#from = time;
    if (this.queued || (this.#daily && time > this.#tailTime && chinaDay(time) === chinaDay(this.#tailTime))) return;
    this.queued = true;
    this.#queue(this);
  }

  /** A member is about to drop its rows up to `edge`. */
  passEdge(edge: number): void {
    if (edge <= this.edgeTime) return;
    if (this.#from <= this.#tailTime || this.#tailTime < edge) this.#advance(edge);
    this.#run(this.#edge, this.edgeTime, edge, null);
    this.edgeTime = edge;
    this.#points.passEdge(edge);
  }

  /**
   * Takes in what has changed. @param all also the newest time when members are missing.
   * @returns true when the derived series has something to settle.
   */
  settle(all: boolean): boolean {
    const newest = this.#newest();
    const isComplete = all || this.#daily || this.#speakersAt(newest) >= this.#usual;
    this.#advance(isComplete ? newest : before(newest));
    if (!isComplete) this.#from = newest;
    const touched = this.#touched;
    this.#touched = false;
    return touched;
  }

  /** True while the newest time has not been taken in. */
  get waits(): boolean {
    return this.#from !== Number.POSITIVE_INFINITY;
  }

  /** Null when the rows that decided are no longer in the windows, or too many. @param start of the oldest of them. */
  decisionOf(start: number, decided: number): GroupDecision | null {
    if (start <= this.edgeTime) return null;
    const detector = this.#create();
    detector.load(this.#edge.save());
    this.#run(detector, this.edgeTime, before(start), null);
    const memory = detector.save();
    this.#run(detector, before(start), decided, null);
    const rows = this.#members.map(({ window }) => {
      const found: Row[] = [];
      for (let index = window.find(start); index < window.count && window.time(index) <= decided; index++) {
        found.push(window.row(index));
      }
      return found;
    });
    if (rows.reduce((sum, found) => sum + found.length, 0) > BETWEEN_MAX) return null;
    return { memory, figures: detector.figures(), contributors: detector.contributors(), rows };
  }

  /** Steps the tail up to `to`, from before the earliest change. */
  #advance(to: number): void {
    const from = this.#from;
    this.#from = Number.POSITIVE_INFINITY;
    if (from <= this.#tailTime) this.#rewind(from);
    if (to <= this.#tailTime) return;
    this.#run(this.#tail, this.#tailTime, to, this.#emit);
  }

  readonly #emit = (time: number, judgement: Judgement): void => {
    this.#tailTime = time;
    this.#usual = this.#speakers;
    // A memory of days is large, and late data for it rare: it folds from the edge.
    if (!this.#daily && this.#points.isDue()) this.#points.add(time, this.#tail.save());
    if (this.#derive(time, judgement)) this.#touched = true;
  };

  #rewind(from: number): void {
    const point = this.#points.rewind(from);
    this.#tail = this.#create();
    this.#tail.load(point ? point.state : this.#edge.save());
    this.#tailTime = point?.time ?? this.edgeTime;
  }

  /** Steps over the times after `from` up to `to`. */
  #run(
    detector: GroupDetector,
    from: number,
    to: number,
    emit: ((time: number, judgement: Judgement) => void) | null,
  ): void {
    const members = this.#members;
    const at = this.#at;
    for (let member = 0; member < members.length; member++) {
      const { window } = members[member] as SeriesState;
      let index = window.count;
      if (index > 8 && window.time(index - 8) <= from) while (window.time(index - 1) > from) index--;
      else index = firstAfter(window, from);
      at[member] = index;
    }
    for (let time = this.#gather(to); time <= to; time = this.#gather(to)) {
      const judgement = detector.step(this.#step as GroupStep);
      if (emit) emit(time, judgement);
    }
  }

  /** Fills the step with the next time, up to `to`; Infinity when there is none. */
  #gather(to: number): number {
    const members = this.#members;
    const at = this.#at;
    let time = Number.POSITIVE_INFINITY;
    for (let member = 0; member < members.length; member++) {
      const { window } = members[member] as SeriesState;
      const index = at[member] as number;
      if (index < window.count && window.time(index) < time) time = window.time(index);
    }
    if (time > to) return Number.POSITIVE_INFINITY;
    const { values, forms, flags } = this.#step;
    this.#step.time = time;
    this.#speakers = 0;
    for (let member = 0; member < members.length; member++) {
      const { window } = members[member] as SeriesState;
      const index = at[member] as number;
      if (index >= window.count || window.time(index) !== time) {
        values[member] = Number.NaN;
        forms[member] = FORM.unfit;
        flags[member] = MISSING;
        continue;
      }
      at[member] = index + 1;
      this.#speakers++;
      const value = window.value(index);
      const marks = window.marks(index);
      values[member] = value;
      forms[member] = formOf(value, marks) & FORM_MASK;
      flags[member] = flagOf(marks);
    }
    return time;
  }

  /** Writes one judged time into the derived series, unless it is there already. */
  #derive(time: number, judgement: Judgement): boolean {
    const { window } = this.derived;
    if (time <= window.edge) return false;
    const judged = judgement !== NOT_JUDGED;
    const value = judged ? (judgement === VIOLATED ? this.#tail.score : 0) : Number.NaN;
    const { flags, values } = this.#step;
    let isDoubtful = true;
    let newest = Number.NEGATIVE_INFINITY;
    let isHistory = true;
    for (let member = 0; member < values.length; member++) {
      if (flags[member] === MISSING) continue;
      if ((flags[member] as number) < SUSPECT) isDoubtful = false;
      const of = (this.#members[member] as SeriesState).window;
      const index = (this.#at[member] as number) - 1;
      if (!isBackfill(of.marks(index))) isHistory = false;
      if (of.received(index) <= newest) continue;
      newest = of.received(index);
      const device = of.device(index);
      if (device !== this.#source.device) this.#source = { device, boot: "" };
    }
    this.#origin.device = this.#source.device;
    this.#origin.receivedAt = newest;
    this.#origin.backfill = isHistory;
    const flag = judged ? (isDoubtful ? SUSPECT : GOOD) : MISSING;
    const marks = marksOf(0, flag, LETTER_N, isHistory);
    return this.derived.push(time, value, marks, this.#origin, this.#source, this.#rowsMax());
  }

  #newest(): number {
    let newest = Number.NEGATIVE_INFINITY;
    for (const { window } of this.#members) if (window.newest > newest) newest = window.newest;
    return newest;
  }
  #speakersAt(time: number): number {
    let count = 0;
    for (const { window } of this.#members) if (window.newest === time) count++;
    return count;
  }
}

/** The largest time before `time`; times are whole ms or near them. */
function before(time: number): number {
  return time - 0.001;
}

function firstAfter(window: SeriesState["window"], time: number): number {
  const index = window.find(time);
  return index < window.count && window.time(index) === time ? index + 1 : index;
}
