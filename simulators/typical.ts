/** What a quantity usually reads in a medium, for equipment that somebody else has registered: the city's calm behaviours. */
import { conversion, convert } from "../core/quantity.ts";
import type { Medium } from "../core/site.ts";
import { MEDIUM_OF, PROFILES, type StationKind } from "./city-profiles.ts";
import { toUnit } from "./equipment.ts";
import type { Plant } from "./plant.ts";

const KINDS = Object.keys(PROFILES) as StationKind[];

/** A value in `unit`; null where the city measures no such thing in this medium or one with the same units. */
export function typicalValue(
  plant: Plant,
  { station, quantity, medium, unit }: Readonly<Record<"station" | "quantity" | "unit", string>> & { medium: Medium },
  time: number,
): number | null {
  const own = KINDS.filter((kind) => MEDIUM_OF[kind] === medium);
  const to = conversion(quantity, medium, unit);
  for (const kind of [...own, ...KINDS]) {
    const profile = PROFILES[kind][quantity];
    const from = profile && conversion(quantity, medium, profile.unit);
    if (profile && from && to) {
      return toUnit(convert(plant.value(`${station}/${quantity}`, profile.behaviour, time), from), to);
    }
  }
  return null;
}
