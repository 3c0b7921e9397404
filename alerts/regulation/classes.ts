/**
 * Classes of a water station by date: GB/T 14848 for groundwater, GB 3838 for surface water, each round by the edition in
 * force on its day. Pure.
 */
import { chinaMidnight } from "../../core/china-day.ts";
import type { ClassEntry } from "../../core/regulation.ts";
import type { Medium, Station } from "../../core/site.ts";
import { packFor } from "../packs/editions.ts";
import { type Grade, gradeSample } from "../packs/grade.ts";
import type { Packs } from "../packs/load.ts";
import type { Place } from "../packs/select.ts";
import type { Round } from "./rounds.ts";

const FAMILY: Readonly<Partial<Record<Medium, string>>> = { groundwater: "gbt14848", "surface-water": "gb3838" };

/** Oldest first; empty for media that have no classes. Rounds without a graded quantity are left out. */
export function classHistory(packs: Packs, station: Station, rounds: readonly Round[]): readonly ClassEntry[] {
  const family = FAMILY[station.medium];
  if (family === undefined) return [];
  return rounds.flatMap((round) => {
    const graded = gradeRound(packs, family, round, station);
    return graded ? [graded.entry] : [];
  });
}

export interface GradedRound {
  readonly entry: ClassEntry;
  readonly grade: Grade;
}

/** Null when the round holds nothing that the pack grades. */
export function gradeRound(packs: Packs, family: string, round: Round, place: Place): GradedRound | null {
  const { date, values } = round;
  const answer = packFor(packs, family, chinaMidnight(date));
  if (!answer.found) return null;
  const { pack, inForce } = answer;
  const sample = [...values]
    .filter(([quantity]) => pack.byQuantity.has(quantity) || quantity === "ph")
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([quantity, { value, cmp }]) => ({ quantity, value, cmp }));
  const grade = gradeSample(pack, sample, place);
  if (grade.class === null) return null;
  const entry = {
    ...{ date, pack: pack.id, inForce, class: grade.class, deciding: grade.deciding, missing: grade.missing },
    ...{ assumed: grade.assumed ?? [], provisional: grade.provisional ?? false },
  };
  return { entry, grade };
}
