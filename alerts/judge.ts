/**
 * The engine without its loop: readings, ticks, commands and rule changes in, alarm events out. Reads no clock and no
 * journal. What it knows follows from the readings (windows, folds) and from what it has told (ledger), so a restart
 * needs only those two streams.
 */
import type { AlarmEvent, Command } from "../core/alarm.ts";
import type { Directory } from "../core/ports.ts";
import type { Origin } from "../core/reading.ts";
import type { ReadingBlock } from "../core/reading-block.ts";
import type { Rule } from "../core/rule.ts";
import { BackfillWatch, OLD_MS } from "./backfill.ts";
import { type BindLimit, bindSeries, type Place } from "./bind.ts";
import type { DetectorBook } from "./detect/book.ts";
import type { Detector } from "./detect/detector.ts";
import { marksOf } from "./detect/marks.ts";
import { createDetectors } from "./detectors.ts";
import type { GroupWatch } from "./group-watch.ts";
import { GroupBook, isDerivedKey } from "./groups.ts";
import { LearningWatch } from "./learning-watch.ts";
import { Ledger, type Told } from "./ledger.ts";
import { acknowledge } from "./lifecycle.ts";
import { judgeOld } from "./old.ts";
import { type MakeWatch, SeriesState } from "./series.ts";
import { SilenceWatch } from "./silence.ts";
import { type Occasion, Teller } from "./tell.ts";
import { Watch } from "./watch.ts";
import { BYTES_A_ROW, type Source, WINDOW_ROWS_MAX, WINDOW_ROWS_MIN } from "./window.ts";

/** Memory for the windows of all series together; more series make shorter windows. */
export const WINDOW_BYTES_MAX = 64 * 1024 * 1024;

export interface JudgeOptions {
  readonly bindLimit: BindLimit;
  /** All of the product, but for those that need the packs' ladders, when left out; see `engineOf`. */
  readonly detectors?: DetectorBook;
  readonly windowBytesMax?: number;
}

/** Which rows a block gives: all, or after a restart those of series whose snapshot is older than the block. */
export type Wanted = (seriesOrDevice: string) => boolean;

export class Judge {
  readonly series = new Map<string, SeriesState>();
  readonly ledger = new Ledger();
  readonly backfill = new BackfillWatch();
  /** Wall time since which the absence rules await what they await; of snapshots, for `SilenceWatch`. */
  readonly awaitedSince = new Map<string, number>();
  /** Wall time of the last tick, also of before a restart; -Infinity before the first. */
  tickedAt = Number.NEGATIVE_INFINITY;
  readonly groups: GroupBook;
  readonly #bindLimit: BindLimit;
  readonly #book: DetectorBook;
  readonly #windowBytesMax: number;
  readonly #byQuantity = new Map<string, SeriesState[]>();
  readonly #sources = new Map<string, Source>();
  readonly #teller: Teller;
  readonly #silence: SilenceWatch;
  #directory: Directory;
  #queue: SeriesState[] = [];
  #groupQueue: GroupWatch[] = [];
  #silent = true;
  /** When groups were last built; those that were built away ended then. */
  #occasionOfBuild: Occasion | null = null;
  /** Numbers occasions other than readings, so that their ids differ. */
  #occasions = 0;

  constructor(directory: Directory, options: JudgeOptions) {
    this.#directory = directory;
    this.#bindLimit = options.bindLimit;
    this.#book = options.detectors ?? createDetectors({ bindLimit: options.bindLimit, rankOf: () => null });
    this.#windowBytesMax = options.windowBytesMax ?? WINDOW_BYTES_MAX;
    this.#teller = new Teller(this.ledger, (device, at) => this.backfill.isBulk(device, at));
    this.groups = new GroupBook({
      book: this.#book,
      bindLimit: options.bindLimit,
      derived: (key) => this.series.get(key) ?? this.add(this.newSeries(key)),
      queue: (group) => this.#groupQueue.push(group),
      rowsMax: () => this.rowsMax(),
      ended: (series, watch) => this.#endGroup(series, watch),
    });
    const seriesOf = (station: string, quantity: string) => this.#byQuantity.get(`${station}/${quantity}`) ?? [];
    this.#silence = new SilenceWatch({
      seriesOf,
      teller: this.#teller,
      ledger: this.ledger,
      awaitedSince: this.awaitedSince,
    });
  }

  /** Version of the registry that the bindings follow. */
  get directoryVersion(): number {
    return this.#directory.version;
  }

  /** Judges one block. @param offset position after the block. */
  block(block: ReadingBlock, offset: number, now: number, wanted?: Wanted): AlarmEvent[] {
    const occasion: Occasion = { offset, now, cause: "", note: null, ruleChanged: false };
    this.#occasionOfBuild = occasion;
    this.#push(block, wanted);
    this.#settleGroups(false);
    for (const series of this.#queue) this.#settle(series, occasion);
    this.#queue = [];
    if (this.#silence.anyOpen) for (const key of block.series) this.#silence.heard(stationOf(key), occasion);
    return this.#teller.take();
  }

  /** Ends the silent reading after a restart: whatever the readings show and was not told is told now. */
  resume(offset: number, now: number): AlarmEvent[] {
    this.#silent = false;
    const occasion = this.#occasion(offset, now, "resume", null, false);
    this.#occasionOfBuild = occasion;
    this.groups.build(this.#directory);
    this.groups.forgetSaved();
    for (const { key, derivedBy } of [...this.series.values()]) {
      if (isDerivedKey(key) && !derivedBy) this.series.delete(key); // its rule is gone
    }
    this.#settleGroups(true);
    for (const series of this.#queue) series.queued = false; // all are told of below
    this.#queue = [];
    const told = groupByWatch(this.ledger);
    for (const series of this.series.values()) {
      for (const watch of series.watches) {
        const key = `${watch.binding.ruleId}\n${series.key}`;
        adoptTold(series, watch, told.get(key) ?? [], this.ledger);
        told.delete(key);
      }
      this.#reconcile(series, occasion);
    }
    for (const left of told.values()) for (const each of left) this.#endUnwatched(each, occasion);
    this.#silence.begin(now, this.tickedAt);
    this.#silence.rebind(this.#directory, occasion);
    this.#silence.adopt(occasion);
    for (const station of this.#silence.openStations()) this.#silence.heard(station, occasion);
    return this.#teller.take();
  }

  /** The first moment after `after` at which a tick may raise something; for a clock that need not tick every second. */
  silentFrom(after: number): number {
    return this.#silence.silentFrom(after);
  }

  tick(offset: number, now: number): AlarmEvent[] {
    this.tickedAt = now;
    const occasion = this.#occasion(offset, now, "tick", null, false);
    if (this.#groupQueue.length > 0) {
      this.#settleGroups(true);
      for (const series of this.#queue) this.#settle(series, occasion);
      this.#queue = [];
    }
    this.#silence.tick(occasion);
    return this.#teller.take();
  }

  /** Takes the registry as it now is. @returns `changed` when any series is watched differently. */
  rebind(directory: Directory, offset: number, now: number): { changed: boolean; events: AlarmEvent[] } {
    this.#directory = directory;
    let changed = false;
    const occasion = this.#occasion(offset, now, "rules", "rule-changed", true);
    this.#occasionOfBuild = occasion;
    this.groups.build(directory);
    this.#settleGroups(true);
    for (const series of this.#queue) {
      changed = true;
      this.#settle(series, occasion);
    }
    this.#queue = [];
    for (const series of [...this.series.values()]) {
      if (isDerivedKey(series.key)) continue;
      const outcome = series.rebind(bindSeries(series.key, directory, this.#bindLimit, this.#book));
      if (!outcome) continue;
      changed = true;
      for (const watch of outcome.removed) this.#endWatch(series, watch, { ...occasion, note: "rule-removed" });
      this.#reconcile(series, occasion);
    }
    this.#silence.rebind(directory, { ...occasion, note: "rule-removed" });
    return { changed, events: this.#teller.take() };
  }

  /** What a person asks. Null when the alarm is not known; no event when somebody did it before. */
  command(command: Command, offset: number, now: number): AlarmEvent[] | null {
    const told = this.ledger.get(command.alarm);
    if (!told) return null;
    const alarm = acknowledge(told.alarm, command, now);
    if (!alarm) return [];
    const by = { command: command.id, by: command.by, via: command.via };
    this.#teller.say(told, "acknowledged", alarm, { offset, now, note: command.note ?? null }, by);
    if (told.settled) this.ledger.remove(told);
    return this.#teller.take();
  }

  /** A series without readings; `add` makes it known. */
  newSeries(key: string): SeriesState {
    return new SeriesState(key, this.makeWatch);
  }

  readonly makeWatch: MakeWatch = (binding, since, changed = null) => {
    const { context } = binding;
    const create = context === null ? null : () => this.#book.ofSeries(binding.rule as Rule, context) as Detector;
    return create ? new LearningWatch(binding, create, since, changed) : new Watch(binding, since, changed);
  };

  /** Adds a series, from a snapshot or on its first reading. */
  add(series: SeriesState): SeriesState {
    this.series.set(series.key, series);
    if (isDerivedKey(series.key)) return series;
    this.groups.add(series);
    const key = `${series.station}/${series.quantity}`;
    const siblings = this.#byQuantity.get(key);
    if (siblings) siblings.push(series);
    else this.#byQuantity.set(key, [series]);
    return series;
  }

  /** Rows a window may hold while there are this many series. */
  rowsMax(): number {
    const share = Math.floor(this.#windowBytesMax / BYTES_A_ROW / Math.max(1, this.series.size));
    return Math.min(WINDOW_ROWS_MAX, Math.max(WINDOW_ROWS_MIN, share));
  }

  #push(block: ReadingBlock, wanted: Wanted | undefined): void {
    const states = block.series.map((key) => (wanted && !wanted(key) ? null : this.#seriesFor(key)));
    this.groups.build(this.#directory); // before any window drops a row
    const sources = block.messages.map((origin) => this.#sourceOf(origin));
    const lateReadings = new Uint32Array(block.messages.length);
    const rowsMax = this.rowsMax();
    const { time, value, seriesIndex, messageIndex, cmp, flag, qualifier } = block;
    for (let row = 0; row < block.count; row++) {
      const message = messageIndex[row] as number;
      const origin = block.messages[message] as Origin;
      const at = time[row] as number;
      if (origin.receivedAt - at > OLD_MS) lateReadings[message] = (lateReadings[message] as number) + 1;
      const series = states[seriesIndex[row] as number];
      if (!series) continue;
      const marks = marksOf(cmp[row] as number, flag[row] as number, qualifier[row] as number, origin.backfill);
      const touched = series.push(at, value[row] as number, marks, origin, sources[message] as Source, rowsMax);
      if (touched && !series.queued) {
        series.queued = true;
        this.#queue.push(series);
      }
    }
    for (let message = 0; message < lateReadings.length; message++) {
      const readings = lateReadings[message] as number;
      const origin = block.messages[message] as Origin;
      if (readings > 0 && (!wanted || wanted(origin.device))) {
        this.backfill.add(origin.device, origin.receivedAt, readings);
      }
    }
  }

  /** @param all also steps that still wait for members. */
  #settleGroups(all: boolean): void {
    const queue = this.#groupQueue;
    this.#groupQueue = [];
    for (const group of queue) {
      group.queued = false;
      if (group.gone) continue;
      const { derived } = group;
      if (group.settle(all) && !derived.queued) {
        derived.queued = true;
        this.#queue.push(derived);
      }
      if (group.waits && !group.queued) {
        group.queued = true;
        this.#groupQueue.push(group);
      }
    }
  }

  #endGroup(series: SeriesState, watch: Watch): void {
    if (this.#occasionOfBuild && !this.#silent)
      this.#endWatch(series, watch, { ...this.#occasionOfBuild, note: "rule-removed", ruleChanged: true });
    this.series.delete(series.key);
  }

  #settle(series: SeriesState, occasion: Occasion): void {
    series.queued = false;
    series.settle();
    const place = this.#placeOf(series);
    if (series.old.length > 0) {
      judgeOld(series, place, this.#silent ? null : { teller: this.#teller, ledger: this.ledger }, occasion);
    }
    if (!this.#silent) this.#reconcile(series, occasion);
    else for (const watch of series.watches) watch.orphans = [];
    for (const told of series.forget()) this.ledger.settle(told);
  }

  #reconcile(series: SeriesState, occasion: Occasion): void {
    const place = this.#placeOf(series);
    if (!place) return;
    for (const watch of series.watches) {
      if (watch.touched) this.#teller.reconcile(series, watch, place, occasion);
    }
  }

  #endWatch(series: SeriesState, watch: Watch, occasion: Occasion): void {
    for (const told of watch.toldAlarms()) this.#teller.end(told, series.window.newest, occasion);
  }

  /** An alarm of before the restart that no series or rule can change any more. */
  #endUnwatched(told: Told, occasion: Occasion): void {
    const reason = { ...occasion, note: "rule-removed", ruleChanged: true };
    this.#teller.end(told, Math.max(told.alarm.start, told.alarm.valueTime), reason);
  }

  #seriesFor(key: string): SeriesState {
    let series = this.series.get(key);
    if (!series) {
      series = this.newSeries(key);
      series.rebind(bindSeries(key, this.#directory, this.#bindLimit, this.#book));
      this.add(series);
    }
    return series;
  }

  /** One object per device and boot, so that windows compare sources by identity. */
  #sourceOf({ device, boot }: Origin): Source {
    let source = this.#sources.get(device);
    if (!source || source.boot !== boot) {
      source = { device, boot };
      this.#sources.set(device, source);
    }
    return source;
  }

  #placeOf(series: SeriesState): Place | undefined {
    return this.#directory.station(series.station);
  }

  #occasion(offset: number, now: number, cause: string, note: string | null, ruleChanged: boolean): Occasion {
    return { offset, now, cause: `${cause}\n${now}\n${this.#occasions++}`, note, ruleChanged };
  }
}

function stationOf(key: string): string {
  return key.slice(0, key.indexOf("/"));
}

function groupByWatch(ledger: Ledger): Map<string, Told[]> {
  const groups = new Map<string, Told[]>();
  for (const told of ledger.all()) {
    if (told.settled || told.alarm.category === "absence") continue;
    const key = `${told.alarm.rule}\n${told.alarm.series}`;
    const group = groups.get(key);
    if (group) group.push(told);
    else groups.set(key, [told]);
  }
  return groups;
}

/** Links what was told before a restart with the episodes that the readings show. */
function adoptTold(series: SeriesState, watch: Watch, told: readonly Told[], ledger: Ledger): void {
  const { edge } = series.window;
  const running = watch.edge.episode?.start;
  const live: Told[] = [];
  for (const each of [...told].sort((a, b) => a.alarm.start - b.alarm.start)) {
    const { start, end } = each.alarm;
    const carried = watch.carry?.fold.episode?.start === start && start <= edge;
    if (carried && watch.carry) watch.carry.told = each;
    if (end !== null && end <= edge && start !== running) ledger.settle(each);
    else live.push(each);
  }
  if (watch.carry && !watch.carry.told) watch.carry = null;
  watch.refoldAll(series.window, live);
}
