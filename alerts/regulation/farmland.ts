/**
 * The category that GB 15618-2018 suggests for farmland: 优先保护 (nothing above screening), 安全利用 (between), 严格管控
 * (above intervention). Results of farm produce only make it stricter, never milder. A person confirms. Pure.
 */
import { chinaMidnight, daysBetween } from "../../core/china-day.ts";
import type {
  ConfirmedCategory,
  CropResult,
  FarmlandCategory,
  FarmlandEntry,
  FarmlandState,
} from "../../core/regulation.ts";
import type { Site, Station } from "../../core/site.ts";
import { packFor } from "../packs/editions.ts";
import { limitFor } from "../packs/limits.ts";
import type { Packs } from "../packs/load.ts";
import { FARM_LANDS } from "../packs/pack.ts";
import { gradeRound } from "./classes.ts";
import type { Round } from "./rounds.ts";
import { categoryText } from "./texts.ts";

const FAMILY = "gb15618";
/** Soil and produce are compared when they were sampled within a year of one another. */
const CROP_DAYS = 366;

const BY_SOIL: Readonly<Record<string, FarmlandCategory>> = {
  "below-screening": "priority-protection",
  "above-screening": "safe-use",
  "above-intervention": "strict-control",
};

/** A soil station on farmland, or of a farmland site when no land is given. */
export function isFarmland(station: Station, site: Site): boolean {
  if (station.medium !== "soil") return false;
  if (station.land === undefined || station.land === "undefined") return site.kind === "farmland";
  return (FARM_LANDS as readonly string[]).includes(station.land);
}

/** A category for each round that holds a quantity of GB 15618, oldest first. */
export function farmlandHistory(
  packs: Packs,
  station: Station,
  facts: { readonly rounds: readonly Round[]; readonly crops: readonly CropResult[] },
): readonly FarmlandEntry[] {
  return facts.rounds.flatMap((round) => {
    const graded = gradeRound(packs, FAMILY, round, station);
    const bySoil = BY_SOIL[graded?.entry.class ?? ""];
    if (!graded || !bySoil) return [];
    const { entry } = graded;
    const near = nearestCrop(facts.crops, entry.date);
    const crop = near ? { date: near.on, samples: near.samples, exceeded: near.exceeded } : null;
    const category = withCrop(bySoil, crop);
    const text = categoryText({ category, bySoil, date: entry.date, deciding: entry.deciding }, crop);
    return [{ ...entry, category, bySoil, index: pollutionIndex(packs, station, round), crop, text }];
  });
}

/** Exceeding produce calls for safe use at least, whatever the soil says. */
export function withCrop(bySoil: FarmlandCategory, crop: { readonly exceeded: number } | null): FarmlandCategory {
  return bySoil === "priority-protection" && crop !== null && crop.exceeded > 0 ? "safe-use" : bySoil;
}

function nearestCrop(crops: readonly CropResult[], date: string): CropResult | undefined {
  const distance = ({ on }: CropResult): number => Math.abs(daysBetween(on, date));
  const near = crops.filter((crop) => distance(crop) <= CROP_DAYS);
  return near.reduce<CropResult | undefined>(
    (best, crop) => (best && distance(best) < distance(crop) ? best : crop),
    undefined,
  );
}

/** Highest ratio of a detected value to its screening value. */
function pollutionIndex(packs: Packs, station: Station, { date, values }: Round): number | null {
  const answer = packFor(packs, FAMILY, chinaMidnight(date));
  if (!answer.found) return null;
  const ph = values.get("ph");
  const place = ph?.cmp === "" ? { ...station, ph: ph.value } : station;
  let highest: number | null = null;
  for (const [quantity, { value }] of values) {
    const limit = limitFor(answer.pack, { quantity, medium: "soil", station: place, above: "screening" });
    const bound = limit.found ? limit.bounds[0]?.value : undefined;
    if (bound !== undefined && bound > 0) highest = Math.max(highest ?? 0, value / bound);
  }
  return highest;
}

/** Joins suggestion, history and the words of persons. `decisions`: of this station, oldest first. */
export function farmlandState(
  { station, site }: { readonly station: Station; readonly site: Site },
  history: readonly FarmlandEntry[],
  decisions: readonly ConfirmedCategory[],
): FarmlandState {
  const suggestion = history.at(-1) ?? null;
  const confirmed = decisions.at(-1) ?? null;
  const isNews = suggestion !== null && suggestion.category !== (confirmed?.suggested ?? null);
  return {
    ...{ station: station.id, site: site.id, area: site.area, suggestion, confirmed },
    toConfirm: suggestion !== null && (confirmed === null || (isNews && suggestion.category !== confirmed.category)),
    history,
    decisions,
  };
}
