/**
 * Who and where: tenants, sites, stations (点位), devices, people. One schema a noun; the registry file
 * (`jingtu registry import`) and the registry database hold the same objects.
 */
import { z } from "zod";
import { DeviceProfile } from "./device-profile.ts";
import { Duration } from "./duration.ts";
import { LocalText } from "./locale.ts";
import { QcOfStation } from "./qc.ts";

export { Duration, formatDuration } from "./duration.ts";

/** Names an operator chooses; case-sensitive, safe in topics, URLs and tags. */
export const Id = z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, "1 to 64 characters of A-Z a-z 0-9 _ . -");

/** Would collide with server-side topics below `ews/1/{tenant}/`. */
export const RESERVED_SITE_IDS = ["alerts", "alerts-log", "current"] as const;

export const SITE_KINDS = [
  "industrial-park",
  "tailings-pond",
  "water-source",
  "waste-site",
  "livestock-farm",
  "irrigation",
  "farmland",
  "contaminated-plot",
  "wellfield",
] as const;
export const MEDIA = [
  "soil",
  "groundwater",
  "surface-water",
  "drinking-water",
  "irrigation-water",
  "air",
  "tailings",
] as const;
/** Point types of the action plan, clause (二), and the roles of wells in HJ 164 and GB 18599. */
export const STATION_TYPES = ["basic", "risk", "background", "upgradient", "downgradient", "source", "intake"] as const;
export const CONTROL_LEVELS = ["national", "provincial", "city", "county", "enterprise"] as const;
export const LAND_USES = ["paddy", "upland", "orchard", "class1", "class2", "undefined"] as const;
export const WATER_CLASSES = ["I", "II", "III", "IV", "V"] as const;

export type Medium = (typeof MEDIA)[number];
export type LandUse = (typeof LAND_USES)[number];
export type WaterClass = (typeof WATER_CLASSES)[number];

const Latitude = z.number().min(-90).max(90);
const Longitude = z.number().min(-180).max(180);

/** An enterprise or authority; enterprises see their own tenant only. */
export const Tenant = z.strictObject({ id: Id, name: LocalText });
export type Tenant = z.infer<typeof Tenant>;

/** WGS-84 / CGCS2000 coordinates, never GCJ-02. `area` is a county code such as 512021 or a local zone code. */
export const Site = z.strictObject({
  id: Id.refine((id) => !(RESERVED_SITE_IDS as readonly string[]).includes(id), "reserved as a topic level"),
  tenant: Id,
  kind: z.enum(SITE_KINDS),
  area: z.string().min(1).max(32),
  name: LocalText,
  lat: Latitude,
  lon: Longitude,
});
export type Site = z.infer<typeof Site>;

/**
 * A monitoring point. `land` and `ph` choose the row of a soil pack, `targetClass` the class a water body must keep,
 * `crop` the column of GB 5084. `ph` is the soil pH that chooses the band of a soil
 * pack; without it the strictest band applies (a measured pH is not used for that yet). `qc` replaces thresholds of quality
 * control, by quantity.
 */
export const Station = z.strictObject({
  id: Id,
  site: Id,
  name: LocalText.optional(),
  medium: z.enum(MEDIA),
  type: z.enum(STATION_TYPES).default("basic"),
  control: z.enum(CONTROL_LEVELS).default("city"),
  land: z.enum(LAND_USES).optional(),
  crop: z.enum(["paddy", "dryland", "vegetable_cooked", "vegetable_raw"]).optional(),
  targetClass: z.enum(WATER_CLASSES).optional(),
  ph: z.number().min(0).max(14).optional(),
  lat: Latitude.optional(),
  lon: Longitude.optional(),
  qc: QcOfStation.optional(),
});
export type Station = z.infer<typeof Station>;

/**
 * A field device. `quantities` maps each quantity it may report to the unit it reports in when a message carries none.
 * `interval` is the expected time between readings. `secret` appears in import files only; the registry keeps an HMAC.
 * `via` names the account (another device) whose connection carries its messages: a LoRaWAN server, a Sparkplug edge node.
 */
export const Device = z.strictObject({
  id: Id,
  station: Id,
  interval: z.union([Duration, z.number().positive()]).default(600_000),
  quantities: z.record(z.string().regex(/^[a-z0-9_]{1,40}$/), z.string().min(1).max(40)),
  via: Id.optional(),
  profile: DeviceProfile.optional(),
});
export type Device = z.infer<typeof Device>;

/** A device and everything ingest needs to know about it, resolved once. */
export interface DeviceContext {
  readonly device: Device;
  readonly station: Station;
  readonly site: Site;
}

export const ROLES = ["admin", "regulator", "officer", "enterprise"] as const;
export type Role = (typeof ROLES)[number];

/** Who asks: a signed-in person, a token, or nobody (`public`). Enterprises carry their tenant. */
export interface Audience {
  readonly name: string;
  readonly role: Role | "public";
  readonly tenant?: string;
}
