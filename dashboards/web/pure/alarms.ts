/** The alarm list: what to ask for in which order, what fits a filter, and the order on screen. */
import type { AlarmState, Level } from "../../../core/alarm.ts";
import type { AlarmView } from "../api-types.ts";

/** Highest first; the same words as core/alarm.ts. */
export const LEVELS: readonly Level[] = ["red", "orange", "yellow", "blue"];
export const STATE_CHOICES = ["open", "active", "acknowledged", "cleared", "all"] as const;
export type StateChoice = (typeof STATE_CHOICES)[number];

export interface AlarmFilter {
  readonly state: StateChoice;
  readonly level: Level | null;
  readonly site: string | null;
}

const STATES_OF: Readonly<Record<StateChoice, readonly AlarmState[]>> = {
  open: ["active", "acknowledged"],
  active: ["active"],
  acknowledged: ["acknowledged"],
  cleared: ["cleared"],
  all: ["active", "acknowledged", "cleared"],
};

/** From the query of the page; unknown words fall back. `state=active,acknowledged` is how links of the API say open. */
export function filterFromQuery(query: Readonly<Record<string, string>>): AlarmFilter {
  const state = STATE_CHOICES.find((choice) => choice === query["state"]);
  const level = LEVELS.find((word) => word === query["level"]);
  return { state: state ?? "open", level: level ?? null, site: query["site"] || null };
}
export function queryOfFilter({ state, level, site }: AlarmFilter): string {
  const query = new URLSearchParams();
  if (state !== "open") query.set("state", state);
  if (level) query.set("level", level);
  if (site) query.set("site", site);
  return query.size > 0 ? `?${query}` : "";
}

/**
 * Queries whose answers, one after the other, hold the alarms in the order of the screen. The server sorts by newest
 * change; so the urgent unacknowledged ones are asked for on their own, and a flood of blue cannot hide a red one.
 */
export function segmentsOf(filter: AlarmFilter): readonly string[] {
  const site = filter.site ? `&site=${encodeURIComponent(filter.site)}` : "";
  const levelsOfActive = filter.level ? [filter.level] : ["red,orange", "yellow,blue"];
  return STATES_OF[filter.state].flatMap((state) => {
    const levels = state === "active" ? levelsOfActive : [filter.level];
    return levels.map((level) => `state=${state}${level ? `&level=${level}` : ""}${site}`);
  });
}

export function fitsFilter(alarm: AlarmView, { state, level, site }: AlarmFilter): boolean {
  if (alarm.supersededBy !== null) return false;
  return (
    STATES_OF[state].includes(alarm.state) &&
    (level ?? alarm.level) === alarm.level &&
    (site ?? alarm.site) === alarm.site
  );
}

/** A listed alarm; `placed` is the state that chose its place. */
export interface Listed {
  readonly alarm: AlarmView;
  readonly placed: AlarmState;
}

/**
 * Puts alarms into the list. One that is there keeps its place until the list is loaded again: were it to jump when
 * acknowledged, the next tap of a tired thumb would acknowledge its neighbour. Only a new episode of it moves it.
 */
export function mergeAlarms(list: readonly Listed[], alarms: readonly AlarmView[], filter: AlarmFilter): Listed[] {
  const byId = new Map(list.map((listed) => [listed.alarm.id, listed]));
  for (const alarm of alarms) {
    const known = byId.get(alarm.id);
    if (known && Date.parse(known.alarm.updatedAt) > Date.parse(alarm.updatedAt)) continue;
    if (!known && !fitsFilter(alarm, filter)) continue;
    const isWorse = known !== undefined && alarm.state === "active" && known.alarm.state !== "active";
    byId.set(alarm.id, { alarm, placed: known && !isWorse ? known.placed : alarm.state });
  }
  return [...byId.values()].sort(byUrgency);
}

const STATE_ORDER: readonly AlarmState[] = ["active", "acknowledged", "cleared"];

/** Unacknowledged first, then level, then newest start of the alarm. */
function byUrgency(a: Listed, b: Listed): number {
  return (
    STATE_ORDER.indexOf(a.placed) - STATE_ORDER.indexOf(b.placed) ||
    LEVELS.indexOf(a.alarm.level) - LEVELS.indexOf(b.alarm.level) ||
    Date.parse(b.alarm.raisedAt) - Date.parse(a.alarm.raisedAt) ||
    (a.alarm.id < b.alarm.id ? -1 : 1)
  );
}

/** How a value that does not pass stands to its limit. */
export const CROSSED = { "<=": "＞", ">=": "＜", "<": "≥", ">": "≤" } as const;
