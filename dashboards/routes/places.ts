/** `/sites`, `/stations`, limits of a station, `/devices`: where things are and how they stand. */
import { z } from "zod";
import { isOpen } from "../../core/secret.ts";
import { Id } from "../../core/site.ts";
import { visibleAlarms, visibleTo } from "../access.ts";
import type { App } from "../app-type.ts";
import { unknown } from "../errors.ts";
import { devicesAt, type Place, quantityNames, sharedStationView, siteView, stationView } from "../places.ts";
import { LatestView, LimitView, Quantities, QuantityId, SiteView, StationId, StationView } from "../schemas.ts";
import { type Services, visiblePlace } from "../services.ts";
import type { Principal } from "../sessions.ts";
import { iso } from "../times.ts";

const Text = SiteView.shape.name;

export function registerPlaces(app: App, services: Services): void {
  registerSites(app, services);
  registerStations(app, services);
  registerOneStation(app, services);
  registerDevices(app, services);
}

/** Stations that the principal may see, of one site or of all. */
async function stationViews(services: Services, principal: Principal, site?: string): Promise<StationView[]> {
  const { parts, openAlarms } = services;
  const directory = parts.directory();
  const latest = await services.latestByStation();
  const now = parts.clock.now();
  const views: StationView[] = [];
  for (const { id } of directory.snapshot.stations) {
    const place = directory.station(id);
    if (!place || !visibleTo(principal, place.site) || (site !== undefined && place.site.id !== site)) continue;
    const alarms = visibleAlarms(principal, openAlarms.ofStation(id));
    views.push(sharedStationView({ directory, place, latest: latest.get(id) ?? [], alarms, now }));
  }
  return views;
}

async function oneStationView(services: Services, principal: Principal, place: Place): Promise<StationView> {
  const { parts, openAlarms } = services;
  const directory = parts.directory();
  const { id } = place.station;
  const latest = (await services.latestByStation()).get(id) ?? [];
  const alarms = visibleAlarms(principal, openAlarms.ofStation(id));
  return stationView({ directory, place, latest, alarms, now: parts.clock.now() });
}

function namesIn(views: readonly StationView[]): ReturnType<typeof quantityNames> {
  return quantityNames(views.flatMap((view) => [...view.measures, ...view.latest.map(({ quantity }) => quantity)]));
}

function registerSites(app: App, services: Services): void {
  app.route({
    method: "GET",
    url: "/sites",
    config: { action: "place.read" },
    schema: {
      tags: ["places"],
      summary: "Sites with their worst state",
      response: {
        200: z.object({ sites: z.array(SiteView), tenants: z.array(z.object({ id: z.string(), name: Text })) }),
      },
    },
    handler: async ({ principal }) => {
      const { snapshot } = services.parts.directory();
      const views = await stationViews(services, principal);
      const bySite = new Map<string, StationView[]>();
      for (const view of views) bySite.set(view.site, [...(bySite.get(view.site) ?? []), view]);
      const sites = snapshot.sites
        .filter((site) => visibleTo(principal, site))
        .map((site) => {
          const stations = bySite.get(site.id) ?? [];
          return siteView(
            site,
            stations,
            stations.flatMap(({ id }) => visibleAlarms(principal, services.openAlarms.ofStation(id))),
          );
        });
      const tenants = snapshot.tenants.filter(({ id }) => visibleTo(principal, { tenant: id }));
      return { sites, tenants: tenants.map(({ id, name }) => ({ id, name })) };
    },
  });
}

function registerStations(app: App, services: Services): void {
  app.route({
    method: "GET",
    url: "/stations",
    config: { action: "place.read" },
    // The views are made field by field right here; checking a thousand of them again would take half of the answer's time.
    serializerCompiler: () => JSON.stringify,
    schema: {
      tags: ["places"],
      summary: "Stations with state and latest values",
      querystring: z.strictObject({ site: Id.optional() }),
      response: { 200: z.object({ at: z.string(), stations: z.array(StationView), quantities: Quantities }) },
    },
    handler: async ({ principal, query }) => {
      const { snapshot } = services.parts.directory();
      const site = snapshot.sites.find(({ id }) => id === query.site);
      if (query.site !== undefined && (!site || !visibleTo(principal, site))) throw unknown("site", query.site);
      const stations = await stationViews(services, principal, query.site);
      return { at: iso(services.parts.clock.now()), stations, quantities: namesIn(stations) };
    },
  });
}

function registerOneStation(app: App, services: Services): void {
  const { parts } = services;
  app.route({
    method: "GET",
    url: "/stations/:id",
    config: { action: "place.read" },
    schema: {
      tags: ["places"],
      summary: "One station",
      params: StationId,
      response: { 200: z.object({ at: z.string(), station: StationView, quantities: Quantities }) },
    },
    handler: async ({ principal, params }) => {
      const station = await oneStationView(services, principal, visiblePlace(services, principal, params.id));
      return { at: iso(parts.clock.now()), station, quantities: namesIn([station]) };
    },
  });

  app.route({
    method: "GET",
    url: "/stations/:id/latest",
    config: { action: "reading.read" },
    schema: {
      tags: ["readings"],
      summary: "Newest reading of each series of a station",
      params: StationId,
      response: {
        200: z.object({ at: z.string(), station: z.string(), latest: z.array(LatestView), quantities: Quantities }),
      },
    },
    handler: async ({ principal, params }) => {
      const view = await oneStationView(services, principal, visiblePlace(services, principal, params.id));
      return { at: iso(parts.clock.now()), station: view.id, latest: view.latest, quantities: namesIn([view]) };
    },
  });

  app.route({
    method: "GET",
    url: "/stations/:id/limits",
    config: { action: "reading.read" },
    schema: {
      tags: ["readings"],
      summary: "Limits of the law that apply to a quantity at a station",
      params: StationId,
      querystring: z.strictObject({ quantity: QuantityId }),
      response: { 200: z.object({ quantity: z.string(), lines: z.array(LimitView) }) },
    },
    handler: async ({ principal, params, query }) => {
      const place = visiblePlace(services, principal, params.id);
      return { quantity: query.quantity, lines: [...parts.limits.lines(place, query.quantity)] };
    },
  });
}

function registerDevices(app: App, { parts }: Services): void {
  const DeviceView = z.object({
    id: z.string(),
    station: z.string(),
    site: z.string(),
    tenant: z.string(),
    intervalMs: z.number(),
    quantities: z.record(z.string(), z.string()),
    credential: z.boolean(),
  });
  app.route({
    method: "GET",
    url: "/devices",
    config: { action: "device.read" },
    schema: {
      tags: ["places"],
      summary: "Devices",
      querystring: z.strictObject({ station: Id.optional() }),
      response: { 200: z.object({ devices: z.array(DeviceView) }) },
    },
    handler: async ({ principal, query }) => {
      const directory = parts.directory();
      const chosen = query.station === undefined ? directory.snapshot.devices : devicesAt(directory, query.station);
      const devices = chosen.flatMap(({ id, station, interval, quantities }) => {
        const site = directory.station(station)?.site;
        if (!site || !visibleTo(principal, site)) return [];
        const credential = directory.credentials(id).some((one) => isOpen(one, parts.clock.now()));
        return [{ id, station, site: site.id, tenant: site.tenant, intervalMs: interval, quantities, credential }];
      });
      return { devices };
    },
  });
}
