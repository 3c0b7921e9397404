/**
 * The demonstration city: invented sites in the four areas of Ziyang, marked 示范 / demo, with a behaviour for every
 * series. Concentrations are typical of clean to mildly affected ground; none of it describes a real place.
 */
import type { RegistryContents } from "../core/ports.ts";
import type { Device, Site, Station } from "../core/site.ts";
import { FieldRegistry } from "./city-field.ts";
import { PLANS, type Plan, type StationGroup, TENANTS } from "./city-plans.ts";
import { MEDIUM_OF, PROFILES } from "./city-profiles.ts";
import type { Behaviour } from "./plant.ts";

/** The plume of the scenario: a tailings leak through a karst conduit, seen by the nearest downgradient well. */
const PLUME_STATION = "tailings-1-well-2";
const PLUME_QUANTITY = "cd";

export interface DemoCity {
  readonly contents: RegistryContents;
  /** By `station/quantity`. */
  readonly behaviours: ReadonlyMap<string, Behaviour>;
  readonly plumeStation: string;
}

/**
 * 13 sites, 70 stations with one device each, and three accounts that carry others.
 * @param intervalMs registered interval of every device.
 */
export function demoCity(intervalMs: number): DemoCity {
  const stations: Station[] = [];
  const devices: Device[] = [];
  const behaviours = new Map<string, Behaviour>();
  const field = new FieldRegistry();
  for (const plan of PLANS) {
    for (const { id, group, number } of numbered(plan)) {
      const profiles = PROFILES[group.profile];
      const station = stationOf(plan.site, group, { id, number, nth: stations.length });
      const quantities = Object.fromEntries(Object.entries(profiles).map(([quantity, { unit }]) => [quantity, unit]));
      stations.push(station);
      devices.push(field.equip({ id: `dev-${id}`, station: id, interval: intervalMs, quantities }, station, group.by));
      for (const [quantity, { behaviour }] of Object.entries(profiles)) behaviours.set(`${id}/${quantity}`, behaviour);
    }
  }
  const key = `${PLUME_STATION}/${PLUME_QUANTITY}`;
  const clean = behaviours.get(key);
  // Arrival about 80 s after the release: 40 m of conduit at 0.35 m/s; limit of class III is 5 µg/L, source 60 µg/L.
  if (clean)
    behaviours.set(key, {
      ...clean,
      plume: { source: 60, distanceM: 40, velocityMS: 0.35, dispersivityM: 4, retardation: 1.1 },
    });
  const sites = PLANS.map(({ site }) => site);
  return {
    contents: { tenants: TENANTS, sites, stations, devices: [...field.accounts(), ...devices] },
    behaviours,
    plumeStation: PLUME_STATION,
  };
}

/** Stations of one kind are numbered through within their site. */
function* numbered({ site, stations }: Plan): Generator<{ id: string; group: StationGroup; number: number }> {
  const numbers = new Map<string, number>();
  for (const group of stations) {
    for (let n = 0; n < group.count; n++) {
      const number = (numbers.get(group.profile) ?? 0) + 1;
      numbers.set(group.profile, number);
      yield { id: `${site.id}-${group.profile}-${number}`, group, number };
    }
  }
}

function stationOf(
  { id: site, lat, lon }: Site,
  { profile, type, land }: StationGroup,
  { id, number, nth }: { readonly id: string; readonly number: number; readonly nth: number },
): Station {
  const spread = nth * 2.39996; // golden angle: stations of a site do not lie on one another
  return {
    id,
    site,
    medium: MEDIUM_OF[profile],
    type,
    control: "city",
    ...(land ? { land } : {}),
    ...(profile === "soil" ? { ph: 7.1 } : {}),
    ...(profile === "source" || profile === "river" ? { targetClass: "III" as const } : {}),
    ...(profile === "irrigation" ? { crop: "paddy" as const } : {}),
    lat: round(lat + 0.004 * Math.sqrt(number) * Math.sin(spread)),
    lon: round(lon + 0.004 * Math.sqrt(number) * Math.cos(spread)),
  };
}

function round(degrees: number): number {
  return Number(degrees.toFixed(6));
}
