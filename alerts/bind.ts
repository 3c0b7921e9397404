/**
 * Which rules watch a series, with which bounds: resolved once per series and version of the registry, never for each
 * reading.
 */
import type { AlarmCategory, Level } from "../core/alarm.ts";
import type { LocalText } from "../core/locale.ts";
import type { Directory } from "../core/ports.ts";
import { quantitySpec } from "../core/quantity.ts";
import { parseSeriesKey, type Series } from "../core/reading.ts";
import type { LimitRule, Rule, RuleScope, VersionedRule } from "../core/rule.ts";
import type { Device, Site, Station } from "../core/site.ts";
import type { DetectorBook } from "./detect/book.ts";
import type { Bound } from "./detect/condition.ts";
import type { SeriesContext } from "./detect/detector.ts";
import { type Delays, delaysOf } from "./detect/episode.ts";
import { INSTRUMENT_DELAYS, INSTRUMENT_RULE } from "./detect/instrument.ts";
import { levelBounds } from "./detect/level.ts";
import { limitBounds, type PackLimit } from "./detect/limit.ts";
import { limitFor } from "./packs/limits.ts";
import type { Packs } from "./packs/load.ts";

/** One reading decides and one ends. */
export const EACH_READING: Delays = { onReadings: 1, onMs: 0, offReadings: 1, offMs: 0 };

export interface Place {
  readonly station: Station;
  readonly site: Site;
}

/** The pack's answer for a rule at a place, or the reason why the rule does not watch it. */
export type BindLimit = (rule: LimitRule, place: Place, quantity: string) => PackLimit | { readonly reason: string };

/** One rule on one series: everything the detectors and the evidence need. Plain data, so that snapshots can hold it. */
export interface Binding {
  readonly ruleId: string;
  /** 0 for the built-in instrument rule. */
  readonly version: number;
  readonly category: AlarmCategory;
  readonly level: Level;
  readonly advice: LocalText | null;
  /** The rule as it is, for the evidence. */
  readonly rule: unknown;
  readonly bounds: readonly Bound[];
  readonly delays: Delays;
  readonly unit: string;
  readonly pack: string | null;
  readonly clause: string | null;
  readonly confidence: string | null;
  /** What a detector with a memory is told of the series; null for kinds that judge each reading by itself. */
  readonly context: SeriesContext | null;
  /** The series that a group rule watches together; null for rules on one series. */
  readonly members: readonly string[] | null;
  /** Levels by score 1 to 4, where the worst value of an episode is such a score; else null and `level` counts. */
  readonly grades: readonly Level[] | null;
}

/** The binder over the limit packs: rows that are not enforceable never fire. */
export function createLimitBinder(packs: Packs): BindLimit {
  return (rule, { station }, quantity) => {
    const pack = packs.get(rule.pack);
    if (!pack) return { reason: "pack-unknown" };
    const land = rule.land === undefined ? station : { ...station, land: rule.land };
    const limit = limitFor(pack, { quantity, medium: station.medium, station: land, above: rule.above });
    if (!limit.found) return { reason: limit.reason };
    if (!limit.enforceable) return { reason: "row-not-confirmed" };
    return { bounds: limit.bounds, clause: limit.clause, confidence: limit.confidence };
  };
}

/** Bindings of one series, the instrument rule first; none when its station is not in the registry. */
export function bindSeries(
  key: string,
  directory: Directory,
  bindLimit: BindLimit,
  book: DetectorBook,
): readonly Binding[] {
  const series = parseSeriesKey(key);
  const place = directory.station(series.station);
  if (!place) return [];
  const bindings: Binding[] = [instrumentBinding(unitOf(series, place))];
  for (const versioned of directory.snapshot.rules) {
    if (!versioned.rule.enabled || !inScope(versioned.rule.on, series, place)) continue;
    const binding = bindRule(versioned, series, place, { directory, bindLimit, book });
    if (binding) bindings.push(binding);
  }
  return bindings;
}

/** True when both mean the same: then the watch keeps its state. */
export function sameBinding(a: Binding, b: Binding): boolean {
  return a.ruleId === b.ruleId && a.version === b.version && JSON.stringify(a.bounds) === JSON.stringify(b.bounds);
}

export function placeFits(scope: RuleScope, { station, site }: Place): boolean {
  return (
    fits(scope.medium, station.medium) &&
    fits(scope.stationType, station.type) &&
    fits(scope.siteKind, site.kind) &&
    fits(scope.site, site.id) &&
    fits(scope.station, station.id)
  );
}

export function inScope(scope: RuleScope, series: Series, place: Place): boolean {
  return (
    fits(scope.quantity, series.quantity) &&
    fits(scope.fraction, series.fraction) &&
    fits(scope.aggregate, series.aggregate) &&
    placeFits(scope, place)
  );
}

function fits(wanted: readonly string[] | undefined, found: string): boolean {
  return wanted === undefined || wanted.includes(found);
}

function bindRule(
  { rule, version }: VersionedRule,
  series: Series,
  place: Place,
  { directory, bindLimit, book }: { directory: Directory; bindLimit: BindLimit; book: DetectorBook },
): Binding | null {
  if (rule.kind === "absence") return null; // on wall time, see SilenceWatch
  const common = {
    ruleId: rule.id,
    version,
    category: "pollution",
    level: rule.level,
    advice: rule.advice ?? null,
    rule,
    delays: "onDelay" in rule ? delaysOf(rule) : EACH_READING,
    unit: unitOf(series, place),
    context: null,
    members: null,
    grades: null,
  } as const;
  if (rule.kind === "level") {
    const bounds = levelBounds(rule, series.quantity, place.station.medium);
    return bounds ? { ...common, bounds, pack: null, clause: null, confidence: null } : null;
  }
  if (rule.kind !== "limit") {
    const context = seriesContext(series.quantity, place, directory, rule, bindLimit);
    if (!book.ofSeries(rule, context)) return null;
    const { pack = null } = rule as { pack?: string };
    return { ...common, bounds: [], pack, clause: null, confidence: null, context };
  }
  if (series.aggregate === "sum") return null; // a sum over a period is a load, packs limit concentrations
  const limit = bindLimit(rule, place, series.quantity);
  if ("reason" in limit || limit.bounds.length === 0) return null;
  return {
    ...common,
    bounds: limitBounds(rule, limit),
    pack: rule.pack,
    clause: limit.clause,
    confidence: limit.confidence,
  };
}

/** What a detector is told of a series. */
export function seriesContext(
  quantity: string,
  place: Place,
  directory: Directory,
  rule: Rule,
  bindLimit: BindLimit,
): SeriesContext {
  const unit = quantitySpec(quantity, place.station.medium)?.unit ?? "";
  const intervals = devicesAt(place.station.id, directory)
    .filter(({ quantities }) => Object.hasOwn(quantities, quantity))
    .map(({ interval }) => interval);
  const intervalMs = intervals.length > 0 ? Math.min(...intervals) : null;
  return { quantity, unit, resolution: null, intervalMs, limit: limitOf(rule, place, quantity, bindLimit) };
}

const byStation = new WeakMap<Directory, ReadonlyMap<string, readonly Device[]>>();

function devicesAt(station: string, directory: Directory): readonly Device[] {
  let devices = byStation.get(directory);
  if (!devices) {
    const found = new Map<string, Device[]>();
    for (const device of directory.snapshot.devices) {
      const siblings = found.get(device.station);
      if (siblings) siblings.push(device);
      else found.set(device.station, [device]);
    }
    devices = found;
    byStation.set(directory, devices);
  }
  return devices.get(station) ?? [];
}

function limitOf(rule: Rule, place: Place, quantity: string, bindLimit: BindLimit): SeriesContext["limit"] {
  if (!("pack" in rule) || !("above" in rule) || rule.pack === undefined || rule.above === undefined) return null;
  const found = bindLimit({ pack: rule.pack, above: rule.above } as Parameters<BindLimit>[0], place, quantity);
  return "reason" in found ? null : (found.bounds[0] ?? null);
}

function instrumentBinding(unit: string): Binding {
  return {
    ruleId: INSTRUMENT_RULE.id,
    version: 0,
    category: "instrument",
    level: INSTRUMENT_RULE.level,
    advice: null,
    rule: INSTRUMENT_RULE,
    bounds: [],
    delays: INSTRUMENT_DELAYS,
    unit,
    pack: null,
    clause: null,
    confidence: null,
    context: null,
    members: null,
    grades: null,
  };
}

function unitOf({ quantity }: Series, { station }: Place): string {
  return quantitySpec(quantity, station.medium)?.unit ?? "";
}
