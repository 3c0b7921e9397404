/** The places of the demonstration city: tenants, 13 invented sites, and which stations each has. */
import type { Site, Station, Tenant } from "../core/site.ts";
import type { Protocol } from "./city-field.ts";
import type { StationKind } from "./city-profiles.ts";

export interface StationGroup {
  readonly profile: StationKind;
  readonly type: Station["type"];
  readonly count: number;
  readonly land?: Station["land"];
  /** What its devices speak; our own MQTT format when left out. */
  readonly by?: Protocol;
}
export interface Plan {
  readonly site: Site;
  readonly stations: readonly StationGroup[];
}

export const TENANTS: readonly Tenant[] = [
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

export const PLANS: readonly Plan[] = [
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
      { profile: "well", type: "downgradient", count: 1, by: "hj212" },
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
      { profile: "river", type: "basic", count: 1, by: "hj212" },
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
      { profile: "piezometer", type: "downgradient", count: 1, by: "tts" },
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
    stations: [
      { profile: "soil", type: "basic", count: 5, land: "paddy" },
      { profile: "probe", type: "basic", count: 2, land: "paddy", by: "chirpstack" },
    ],
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
      { profile: "well", type: "downgradient", count: 2, by: "sparkplug" },
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
      { profile: "piezometer", type: "background", count: 1, by: "chirpstack" },
    ],
  },
];
