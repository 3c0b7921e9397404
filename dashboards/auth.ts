/**
 * Fastify hooks that every route passes: who asks, may they, and did they mean it (CSRF). A route without an action in
 * its config cannot be registered, so nothing is open by accident.
 */
import { timingSafeEqual } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Refused } from "../core/errors.ts";
import { isLoopback } from "../core/listen.ts";
import { ACCESS, type Action, type Grantee, isSameOrigin, may } from "./access.ts";
import type { App } from "./app-type.ts";
import { Problem } from "./schemas.ts";
import { NOBODY, type Principal, type Sessions } from "./sessions.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Named in access.ts. */
    action?: Action;
    /** The CSRF token comes in the form, and the handler checks it with `checkFormToken`. */
    form?: boolean;
  }
  interface FastifySchema {
    /** Roles that may call it; shown in the OpenAPI document. */
    "x-access"?: readonly Grantee[];
  }
  interface FastifyRequest {
    principal: Principal;
    /** Of a request by a device, see routes/telemetry.ts; empty otherwise. */
    device: string;
  }
}

const SESSION_SECONDS_MAX = 12 * 3_600;
const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];

export interface AuthParts {
  readonly sessions: Sessions;
  readonly tls: boolean;
  readonly publicUrl: string | undefined;
}

/** With TLS the browser itself pins the cookie to this host (prefix `__Host-`). */
export function cookieName(tls: boolean): string {
  return tls ? "__Host-jingtu" : "jingtu";
}

export function registerAuth(app: App, { sessions, tls, publicUrl }: AuthParts): void {
  app.decorateRequest("principal");
  app.decorateRequest("device", "");
  app.addHook("onRoute", (route) => {
    // The documentation page brings its own routes; they show nothing that the source does not.
    if (/^\/docs(\/|$)/.test(route.url)) route.config = { ...route.config, action: "open" };
    const action = route.config?.action;
    if (action === undefined) throw new Error(`route ${String(route.method)} ${route.url} names no action`);
    const { schema } = route;
    const answersJson = schema?.hide !== true && schema?.produces === undefined;
    const problems = { "4xx": Problem, "5xx": Problem };
    const response = { ...(schema?.response as object | undefined), ...(answersJson ? problems : {}) };
    route.schema = { ...schema, "x-access": ACCESS[action], ...(schema?.hide ? {} : { response }) };
  });
  app.addHook("onRequest", async (request) => {
    const { action, form } = request.routeOptions.config;
    // Devices have credentials of their own, which their route asks for; no person is behind them.
    const isDevice = action === "telemetry.send";
    request.principal = isDevice ? NOBODY : await resolvePrincipal(request, sessions, tls);
    if (!SAFE_METHODS.includes(request.method)) checkOrigin(request, publicUrl);
    if (action === undefined || isDevice) return; // not found: answered by its handler
    checkAccess(request, action);
    const changes = !SAFE_METHODS.includes(request.method) && form !== true && action !== "open";
    if (changes && request.principal.via === "session") checkToken(request, request.headers["x-csrf-token"]);
  });
}

async function resolvePrincipal(request: FastifyRequest, sessions: Sessions, tls: boolean): Promise<Principal> {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    const principal = token === undefined ? null : await sessions.fromToken(token);
    if (!principal) throw new Refused("SIGNED_OUT", { what: "the token is not valid", where: "Authorization" }, 401);
    return principal;
  }
  const cookie = request.cookies[cookieName(tls)];
  return (cookie === undefined ? null : await sessions.fromCookie(cookie)) ?? NOBODY;
}

function checkAccess(request: FastifyRequest, action: Action): void {
  const { principal } = request;
  if (action === "open" || may(principal, action)) return;
  if ((ACCESS[action] as readonly string[]).includes("loopback") && isDirectLoopback(request)) return;
  if (principal.role === "public") throw new Refused("SIGNED_OUT", { what: "sign in first" }, 401);
  throw new Refused("FORBIDDEN", { what: `${principal.role} may not do this`, where: action }, 403);
}

/** From this machine, and not handed on by a proxy that runs on it. */
export function isDirectLoopback(request: FastifyRequest): boolean {
  const { headers } = request;
  const forwarded = headers["x-forwarded-for"] ?? headers["forwarded"] ?? headers["x-real-ip"] ?? headers["via"];
  return forwarded === undefined && isLoopback(request.ip);
}

function checkOrigin(request: FastifyRequest, publicUrl: string | undefined): void {
  const { headers } = request;
  const fetchSite = headers["sec-fetch-site"];
  const source = { fetchSite: typeof fetchSite === "string" ? fetchSite : undefined, ...pick(headers) };
  if (!isSameOrigin(source, publicUrl)) {
    throw new Refused("CSRF", { what: "the request comes from another site" }, 403);
  }
}
function pick(headers: FastifyRequest["headers"]): { origin: string | undefined; host: string | undefined } {
  return { origin: headers.origin, host: headers.host };
}

/** For forms: the token in a hidden field. @throws Refused `CSRF` */
export function checkToken(request: FastifyRequest, given: unknown): void {
  const expected = Buffer.from(request.principal.session?.csrf ?? "");
  const actual = Buffer.from(typeof given === "string" ? given : "");
  if (expected.length > 0 && expected.length === actual.length && timingSafeEqual(expected, actual)) return;
  throw new Refused("CSRF", { what: "the CSRF token is missing or wrong", mend: "load the page again" }, 403);
}

export function setSessionCookie(reply: FastifyReply, tls: boolean, cookie: string): void {
  // Lax, not strict: a duty officer comes from a link in a message and must not have to sign in again.
  reply.setCookie(cookieName(tls), cookie, {
    path: "/",
    httpOnly: true,
    sameSite: "lax",
    secure: tls,
    maxAge: SESSION_SECONDS_MAX,
  });
}
export function clearSessionCookie(reply: FastifyReply, tls: boolean): void {
  reply.clearCookie(cookieName(tls), { path: "/", httpOnly: true, sameSite: "lax", secure: tls });
}
