/**
 * The limit of the law for one quantity at one station: value, unit, operator, clause and how far to trust it, or a
 * named reason why there is none. Asked when rules are bound and when charts are drawn, never for each reading.
 */
import type { LimitBook, LimitLine } from "../../core/ports.ts";
import type { LimitRule } from "../../core/rule.ts";
import type { Medium, Site, Station } from "../../core/site.ts";
import type { LimitRow, Pack } from "./compile.ts";
import type { Packs } from "./load.ts";
import { type Confidence, DEVELOPMENT_LANDS, FARM_LANDS, LEVELS_OF_LIMIT, type LimitName } from "./pack.ts";
import type { Side } from "./range.ts";
import { type Place, selectRow } from "./select.ts";

export interface FoundLimit {
  readonly found: true;
  readonly pack: string;
  /** Key of the row; a person enables doubtful rows by it. */
  readonly row: string;
  /** The class or kind that `bounds` keep; `target` is resolved. */
  readonly level: LimitName;
  /** One side, or two (pH, residual chlorine): a value must pass all. In `unit`. */
  readonly bounds: readonly Side[];
  /** Canonical unit of the quantity in this medium. */
  readonly unit: string;
  /** E.g. "GB/T 14848-2017". */
  readonly standard: string;
  /** Standard, table, item and level, e.g. "GB/T 14848-2017 table 1 no. 24 class III". */
  readonly clause: string;
  /** `one-stored`: one copy only was seen, so the limit is to be verified; evidence of the alarm carries it. */
  readonly confidence: Confidence;
  /** False: the row is from memory only and no person has confirmed it; it must never fire. */
  readonly enforceable: boolean;
  /** What the choice of the row rests on, e.g. an unknown soil pH; empty when everything was known. */
  readonly assumed: readonly string[];
}

export type NoLimit =
  /** The pack is for another medium. */
  | "medium-not-covered"
  /** The pack is for other land: GB 36600 for farmland, or the reverse. */
  | "land-not-covered"
  | "quantity-not-limited"
  /** E.g. `screening` of a water standard, `III` of an item that has one limit only. */
  | "level-not-in-row"
  /** Nothing is worse: class V of groundwater, class IV of gross alpha. */
  | "level-unbounded"
  /** `target`, and the station names no target class. */
  | "target-class-unknown"
  /** The standard limits a change over a week (water temperature), not the value. */
  | "limits-change-not-value"
  /** Rows exist, none for this water body, crop or point (total nitrogen of a river). */
  | "no-row-for-place";

export interface LimitQuestion {
  readonly quantity: string;
  readonly medium: Medium;
  /** A `Station` fits. */
  readonly station: Place;
  readonly above: LimitRule["above"];
}

export function limitFor(
  pack: Pack,
  { quantity, medium, station, above }: LimitQuestion,
): FoundLimit | { readonly found: false; readonly reason: NoLimit } {
  const none = (reason: NoLimit) => ({ found: false as const, reason });
  if (!pack.media.includes(medium)) return none("medium-not-covered");
  if (!coversLand(pack, station.land)) return none("land-not-covered");
  const rows = pack.byQuantity.get(quantity);
  if (!rows) return none("quantity-not-limited");
  const level = above === "target" ? station.targetClass : above;
  if (!level) return none("target-class-unknown");
  if (rows.every(({ source }) => source.weeklyMeanChange)) return none("limits-change-not-value");
  if (!rows.some(({ rungs }) => rungs[level])) return none("level-not-in-row");
  const selection = selectRow(rows, level, station);
  if (!selection) return none("no-row-for-place");
  const { row, assumed } = selection;
  const rung = row.rungs[level];
  if (!rung?.span) return none("level-unbounded");
  return {
    found: true,
    pack: pack.id,
    row: row.key,
    level,
    bounds: [rung.span.low, rung.span.high].filter((side) => side !== undefined),
    unit: row.unit,
    standard: pack.standard.number,
    clause: rung.clause,
    confidence: rung.confidence,
    enforceable: rung.enforceable,
    assumed,
  };
}

/** False when the land is known and the pack is for the other kind of land; packs for water cover everything. */
export function coversLand({ scheme }: Pack, land: Place["land"]): boolean {
  if (land === undefined || land === "undefined") return true;
  if (scheme === "soil-farmland") return land === "rotation" || (FARM_LANDS as readonly string[]).includes(land);
  return scheme !== "soil-development" || (DEVELOPMENT_LANDS as readonly string[]).includes(land);
}

/** Lines for charts and alarm pages: the national standards that apply at a place. Foreign guidelines are left out. */
export function createLimitBook(packs: Packs): LimitBook {
  return {
    lines: ({ station, site }, quantity) =>
      packs.list
        .filter((pack) => isUsedAt(pack, station, site))
        .flatMap((pack) => linesOf(pack, station, site, quantity)),
  };
}

const FARM_SITES: readonly string[] = ["farmland", "irrigation", "livestock-farm"];

function isUsedAt(pack: Pack, station: Station, site: Site): boolean {
  if (pack.scheme === "guideline" || !pack.media.includes(station.medium) || !coversLand(pack, station.land))
    return false;
  if (station.land !== undefined && station.land !== "undefined") return true;
  if (pack.scheme === "soil-farmland") return FARM_SITES.includes(site.kind);
  return pack.scheme !== "soil-development" || !FARM_SITES.includes(site.kind);
}

function linesOf(pack: Pack, station: Station, site: Site, quantity: string): LimitLine[] {
  const rows: readonly LimitRow[] = pack.byQuantity.get(quantity) ?? [];
  if (rows.length === 0) return [];
  return LEVELS_OF_LIMIT.flatMap((above) => {
    // GB 3838-2002 clause 5.3: tables 2 and 3 are for centralised drinking-water sources only.
    if (pack.scheme === "classes" && above === "limit" && site.kind !== "water-source") return [];
    const limit = limitFor(pack, { quantity, medium: station.medium, station, above });
    if (!limit.found) return [];
    const { standard, clause, confidence, enforceable, unit } = limit;
    return limit.bounds.map(({ value, passes }) => ({
      pack: pack.id,
      above,
      value,
      unit,
      passes,
      standard,
      clause,
      confidence,
      enforceable,
    }));
  });
}
