/**
 * Routes of the server-rendered pages: `/a/{id}`, its acknowledgement form, `/login`. GET never changes anything, since
 * programs that preview links follow them; only the form's POST acknowledges.
 */
import formbody from "@fastify/formbody";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Alarm } from "../../core/alarm.ts";
import { contributorKeys } from "../../core/alarm-words.ts";
import { Refused, TooMany, Unavailable } from "../../core/errors.ts";
import { isGroupKind } from "../../core/rule-kind-names.ts";
import { alarmVisibleTo, may, safeNext } from "../access.ts";
import type { App } from "../app-type.ts";
import { checkToken, cookieName, setSessionCookie } from "../auth.ts";
import { answerTo } from "../errors.ts";
import { AlarmId } from "../schemas.ts";
import { acknowledge, type Services, visibleAlarm } from "../services.ts";
import { pickLocale, type TextKey } from "../texts.ts";
import { type AlarmPage, renderAlarmPage, type SeriesChart } from "./alarm-page.tsx";
import { PAGE_CSP } from "./layout.tsx";
import { renderFaultPage, renderSignInPage } from "./plain-pages.tsx";

const DAY_MS = 24 * 3_600_000;
const CHART_STEP_MS = 10 * 60_000;
/** A person waits for this page at night; the chart may be missing, the button may not. */
const CHART_WAIT_MS = 700;
const HTML = { tags: ["pages"], produces: ["text/html"], response: { 200: z.string() } };
// Not strict: messengers append their own parameters to links.
const PageQuery = z.object({ lang: z.string().max(10).optional() });

export async function registerPages(app: App, services: Services): Promise<void> {
  await app.register(async (scope) => {
    const pages = scope as App;
    await pages.register(formbody, { bodyLimit: 16 * 1_024 });
    pages.addHook("onRequest", async (_request, reply) => {
      reply.header("content-security-policy", PAGE_CSP).header("cache-control", "no-store");
    });
    pages.setErrorHandler((error, request, reply) => answerWithPage(services, error, request, reply));
    registerAlarmPage(pages, services);
    registerSignInPage(pages, services);
  });
}

function html(reply: FastifyReply, text: string, status = 200): FastifyReply {
  return reply.code(status).type("text/html; charset=utf-8").send(text);
}

function registerAlarmPage(pages: App, services: Services): void {
  pages.route({
    method: "GET",
    url: "/a/:id",
    config: { action: "alarm.read" },
    schema: { ...HTML, summary: "Alarm page for people", params: AlarmId, querystring: PageQuery },
    handler: async (request, reply) => {
      const alarm = await visibleAlarm(services, request.principal, request.params.id);
      return html(reply, await alarmPage(services, request, alarm, null));
    },
  });

  pages.route({
    method: "POST",
    url: "/a/:id/acknowledge",
    config: { action: "alarm.acknowledge", form: true },
    schema: {
      ...HTML,
      summary: "Form of the alarm page",
      consumes: ["application/x-www-form-urlencoded"],
      params: AlarmId,
      body: z.object({
        csrf: z.string().max(100).optional(),
        note: z.string().max(2_000).optional(),
        lang: z.string().max(10).optional(),
      }),
      response: { 303: z.string().describe("back to the page") },
    },
    handler: async (request, reply) => {
      const { id } = request.params;
      const { csrf, note, lang } = request.body;
      const before = await visibleAlarm(services, request.principal, id);
      const again = async (status: number, notice: AlarmPage["notice"]): Promise<FastifyReply> =>
        html(reply, await alarmPage(services, request, before, notice, lang), status);
      // A token in the header instead of the cookie cannot be sent by a foreign form.
      if (request.principal.via === "session" && !hasToken(request, csrf)) return again(403, "formExpired");
      try {
        const trimmed = note?.trim();
        const asked = { alarm: id, by: request.principal.name, via: "web" as const };
        await acknowledge(services, trimmed ? { ...asked, note: trimmed } : asked);
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        return again(503, error.code === "ALARM_UNDECIDED" ? "pending" : "notRecorded");
      }
      const query = lang === undefined ? "" : `?lang=${encodeURIComponent(lang)}`;
      return reply.redirect(`/a/${encodeURIComponent(id)}${query}`, 303);
    },
  });
}

function hasToken(request: FastifyRequest, csrf: string | undefined): boolean {
  try {
    checkToken(request, csrf);
    return true;
  } catch {
    return false;
  }
}

async function alarmPage(
  services: Services,
  request: FastifyRequest,
  alarm: Alarm,
  notice: AlarmPage["notice"],
  lang?: string,
): Promise<string> {
  const { parts, openAlarms } = services;
  const { principal } = request;
  const asked = lang ?? (request.query as { lang?: string }).lang;
  const [history, deliveries, charts] = await Promise.all([
    parts.alarms.history(alarm.id),
    parts.outbox.of(alarm.id),
    dayCharts(services, alarm),
  ]);
  let otherOpen = 0;
  for (const other of openAlarms.all()) {
    if (other.state === "active" && other.id !== alarm.id && alarmVisibleTo(principal, other)) otherOpen++;
  }
  return renderAlarmPage({
    locale: pickLocale(asked, request.headers["accept-language"]),
    alarm,
    directory: parts.directory(),
    history,
    deliveries,
    charts,
    explanation: parts.explain(alarm),
    otherOpen,
    csrf: may(principal, "alarm.acknowledge") ? (principal.session?.csrf ?? "") : null,
    notice,
    now: parts.clock.now(),
  });
}

/** Contributing series of a group that are drawn. */
const CHARTS_MAX = 3;

/** The day up to now, or up to an hour after the end of what is over. */
async function dayCharts({ parts }: Services, alarm: Alarm): Promise<AlarmPage["charts"]> {
  const { clock, series, log } = parts;
  const now = clock.now();
  const to = alarm.end === null ? now : Math.min(now, alarm.end + 3_600_000);
  const from = to - DAY_MS;
  const waiting = new AbortController();
  const drawn = isGroupKind(alarm.quantity) ? contributorKeys(alarm).slice(0, CHARTS_MAX) : [alarm.series];
  const load = (): Promise<SeriesChart[]> =>
    Promise.all(
      drawn.map(async (key) => {
        const buckets = await series.buckets({ series: key, from, to: to + 1 }, CHART_STEP_MS);
        return { series: key, buckets, from, to, stepMs: CHART_STEP_MS };
      }),
    );
  const loaded = load().catch((error) => {
    log.warn({ err: error }, "alarm page without its chart");
    return null;
  });
  const tooLate = clock.sleep(CHART_WAIT_MS, waiting.signal).then(() => null);
  const charts = await Promise.race([loaded, tooLate]);
  waiting.abort();
  return charts;
}

function registerSignInPage(pages: App, { sessions, tls }: Services): void {
  pages.route({
    method: "GET",
    url: "/login",
    config: { action: "open" },
    schema: { ...HTML, summary: "Sign-in page", querystring: PageQuery.extend({ next: z.string().optional() }) },
    handler: async (request, reply) => {
      const { lang, next } = request.query;
      if (request.principal.via === "session") return reply.redirect(safeNext(next), 303);
      const locale = pickLocale(lang, request.headers["accept-language"]);
      return html(reply, renderSignInPage({ locale, next: safeNext(next), name: "", fault: null }));
    },
  });

  pages.route({
    method: "POST",
    url: "/login",
    config: { action: "open", form: true },
    schema: {
      ...HTML,
      summary: "Form of the sign-in page",
      consumes: ["application/x-www-form-urlencoded"],
      body: z.object({
        name: z.string().max(64),
        password: z.string().max(1_024),
        next: z.string().optional(),
        lang: z.string().max(10).optional(),
      }),
      response: { 303: z.string().describe("on to `next`") },
    },
    handler: async (request, reply) => {
      const { name, password, lang } = request.body;
      const next = safeNext(request.body.next);
      try {
        const oldCookie = request.cookies[cookieName(tls)];
        const { cookie } = await sessions.signIn({ name, password, address: request.ip, oldCookie });
        setSessionCookie(reply, tls, cookie);
        return reply.redirect(next, 303);
      } catch (error) {
        const answer = answerTo(error);
        if (answer.isBug) throw error;
        if (answer.retryAfterSeconds !== undefined) reply.header("retry-after", answer.retryAfterSeconds);
        const locale = pickLocale(lang, request.headers["accept-language"]);
        return html(reply, renderSignInPage({ locale, next, name, fault: signInFault(error) }), answer.status);
      }
    },
  });
}

function signInFault(error: unknown): { key: TextKey; minutes?: number } {
  if (error instanceof TooMany) return { key: "signInLimited", minutes: Math.ceil(error.retryAfterSeconds / 60) };
  return { key: error instanceof Unavailable ? "signInBusy" : "signInFailed" };
}

/** Sends people who are not signed in to sign in, and shows everything else that went wrong as a page. */
function answerWithPage(
  { parts }: Services,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error instanceof Refused && error.code === "SIGNED_OUT") {
    const next = request.url.replace(/\/acknowledge(?=\?|$)/, "");
    return reply.redirect(`/login?next=${encodeURIComponent(safeNext(next))}`, 303);
  }
  const { status, isBug, retryAfterSeconds } = answerTo(error);
  if (isBug) {
    parts.metrics.count("http_bugs");
    parts.log.error({ err: error, method: request.method, route: request.routeOptions.url ?? "none" }, "page failed");
  }
  if (retryAfterSeconds !== undefined) reply.header("retry-after", retryAfterSeconds);
  const keys: Record<number, TextKey> = { 403: "forbidden", 404: "notFound", 500: "fault", 503: "unavailable" };
  const locale = pickLocale(undefined, request.headers["accept-language"]);
  return html(reply, renderFaultPage(locale, keys[status] ?? "invalid"), status);
}
