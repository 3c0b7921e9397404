/** What the routes share: the parts they were given and the little state that the web server itself keeps. */
import type { Alarm } from "../core/alarm.ts";
import type { Clock } from "../core/clock.ts";
import type { LatestPoint } from "../core/ports.ts";
import { parseSeriesKey } from "../core/reading.ts";
import { alarmVisibleTo, visibleTo } from "./access.ts";
import { unknown } from "./errors.ts";
import type { LiveHub } from "./live.ts";
import type { OpenAlarms } from "./open-alarms.ts";
import type { DashboardParts } from "./parts.ts";
import type { Place } from "./places.ts";
import type { Principal, Sessions } from "./sessions.ts";

export interface Services {
  readonly parts: DashboardParts;
  readonly sessions: Sessions;
  readonly openAlarms: OpenAlarms;
  readonly live: LiveHub;
  readonly tls: boolean;
  /** Newest points of all series, grouped by station; callers at the same moment share one query. */
  readonly latestByStation: () => Promise<ReadonlyMap<string, readonly LatestPoint[]>>;
}

/** @throws Refused 404, the same for a station that is not there and one of another tenant. */
export function visiblePlace({ parts }: Services, principal: Principal, id: string): Place {
  const place = parts.directory().station(id);
  if (!place || !visibleTo(principal, place.site)) throw unknown("station", id);
  return place;
}

/** @throws Refused 404, the same for an alarm that is not there and one that they may not see. */
export async function visibleAlarm(services: Services, principal: Principal, id: string): Promise<Alarm> {
  const { parts, openAlarms, live } = services;
  const find = async (): Promise<Alarm | null> => openAlarms.newest(await parts.alarms.get(id), id);
  let alarm = await find();
  if (!alarm) {
    await live.caughtUp();
    alarm = await find();
  }
  if (!alarm || !alarmVisibleTo(principal, alarm)) throw unknown("alarm", id);
  return alarm;
}

/** As old as the store's own batches may be anyway; pages that poll then cost the pipeline's thread two answers a second. */
const LATEST_MS_MAX = 500;

/** Groups all latest points by station; a call while one is under way, or shortly after, gets the same answer. */
export function shareLatest(
  latest: () => Promise<readonly LatestPoint[]>,
  clock: Pick<Clock, "monotonic">,
): () => Promise<ReadonlyMap<string, readonly LatestPoint[]>> {
  let shared: Promise<ReadonlyMap<string, readonly LatestPoint[]>> | null = null;
  let freshUntil = Number.POSITIVE_INFINITY;
  const load = async (): Promise<ReadonlyMap<string, readonly LatestPoint[]>> => {
    const byStation = new Map<string, LatestPoint[]>();
    for (const point of await latest()) {
      const { station } = parseSeriesKey(point.series);
      const known = byStation.get(station);
      if (known) known.push(point);
      else byStation.set(station, [point]);
    }
    return byStation;
  };
  return () => {
    if (shared !== null && clock.monotonic() < freshUntil) return shared;
    const loading = load();
    shared = loading;
    freshUntil = Number.POSITIVE_INFINITY;
    loading.then(
      () => {
        freshUntil = clock.monotonic() + LATEST_MS_MAX;
      },
      () => {
        shared = null; // the next call asks again
      },
    );
    return loading;
  };
}

/** Acknowledges for a person and remembers the answer, so that the next page shows it before the store has it. */
export async function acknowledge(
  { parts, openAlarms }: Services,
  request: { readonly alarm: string; readonly by: string; readonly via: "web" | "api"; readonly note?: string },
): Promise<Alarm> {
  const alarm = await parts.desk.acknowledge(request);
  openAlarms.apply(alarm);
  const { alarm: object, by: actor, via, note = "" } = request;
  const at = parts.clock.now();
  await parts.accounts.audit({ at, actor, via, action: "alarm.acknowledge", object, detail: note });
  return alarm;
}
