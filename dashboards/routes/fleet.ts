/** `/fleet`, `/devices/{id}/health`: how devices are. `/devices/{id}/commands`, `/config`: what is asked of them. */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import {
  argsOf,
  COMMAND_MS_DEFAULT,
  COMMAND_MS_MAX,
  CommandAsk,
  type DeviceCommand,
  DeviceSettings,
  SETTINGS_MAX,
} from "../../core/command.ts";
import { COMMAND_OPS } from "../../core/command-ops.ts";
import { configFault } from "../../core/config-fault.ts";
import { Refused } from "../../core/errors.ts";
import { commandFault } from "../../core/hj212-limits.ts";
import type { Device, DeviceContext } from "../../core/site.ts";
import { Duration, Id } from "../../core/site.ts";
import { parseWireTime, WireTime } from "../../core/wire.ts";
import { visibleTo } from "../access.ts";
import type { App } from "../app-type.ts";
import { unknown } from "../errors.ts";
import {
  CommandView,
  ConfigView,
  commandView,
  configView,
  FLEET_STATES,
  FleetView,
  fleetView,
  HealthView,
  healthView,
} from "../fleet-view.ts";
import type { Services } from "../services.ts";
import type { Principal } from "../sessions.ts";
import { iso } from "../times.ts";

const DeviceId = z.strictObject({ id: Id });
const Switch = z.enum(["true", "false"]).transform((word) => word === "true");

export function registerFleet(app: App, services: Services): void {
  registerList(app, services);
  registerHealth(app, services);
  registerCommands(app, services);
  registerConfig(app, services);
}

/** @throws Refused 404, the same for a device that is not there and one of another tenant. */
function visibleDevice({ parts }: Services, principal: Principal, id: string): DeviceContext {
  const context = parts.directory().device(id);
  if (!context || !visibleTo(principal, context.site)) throw unknown("device", id);
  return context;
}

function registerList(app: App, { parts }: Services): void {
  app.route({
    method: "GET",
    url: "/fleet",
    config: { action: "fleet.read" },
    schema: {
      tags: ["fleet"],
      summary: "Devices with presence, last seen, battery, signal, gaps and today's completeness",
      querystring: z.strictObject({
        site: Id.optional(),
        station: Id.optional(),
        state: z.enum(FLEET_STATES).optional(),
        overdue: Switch.optional(),
        gaps: Switch.optional(),
      }),
      response: { 200: z.object({ at: z.string(), devices: z.array(FleetView) }) },
    },
    handler: async ({ principal, query }) => {
      const [healths, presences] = await Promise.all([parts.fleet.all(), parts.presence.all()]);
      const presenceOf = new Map(presences.map((record) => [record.device, record]));
      const devices: FleetView[] = [];
      const now = parts.clock.now();
      for (const health of healths) {
        const context = parts.directory().device(health.device);
        if (!context || !visibleTo(principal, context.site)) continue;
        const { device, ...place } = context;
        const [presence, carrier] = [presenceOf.get(device.id), presenceOf.get(device.via ?? "")];
        const view = fleetView({ device, place, presence, carrier, health, now }, principal);
        if (query.site !== undefined && view.site !== query.site) continue;
        if (query.station !== undefined && view.station !== query.station) continue;
        if (query.state !== undefined && view.state !== query.state) continue;
        if (query.overdue !== undefined && view.overdue !== query.overdue) continue;
        if (query.gaps !== undefined && view.missingMessages + view.dataHoles > 0 !== query.gaps) continue;
        devices.push(view);
      }
      return { at: iso(now), devices };
    },
  });
}

function registerHealth(app: App, services: Services): void {
  const { parts } = services;
  app.route({
    method: "GET",
    url: "/devices/:id/health",
    config: { action: "fleet.read" },
    schema: {
      tags: ["fleet"],
      summary: "Health of one device: series, missing messages, holes in the data, clock, completeness by day",
      params: DeviceId,
      response: { 200: HealthView },
    },
    handler: async ({ principal, params }) => {
      const { device, ...place } = visibleDevice(services, principal, params.id);
      const [health, presences] = await Promise.all([parts.fleet.device(device.id), parts.presence.all()]);
      if (health === null) throw unknown("device", params.id);
      const presence = presences.find((record) => record.device === device.id);
      const carrier = presences.find((record) => record.device === device.via);
      return healthView({ device, place, presence, carrier, health, now: parts.clock.now() }, principal);
    },
  });
}

function registerCommands(app: App, services: Services): void {
  const { parts } = services;
  app.route({
    method: "GET",
    url: "/devices/:id/commands",
    config: { action: "fleet.read" },
    schema: {
      tags: ["fleet"],
      summary: "Commands to a device, newest first",
      params: DeviceId,
      querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(50) }),
      response: { 200: z.object({ commands: z.array(CommandView) }) },
    },
    handler: async ({ principal, params, query }) => {
      visibleDevice(services, principal, params.id);
      return { commands: (await parts.commands.of(params.id, query.limit)).map(commandView) };
    },
  });

  app.route({
    method: "POST",
    url: "/devices/:id/commands",
    config: { action: "device.command" },
    schema: {
      tags: ["fleet"],
      summary: "Ask something of a device; answered once it is durable, the device's word follows in the list",
      params: DeviceId,
      body: z.strictObject({
        op: z.enum(COMMAND_OPS),
        args: z.record(z.string(), z.unknown()).optional(),
        expires: z.string().max(40).optional().describe('duration such as "10m", or RFC 3339; default 1h, at most 30d'),
      }),
      response: { 200: z.object({ command: CommandView }) },
    },
    handler: async ({ principal, params, body }) => {
      const { device } = visibleDevice(services, principal, params.id);
      const now = parts.clock.now();
      const ask = parseAsk(body);
      refuseImpossible(ask, device);
      const [op, args] = [ask.op, argsOf(ask)];
      const via = principal.via === "token" ? "api" : "web";
      const command: DeviceCommand = {
        id: randomUUID(),
        device: params.id,
        op,
        args,
        state: "queued",
        detail: "",
        by: principal.name,
        via,
        createdAt: now,
        expiresAt: parseExpiry(body.expires, now),
        sentAt: null,
        tries: 0,
        updatedAt: now,
      };
      const detail = JSON.stringify(args);
      const deed = { at: now, actor: principal.name, via, action: `command.${op}`, object: params.id, detail };
      await parts.commands.put(command, deed);
      return { command: commandView(command) };
    },
  });
}

/** @throws Refused `COMMAND_INVALID` naming what is wrong with its arguments. */
function parseAsk({ op, args }: { readonly op: string; readonly args?: unknown }): CommandAsk {
  const parsed = CommandAsk.safeParse({ op, ...(args === undefined ? {} : { args }) });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Refused("COMMAND_INVALID", {
    what: `${op} cannot take these arguments: ${issue?.message ?? "invalid"}`,
    where: issue?.path.join(".") || "args",
    mend: 'setInterval takes {"seconds": 1 to 86400}, fetchHistory {"from": ms, "to": ms} or {"boot", "fromSeq", "toSeq"}, the others nothing',
  });
}

/** @throws Refused `COMMAND_IMPOSSIBLE` for arguments that the device's protocol does not take. */
function refuseImpossible(ask: CommandAsk, device: Device): void {
  const why = commandFault(ask, device);
  if (why === null) return;
  throw new Refused("COMMAND_IMPOSSIBLE", {
    what: `${device.id} cannot be asked for ${ask.op}: ${why}`,
    where: "args",
    mend: "give it arguments that its protocol takes",
  });
}

/** @throws Refused `COMMAND_IMPOSSIBLE` for a device that will never hear of its settings. */
function refuseDeaf(device: Device): void {
  const fault = configFault(device);
  if (fault) throw new Refused("COMMAND_IMPOSSIBLE", fault);
}

/** @throws Refused `EXPIRY_INVALID`. */
function parseExpiry(text: string | undefined, now: number): number {
  if (text === undefined) return now + COMMAND_MS_DEFAULT;
  const duration = Duration.safeParse(text);
  const time = WireTime.safeParse(text);
  const at = duration.success ? now + duration.data : time.success ? parseWireTime(time.data) : null;
  if (at !== null && at > now && at <= now + COMMAND_MS_MAX) return at;
  throw new Refused("EXPIRY_INVALID", {
    what: `"${text}" is no time within the next 30 days`,
    where: "expires",
    mend: 'give a duration such as "10m", or RFC 3339 with an offset',
  });
}

function registerConfig(app: App, services: Services): void {
  const { parts } = services;
  app.route({
    method: "GET",
    url: "/devices/:id/config",
    config: { action: "fleet.read" },
    schema: {
      tags: ["fleet"],
      summary: "Desired settings of a device, and the version it says it works by",
      params: DeviceId,
      response: { 200: ConfigView },
    },
    handler: async ({ principal, params }) => {
      visibleDevice(services, principal, params.id);
      return configView(params.id, await parts.commands.config(params.id));
    },
  });

  app.route({
    method: "POST",
    url: "/devices/:id/config",
    config: { action: "device.command" },
    schema: {
      tags: ["fleet"],
      summary: "The next version of a device's desired settings; refused for a device that has no `cfg` to hear it on",
      params: DeviceId,
      body: z.strictObject({
        values: DeviceSettings.refine(
          (values) => Object.keys(values).length <= SETTINGS_MAX,
          `at most ${SETTINGS_MAX} settings`,
        ),
      }),
      response: { 200: ConfigView },
    },
    handler: async ({ principal, params, body }) => {
      refuseDeaf(visibleDevice(services, principal, params.id).device);
      const [device, by, at] = [params.id, principal.name, parts.clock.now()];
      const via = principal.via === "token" ? "api" : "web";
      const detail = JSON.stringify(body.values).slice(0, 1_000);
      const deed = { at, actor: by, via, action: "device.configure", object: device, detail };
      return configView(device, await parts.commands.configure({ device, values: body.values, by, at }, deed));
    },
  });
}
