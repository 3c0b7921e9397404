/** The work of a preview: one pass over history through two engines, the draft and what is in force, and what differs. */
import { inScope } from "./alerts/bind.ts";
import type { JudgeOptions } from "./alerts/judge.ts";
import type { Alarm, AlarmEvent } from "./core/alarm.ts";
import { createDirectory } from "./core/directory.ts";
import { Refused } from "./core/errors.ts";
import type { RegistrySnapshot, TimeSeriesStore } from "./core/ports.ts";
import { parseSeriesKey } from "./core/reading.ts";
import type { Rule, VersionedRule } from "./core/rule.ts";
import type { PreviewAlarm, PreviewReport, PreviewRequest } from "./core/rule-preview.ts";
import { Replay } from "./replay.ts";
import { replayHistory } from "./replay-history.ts";

/** Readings of one preview: a year of 100 series every 30 minutes. */
export const PREVIEW_ROWS_MAX = 2_000_000;
/** Read before `from`, so that what was running then is known. */
const LEAD_MS = 7 * 86_400_000;
const LISTED_MAX = 1_000;

export interface PreviewParts {
  readonly draft: Rule;
  readonly request: Omit<PreviewRequest, "rule">;
  readonly snapshot: RegistrySnapshot;
  readonly engine: JudgeOptions;
  readonly series: Pick<TimeSeriesStore, "query" | "latest">;
  readonly hasWebhook: boolean;
}

export async function judgePreview(parts: PreviewParts): Promise<Omit<PreviewReport, "ms">> {
  const { draft, request, snapshot, series } = parts;
  const known = snapshot.rules.find(({ rule }) => rule.id === draft.id) ?? null;
  const keys = await keysOf(parts, known);
  const [after, before] = [
    outcome(parts, { version: 1, rule: { ...draft, enabled: true }, changedAt: 0, changedBy: "draft" }),
    outcome(parts, known),
  ];
  const directory = createDirectory({ ...snapshot, rules: [] });
  const rows = await replayHistory({
    ...{ series, keys, from: request.from - LEAD_MS, to: request.to, directory },
    replays: [after.replay, before.replay],
    onFlag: () => undefined,
    pause: async (read) => {
      if (read > PREVIEW_ROWS_MAX) throw tooLarge();
    },
  });
  const [now, then] = [after.result(), before.result()];
  return {
    ...{ rule: draft.id, inForce: known?.version ?? null, rows, series: keys.length },
    alarms: { total: now.alarms.length, listed: now.alarms.slice(0, LISTED_MAX) },
    notices: { events: now.events, mqtt: now.events, webhook: parts.hasWebhook ? now.events : 0 },
    difference: { noticesInForce: then.events, ...differences(then.alarms, now.alarms) },
  };
}

/** Series in the scope of the draft, or of the rule that it would replace. */
async function keysOf(
  { draft, request, snapshot, series }: PreviewParts,
  known: VersionedRule | null,
): Promise<string[]> {
  const directory = createDirectory(snapshot);
  const { sites, stations } = request;
  const latest = await series.latest();
  return latest
    .map((point) => point.series)
    .filter((key) => {
      const parsed = parseSeriesKey(key);
      const place = directory.station(parsed.station);
      if (!place || (sites && !sites.includes(place.site.id))) return false;
      if (stations && !stations.includes(parsed.station)) return false;
      return [draft, ...(known ? [known.rule] : [])].some((rule) => inScope(rule.on, parsed, place));
    })
    .sort();
}

/** An engine with one rule, and what it tells of the time asked for. */
function outcome({ snapshot, engine, request }: PreviewParts, rule: VersionedRule | null) {
  const { sites, stations } = request;
  const devices = snapshot.devices.filter(({ station }) => {
    const site = snapshot.stations.find(({ id }) => id === station)?.site ?? "";
    return (!stations || stations.includes(station)) && (!sites || sites.includes(site));
  });
  const directory = createDirectory({ ...snapshot, devices, rules: rule ? [rule] : [] });
  const events: AlarmEvent[] = [];
  const begin = request.from - LEAD_MS;
  const onEvent = (event: AlarmEvent): void => {
    if (event.alarm.rule === rule?.rule.id) events.push(event);
  };
  const replay = new Replay({ directory, engine, begin, onEvent });
  const result = (): { readonly alarms: readonly PreviewAlarm[]; readonly events: number } => {
    const last = new Map(events.map(({ alarm }) => [alarm.id, alarm]));
    const alarms = [...last.values()].filter(
      ({ end, supersededBy }) => supersededBy === null && (end === null || end > request.from),
    );
    return { alarms: alarms.map(alarmOf).sort(inOrder), events: events.filter(({ at }) => at >= request.from).length };
  };
  return { replay, result };
}

/** Episodes of one series are the same, or another shape of each other when they overlap. */
export function differences(before: readonly PreviewAlarm[], after: readonly PreviewAlarm[]) {
  const left = new Set(before);
  const added: PreviewAlarm[] = [];
  const changed: { before: PreviewAlarm; after: PreviewAlarm }[] = [];
  let same = 0;
  for (const alarm of after) {
    const twin = [...left].find((each) => each.series === alarm.series && overlap(each, alarm));
    if (!twin) added.push(alarm);
    else {
      left.delete(twin);
      if (twin.start === alarm.start && twin.end === alarm.end && twin.level === alarm.level) same++;
      else changed.push({ before: twin, after: alarm });
    }
  }
  const cut = <T>(list: readonly T[]): T[] => list.slice(0, LISTED_MAX);
  return { same, added: cut(added), removed: cut([...left]), changed: cut(changed) };
}

function overlap(a: PreviewAlarm, b: PreviewAlarm): boolean {
  return a.start < (b.end ?? Infinity) && b.start < (a.end ?? Infinity);
}
function alarmOf({ series, level, start, end, verified }: Alarm): PreviewAlarm {
  return { series, level, start, end, verified };
}
function inOrder(a: PreviewAlarm, b: PreviewAlarm): number {
  return a.start - b.start || (a.series < b.series ? -1 : 1);
}

function tooLarge(): Refused {
  return new Refused(
    "PREVIEW_TOO_LARGE",
    { what: `over ${PREVIEW_ROWS_MAX} readings`, mend: "ask for a shorter time, or name sites or stations" },
    422,
  );
}
