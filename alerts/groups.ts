/**
 * Which groups there are: the rules over several series, applied to the series that exist. Built again, station by
 * station, when the registry changes or a series is first heard.
 */
import type { Directory } from "../core/ports.ts";
import { parseSeriesKey, seriesKey } from "../core/reading.ts";
import type { Rule, VersionedRule } from "../core/rule.ts";
import { type Binding, type BindLimit, EACH_READING, inScope, type Place, seriesContext } from "./bind.ts";
import type { DetectorBook, GroupPlan } from "./detect/book.ts";
import type { DetectorMemory } from "./detect/detector.ts";
import { delaysOf } from "./detect/episode.ts";
import type { Group, GroupMember } from "./detect/group.ts";
import { GROUP_KINDS } from "./detectors.ts";
import { GroupWatch } from "./group-watch.ts";
import type { SeriesState } from "./series.ts";
import type { Watch } from "./watch.ts";

/** Scores that are grades count from 1, the least. */
const GRADES = [1, 2, 3, 4];

/** A group's memory in a snapshot. */
export interface SavedGroup {
  /** Of the derived series. */
  readonly key: string;
  readonly identity: string;
  readonly edgeTime: number;
  readonly memory: DetectorMemory;
}

/** Series of what a group rule finds: station, kind, rule, and which of the rule's groups there. */
function derivedKey({ station, about = "rtd" }: Group, { kind, id }: Pick<Rule, "kind" | "id">): string {
  return seriesKey({ station, quantity: kind, fraction: id, aggregate: about });
}

/** A derived series names its kind where others have their quantity. */
export function isDerivedKey(key: string): boolean {
  return GROUP_KINDS.has(parseSeriesKey(key).quantity);
}

export interface GroupParts {
  readonly book: DetectorBook;
  readonly bindLimit: BindLimit;
  /** The series of a derived key, made when it is new. */
  readonly derived: (key: string) => SeriesState;
  readonly queue: (group: GroupWatch) => void;
  readonly rowsMax: () => number;
  /** A watch is gone with its group. */
  readonly ended: (series: SeriesState, watch: Watch) => void;
}

interface WantedGroup {
  readonly versioned: VersionedRule;
  readonly plan: GroupPlan;
  readonly group: Group;
  readonly states: ReadonlyMap<string, SeriesState>;
}

/** The groups that a station or a site should have, by derived key. */
interface Wanted {
  readonly place: string;
  readonly groups: ReadonlyMap<string, WantedGroup>;
}

export class GroupBook {
  readonly groups = new Map<string, GroupWatch>();
  readonly #parts: GroupParts;
  readonly #byStation = new Map<string, SeriesState[]>();
  #dirty = new Set<string>();
  #saved = new Map<string, SavedGroup>();
  /** Rules over several series. */
  #plans: { readonly versioned: VersionedRule; readonly plan: GroupPlan }[] = [];
  #plansFor: Directory | null = null;
  /** Which station or site a derived key belongs to. */
  readonly #owners = new Map<string, string>();
  /** Where a station was when its groups were last built. */
  readonly #siteOf = new Map<string, string>();

  constructor(parts: GroupParts) {
    this.#parts = parts;
  }

  /** A measured series is there. */
  add(series: SeriesState): void {
    const siblings = this.#byStation.get(series.station);
    if (siblings) siblings.push(series);
    else this.#byStation.set(series.station, [series]);
    this.#dirty.add(series.station);
  }

  /** From a snapshot, for the group of that identity when it is built. */
  remember(saved: SavedGroup): void {
    this.#saved.set(saved.key, saved);
  }
  /** All memories from snapshots that have a group were taken. */
  forgetSaved(): void {
    this.#saved = new Map();
  }

  /** Makes the groups of what has changed. */
  build(directory: Directory): void {
    if (directory !== this.#plansFor) this.#readPlans(directory);
    if (this.#dirty.size === 0) return;
    const dirty = this.#dirty;
    this.#dirty = new Set();
    if (this.#plans.length === 0 && this.groups.size === 0) return;
    const places: Wanted[] = [];
    for (const id of dirty) places.push(this.#wantedAt("station", id, directory.station(id) ? [id] : [], directory));
    const stationsOf = this.#stationsBySite(directory);
    for (const id of this.#sitesOf(dirty, directory)) {
      places.push(this.#wantedAt("site", id, stationsOf.get(id) ?? [], directory));
    }
    // First what is gone, then what is there: a group that moves to another place is not taken for gone.
    for (const { place, groups } of places) {
      for (const [key, owner] of this.#owners) if (owner === place && !groups.has(key)) this.#remove(key);
    }
    for (const { place, groups } of places) {
      for (const [key, wanted] of groups) {
        if ((this.#owners.get(key) ?? place) !== place) continue; // told at one station by two sites: the first keeps it
        this.#owners.set(key, place);
        this.#put(key, wanted);
      }
    }
  }

  /** Sites of stations, also those that they were at before. */
  #sitesOf(stations: ReadonlySet<string>, directory: Directory): Set<string> {
    const sites = new Set<string>();
    for (const id of stations) {
      const before = this.#siteOf.get(id);
      const site = directory.station(id)?.site.id;
      if (before !== undefined) sites.add(before);
      if (site === undefined) this.#siteOf.delete(id);
      else {
        sites.add(site);
        this.#siteOf.set(id, site);
      }
    }
    return sites;
  }

  #readPlans(directory: Directory): void {
    this.#plansFor = directory;
    this.#plans = [];
    for (const versioned of directory.snapshot.rules) {
      const plan = versioned.rule.enabled ? this.#parts.book.ofGroup(versioned.rule) : null;
      if (plan) this.#plans.push({ versioned, plan });
    }
    for (const station of this.#byStation.keys()) this.#dirty.add(station);
  }

  #stationsBySite(directory: Directory): Map<string, string[]> {
    const sites = new Map<string, string[]>();
    for (const id of this.#byStation.keys()) {
      const site = directory.station(id)?.site.id;
      if (site === undefined) continue;
      const stations = sites.get(site);
      if (stations) stations.push(id);
      else sites.set(site, [id]);
    }
    for (const stations of sites.values()) stations.sort();
    return sites;
  }

  /** @param stations whose series are members together. */
  #wantedAt(scope: GroupPlan["scope"], id: string, stations: readonly string[], directory: Directory): Wanted {
    const groups = new Map<string, WantedGroup>();
    for (const { versioned, plan } of this.#plans) {
      if (plan.scope !== scope) continue;
      const { states, members } = this.#membersOf(versioned.rule, stations, directory);
      for (const group of members.length > 0 ? plan.groups(members) : []) {
        groups.set(derivedKey(group, versioned.rule), { versioned, plan, group, states });
      }
    }
    return { place: `${scope} ${id}`, groups };
  }

  #membersOf(rule: Rule, stations: readonly string[], directory: Directory) {
    const states = new Map<string, SeriesState>();
    const members: GroupMember[] = [];
    for (const station of stations) {
      const place = directory.station(station);
      if (!place) continue;
      for (const state of this.#byStation.get(station) ?? []) {
        if (!inScope(rule.on, parseSeriesKey(state.key), place)) continue;
        states.set(state.key, state);
        members.push(memberOf(state.key, place, directory, rule, this.#parts.bindLimit));
      }
    }
    members.sort((a, b) => (a.key < b.key ? -1 : 1));
    return { states, members };
  }

  #put(key: string, { versioned: { rule, version }, plan, group, states }: WantedGroup): void {
    const identity = JSON.stringify([rule.id, version, group.members.map((member) => contextOf(member))]);
    const known = this.groups.get(key);
    if (known?.identity === identity) return;
    if (known) this.#leave(known);
    const derived = this.#parts.derived(key);
    const members = group.members.flatMap((member) => states.get(member.key) ?? []);
    const { queue, rowsMax } = this.#parts;
    const create = (): ReturnType<GroupPlan["create"]> => plan.create(group);
    const watch = new GroupWatch({
      group,
      identity,
      members,
      derived,
      create,
      queue,
      rowsMax,
      daily: plan.daily === true,
    });
    const saved = this.#saved.get(key);
    if (saved?.identity === identity) {
      watch.restore(saved.memory, saved.edgeTime);
      this.#saved.delete(key);
    } else if (known && watch.edgeTime !== Number.NEGATIVE_INFINITY) {
      // Other members: with what the windows have dropped its memory cannot be made again, so what was found stands.
      watch.beginAfter(known.tailTime);
    }
    for (const member of members) member.groups = [...member.groups, watch];
    derived.derivedBy = watch;
    derived.rebind([bindingOf(rule, version, plan, group)]);
    this.groups.set(key, watch);
  }

  #leave(group: GroupWatch): void {
    group.gone = true;
    for (const { key } of group.group.members) {
      for (const state of this.#byStation.get(parseSeriesKey(key).station) ?? []) {
        if (state.key === key) state.groups = state.groups.filter((other) => other !== group);
      }
    }
  }

  #remove(key: string): void {
    const group = this.groups.get(key);
    if (!group) return;
    this.#leave(group);
    this.groups.delete(key);
    this.#owners.delete(key);
    for (const watch of group.derived.rebind([])?.removed ?? []) this.#parts.ended(group.derived, watch);
  }
}

function memberOf(key: string, place: Place, directory: Directory, rule: Rule, bindLimit: BindLimit): GroupMember {
  const { quantity, fraction, aggregate } = parseSeriesKey(key);
  const { station, site } = place;
  return {
    key,
    fraction,
    aggregate,
    station,
    site,
    ...seriesContext(quantity, place, directory, rule, bindLimit),
  };
}

function contextOf({ station, site, ...context }: GroupMember): unknown {
  return [context, station.id, station.type, site.id];
}

function bindingOf(rule: Rule, version: number, plan: GroupPlan, group: Group): Binding {
  return {
    ruleId: rule.id,
    version,
    category: plan.category ?? "pollution",
    level: rule.level,
    advice: rule.advice ?? null,
    rule,
    // Scores are above 0 while the condition holds, and 0 while it does not.
    bounds: [{ limit: 0, passes: "<=", clear: 0 }],
    delays: "onDelay" in rule ? delaysOf(rule) : EACH_READING,
    unit: "",
    pack: null,
    clause: null,
    confidence: null,
    context: null,
    members: group.members.map(({ key }) => key),
    grades: plan.levelOfScore ? GRADES.map(plan.levelOfScore) : null,
  };
}
