/**
 * `/sites/{id}/plan`, `/zones`, `/stations/{id}/class`, `/farmland`: what the standards ask next, how places are classed,
 * and a person's word on it.
 */
import { z } from "zod";
import { chinaDate } from "../../core/china-day.ts";
import { Day } from "../../core/plan.ts";
import { CropResult, type Deed, FarmlandDecision } from "../../core/regulation.ts";
import { Id } from "../../core/site.ts";
import { visibleTo } from "../access.ts";
import type { App } from "../app-type.ts";
import { unknown } from "../errors.ts";
import { ClassView, FarmlandView, farmlandView, PlanView, ReminderView, ZoneView } from "../regulation-view.ts";
import { StationId } from "../schemas.ts";
import { type Services, visiblePlace } from "../services.ts";
import type { Principal } from "../sessions.ts";

const SiteId = z.strictObject({ id: Id });

export function registerRegulation(app: App, services: Services): void {
  registerPlan(app, services);
  registerZones(app, services);
  registerClasses(app, services);
  registerFarmland(app, services);
  registerDecisions(app, services);
}

/** @throws Refused 404, the same for a site that is not there and one of another tenant. */
function refuseUnseen({ parts }: Services, principal: Principal, id: string): void {
  const site = parts.directory().snapshot.sites.find((one) => one.id === id);
  if (!site || !visibleTo(principal, site)) throw unknown("site", id);
}

function seesSite({ parts }: Services, principal: Principal): (id: string) => boolean {
  const { sites } = parts.directory().snapshot;
  const seen = new Set(sites.filter((site) => visibleTo(principal, site)).map(({ id }) => id));
  return (id) => seen.has(id);
}

function registerPlan(app: App, services: Services): void {
  const { parts } = services;
  app.route({
    method: "GET",
    url: "/sites/:id/plan",
    config: { action: "place.read" },
    schema: {
      tags: ["regulation"],
      summary: "Self-monitoring plan of a site (HJ 1209): what is due when at each point, and why",
      params: SiteId,
      querystring: z.strictObject({ on: Day.optional().describe("today when left out") }),
      response: { 200: z.object({ site: z.string(), plans: z.array(PlanView) }) },
    },
    handler: async ({ principal, params, query }) => {
      refuseUnseen(services, principal, params.id);
      const states = await parts.regulation.plan(params.id, query.on ?? chinaDate(parts.clock.now()));
      const plans = states.map(({ plan, version, on, points, remarks }) => ({
        id: plan.id,
        version,
        on,
        points,
        remarks,
      }));
      return { site: params.id, plans };
    },
  });
}

function registerZones(app: App, services: Services): void {
  app.route({
    method: "GET",
    url: "/zones",
    config: { action: "place.read" },
    schema: {
      tags: ["regulation"],
      summary: "Control zones of contaminated plots, and what each of them lacks",
      querystring: z.strictObject({ site: Id.optional() }),
      response: { 200: z.object({ zones: z.array(ZoneView) }) },
    },
    handler: async ({ principal, query }) => {
      if (query.site !== undefined) refuseUnseen(services, principal, query.site);
      const sees = seesSite(services, principal);
      const zones = await services.parts.regulation.zones(query.site);
      return { zones: zones.filter(({ zone }) => sees(zone.site)) };
    },
  });
}

function registerClasses(app: App, services: Services): void {
  app.route({
    method: "GET",
    url: "/stations/:id/class",
    config: { action: "reading.read" },
    schema: {
      tags: ["regulation"],
      summary: "Water class of a station by date, each by the edition in force then; oldest first",
      params: StationId,
      response: { 200: z.object({ station: z.string(), classes: z.array(ClassView).readonly() }) },
    },
    handler: async ({ principal, params }) => {
      const { station } = visiblePlace(services, principal, params.id);
      return { station: station.id, classes: await services.parts.regulation.classes(station.id) };
    },
  });
}

function registerFarmland(app: App, services: Services): void {
  const { parts } = services;
  app.route({
    method: "GET",
    url: "/farmland",
    config: { action: "place.read" },
    schema: {
      tags: ["regulation"],
      summary: "Farmland points with suggested and confirmed category",
      querystring: z.strictObject({ site: Id.optional() }),
      response: { 200: z.object({ farmland: z.array(FarmlandView) }) },
    },
    handler: async ({ principal, query }) => {
      if (query.site !== undefined) refuseUnseen(services, principal, query.site);
      const sees = seesSite(services, principal);
      const isAsked = ({ id }: { readonly id: string }) => sees(id) && (query.site === undefined || id === query.site);
      return { farmland: (await parts.regulation.farmlands(isAsked)).map(farmlandView) };
    },
  });

  app.route({
    method: "GET",
    url: "/farmland/trend",
    config: { action: "place.read" },
    schema: {
      tags: ["regulation"],
      summary: "Priority-protection farmland by county over the years, and which counties are to be reminded",
      querystring: z.strictObject({ year: z.coerce.number().int().min(1949).max(9999).optional() }),
      response: { 200: z.object({ year: z.number(), counties: z.array(ReminderView).readonly() }) },
    },
    handler: async ({ principal, query }) => {
      const year = query.year ?? Number(chinaDate(parts.clock.now()).slice(0, 4));
      return { year, counties: await parts.regulation.trend(year, (site) => visibleTo(principal, site)) };
    },
  });
}

function registerDecisions(app: App, services: Services): void {
  const { parts } = services;
  const deedOf = ({ name, via }: Principal): Deed => {
    return { by: name, via: via === "token" ? "api" : "web", at: parts.clock.now() };
  };
  app.route({
    method: "GET",
    url: "/stations/:id/farmland",
    config: { action: "place.read" },
    schema: {
      tags: ["regulation"],
      summary: "One farmland point: suggestion, history, words of persons",
      params: StationId,
      response: { 200: FarmlandView },
    },
    handler: async ({ principal, params }) => {
      const { station } = visiblePlace(services, principal, params.id);
      const state = await parts.regulation.farmland(station.id);
      if (!state) throw unknown("farmland point", params.id);
      return farmlandView(state);
    },
  });

  app.route({
    method: "POST",
    url: "/stations/:id/farmland",
    config: { action: "farmland.confirm" },
    schema: {
      tags: ["regulation"],
      summary: "Confirm the category of a farmland point, in the caller's name and with a reason",
      params: StationId,
      body: FarmlandDecision,
      response: { 200: FarmlandView },
    },
    handler: async ({ principal, params, body }) => {
      const { station } = visiblePlace(services, principal, params.id);
      return farmlandView(await parts.regulation.confirm(station.id, body, deedOf(principal)));
    },
  });

  app.route({
    method: "POST",
    url: "/stations/:id/farmland/crop",
    config: { action: "farmland.confirm" },
    schema: {
      tags: ["regulation"],
      summary: "Add results of farm produce at a point: samples taken, samples that exceed",
      params: StationId,
      body: CropResult,
      response: { 200: FarmlandView },
    },
    handler: async ({ principal, params, body }) => {
      const { station } = visiblePlace(services, principal, params.id);
      return farmlandView(await parts.regulation.addCrop(station.id, body, deedOf(principal)));
    },
  });
}
