/**
 * Snapshots of the engine's memory, cut into shards by series so that saving one is short. A shard holds windows, the
 * folds at their left edge, bindings and alarms; everything else is folded again when it is loaded.
 */
import { deserialize, serialize } from "node:v8";
import type { Alarm } from "../core/alarm.ts";
import type { BackfillCount } from "./backfill.ts";
import type { Binding } from "./bind.ts";
import type { DetectorMemory } from "./detect/detector.ts";
import { type Episode, Fold } from "./detect/episode.ts";
import type { SavedGroup } from "./groups.ts";
import type { Judge } from "./judge.ts";
import { LearningWatch } from "./learning-watch.ts";
import type { Sender, SeriesState } from "./series.ts";
import type { RuleChange, Watch } from "./watch.ts";
import { Window, type WindowContents } from "./window.ts";

/** One is saved every half second: at 128 a save holds up warnings for 10 ms when all windows are full; at 16, for 100. */
export const SHARDS = 128;
/** Raised whenever what a shard holds changes, `SHARDS` too; none but this one is read. */
const FORMAT = 4;

interface SavedFold {
  readonly episode: Episode | null;
  readonly run: readonly [number, number, boolean, number, number, number, number];
}
interface SavedWatch {
  readonly binding: Binding;
  readonly since: number;
  readonly changed: RuleChange | null;
  readonly edge: SavedFold;
  readonly carry: { readonly fold: SavedFold; readonly time: number } | null;
  /** Of a watch that learns, at the window's left edge. */
  readonly memory: DetectorMemory | null;
}
interface SavedSeries {
  readonly key: string;
  readonly window: WindowContents;
  readonly lastArrival: number;
  readonly senders: readonly Sender[];
  readonly watches: readonly SavedWatch[];
}
export interface SavedAlarm {
  readonly alarm: Alarm;
  readonly events: number;
  readonly order: number;
  readonly settled: boolean;
}
export interface Shard {
  readonly format: number;
  /** Position in stream `alarms` up to which the alarms below are as told. */
  readonly alarmsOffset: number;
  readonly series: readonly SavedSeries[];
  readonly groups: readonly SavedGroup[];
  readonly alarms: readonly SavedAlarm[];
  readonly backfill: readonly (readonly [string, BackfillCount])[];
  /** Wall time since which absence rules await what they await; see `SilenceWatch`. */
  readonly awaitedSince: readonly (readonly [string, number])[];
  /** Wall time of the last tick: how long the engine was down is counted from it. */
  readonly tickedAt: number;
}
/**
 * Spreads stations and devices evenly; FNV-1a. A series goes with its station, so that a group and its members are
 * saved at one moment.
 * @param name series key or device id.
 */
export function shardOf(name: string): number {
  const slash = name.indexOf("/");
  const end = slash < 0 ? name.length : slash;
  let hash = 0x811c9dc5;
  for (let index = 0; index < end; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % SHARDS;
}

export function encodeShard(judge: Judge, shard: number, alarmsOffset: number): Uint8Array {
  const bindings = new Map<string, Binding>();
  const saved: Shard = {
    format: FORMAT,
    alarmsOffset,
    series: [...judge.series.values()]
      .filter(({ key }) => shardOf(key) === shard)
      .map((series) => saveSeries(series, bindings)),
    groups: [...judge.groups.groups]
      .filter(([key]) => shardOf(key) === shard)
      .map(([key, { identity, edgeTime, edgeMemory }]) => ({ key, identity, edgeTime, memory: edgeMemory })),
    alarms: [...judge.ledger.all()]
      .filter(({ alarm }) => shardOf(alarm.series) === shard)
      .map(({ alarm, events, order, settled }) => ({ alarm, events, order, settled })),
    backfill: [...judge.backfill.counts].filter(([device]) => shardOf(device) === shard),
    awaitedSince: [...judge.awaitedSince].filter(([id]) => shardOf(id) === shard),
    tickedAt: judge.tickedAt,
  };
  return serialize(saved);
}

/** Null when the bytes are of another version of this program; the shard is then read from the journal again. */
export function decodeShard(bytes: Uint8Array): Shard | null {
  try {
    const shard = deserialize(bytes) as Shard;
    return shard.format === FORMAT ? shard : null;
  } catch {
    return null;
  }
}

export function loadShard(judge: Judge, shard: Shard): void {
  for (const saved of shard.series) judge.add(loadSeries(saved, judge));
  for (const saved of shard.groups) judge.groups.remember(saved);
  for (const [device, count] of shard.backfill) judge.backfill.counts.set(device, { ...count });
  for (const [id, since] of shard.awaitedSince) judge.awaitedSince.set(id, since);
  judge.tickedAt = Math.max(judge.tickedAt, shard.tickedAt);
}

function saveSeries(series: SeriesState, bindings: Map<string, Binding>): SavedSeries {
  const { key, window, lastArrival, senders, watches } = series;
  return { key, window: window.contents(), lastArrival, senders, watches: watches.map((w) => saveWatch(w, bindings)) };
}

function saveWatch(watch: Watch, bindings: Map<string, Binding>): SavedWatch {
  const { binding, since, changed, edge, carry } = watch;
  // One object for equal bindings: the serializer writes it once and refers to it.
  const { ruleId, version, unit, bounds, context, members, clause } = binding;
  const key = JSON.stringify([ruleId, version, unit, bounds, context, members, clause]);
  const shared = bindings.get(key) ?? binding;
  bindings.set(key, shared);
  return {
    binding: shared,
    since,
    changed,
    edge: saveFold(edge),
    carry: carry && { fold: saveFold(carry.fold), time: carry.time },
    memory: watch instanceof LearningWatch ? watch.edgeMemory : null,
  };
}

function loadSeries({ key, window, lastArrival, senders, watches }: SavedSeries, judge: Judge): SeriesState {
  const series = judge.newSeries(key);
  series.window = Window.from(window);
  series.lastArrival = lastArrival;
  series.senders = senders.map((sender) => ({ ...sender }));
  series.watches = watches.map(({ binding, since, changed, edge, carry, memory }) => {
    const watch = judge.makeWatch(binding, since, changed);
    if (watch instanceof LearningWatch) watch.edgeMemory = memory;
    watch.edge.copyFrom(loadFold(edge));
    watch.carry = carry && { fold: loadFold(carry.fold), time: carry.time, told: null };
    watch.refoldAll(series.window);
    return watch;
  });
  return series;
}

function saveFold(fold: Fold): SavedFold {
  const { runCount, runStart, runVerified, runWorst, runWorstTime, runWorstForm, runExcess } = fold;
  return {
    episode: fold.episode && { ...fold.episode },
    run: [runCount, runStart, runVerified, runWorst, runWorstTime, runWorstForm, runExcess],
  };
}
function loadFold({ episode, run }: SavedFold): Fold {
  const fold = new Fold();
  fold.episode = episode && { ...episode };
  const [runCount, runStart, runVerified, runWorst, runWorstTime, runWorstForm, runExcess] = run;
  Object.assign(fold, { runCount, runStart, runVerified, runWorst, runWorstTime, runWorstForm, runExcess });
  return fold;
}
