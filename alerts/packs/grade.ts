/**
 * Grades one sample by one pack: the class of every quantity, the worst of them and what decided it. Pure;
 * `jingtu standards grade` uses it.
 *
 * Single-factor evaluation: GB/T 14848-2017 clauses 6.2 and 6.3, GB 3838-2002 clause 5.1.
 */
import { Refused } from "../../core/errors.ts";
import { conversion, convert, findQuantity, quantitySpec } from "../../core/quantity.ts";
import type { Comparison } from "../../core/reading.ts";
import type { Pack, Rung } from "./compile.ts";
import { effectiveValue, type Ladder, labelsOf, ladderFor, type Measured, rankAt, rankOf } from "./ladder.ts";
import { coversLand } from "./limits.ts";
import { passesSide } from "./range.ts";
import { appliesAt, assumedWithout, type Place } from "./select.ts";

export interface SampleValue {
  /** Id of the dictionary. */
  readonly quantity: string;
  /** Finite. With `cmp` "<" the reporting limit, with ">" the end of the range. */
  readonly value: number;
  readonly cmp: Comparison;
  /** Canonical unit of the pack's medium when left out. */
  readonly unit?: string;
}

export interface QuantityGrade {
  /** I to V or >V; below-screening, above-screening, above-intervention; pass or fail. */
  readonly class: string;
  readonly value: number;
  readonly cmp?: "<" | ">";
  readonly unit: string;
  /** The bound that failed, else the bound of the best class; both ends where that is two-sided. In `unit`. */
  readonly limit: number | readonly [number, number] | null;
  readonly clause: string;
  readonly confidence: string;
  /** A non-detect whose reporting limit is above the best class's bound: the class it may really have. */
  readonly atBest?: string;
  /** A censored value that may be worse than its number: the class it may really have. */
  readonly atWorst?: string;
  /** The row is not confirmed by a named person: fit for orientation, not for enforcement. */
  readonly provisional?: true;
}

export interface Grade {
  /** Worst class of the deciding items; null when the sample holds none. */
  readonly class: string | null;
  /** Quantities that have the worst class, in the order of the sample. */
  readonly deciding: readonly string[];
  /** Basic items of the pack that the sample lacks. */
  readonly missing: readonly string[];
  readonly byQuantity: Readonly<Record<string, QuantityGrade>>;
  /** Quantities of the sample that the pack does not limit here. */
  readonly unlimited?: readonly string[];
  /** Failed items that do not decide the class: source-water items of GB 3838, secondary levels of the US EPA. */
  readonly alsoFailed?: readonly string[];
  /** What the choice of rows rests on, e.g. an unknown soil pH. */
  readonly assumed?: readonly string[];
  /** Every deciding item is provisional. */
  readonly provisional?: true;
}

/**
 * @throws Refused `QUANTITY_UNKNOWN`, `UNIT_UNKNOWN`, `SAMPLE_DUPLICATE` (a quantity given twice), `LAND_NOT_COVERED`.
 */
export function gradeSample(pack: Pack, sample: readonly SampleValue[], place: Place = {}): Grade {
  if (!coversLand(pack, place.land)) {
    throw new Refused("LAND_NOT_COVERED", {
      what: `${pack.standard.number} does not apply to land ${place.land}`,
      mend: "farmland is graded by gb15618-2018, class1 and class2 by gb36600-2018",
    });
  }
  const here = withSoilPh(pack, sample, place);
  const byQuantity: Record<string, QuantityGrade> = {};
  const ranked: { readonly quantity: string; readonly rank: number; readonly provisional: boolean }[] = [];
  const unlimited: string[] = [];
  const alsoFailed: string[] = [];
  const assumed = new Set<string>();
  const given = new Set<string>();
  for (const entry of sample) {
    const { quantity } = entry;
    if (given.has(quantity)) throw new Refused("SAMPLE_DUPLICATE", { what: `${quantity} is given twice` });
    given.add(quantity);
    const measured = { value: canonicalValue(pack, entry), cmp: entry.cmp };
    const ladder = ladderFor(pack, quantity, here);
    if (!ladder) {
      if (pack.scheme === "soil-farmland" && quantity === "ph") continue; // it chose the band
      unlimited.push(quantity);
      for (const assumption of assumedWithout(pack.byQuantity.get(quantity) ?? [], here)) assumed.add(assumption);
      continue;
    }
    const rank = rankOf(ladder, measured);
    byQuantity[quantity] = describe(ladder, measured, rank);
    for (const assumption of ladder.assumed) assumed.add(assumption);
    if (ladder.decides) ranked.push({ quantity, rank, provisional: !ladder.enforceable });
    else if (rank > 0) alsoFailed.push(quantity);
  }
  const worst = ranked.reduce((rank, entry) => Math.max(rank, entry.rank), -1);
  const deciding = ranked.filter((entry) => entry.rank === worst);
  return {
    class: worst < 0 ? null : (labelsOf(pack)[worst] ?? null),
    deciding: deciding.map(({ quantity }) => quantity),
    missing: missingOf(pack, given, here),
    byQuantity,
    ...(unlimited.length > 0 ? { unlimited } : {}),
    ...(alsoFailed.length > 0 ? { alsoFailed } : {}),
    ...(assumed.size > 0 ? { assumed: [...assumed] } : {}),
    ...(deciding.length > 0 && deciding.every(({ provisional }) => provisional) ? { provisional: true as const } : {}),
  };
}

/** The pH measured in the sample chooses the soil band; a pH known beforehand serves when the sample has none. */
function withSoilPh({ scheme }: Pack, sample: readonly SampleValue[], place: Place): Place {
  if (scheme !== "soil-farmland") return place;
  const ph = sample.find(({ quantity, cmp }) => quantity === "ph" && cmp === "");
  return ph ? { ...place, ph: ph.value } : place;
}

function canonicalValue(pack: Pack, { quantity, value, unit }: SampleValue): number {
  const medium = pack.media[0] ?? "groundwater";
  if (unit === undefined) {
    if (!findQuantity(quantity)) throw unknownQuantity(quantity);
    return value;
  }
  const toCanonical = conversion(quantity, medium, unit);
  if (toCanonical) return convert(value, toCanonical);
  if (!findQuantity(quantity)) throw unknownQuantity(quantity);
  throw new Refused("UNIT_UNKNOWN", {
    what: `unit ${unit} does not fit ${quantity} in ${medium}`,
    mend: `give it in ${quantitySpec(quantity, medium)?.unit ?? "another medium's pack"}`,
  });
}
function unknownQuantity(quantity: string): Refused {
  return new Refused("QUANTITY_UNKNOWN", { what: `quantity ${quantity} is not in the dictionary` });
}

function describe(ladder: Ladder, measured: Measured, rank: number): QuantityGrade {
  const { labels, rungs, unit, enforceable } = ladder;
  const { value, cmp } = measured;
  const rung = rungs[Math.max(0, rank - 1)];
  const grade: { -readonly [Field in keyof QuantityGrade]: QuantityGrade[Field] } = {
    class: labels[rank] ?? "",
    value,
    unit,
    limit: rung ? boundOf(rung, effectiveValue(ladder, measured), rank > 0) : null,
    clause: rung?.clause ?? "",
    confidence: rung?.confidence ?? "",
  };
  if (!enforceable) grade.provisional = true;
  if (cmp === "") return grade;
  grade.cmp = cmp;
  // The other end of what a censored value may be: zero below a reporting limit, anything above a range.
  const otherRank = rankAt(ladder, cmp === "<" ? 0 : Infinity);
  if (otherRank < rank) grade.atBest = labels[otherRank] ?? "";
  if (otherRank > rank) grade.atWorst = labels[otherRank] ?? "";
  return grade;
}

function boundOf({ span }: Rung, value: number, hasFailed: boolean): QuantityGrade["limit"] {
  const { low, high } = span ?? {};
  if (low && high) {
    if (!hasFailed) return [low.value, high.value];
    return passesSide(value, low) ? high.value : low.value;
  }
  return low?.value ?? high?.value ?? null;
}

function missingOf(pack: Pack, given: ReadonlySet<string>, place: Place): string[] {
  const missing: string[] = [];
  for (const { quantity, rows } of pack.routine) {
    if (!given.has(quantity) && rows.some((row) => appliesAt(row, place))) missing.push(quantity);
  }
  return missing;
}
