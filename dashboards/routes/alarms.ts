/** `/alarms`: list, one with its evidence and history, acknowledge. */
import { z } from "zod";
import { ALARM_STATES, type Alarm, type AlarmState, LEVELS } from "../../core/alarm.ts";
import type { AlarmFilter } from "../../core/ports.ts";
import { Id } from "../../core/site.ts";
import { alarmVisibleTo, may, maySeeIntegrity, visibleTo } from "../access.ts";
import { alarmDetail, alarmView } from "../alarm-view.ts";
import type { App } from "../app-type.ts";
import { unknown } from "../errors.ts";
import { quantityNames } from "../places.ts";
import { AlarmDetail, AlarmId, AlarmView, Quantities } from "../schemas.ts";
import { acknowledge, type Services, visibleAlarm, visiblePlace } from "../services.ts";
import type { Principal } from "../sessions.ts";

/** "active,acknowledged" as a list of known words. */
const words = <T extends string>(known: readonly [T, ...T[]]) =>
  z
    .string()
    .max(200)
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(known)).min(1));

const AlarmsQuery = z.strictObject({
  state: words(ALARM_STATES).optional(),
  level: words(LEVELS).optional(),
  site: Id.optional(),
  station: Id.optional(),
  cursor: z.string().min(1).max(512).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
type AlarmsQuery = z.infer<typeof AlarmsQuery>;

export function registerAlarms(app: App, services: Services): void {
  registerList(app, services);
  registerOne(app, services);
  registerAcknowledge(app, services);
}

function registerList(app: App, services: Services): void {
  const { parts, openAlarms } = services;
  const Counts = z.object({ active: z.number(), acknowledged: z.number(), cleared: z.number() });
  app.route({
    method: "GET",
    url: "/alarms",
    config: { action: "alarm.read" },
    schema: {
      tags: ["alarms"],
      summary: "Alarms, newest change first",
      querystring: AlarmsQuery,
      response: {
        200: z.object({
          alarms: z.array(AlarmView),
          cursor: z.string().nullable(),
          counts: Counts,
          quantities: Quantities,
        }),
      },
    },
    handler: async ({ principal, query }) => {
      checkPlaces(services, principal, query);
      const page = await parts.alarms.list(filterOf(query, principal));
      const directory = parts.directory();
      const alarms = page.alarms
        .map((alarm) => openAlarms.newest(alarm, alarm.id) ?? alarm)
        .filter((alarm) => alarmVisibleTo(principal, alarm) && fits(alarm, query))
        .map((alarm) => alarmView(alarm, directory));
      const counts: Record<AlarmState, number> = { ...(await parts.alarms.counts(scopeOf(principal))) };
      const quantities = quantityNames(alarms.map(({ quantity }) => quantity));
      return { alarms, cursor: page.cursor, counts, quantities };
    },
  });
}

function filterOf({ state, level, site, station, cursor, limit }: AlarmsQuery, principal: Principal): AlarmFilter {
  return {
    limit,
    ...(state ? { state } : {}),
    ...(level ? { level } : {}),
    ...(site === undefined ? {} : { site }),
    ...(station === undefined ? {} : { station }),
    ...(cursor === undefined ? {} : { cursor }),
    ...scopeOf(principal),
  };
}

function scopeOf(principal: Principal): Pick<AlarmFilter, "tenant" | "withoutIntegrity"> {
  return {
    withoutIntegrity: !maySeeIntegrity(principal),
    ...(principal.tenant === undefined ? {} : { tenant: principal.tenant }),
  };
}

/** An alarm may have changed since the store last heard of it. */
function fits(alarm: Alarm, { state, level }: AlarmsQuery): boolean {
  if (alarm.supersededBy !== null) return false;
  return (state?.includes(alarm.state) ?? true) && (level?.includes(alarm.level) ?? true);
}

/** Places that are not there, or not theirs, are refused alike. */
function checkPlaces(services: Services, principal: Principal, { site, station }: AlarmsQuery): void {
  if (station !== undefined) visiblePlace(services, principal, station);
  if (site === undefined) return;
  const found = services.parts.directory().snapshot.sites.find(({ id }) => id === site);
  if (!found || !visibleTo(principal, found)) throw unknown("site", site);
}

function registerOne(app: App, services: Services): void {
  const { parts } = services;
  app.route({
    method: "GET",
    url: "/alarms/:id",
    config: { action: "alarm.read" },
    schema: {
      tags: ["alarms"],
      summary: "One alarm with evidence, history and deliveries",
      params: AlarmId,
      response: { 200: AlarmDetail },
    },
    handler: async ({ principal, params }) => {
      const alarm = await visibleAlarm(services, principal, params.id);
      const [history, deliveries] = await Promise.all([parts.alarms.history(alarm.id), parts.outbox.of(alarm.id)]);
      const showDetail = principal.role !== "enterprise";
      const explanation = parts.explain(alarm);
      const showScope = may(principal, "rule.read");
      const directory = parts.directory();
      return alarmDetail(alarm, { directory, history, deliveries, showDetail, showScope, explanation });
    },
  });
}

function registerAcknowledge(app: App, services: Services): void {
  app.route({
    method: "POST",
    url: "/alarms/:id/acknowledge",
    config: { action: "alarm.acknowledge" },
    schema: {
      tags: ["alarms"],
      summary: "Acknowledge; a second time answers with the first acker",
      params: AlarmId,
      body: z.strictObject({ note: z.string().max(2_000).optional() }).nullish(),
      response: { 200: z.object({ alarm: AlarmView }) },
    },
    handler: async ({ principal, params, body }) => {
      await visibleAlarm(services, principal, params.id);
      const note = body?.note?.trim();
      const alarm = await acknowledge(services, {
        alarm: params.id,
        by: principal.name,
        via: principal.via === "token" ? "api" : "web",
        ...(note ? { note } : {}),
      });
      return { alarm: alarmView(alarm, services.parts.directory()) };
    },
  });
}
