/**
 * Who may see and do what: pure decisions. Enterprises, and every account bound to a tenant, see that tenant only;
 * what belongs to another one does not exist for them (404, never 403).
 */
import type { Audience, Role } from "../core/site.ts";

/** `loopback` is a request from this machine that no proxy forwarded; `device` shows a device's own secret. */
export type Grantee = Role | "public" | "loopback" | "device";

const EVERYBODY = ["admin", "regulator", "officer", "enterprise"] as const;
const STAFF = ["admin", "regulator", "officer"] as const;

/** Every action of the interface and who may take it; each route names one, and OpenAPI shows it as `x-access`. */
export const ACCESS = {
  open: ["public", ...EVERYBODY],
  "telemetry.send": ["device"],
  /** Enterprises, and every account bound to a tenant, for that tenant's stations only. */
  "lab.write": ["admin", "officer", "enterprise"],
  "session.read": EVERYBODY,
  "place.read": EVERYBODY,
  "reading.read": EVERYBODY,
  "alarm.read": EVERYBODY,
  "alarm.acknowledge": STAFF,
  "stream.read": EVERYBODY,
  /** A person's word on the category of farmland; of the own tenant only for an account bound to one. */
  "farmland.confirm": STAFF,
  "maintenance.read": EVERYBODY,
  /** It keeps readings from raising pollution alarms, so an enterprise may not; of the own tenant only for an account bound to one. */
  "maintenance.set": ["admin", "officer"],
  "rule.read": STAFF,
  /** Changes nothing, but costs the machine a while. */
  "rule.preview": ["admin", "officer"],
  "device.read": ["admin"],
  "fleet.read": EVERYBODY,
  /** An account bound to a tenant reaches that tenant's devices only. */
  "device.command": ["admin", "officer"],
  "quarantine.read": ["admin"],
  "quarantine.replay": ["admin"],
  "audit.read": ["admin"],
  "operations.read": [...STAFF, "loopback"],
} as const satisfies Record<string, readonly Grantee[]>;
export type Action = keyof typeof ACCESS;
export const ACTIONS = Object.keys(ACCESS) as readonly Action[];

/** Actions whose answers know no tenants: an account bound to one may not take them, whatever its role. */
const ACROSS_TENANTS: readonly Action[] = [
  "rule.read",
  "rule.preview",
  "quarantine.read",
  "quarantine.replay",
  "audit.read",
  "operations.read",
];

export function may(audience: Audience, action: Action): boolean {
  if (audience.tenant !== undefined && ACROSS_TENANTS.includes(action)) return false;
  return (ACCESS[action] as readonly Grantee[]).includes(audience.role);
}

export function visibleTo(audience: Audience, owner: { readonly tenant: string }): boolean {
  if (audience.role === "public") return false;
  if (audience.tenant !== undefined) return audience.tenant === owner.tenant;
  return audience.role !== "enterprise"; // an enterprise without a tenant is a half-made account: it sees nothing
}

const PATH_CHARACTERS_MAX = 512;

/**
 * A path of this site to go on to after sign-in, or "/". Refuses other origins in every spelling that a browser would
 * follow: `//host`, `/\host`, tabs and newlines inside, dot segments that leave `//host` behind.
 */
export function safeNext(next: string | undefined): string {
  if (next === undefined || next.length > PATH_CHARACTERS_MAX || !next.startsWith("/")) return "/";
  const here = "http://here.invalid";
  if (!URL.canParse(next, here)) return "/";
  const url = new URL(next, here);
  const path = `${url.pathname}${url.search}${url.hash}`;
  return url.origin === here && !path.startsWith("//") ? path : "/";
}

/** What the browser says about where a request comes from. */
export interface RequestSource {
  readonly fetchSite: string | undefined;
  readonly origin: string | undefined;
  readonly host: string | undefined;
}

/**
 * Refuses state changes that another site started. Modern browsers send Sec-Fetch-Site, older ones Origin; programs
 * send neither, and carry no cookie that could be abused.
 * @param publicUrl base of the site behind a proxy that rewrites Host.
 */
export function isSameOrigin({ fetchSite, origin, host }: RequestSource, publicUrl: string | undefined): boolean {
  if (fetchSite !== undefined) return fetchSite === "same-origin" || fetchSite === "none";
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false; // "null": sandboxed frames and the like
  const from = new URL(origin).host;
  return from === host || (publicUrl !== undefined && from === new URL(publicUrl).host);
}
