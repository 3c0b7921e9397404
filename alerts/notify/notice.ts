/** What is sent to an outlet: one JSON body an event or a group, fixed when it is queued, so that every try is equal. */
import type { Alarm, AlarmEvent } from "../../core/alarm.ts";
import type { OutboxItem } from "../../core/ports.ts";
import { alarmPayload } from "../publish.ts";
import { groupTexts, noticeTexts } from "./texts.ts";

type Queued = Omit<OutboxItem, "tries">;

/** A group lists this many alarms; the text gives the whole number. */
const LISTED_MAX = 100;

/** @param publicUrl base of links to alarm pages; no links when null. */
export function eventItem(outlet: string, event: AlarmEvent, publicUrl: string | null): Queued {
  const { id, kind, at, by, note, alarm } = event;
  const body = { id, kind, at, text: noticeTexts(kind, alarm), by, note, alarm: describeAlarm(alarm, publicUrl) };
  return { key: `${id}:${outlet}`, outlet, alarm: alarm.id, event: id, body: JSON.stringify(body), dueAt: at };
}

/** One notice for all back-filled alarms of a station. @param events of one station, oldest first, at least one. */
export function groupItem(
  outlet: string,
  events: readonly AlarmEvent[],
  publicUrl: string | null,
  now: number,
): Queued {
  const alarms = [...new Map(events.map(({ alarm }) => [alarm.id, alarm])).values()].filter(
    ({ supersededBy }) => supersededBy === null,
  );
  const first = events[0] as AlarmEvent;
  const { tenant, site, station } = first.alarm;
  const body = {
    id: first.id,
    kind: "back-fill",
    at: now,
    ...{ tenant, site, station },
    text: groupTexts(station, alarms.length > 0 ? alarms : [first.alarm]),
    count: alarms.length,
    alarms: alarms.slice(0, LISTED_MAX).map((alarm) => describeAlarm(alarm, publicUrl)),
  };
  return {
    key: `${first.id}:${outlet}`,
    outlet,
    alarm: first.alarm.id,
    event: first.id,
    body: JSON.stringify(body),
    dueAt: now,
  };
}

function describeAlarm(alarm: Alarm, publicUrl: string | null) {
  const { category, tenant, site, station, quantity, backfill, acknowledgedBy, supersededBy, advice } = alarm;
  return {
    ...alarmPayload(alarm),
    ...{ category, tenant, site, station, quantity, backfill, acknowledgedBy, supersededBy, advice },
    ...(publicUrl === null ? {} : { url: `${publicUrl.replace(/\/$/, "")}/a/${alarm.id}` }),
  };
}
