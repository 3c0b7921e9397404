/** `/stations/{id}/maintenance`: windows in which readings are those of a sensor under service, and who said so. */
import { z } from "zod";
import { MaintenanceAsk, MaintenanceWindow } from "../../core/maintenance.ts";
import { Id } from "../../core/site.ts";
import type { App } from "../app-type.ts";
import { StationId } from "../schemas.ts";
import { type Services, visiblePlace } from "../services.ts";
import type { Principal } from "../sessions.ts";
import { iso } from "../times.ts";

const Time = z.string().describe("ISO 8601 UTC");
const WindowView = MaintenanceWindow.extend({
  from: Time,
  to: Time,
  at: Time,
  endedAt: Time.optional(),
});
/** RFC 3339 with offset. */
const AskTime = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const AskBody = z.strictObject({ ...MaintenanceAsk.shape, from: AskTime, to: AskTime }).transform((ask, context) => {
  const checked = MaintenanceAsk.safeParse(ask);
  if (checked.success) return checked.data;
  for (const { path, message } of checked.error.issues) context.addIssue({ code: "custom", path, message });
  return z.NEVER;
});
const EndBody = z.strictObject({ until: AskTime.optional().describe("data time; now when left out") });

function view({ from, to, at, endedAt, ...rest }: MaintenanceWindow): z.infer<typeof WindowView> {
  return {
    ...{ ...rest, from: iso(from), to: iso(to), at: iso(at) },
    ...(endedAt === undefined ? {} : { endedAt: iso(endedAt) }),
  };
}

export function registerMaintenance(app: App, services: Services): void {
  const { maintenance, clock } = services.parts;
  const deedOf = ({ name, via }: Principal) => {
    return { by: name, via: via === "token" ? ("api" as const) : ("web" as const), at: clock.now() };
  };
  app.route({
    method: "GET",
    url: "/stations/:id/maintenance",
    config: { action: "maintenance.read" },
    schema: {
      tags: ["maintenance"],
      summary: "Maintenance windows of a station, oldest first, those that are over too",
      params: StationId,
      response: { 200: z.object({ station: z.string(), windows: z.array(WindowView) }) },
    },
    handler: async ({ principal, params }) => {
      const { station } = visiblePlace(services, principal, params.id);
      return { station: station.id, windows: (await maintenance.list(station.id)).map(view) };
    },
  });

  app.route({
    method: "POST",
    url: "/stations/:id/maintenance",
    config: { action: "maintenance.set" },
    schema: {
      tags: ["maintenance"],
      summary: "Set a maintenance window in the caller's name; its readings stay, marked M or C",
      params: StationId,
      body: AskBody,
      response: { 200: WindowView },
    },
    handler: async ({ principal, params, body }) => {
      const { station } = visiblePlace(services, principal, params.id);
      return view(await maintenance.add(station.id, body, deedOf(principal)));
    },
  });

  app.route({
    method: "POST",
    url: "/stations/:id/maintenance/:window/end",
    config: { action: "maintenance.set" },
    schema: {
      tags: ["maintenance"],
      summary: "End a window early; what it marked after that is as the device sent it",
      params: StationId.extend({ window: Id }),
      body: EndBody,
      response: { 200: WindowView },
    },
    handler: async ({ principal, params, body }) => {
      const { station } = visiblePlace(services, principal, params.id);
      const ending = { station: station.id, until: body.until };
      return view(await maintenance.end(params.window, ending, deedOf(principal)));
    },
  });
}
