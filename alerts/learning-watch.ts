/**
 * One rule with a memory on one series: trends, control charts, jumps. Beside each fold stands the detector that judges
 * for it, one at the window's left edge and one at its newest row; checkpoints between them keep late data cheap.
 */
import type { Binding } from "./bind.ts";
import { Checkpoints } from "./checkpoints.ts";
import { VIOLATED } from "./detect/condition.ts";
import type { Detector, DetectorMemory } from "./detect/detector.ts";
import { type Change, type Episode, Fold, RAISED } from "./detect/episode.ts";
import { FORM_MASK, flagOf, formOf, SUSPECT_BIT } from "./detect/marks.ts";
import { countDecided, type Judged, type RuleChange, Watch } from "./watch.ts";
import type { Row, Window } from "./window.ts";

interface State {
  readonly fold: Fold;
  readonly memory: DetectorMemory;
}

/** What decided an episode, fit to be computed again. */
export interface Decision {
  /** From the first reading of the run, or the newest of them when there are more than asked for; all that were stepped. */
  readonly rows: readonly Row[];
  /** Of the detector before the first of `rows`. */
  readonly memory: DetectorMemory;
  /** After the last of `rows`. */
  readonly figures: Readonly<Record<string, number>>;
}

export class LearningWatch extends Watch {
  override readonly learns = true;
  readonly #create: () => Detector;
  readonly #edge: Detector;
  #tail: Detector;
  readonly #points = new Checkpoints<State>();

  constructor(binding: Binding, create: () => Detector, since: number, changed: RuleChange | null = null) {
    super(binding, since, changed);
    this.#create = create;
    this.#edge = create();
    this.#tail = create();
  }

  /** Memory at the window's left edge, for snapshots. */
  get edgeMemory(): DetectorMemory {
    return this.#edge.save();
  }
  set edgeMemory(memory: DetectorMemory) {
    this.#edge.load(memory);
  }

  override step(time: number, value: number, form: number, flag: number): boolean {
    const change = this.#turn(this.tail, this.#tail, time, value, form, flag);
    if (this.#points.isDue()) this.#keep(time, this.tail, this.#tail);
    return this.note(change);
  }

  override passEdge(time: number, value: number, form: number, flag: number): void {
    this.#turn(this.edge, this.#edge, time, value, form, flag);
    this.#points.passEdge(time);
  }

  /** What came after a change may all differ: folds from the newest state before it to the end. */
  override refold(window: Window, from: number, _to: number): void {
    const point = this.#points.rewind(from);
    const fold = new Fold();
    fold.copyFrom(point?.state.fold ?? this.edge);
    const detector = this.#create();
    detector.load(point ? point.state.memory : this.#edge.save());
    const found: Judged[] = fold.episode ? [{ episode: fold.episode, told: null }] : [];
    let kept = this.pastEdge(window.edge);
    if (point) kept = countDecided(this.judged, point.time, kept);
    // The episode that runs at that point is found again.
    if (fold.episode && this.judged[kept - 1]?.episode.start === fold.episode.start) kept--;
    for (let index = point ? window.find(point.time) : 0; index < window.count; index++) {
      const time = window.time(index);
      if (point && time === point.time) continue;
      const value = window.value(index);
      const marks = window.marks(index);
      const change = this.#turn(fold, detector, time, value, formOf(value, marks), flagOf(marks));
      if (change === RAISED && fold.episode) found.push({ episode: fold.episode, told: null });
      if (this.#points.isDue()) this.#keep(time, fold, detector);
    }
    this.#tail = detector;
    this.goOn(fold, found);
    this.replace(kept, this.judged.length, found);
  }

  override refoldAll(...all: Parameters<Watch["refoldAll"]>): void {
    this.#points.clear();
    super.refoldAll(...all);
  }

  /** Null when the rows that decided it are no longer in the window. @param rowsMax how many of them to keep. */
  decisionOf(window: Window, { start, decided }: Episode, rowsMax: number): Decision | null {
    if (start <= window.edge) return null;
    const last = window.find(decided);
    const first = Math.max(window.find(start), last + 1 - rowsMax);
    const detector = this.#create();
    detector.load(this.#edge.save());
    for (let index = 0; index < first; index++) stepRow(detector, window, index);
    const memory = detector.save();
    for (let index = first; index <= last; index++) stepRow(detector, window, index);
    const rows = Array.from({ length: last + 1 - first }, (_, index) => window.row(first + index));
    return { rows, memory, figures: detector.figures() };
  }

  #keep(time: number, fold: Fold, detector: Detector): void {
    const copy = new Fold();
    copy.copyFrom(fold);
    this.#points.add(time, { fold: copy, memory: detector.save() });
  }

  #turn(fold: Fold, detector: Detector, time: number, value: number, form: number, flag: number): Change {
    const plain = form & FORM_MASK;
    const judgement = detector.step(time, value, plain, flag);
    const beyond = judgement === VIOLATED ? detector.excess : 0;
    return fold.step(this.binding.delays, judgement, time, value, plain, (form & SUSPECT_BIT) !== 0, beyond);
  }
}

function stepRow(detector: Detector, window: Window, index: number): void {
  const value = window.value(index);
  const marks = window.marks(index);
  detector.step(window.time(index), value, formOf(value, marks) & FORM_MASK, flagOf(marks));
}
