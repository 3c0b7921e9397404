/**
 * The web server: Fastify with its plugins, the routes of the interface, the server-rendered pages and the built UI.
 *
 * In: ports and functions (parts.ts). Out: HTTP on one port. It reads the journal and the stores, and writes only what
 * people ask: acknowledgements (through the desk), replays, sessions, audit entries.
 */

import type { AddressInfo } from "node:net";
import cookie from "@fastify/cookie";
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import Fastify, { type FastifyRequest } from "fastify";
import { createJsonSchemaTransform, serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { TooMany } from "../core/errors.ts";
import { portFault } from "../core/listen.ts";
import type { App } from "./app-type.ts";
import { registerAsyncApi } from "./async-api.ts";
import { isDirectLoopback, registerAuth } from "./auth.ts";
import { registerCompression } from "./compress.ts";
import { answerTo, unknown } from "./errors.ts";
import { createListener, judgeListener } from "./listen.ts";
import { LiveHub } from "./live.ts";
import { OpenAlarms } from "./open-alarms.ts";
import { registerPages } from "./pages/routes.tsx";
import type { DashboardParts } from "./parts.ts";
import { registerAlarms } from "./routes/alarms.ts";
import { registerClaim } from "./routes/claim.ts";
import { registerFleet } from "./routes/fleet.ts";
import { registerHealth, registerMetrics } from "./routes/health.ts";
import { registerLab } from "./routes/lab.ts";
import { registerMaintenance } from "./routes/maintenance.ts";
import { registerPlaces } from "./routes/places.ts";
import { registerPreview } from "./routes/preview.ts";
import { registerReadings } from "./routes/readings.ts";
import { registerRecords } from "./routes/records.ts";
import { registerRegulation } from "./routes/regulation.ts";
import { registerSession } from "./routes/session.ts";
import { registerStream } from "./routes/stream.ts";
import { registerTelemetry } from "./routes/telemetry.ts";
import { type Services, shareLatest } from "./services.ts";
import { Sessions } from "./sessions.ts";
import { registerStatic } from "./static.ts";

const BODY_BYTES_MAX = 256 * 1_024;
const REQUESTS_PER_MINUTE = 6_000;
const HSTS_SECONDS = 365 * 86_400;
const PREFIX = "/api/v1";

export interface DashboardServer {
  readonly address: { readonly port: number; readonly url: string };
  close(): Promise<void>;
}

/**
 * Resolves when connections are accepted.
 * @throws Misconfigured `HTTP_PLAIN`, `HTTP_TLS`, `TLS_UNREADABLE`, `PORT_IN_USE`, `PORT_FORBIDDEN`, `HOST_UNKNOWN`, `WEB_ROOT`.
 */
export async function createServer(parts: DashboardParts): Promise<DashboardServer> {
  const { app, services, stopKeepingFresh } = await buildApp(parts);
  const { host, httpPort } = parts.config;
  try {
    await app.listen({ host, port: httpPort });
  } catch (error) {
    await stop(app, services, stopKeepingFresh);
    throw portFault(error, { key: "httpPort", port: httpPort, host });
  }
  const { port } = app.server.address() as AddressInfo;
  const name = host.includes(":") ? `[${host}]` : host;
  const address = { port, url: `${services.tls ? "https" : "http"}://${name}:${port}` };
  return { address, close: () => stop(app, services, stopKeepingFresh) };
}

async function stop(app: App, { live }: Services, stopKeepingFresh: () => void): Promise<void> {
  stopKeepingFresh();
  await live.stop();
  app.server.closeIdleConnections();
  const closed = app.close();
  app.server.closeAllConnections();
  await closed;
}

/** Everything but listening; tests inject requests into `app`. */
export async function buildApp(parts: DashboardParts): Promise<{
  readonly app: App;
  readonly services: Services;
  readonly stopKeepingFresh: () => void;
}> {
  const { tls } = judgeListener(parts.config);
  const openAlarms = new OpenAlarms(parts.alarms);
  const sessions = new Sessions(parts);
  const live = new LiveHub({ ...parts, openAlarms, sessions });
  const latestByStation = shareLatest(() => parts.series.latest(), parts.clock);
  const services: Services = { parts, sessions, openAlarms, live, tls, latestByStation };
  const app = createApp(parts);
  await registerPlugins(app, parts, tls);
  registerAuth(app, { sessions, tls, publicUrl: parts.config.publicUrl });
  registerCompression(app);
  registerErrors(app, parts);
  await registerDocs(app);
  registerAsyncApi(app, parts);
  await app.register(async (api) => registerApi(api as App, services), { prefix: PREFIX });
  registerMetrics(app, services);
  await registerPages(app, services);
  if (parts.webRoot !== null) registerStatic(app, parts.webRoot);
  await app.ready();
  await Promise.all([openAlarms.refresh(), sessions.warm()]);
  await live.start((error) => {
    parts.log.fatal({ err: error }, "live tail stopped on a fault");
    setImmediate(() => {
      throw error; // a bug: the thread ends and its supervisor starts a fresh one
    });
  });
  return { app, services, stopKeepingFresh: openAlarms.keepFresh(parts) };
}

function createApp(parts: DashboardParts): App {
  const app = Fastify({
    serverFactory: (handler) => createListener(parts.config, handler),
    bodyLimit: BODY_BYTES_MAX,
    trustProxy: false,
    forceCloseConnections: false,
    routerOptions: { maxParamLength: 128 },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.removeContentTypeParser("text/plain"); // JSON only, so that validation cannot be skipped by another type
  return app as unknown as App;
}

async function registerPlugins(app: App, parts: DashboardParts, tls: boolean): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", "data:", "blob:"],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        manifestSrc: ["'self'"],
        workerSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Not no-referrer: with it browsers send `Origin: null` on forms, and the CSRF check could not tell.
    referrerPolicy: { policy: "same-origin" },
    strictTransportSecurity: tls ? { maxAge: HSTS_SECONDS, includeSubDomains: false } : false,
    xFrameOptions: { action: "deny" },
  });
  await app.register(cookie);
  await app.register(rateLimit, {
    max: REQUESTS_PER_MINUTE,
    timeWindow: 60_000,
    allowList: (request: FastifyRequest) => isDirectLoopback(request),
    errorResponseBuilder: (_request, { ttl }) => new TooMany("too many requests", Math.ceil(ttl / 1_000)),
  });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Jingtu", version: parts.version, description: "Soil and groundwater readings, limits, alarms." },
      components: {
        securitySchemes: {
          token: { type: "http", scheme: "bearer" },
          session: { type: "apiKey", in: "cookie", name: tls ? "__Host-jingtu" : "jingtu" },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
    transform: createJsonSchemaTransform({ skipList: [] }),
  });
}

function registerErrors(app: App, { log, metrics }: DashboardParts): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, problem, retryAfterSeconds, isBug } = answerTo(error);
    if (isBug) {
      metrics.count("http_bugs");
      log.error({ err: error, method: request.method, route: request.routeOptions.url ?? "none" }, "request failed");
    }
    if (retryAfterSeconds !== undefined) reply.header("retry-after", retryAfterSeconds);
    return reply.code(status).type("application/json; charset=utf-8").send(problem);
  });
  app.setNotFoundHandler((request) => {
    throw unknown("page", request.url.split("?", 1)[0] ?? "");
  });
}

/** The document and its page; everything the page needs comes from here. */
async function registerDocs(app: App): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    // One style attribute that the page sets by markup, by its hash.
    staticCSP:
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-hashes' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; img-src 'self' data:; connect-src 'self'; font-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
  });
  app.route({
    method: "GET",
    url: "/openapi.json",
    config: { action: "open" },
    schema: { hide: true },
    handler: async (_request, reply) => reply.type("application/json; charset=utf-8").send(app.swagger()),
  });
}

function registerApi(api: App, services: Services): void {
  api.addHook("onRequest", async (_request, reply) => {
    reply.header("cache-control", "no-store");
    reply.header("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
  });
  registerSession(api, services);
  registerClaim(api, services);
  registerTelemetry(api, services);
  registerLab(api, services);
  registerPlaces(api, services);
  registerReadings(api, services);
  registerAlarms(api, services);
  registerRecords(api, services);
  registerRegulation(api, services);
  registerPreview(api, services);
  registerMaintenance(api, services);
  registerFleet(api, services);
  registerStream(api, services);
  registerHealth(api, services);
}
