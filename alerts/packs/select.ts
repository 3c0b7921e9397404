/**
 * Which row of a pack applies where. What is known of a place excludes rows; among rows that may still apply the
 * strictest is taken and the answer says what was assumed.
 */
import type { Station } from "../../core/site.ts";
import type { LimitRow } from "./compile.ts";
import type { LimitName, When } from "./pack.ts";
import type { Span } from "./range.ts";

/** What is known of a place or a sample; everything may be missing. `ph` is the soil's. */
export interface Place {
  readonly ph?: number | undefined;
  /** `rotation`: paddy and upland in turn, the stricter applies (GB 15618-2018 table 1). */
  readonly land?: Station["land"] | "rotation";
  readonly crop?: Station["crop"];
  readonly targetClass?: Station["targetClass"];
  /** Tolerance of the crop to boron (GB 5084). */
  readonly tolerance?: When["tolerance"];
  /** A river when unknown (GB 3838). */
  readonly waterBody?: When["waterBody"];
  /** The end of the network, where people drink, when unknown (GB 5749 table 2). */
  readonly point?: When["point"];
  /** Exceptions apply only when declared. */
  readonly supply?: When["supply"];
  readonly area?: When["area"];
}

type Assumption = "ph" | "land" | "crop" | "tolerance" | "waterBody" | "point";

export interface Selection {
  readonly row: LimitRow;
  /** What the choice rests on, one sentence each. */
  readonly assumed: readonly string[];
}

/** The row that holds `level` at this place; undefined when none applies. */
export function selectRow(rows: readonly LimitRow[], level: LimitName, place: Place): Selection | undefined {
  const candidates = candidatesFor(rows, level, place);
  let strictest = candidates[0];
  if (!strictest) return undefined;
  if (candidates.length === 1) return { row: strictest, assumed: assumptions(candidates, place, false) };
  let differ = false;
  for (const row of candidates) {
    const [span, best] = [row.rungs[level]?.span, strictest.rungs[level]?.span];
    if (isStricter(span, best)) strictest = row;
    differ ||= isStricter(span, best) || isStricter(best, span);
  }
  return { row: strictest, assumed: assumptions(candidates, place, differ) };
}

function candidatesFor(rows: readonly LimitRow[], level: LimitName, place: Place): readonly LimitRow[] {
  const candidates: LimitRow[] = [];
  const exceptions: LimitRow[] = [];
  for (const row of rows) {
    if (!row.rungs[level] || !appliesAt(row, place)) continue;
    candidates.push(row);
    if (row.source.when?.supply !== undefined || row.source.when?.area !== undefined) exceptions.push(row);
  }
  return exceptions.length > 0 ? exceptions : candidates;
}

const NOTHING: readonly string[] = [];
const ASSUMED: Readonly<Record<Assumption, string>> = {
  ph: "ph: soil pH unknown, the strictest pH band applies",
  land: "land: land use unknown, the strictest applies",
  crop: "crop: crop unknown, the strictest applies",
  tolerance: "tolerance: boron tolerance of the crop unknown, the strictest applies",
  waterBody: "waterBody: kind of water body unknown, taken as a river",
  point: "point: sampling point unknown, taken as the end of the network",
};

/** False only when something known of the place excludes the row. */
export function appliesAt({ source: { when } }: LimitRow, place: Place): boolean {
  if (!when) return true;
  // Read one by one: a soil standard has a dozen rows a quantity, and samples come by the hundred thousand.
  if (when.land && !landFits(when.land, place.land)) return false;
  if (when.ph && place.ph !== undefined && !inBand(place.ph, when.ph)) return false;
  if (when.crop && place.crop && !when.crop.includes(place.crop)) return false;
  if (when.tolerance && place.tolerance && when.tolerance !== place.tolerance) return false;
  if (when.waterBody && when.waterBody !== (place.waterBody ?? "river")) return false;
  if (when.point && when.point !== (place.point ?? "network-end")) return false;
  return (!when.supply || when.supply === place.supply) && (!when.area || when.area === place.area);
}

function inBand(ph: number, { gt, le }: NonNullable<When["ph"]>): boolean {
  return (gt === undefined || ph > gt) && (le === undefined || ph <= le);
}

function landFits(lands: NonNullable<When["land"]>, land: Place["land"]): boolean {
  if (land === undefined || land === "undefined") return true;
  if (land === "rotation") return lands.includes("paddy") || lands.includes("upland");
  return lands.includes(land);
}

/** What it rests on that none of these rows applies, e.g. total nitrogen of a water body taken as a river. */
export function assumedWithout(rows: readonly LimitRow[], place: Place): readonly string[] {
  return assumptions(rows, place, false);
}

/** Which unknowns the choice rests on; an unknown that makes no difference is not told. */
function assumptions(candidates: readonly LimitRow[], place: Place, differ: boolean): readonly string[] {
  let texts: readonly string[] = NOTHING;
  for (const { source } of candidates) {
    if (!source.when) continue;
    for (const name of unknownOf(source.when, place, differ)) {
      if (!texts.includes(ASSUMED[name])) texts = [...texts, ASSUMED[name]];
    }
  }
  return texts;
}

function unknownOf(when: When, place: Place, differ: boolean): readonly Assumption[] {
  const names: Assumption[] = [];
  if (when.waterBody && !place.waterBody) names.push("waterBody");
  if (when.point && !place.point) names.push("point");
  if (!differ) return names;
  if (when.ph && place.ph === undefined) names.push("ph");
  if (when.land && (place.land === undefined || place.land === "undefined")) names.push("land");
  if (when.crop && !place.crop) names.push("crop");
  if (when.tolerance && !place.tolerance) names.push("tolerance");
  return names;
}

function isStricter(a: Span | null | undefined, b: Span | null | undefined): boolean {
  if (a?.high && b?.high) return a.high.value < b.high.value;
  return a?.low !== undefined && b?.low !== undefined && a.low.value > b.low.value;
}
