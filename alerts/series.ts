/**
 * Everything the engine knows of one series: its window, the rules that watch it, and when it was last heard. In-order
 * readings cost a step per rule; anything else marks the series, and `settle` folds it once at the end of the block.
 */
import type { Origin } from "../core/reading.ts";
import { type Binding, sameBinding } from "./bind.ts";
import type { Heard } from "./detect/absence.ts";
import { keptRange } from "./detect/condition.ts";
import { FORM, FORM_MASK, flagOf, formOf } from "./detect/marks.ts";
import type { GroupWatch } from "./group-watch.ts";
import type { Told } from "./ledger.ts";
import { type RuleChange, Watch } from "./watch.ts";
import { type Placed, REPEATED, type Row, type Source, TOO_OLD, Window } from "./window.ts";

/** A reading older than the window's left edge, kept until the end of its block. */
export interface OldReading {
  readonly time: number;
  readonly value: number;
  readonly marks: number;
  readonly origin: Origin;
}

/** When one device was last heard in a series. */
export interface Sender extends Heard {
  readonly device: string;
  newest: number;
  lastArrival: number;
  quickest: number;
}

/** Makes the watch of a binding: with a memory where the rule's kind has one. */
export type MakeWatch = (binding: Binding, since: number, changed?: RuleChange | null) => Watch;
const plainWatch: MakeWatch = (binding, since, changed = null) => new Watch(binding, since, changed);

const NEVER: Heard = { newest: -Infinity, lastArrival: -Infinity, quickest: Infinity };

export class SeriesState {
  readonly key: string;
  readonly station: string;
  readonly quantity: string;
  window = new Window();
  #watches: readonly Watch[] = [];
  /** Those that judge each reading by itself, and those that must see every one. */
  #plain: readonly Watch[] = [];
  #learning: readonly Watch[] = [];
  /** All rules are at rest, and a plain value strictly between the two leaves them so: nearly every reading. */
  #calm = true;
  #calmLow = Number.NEGATIVE_INFINITY;
  #calmHigh = Number.POSITIVE_INFINITY;
  /** Wall time of the last arrival. */
  lastArrival = Number.NEGATIVE_INFINITY;
  /** Nearly always one. */
  senders: Sender[] = [];
  /** Data time of the first and last row that changed behind the folds; nothing did while `from` is infinite. */
  #changedFrom = Number.POSITIVE_INFINITY;
  #changedTo = Number.NEGATIVE_INFINITY;
  /** Queued for the end of the block. */
  queued = false;
  old: OldReading[] = [];
  /** Groups that this series is a member of. */
  groups: readonly GroupWatch[] = [];
  /** The group whose findings this series holds; null for what is measured. */
  derivedBy: GroupWatch | null = null;
  readonly #makeWatch: MakeWatch;

  constructor(key: string, makeWatch: MakeWatch = plainWatch) {
    this.key = key;
    this.#makeWatch = makeWatch;
    const [station = "", quantity = ""] = key.split("/");
    this.station = station;
    this.quantity = quantity;
  }

  get watches(): readonly Watch[] {
    return this.#watches;
  }
  set watches(watches: readonly Watch[]) {
    this.#watches = watches;
    this.#plain = watches.filter(({ learns }) => !learns);
    this.#learning = watches.filter(({ learns }) => learns);
    const ranges = this.#plain.map(({ binding }) => keptRange(binding.bounds));
    this.#calmLow = Math.max(...ranges.map(({ low }) => low));
    this.#calmHigh = Math.min(...ranges.map(({ high }) => high));
    this.#rest();
  }

  /**
   * One reading as it arrives. True when the series has something to settle at the end of the block.
   * @param rowsMax bound on the window.
   */
  push(time: number, value: number, marks: number, origin: Origin, source: Source, rowsMax: number): boolean {
    const { window } = this;
    if (origin.receivedAt > this.lastArrival) this.lastArrival = origin.receivedAt;
    this.#hear(source.device, time, origin.receivedAt);
    const isKnown = time <= window.newest && window.has(time); // then no row is added
    const surplus = isKnown ? 0 : window.surplus(rowsMax);
    if (surplus > 0) this.#drop(surplus);
    if (time > window.newest) {
      window.append(time, value, origin, source, marks);
      for (const group of this.groups) group.touch(time);
      if (this.#changedFrom !== Number.POSITIVE_INFINITY) {
        this.#changedTo = time; // the folds wait until the change is folded in
        return true;
      }
      const form = formOf(value, marks);
      let touched = surplus > 0;
      for (const watch of this.#learning) if (watch.step(time, value, form, flagOf(marks))) touched = true;
      if (this.#calm && this.#keepsCalm(value, form)) return touched;
      for (const watch of this.#plain) if (watch.step(time, value, form, 0)) touched = true;
      this.#rest();
      return touched;
    }
    const placed: Placed = window.place(time, value, origin, source, marks);
    if (placed === REPEATED) return surplus > 0;
    if (placed === TOO_OLD) this.old.push({ time, value, marks, origin });
    else {
      for (const group of this.groups) group.touch(time);
      if (time < this.#changedFrom) this.#changedFrom = time;
      if (time > this.#changedTo) this.#changedTo = time;
    }
    return true;
  }

  /** Folds again what late data touched. */
  settle(): void {
    if (this.#changedFrom === Number.POSITIVE_INFINITY) return;
    for (const watch of this.watches) watch.refold(this.window, this.#changedFrom, this.#changedTo);
    this.#changedFrom = Number.POSITIVE_INFINITY;
    this.#changedTo = Number.NEGATIVE_INFINITY;
    this.#rest();
  }

  /**
   * Takes new bindings. A watch whose binding is the same keeps everything; a changed rule judges the window again and
   * keeps the alarms whose episodes are still there; a new rule begins with what the window holds.
   * @returns watches that are gone, or null when nothing changed.
   */
  rebind(bindings: readonly Binding[]): { readonly removed: readonly Watch[] } | null {
    const before = new Map(this.watches.map((watch) => [watch.binding.ruleId, watch]));
    let changed = before.size !== bindings.length;
    const watches = bindings.map((binding) => {
      const known = before.get(binding.ruleId);
      before.delete(binding.ruleId);
      if (known && sameBinding(known.binding, binding)) {
        known.binding = binding;
        return known;
      }
      changed = true;
      const { newest } = this.window;
      const watch = known
        ? this.#makeWatch(binding, known.since, { time: newest, arrival: this.lastArrival })
        : this.#makeWatch(binding, newest);
      if (known) watch.edge.copyFrom(known.edge);
      watch.refoldAll(this.window, known?.toldAlarms() ?? []);
      return watch;
    });
    if (!changed) return null;
    this.watches = watches;
    return { removed: [...before.values()] };
  }

  heard(device: string): Heard {
    return this.senders.find((sender) => sender.device === device) ?? NEVER;
  }
  #hear(device: string, time: number, receivedAt: number): void {
    const first = this.senders[0];
    const sender = first?.device === device ? first : this.#senderOf(device);
    if (time > sender.newest) sender.newest = time;
    if (receivedAt > sender.lastArrival) sender.lastArrival = receivedAt;
    if (receivedAt - time < sender.quickest) sender.quickest = receivedAt - time;
  }

  #senderOf(device: string): Sender {
    const known = this.senders.find((sender) => sender.device === device);
    if (known) return known;
    const sender = { device, ...NEVER };
    this.senders.push(sender);
    return sender;
  }

  /** The newest row that a device sent and the window still holds. */
  lastRow(device: string): Row | null {
    for (let index = this.window.count - 1; index >= 0; index--) {
      const row = this.window.row(index);
      if (row.origin.device === device) return row;
    }
    return null;
  }

  /** Lets go of episodes that lie before the window's edge. To be called once they are told. */
  forget(): Told[] {
    return this.window.edge === Number.NEGATIVE_INFINITY
      ? []
      : this.watches.flatMap((watch) => watch.forget(this.window.edge));
  }

  #drop(rows: number): void {
    this.settle(); // rows that are to be dropped must have been judged
    const { window } = this;
    for (const group of this.groups) group.passEdge(window.time(rows - 1));
    let calm = this.#plain.every(({ edge }) => edge.atRest);
    for (let index = 0; index < rows; index++) {
      const time = window.time(index);
      const value = window.value(index);
      const marks = window.marks(index);
      const form = formOf(value, marks);
      for (const watch of this.#learning) watch.passEdge(time, value, form, flagOf(marks));
      if (calm && this.#keepsCalm(value, form)) continue;
      for (const watch of this.#plain) watch.passEdge(time, value, form, 0);
      calm = this.#plain.every(({ edge }) => edge.atRest);
    }
    window.drop(rows);
  }

  #keepsCalm(value: number, form: number): boolean {
    return (form & FORM_MASK) === FORM.plain && value > this.#calmLow && value < this.#calmHigh;
  }
  #rest(): void {
    this.#calm = true;
    for (const { tail } of this.#plain) if (!tail.atRest) this.#calm = false;
  }
}
