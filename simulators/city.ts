/**
 * The demonstration city: invented sites in the four areas of Ziyang, marked 示范 / demo, with a behaviour for every
 * series. Concentrations are typical of clean to mildly affected ground; none of it describes a real place.
 */
import type { RegistryContents } from "../core/ports.ts";
import type { Device, Medium, Site, Station, Tenant } from "../core/site.ts";
import type { Behaviour } from "./plant.ts";

interface Profile {
  readonly unit: string;
  readonly behaviour: Behaviour;
}
type Profiles = Readonly<Record<string, Profile>>;

const relative = (unit: string, base: number, digits: number, noise = 0.03, diurnal = 0.04): Profile => ({
  unit,
  behaviour: { base, digits, noise, diurnal, seasonal: 0.05 },
});
const absolute = (unit: string, base: number, digits: number, noise: number, diurnal: number): Profile => ({
  unit,
  behaviour: { base, digits, noise, diurnal, absolute: true },
});

/** What each kind of station measures. Every value stays inside its class limit on calm data. */
const PROFILES: Readonly<Record<"well" | "soil" | "river" | "source" | "irrigation" | "dam", Profiles>> = {
  well: {
    cd: relative("µg/L", 1.1, 3),
    as: relative("µg/L", 2.4, 2),
    pb: relative("µg/L", 2.1, 2),
    mn: relative("mg/L", 0.041, 4),
    ph: absolute("pH", 7.32, 2, 0.02, 0.05),
    ec: relative("µS/cm", 612, 0, 0.008, 0.01),
    gw_level: absolute("m", 6.4, 3, 0.004, 0.03),
  },
  soil: {
    cd: relative("mg/kg", 0.11, 3, 0.02, 0.01),
    as: relative("mg/kg", 6.8, 2, 0.02, 0.01),
    pb: relative("mg/kg", 24, 1, 0.02, 0.01),
    ph: absolute("pH", 7.1, 2, 0.02, 0.03),
    soil_moisture: absolute("%", 24, 1, 0.3, 2),
  },
  river: {
    nh3n: relative("mg/L", 0.31, 3, 0.04, 0.12),
    cd: relative("µg/L", 0.42, 3),
    do: absolute("mg/L", 8.2, 2, 0.05, 0.8),
    ph: absolute("pH", 7.9, 2, 0.02, 0.15),
    temp: absolute("°C", 17.5, 1, 0.05, 1.2),
  },
  source: {
    cd: relative("µg/L", 0.3, 3),
    as: relative("µg/L", 1.6, 2),
    no3n: relative("mg/L", 3.4, 2),
    ph: absolute("pH", 7.5, 2, 0.02, 0.05),
    turbidity: relative("NTU", 0.8, 2, 0.08, 0.1),
  },
  irrigation: {
    cd: relative("µg/L", 0.8, 3),
    as: relative("µg/L", 3.2, 2),
    pb: relative("µg/L", 2.6, 2),
    ph: absolute("pH", 7.6, 2, 0.02, 0.1),
    ec: relative("µS/cm", 540, 0, 0.01, 0.03),
  },
  dam: {
    phreatic_depth: absolute("m", 12.4, 3, 0.01, 0.03),
    pool_level: absolute("m", 412.6, 3, 0.004, 0.02),
    dry_beach: absolute("m", 164, 1, 0.2, 0.5),
    displacement_surface: absolute("mm", 3.1, 2, 0.05, 0.1),
    seepage: relative("L/s", 1.4, 3, 0.02, 0.05),
  },
};
type ProfileName = keyof typeof PROFILES;

const MEDIUM_OF: Readonly<Record<ProfileName, Medium>> = {
  well: "groundwater",
  soil: "soil",
  river: "surface-water",
  source: "groundwater",
  irrigation: "irrigation-water",
  dam: "tailings",
};

interface Plan {
  readonly site: Site;
  readonly stations: readonly {
    readonly profile: ProfileName;
    readonly type: Station["type"];
    readonly count: number;
    readonly land?: Station["land"];
  }[];
}

const tenants: Tenant[] = [
  { id: "demo-city", name: { "zh-CN": "示范市生态环境监测站", en: "Demo city monitoring station" } },
  { id: "demo-smelter", name: { "zh-CN": "示范冶炼有限公司", en: "Demo Smelting Co." } },
  { id: "demo-mine", name: { "zh-CN": "示范矿业有限公司", en: "Demo Mining Co." } },
  { id: "demo-waste", name: { "zh-CN": "示范固废处置中心", en: "Demo Waste Centre" } },
];

/** Area codes: three counties, and local codes for the development zones, which have no division code. */
const YANJIANG = "512002";
const ANYUE = "512021";
const LEZHI = "512022";
const ZONE = "ziyang-hitech";

const site = (
  id: string,
  tenant: string,
  kind: Site["kind"],
  area: string,
  zh: string,
  en: string,
  lat: number,
  lon: number,
): Site => ({
  id,
  tenant,
  kind,
  area,
  name: { "zh-CN": zh, en },
  lat,
  lon,
});

const PLANS: readonly Plan[] = [
  {
    site: site(
      "smelter-park",
      "demo-smelter",
      "industrial-park",
      YANJIANG,
      "示范冶炼园区",
      "Demo smelter park",
      30.135,
      104.662,
    ),
    stations: [
      { profile: "well", type: "upgradient", count: 1 },
      { profile: "well", type: "downgradient", count: 4 },
      { profile: "soil", type: "risk", count: 2, land: "class2" },
    ],
  },
  {
    site: site("tailings-1", "demo-mine", "tailings-pond", ANYUE, "示范尾矿库", "Demo tailings pond", 30.021, 105.221),
    stations: [
      { profile: "dam", type: "risk", count: 3 },
      { profile: "well", type: "upgradient", count: 1 },
      { profile: "well", type: "downgradient", count: 3 },
    ],
  },
  {
    site: site(
      "source-laoying",
      "demo-city",
      "water-source",
      YANJIANG,
      "示范水源地甲",
      "Demo drinking-water source A",
      30.206,
      104.531,
    ),
    stations: [
      { profile: "source", type: "source", count: 4 },
      { profile: "river", type: "basic", count: 1 },
    ],
  },
  {
    site: site(
      "source-lezhi",
      "demo-city",
      "water-source",
      LEZHI,
      "示范水源地乙",
      "Demo drinking-water source B",
      30.312,
      105.051,
    ),
    stations: [{ profile: "source", type: "source", count: 4 }],
  },
  {
    site: site("waste-1", "demo-waste", "waste-site", LEZHI, "示范固废填埋场", "Demo waste landfill", 30.252, 104.968),
    stations: [
      { profile: "well", type: "upgradient", count: 1 },
      { profile: "well", type: "downgradient", count: 4 },
    ],
  },
  {
    site: site(
      "livestock-1",
      "demo-city",
      "livestock-farm",
      ANYUE,
      "示范养殖场",
      "Demo livestock farm",
      30.148,
      105.402,
    ),
    stations: [
      { profile: "source", type: "downgradient", count: 2 },
      { profile: "soil", type: "risk", count: 2, land: "upland" },
    ],
  },
  {
    site: site(
      "irrigation-1",
      "demo-city",
      "irrigation",
      ANYUE,
      "示范灌溉取水口甲",
      "Demo irrigation intake A",
      30.087,
      105.311,
    ),
    stations: [{ profile: "irrigation", type: "intake", count: 4 }],
  },
  {
    site: site(
      "irrigation-2",
      "demo-city",
      "irrigation",
      LEZHI,
      "示范灌溉取水口乙",
      "Demo irrigation intake B",
      30.281,
      105.112,
    ),
    stations: [{ profile: "irrigation", type: "intake", count: 3 }],
  },
  {
    site: site("farmland-1", "demo-city", "farmland", ANYUE, "示范耕地甲", "Demo farmland A", 30.118, 105.362),
    stations: [{ profile: "soil", type: "basic", count: 5, land: "paddy" }],
  },
  {
    site: site("farmland-2", "demo-city", "farmland", YANJIANG, "示范耕地乙", "Demo farmland B", 30.061, 104.733),
    stations: [{ profile: "soil", type: "basic", count: 5, land: "upland" }],
  },
  {
    site: site(
      "plating-park",
      "demo-smelter",
      "industrial-park",
      ZONE,
      "示范电镀园区",
      "Demo plating park",
      30.097,
      104.641,
    ),
    stations: [
      { profile: "well", type: "upgradient", count: 1 },
      { profile: "well", type: "downgradient", count: 4 },
      { profile: "soil", type: "risk", count: 1, land: "class2" },
    ],
  },
  {
    site: site(
      "plot-1",
      "demo-city",
      "contaminated-plot",
      ZONE,
      "示范污染地块",
      "Demo contaminated plot",
      30.112,
      104.603,
    ),
    stations: [
      { profile: "well", type: "risk", count: 2 },
      { profile: "soil", type: "risk", count: 2, land: "class1" },
    ],
  },
  {
    site: site("background", "demo-city", "wellfield", LEZHI, "示范背景点", "Demo background points", 30.352, 104.931),
    stations: [
      { profile: "well", type: "background", count: 2 },
      { profile: "soil", type: "background", count: 1, land: "upland" },
    ],
  },
];

/** The plume of the scenario: a tailings leak through a karst conduit, seen by the nearest downgradient well. */
const PLUME_STATION = "tailings-1-well-2";
const PLUME_QUANTITY = "cd";

export interface DemoCity {
  readonly contents: RegistryContents;
  /** By `station/quantity`. */
  readonly behaviours: ReadonlyMap<string, Behaviour>;
  readonly plumeStation: string;
}

/** 13 sites, 62 stations with one device each. @param intervalMs registered interval of every device. */
export function demoCity(intervalMs: number): DemoCity {
  const stations: Station[] = [];
  const devices: Device[] = [];
  const behaviours = new Map<string, Behaviour>();
  for (const { site: place, stations: groups } of PLANS) {
    const numbers = new Map<string, number>();
    for (const { profile, type, count, land } of groups) {
      for (let n = 0; n < count; n++) {
        const number = (numbers.get(profile) ?? 0) + 1;
        numbers.set(profile, number);
        const id = `${place.id}-${profile}-${number}`;
        const spread = stations.length * 2.39996; // golden angle: stations of a site do not lie on one another
        stations.push({
          id,
          site: place.id,
          medium: MEDIUM_OF[profile],
          type,
          control: "city",
          ...(land ? { land } : {}),
          ...(profile === "soil" ? { ph: 7.1 } : {}),
          ...(profile === "source" || profile === "river" ? { targetClass: "III" as const } : {}),
          ...(profile === "irrigation" ? { crop: "paddy" as const } : {}),
          lat: round(place.lat + 0.004 * Math.sqrt(number) * Math.sin(spread)),
          lon: round(place.lon + 0.004 * Math.sqrt(number) * Math.cos(spread)),
        });
        const profiles = PROFILES[profile];
        devices.push({
          id: `dev-${id}`,
          station: id,
          interval: intervalMs,
          quantities: Object.fromEntries(Object.entries(profiles).map(([quantity, { unit }]) => [quantity, unit])),
        });
        for (const [quantity, { behaviour }] of Object.entries(profiles))
          behaviours.set(`${id}/${quantity}`, behaviour);
      }
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
  return {
    contents: { tenants, sites: PLANS.map((plan) => plan.site), stations, devices },
    behaviours,
    plumeStation: PLUME_STATION,
  };
}

function round(degrees: number): number {
  return Number(degrees.toFixed(6));
}
