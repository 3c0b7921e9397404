/** `/session`: sign in, who am I, sign out. */
import { z } from "zod";
import { ACTIONS, may } from "../access.ts";
import type { App } from "../app-type.ts";
import { clearSessionCookie, cookieName, setSessionCookie } from "../auth.ts";
import { SessionView } from "../schemas.ts";
import type { Services } from "../services.ts";
import { IDLE_MS, type Principal } from "../sessions.ts";
import { iso } from "../times.ts";

const SignInBody = z.strictObject({
  name: z.string().min(1).max(64),
  password: z.string().min(1).max(1_024),
});

export function registerSession(app: App, { sessions, parts, tls }: Services): void {
  const view = (principal: Principal): z.infer<typeof SessionView> => ({
    name: principal.name,
    role: principal.role,
    tenant: principal.tenant ?? null,
    via: principal.via,
    csrf: principal.session?.csrf ?? null,
    expiresAt: iso(principal.expiresAt),
    idleMs: IDLE_MS,
    version: parts.version,
    may: ACTIONS.filter((action) => may(principal, action)),
  });

  app.route({
    method: "POST",
    url: "/session",
    config: { action: "open" },
    schema: { tags: ["session"], summary: "Sign in", body: SignInBody, response: { 200: SessionView } },
    handler: async (request, reply) => {
      const oldCookie = request.cookies[cookieName(tls)];
      const { cookie, principal } = await sessions.signIn({ ...request.body, address: request.ip, oldCookie });
      setSessionCookie(reply, tls, cookie);
      return view(principal);
    },
  });

  app.route({
    method: "GET",
    url: "/session",
    config: { action: "session.read" },
    schema: { tags: ["session"], summary: "Who is signed in", response: { 200: SessionView } },
    handler: async (request) => view(request.principal),
  });

  app.route({
    method: "DELETE",
    url: "/session",
    config: { action: "session.read" },
    schema: { tags: ["session"], summary: "Sign out", response: { 204: z.null() } },
    handler: async (request, reply) => {
      if (request.principal.session) await sessions.signOut(request.principal.session, request.ip);
      clearSessionCookie(reply, tls);
      return reply.code(204).send(null);
    },
  });
}
