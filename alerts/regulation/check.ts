/**
 * Plans and control zones against the registry. Faults refuse the import, all at once; remarks tell what the guideline
 * would have otherwise and stop nothing. Pure.
 */
import type { ControlZone, Plan, PlanFile, PlanPoint } from "../../core/plan.ts";
import type { RegistryContents } from "../../core/ports.ts";
import { quantitySpec } from "../../core/quantity.ts";
import type { PlanRemark } from "../../core/regulation.ts";
import type { Site, Station } from "../../core/site.ts";
import { mediumOf } from "./due.ts";

type Places = Pick<RegistryContents, "sites" | "stations">;

/** Each with its place in the file; empty when the file fits the registry. */
export function planFaults({ plans, zones }: PlanFile, places: Places): readonly string[] {
  const faults: string[] = [];
  twice(plans, "plans", faults);
  twice(zones, "zones", faults);
  for (const plan of plans) checkPlan(plan, places, faults);
  for (const zone of zones) checkZone(zone, places, faults);
  return faults;
}

function twice(list: readonly { readonly id: string }[], where: string, faults: string[]): void {
  const seen = new Set<string>();
  for (const { id } of list) {
    if (seen.has(id)) faults.push(`${where}: the id "${id}" is given twice`);
    seen.add(id);
  }
}

function siteOf(id: string, { sites }: Places): Site | undefined {
  return sites.find((site) => site.id === id);
}
function stationOf(id: string, { stations }: Places): Station | undefined {
  return stations.find((station) => station.id === id);
}

function checkPlan(plan: Plan, places: Places, faults: string[]): void {
  const at = `plan ${plan.id}`;
  if (!siteOf(plan.site, places)) faults.push(`${at}: there is no site ${plan.site}`);
  twice(plan.units, `${at}, units`, faults);
  twice(plan.points, `${at}, points`, faults);
  const used = plan.units.flatMap(({ concerns }) => concerns);
  for (const quantity of new Set(used)) {
    if (!quantitySpec(quantity, "soil") && !quantitySpec(quantity, "groundwater"))
      faults.push(`${at}: quantity ${quantity} is measured neither in soil nor in groundwater`);
  }
  for (const point of plan.points) checkPoint(plan, point, places, faults);
}

function checkPoint(plan: Plan, point: PlanPoint, places: Places, faults: string[]): void {
  const at = `plan ${plan.id}, point ${point.id}`;
  const station = stationOf(point.station, places);
  const medium = mediumOf(point.object);
  if (!station) faults.push(`${at}: there is no station ${point.station}`);
  else if (station.site !== plan.site) faults.push(`${at}: station ${station.id} belongs to site ${station.site}`);
  else if (station.medium !== medium)
    faults.push(`${at}: ${point.object} is measured in ${medium}, station ${station.id} in ${station.medium}`);
  if (point.unit !== undefined && !plan.units.some(({ id }) => id === point.unit))
    faults.push(`${at}: there is no unit ${point.unit}`);
  if (point.unit === undefined && point.object !== "groundwater") faults.push(`${at}: only a control well has no unit`);
  for (const quantity of [...point.analytes, ...Object.keys(point.background)]) {
    if (!quantitySpec(quantity, medium)) faults.push(`${at}: quantity ${quantity} is not measured in ${medium}`);
  }
}

function checkZone(zone: ControlZone, places: Places, faults: string[]): void {
  const at = `zone ${zone.id}`;
  const site = siteOf(zone.site, places);
  if (!site) faults.push(`${at}: there is no site ${zone.site}`);
  else if (site.kind !== "contaminated-plot")
    faults.push(`${at}: site ${site.id} is of kind ${site.kind}, a control zone lies on a contaminated-plot`);
  for (const id of zone.stations) {
    const station = stationOf(id, places);
    if (!station) faults.push(`${at}: there is no station ${id}`);
    else if (station.site !== zone.site) faults.push(`${at}: station ${id} belongs to site ${station.site}`);
  }
  if (!zone.polygon && zone.stations.length === 0) faults.push(`${at}: give a polygon or stations`);
}

const AREA_M2_MAX = 6_400;
/** In principle so many wells with the control well (HJ 1209-2021 5.2.3, from memory). */
const WELLS_MIN = 3;

/** What the plan lacks by HJ 1209-2021 clauses 5.1 and 5.2. */
export function planRemarks(plan: Plan): readonly PlanRemark[] {
  const remarks: PlanRemark[] = [];
  const wells = plan.points.filter(({ object }) => object === "groundwater");
  const tell = (code: string, where: string, zh: string, en: string): void =>
    void remarks.push({ code, where, text: { "zh-CN": zh, en } });
  if (!wells.some(({ unit }) => unit === undefined))
    tell("control-well-missing", plan.id, "未设地下水对照点", "there is no upstream control well");
  if (wells.length < WELLS_MIN)
    tell(
      "wells-too-few",
      plan.id,
      `地下水监测井少于 ${WELLS_MIN} 个（含对照点）`,
      `fewer than ${WELLS_MIN} wells, the control well included`,
    );
  for (const { id, class: unitClass, areaM2 } of plan.units) {
    const own = plan.points.filter(({ unit }) => unit === id);
    const has = (object: PlanPoint["object"]): boolean => own.some((point) => point.object === object);
    if (areaM2 !== undefined && areaM2 > AREA_M2_MAX)
      tell("unit-too-large", id, `单元面积大于 ${AREA_M2_MAX} m²`, `the unit is larger than ${AREA_M2_MAX} m²`);
    if (!has("groundwater"))
      tell("unit-without-well", id, "单元下游未设地下水监测井", "no well downgradient of the unit");
    if (!has("surface-soil"))
      tell("unit-without-surface-soil", id, "单元内部或周边未设表层土壤监测点", "no surface-soil point at the unit");
    if (unitClass === 1 && !has("deep-soil") && !has("groundwater"))
      tell("unit-without-deep-soil", id, "一类单元未设深层土壤监测点", "a class 1 unit has no deep-soil point");
  }
  return remarks;
}

const MEDIA_ZH: Readonly<Record<string, string>> = {
  soil: "土壤",
  groundwater: "地下水",
  "surface-water": "地表水",
  air: "空气",
};

/** What a control zone lacks: points in its media, sign, notice, points inside its ring. */
export function zoneRemarks(zone: ControlZone, places: Places): readonly PlanRemark[] {
  const remarks: PlanRemark[] = [];
  if (zone.state === "lifted") return remarks;
  const tell = (code: string, where: string, zh: string, en: string): void =>
    void remarks.push({ code, where, text: { "zh-CN": zh, en } });
  const stations = zone.stations.flatMap((id) => stationOf(id, places) ?? []);
  for (const medium of zone.media) {
    if (!stations.some((station) => station.medium === medium))
      tell("medium-unwatched", medium, `${MEDIA_ZH[medium] ?? medium}无监测点`, `no point watches ${medium}`);
  }
  if (!zone.polygon) tell("polygon-missing", zone.id, "未划定管控区域边界", "the zone has no boundary");
  if (zone.sign === undefined) tell("sign-missing", zone.id, "未设立标识", "no sign is put up");
  if (zone.notice === undefined) tell("notice-missing", zone.id, "未发布公告", "no notice is published");
  for (const { id, lat, lon } of stations) {
    if (zone.polygon && lat !== undefined && lon !== undefined && !isInside(zone.polygon, lon, lat))
      tell("station-outside", id, `监测点 ${id} 在管控区域之外`, `point ${id} lies outside the zone`);
  }
  return remarks;
}

/** Even-odd rule on a ring of [lon, lat]; fine for plots that do not cross the 180th meridian. */
export function isInside(ring: readonly (readonly [number, number])[], lon: number, lat: number): boolean {
  let inside = false;
  for (const [index, [x, y]] of ring.entries()) {
    const [px, py] = ring.at(index - 1) ?? [x, y];
    if (y > lat !== py > lat && lon < ((px - x) * (lat - y)) / (py - y) + x) inside = !inside;
  }
  return inside;
}
