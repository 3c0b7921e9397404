/** Tapes for detectors over several stations: members, rows merged by data time as the engine does, and what came of it. */
import { NOT_JUDGED, VIOLATED } from "../../alerts/detect/condition.ts";
import type { Group, GroupDetector, GroupMember, GroupStep } from "../../alerts/detect/group.ts";
import { FORM } from "../../alerts/detect/marks.ts";
import { seriesKey } from "../../core/reading.ts";
import { aSite, aStation } from "./builders.ts";

export const DAY = 86_400_000;
/** A round day, so that tests can count from it. */
export const T0 = 20_000 * DAY;

export type Row = readonly [day: number, station: string, value: number, mark?: "<" | ">" | "bad" | undefined];

export function aMember(
  station: Parameters<typeof aStation>[0] & { readonly id: string },
  quantity = "cd",
  more: Partial<GroupMember> = {},
): GroupMember {
  const key = seriesKey({ station: station.id, quantity, fraction: "total", aggregate: "rtd" });
  const site = aSite({ id: station.site ?? "park" });
  return {
    key,
    quantity,
    fraction: "total",
    aggregate: "rtd",
    station: aStation({ ...station, site: site.id }),
    site,
    unit: "mg/L",
    resolution: null,
    intervalMs: null,
    limit: null,
    ...more,
  };
}

/** One step for each distinct time, in data time; `station` or `station/quantity` names the member. */
export function stepsOf(members: readonly GroupMember[], rows: readonly Row[]): GroupStep[] {
  const times = [...new Set(rows.map(([day]) => day))].sort((a, b) => a - b);
  return times.map((day) => {
    const values = new Float64Array(members.length).fill(Number.NaN);
    const forms = new Uint8Array(members.length).fill(FORM.unfit);
    const flags = new Uint8Array(members.length).fill(9);
    for (const [at, name, value, mark] of rows) {
      if (at !== day) continue;
      const index = members.findIndex(({ key }) => key.startsWith(`${name}/`));
      values[index] = value;
      forms[index] = mark === "<" ? FORM.below : mark === ">" ? FORM.above : FORM.plain;
      flags[index] = mark === "bad" ? 4 : 1;
    }
    return { time: T0 + day * DAY, values, forms, flags };
  });
}

export interface Told {
  readonly time: number;
  readonly judgement: number;
  readonly score: number;
  readonly by: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

/** What a detector says of each step. @param cut after so many steps a fresh detector goes on from the saved memory. */
export function run(
  create: () => GroupDetector,
  members: readonly GroupMember[],
  rows: readonly Row[],
  cut = Number.POSITIVE_INFINITY,
): Told[] {
  let detector = create();
  return stepsOf(members, rows).map((step, at) => {
    if (at === cut) {
      const saved: unknown = JSON.parse(JSON.stringify(detector.save()));
      detector = create();
      detector.load(saved);
    }
    const judgement = detector.step(step);
    const by = judgement === VIOLATED ? detector.contributors().map((index) => members[index]?.key ?? "") : [];
    // A score counts only for a time that was judged.
    return {
      time: step.time,
      judgement,
      score: judgement === NOT_JUDGED ? 0 : detector.score,
      by,
      figures: detector.figures(),
    };
  });
}

/** The figures after the last step; empty for an empty tape. */
export function lastFigures(told: readonly Told[]): Readonly<Record<string, number>> {
  return told.at(-1)?.figures ?? {};
}

/** The days on which it was violated, kept, not judged: "..!!?" */
export function line(told: readonly Told[]): string {
  return told.map(({ judgement }) => (judgement === VIOLATED ? "!" : judgement === NOT_JUDGED ? "?" : ".")).join("");
}

/** Numbers by member index become member keys, so that runs with members in another order compare. */
export function unordered(told: readonly Told[], members: readonly GroupMember[]): unknown[] {
  return told.map(({ figures, ...rest }) => {
    const source = figures["source"];
    return source === undefined
      ? { ...rest, figures }
      : { ...rest, figures: { ...figures, source: members[source]?.key ?? null } };
  });
}

export function onlyGroup(groups: readonly Group[]): Group {
  const [group] = groups;
  if (!group || groups.length !== 1) throw new Error(`expected one group, there are ${groups.length}`);
  return group;
}
