/**
 * The regulatory engine behind one port: fetches results, plans and the words of persons, asks the pure parts, and keeps
 * what a person decides. The web server and the command line are given it; who may see what is their business.
 */
import { chinaDate, chinaMidnight, DAY_MS } from "../../core/china-day.ts";
import type { Clock } from "../../core/clock.ts";
import { Refused } from "../../core/errors.ts";
import type { Plan, Versioned } from "../../core/plan.ts";
import type { Directory } from "../../core/ports.ts";
import type { Deed, FarmlandState, PlanState, RegulationDesk, RegulationStore } from "../../core/regulation.ts";
import type { Site, Station } from "../../core/site.ts";
import type { Packs } from "../packs/load.ts";
import { planRemarks, zoneRemarks } from "./check.ts";
import { classHistory } from "./classes.ts";
import { countyReminders } from "./county.ts";
import { dueList } from "./due.ts";
import { farmlandHistory, farmlandState, isFarmland } from "./farmland.ts";
import { type SeriesReads, seriesByStation, stationResults } from "./results.ts";
import { labRounds, monthlyRounds, type Round } from "./rounds.ts";

export interface RegulationParts {
  readonly directory: () => Directory;
  readonly store: RegulationStore;
  readonly series: SeriesReads;
  readonly packs: Packs;
  readonly clock: Pick<Clock, "now">;
}

interface Place {
  readonly station: Station;
  readonly site: Site;
}

export function createRegulationDesk(parts: RegulationParts): RegulationDesk {
  const { directory, store } = parts;
  const farmlands = async (isAsked: (place: Place) => boolean): Promise<readonly FarmlandState[]> => {
    const places = directory().snapshot.stations.flatMap(({ id }) => {
      const place = directory().station(id);
      return place && isFarmland(place.station, place.site) && isAsked(place) ? [place] : [];
    });
    return farmlandStates(parts, places);
  };
  const one = async (id: string): Promise<FarmlandState | null> =>
    (await farmlands(({ station }) => station.id === id))[0] ?? null;
  const known = async (id: string): Promise<FarmlandState> => {
    const state = await one(id);
    if (state) return state;
    const mend = "name a soil station of farmland: `jingtu farmland list` shows them";
    throw new Refused("FARMLAND_UNKNOWN", { what: `${id} is no farmland point`, mend }, 404);
  };
  return {
    async plan(site, on) {
      const plans = (await store.plans()).filter(({ body }) => body.site === site);
      return plans.length === 0 ? [] : planStates(parts, plans, on);
    },
    async zones(site) {
      const zones = (await store.zones()).filter(({ body }) => site === undefined || body.site === site);
      return zones.map(({ body: zone, version }) => {
        return { zone, version, remarks: zoneRemarks(zone, directory().snapshot) };
      });
    },
    async classes(id) {
      const place = directory().station(id);
      if (!place) return [];
      const keys = (await seriesByStation(parts.series)).get(id) ?? [];
      return classHistory(parts.packs, place.station, await roundsOf(parts, keys));
    },
    farmland: one,
    farmlands: (isAsked = everywhere) => farmlands(({ site }) => isAsked(site)),
    async confirm(id, decision, deed) {
      const { suggestion } = await known(id);
      const entry = { ...decision, station: id, suggested: suggestion?.category ?? null, ...deed };
      const detail = `${decision.category}: ${decision.reason}`;
      await store.confirm(entry, auditOf(deed, "farmland.confirm", id, detail));
      return known(id);
    },
    async addCrop(id, result, deed) {
      await known(id);
      const detail = `${result.on}: ${result.exceeded} of ${result.samples} exceed`;
      await store.addCrop(id, result, deed, auditOf(deed, "farmland.crop", id, detail));
      return known(id);
    },
    async trend(year, isAsked = everywhere) {
      return countyReminders(await farmlands(({ site }) => isAsked(site)), year);
    },
  };
}

const everywhere = (): boolean => true;

function auditOf({ at, by: actor, via }: Deed, action: string, object: string, detail: string) {
  return { at, actor, via, action, object, detail: detail.slice(0, 1_000) };
}

async function planStates(
  { directory, series, packs }: RegulationParts,
  plans: readonly Versioned<Plan>[],
  on: string,
): Promise<readonly PlanState[]> {
  const keys = await seriesByStation(series);
  const until = chinaMidnight(on) + DAY_MS;
  const states: PlanState[] = [];
  for (const { body: plan, version } of plans) {
    const results = new Map<string, Awaited<ReturnType<typeof stationResults>>["results"]>();
    const dense = new Set<string>();
    for (const point of plan.points) {
      const found = await stationResults(series, keys.get(point.station) ?? [], until);
      results.set(point.id, found.results);
      if (found.isDense) dense.add(point.id);
    }
    // What comes every few minutes is no lab result, whatever the plan says of it.
    const points = plan.points.map((point) => (dense.has(point.id) ? { ...point, source: "online" as const } : point));
    const station = (id: string): Station | undefined => directory().station(id)?.station;
    const due = dueList({ plan: { ...plan, points }, packs, station, results, on });
    states.push({ plan, version, on, points: due, remarks: planRemarks(plan) });
  }
  return states;
}

async function roundsOf({ series, clock }: RegulationParts, keys: readonly string[]): Promise<readonly Round[]> {
  const now = clock.now();
  const { results, isDense } = await stationResults(series, keys, now + 1);
  return isDense ? monthlyRounds(results, chinaDate(now)) : labRounds(results);
}

async function farmlandStates(parts: RegulationParts, places: readonly Place[]): Promise<readonly FarmlandState[]> {
  const [keys, decisions, crops] = await Promise.all([
    seriesByStation(parts.series),
    parts.store.confirmations(),
    parts.store.crops(),
  ]);
  const states: FarmlandState[] = [];
  for (const place of places) {
    const { id } = place.station;
    const rounds = await roundsOf(parts, keys.get(id) ?? []);
    const facts = { rounds, crops: crops.filter(({ station }) => station === id) };
    const history = farmlandHistory(parts.packs, place.station, facts);
    states.push(
      farmlandState(
        place,
        history,
        decisions.filter(({ station }) => station === id),
      ),
    );
  }
  return states;
}
