/** The series of a station: those that have reported, and those that its devices are registered to report. */
import { parseSeriesKey, seriesKey } from "../../../core/reading.ts";
import type { LatestView, StationView } from "../api-types.ts";

export type SeriesName = Pick<LatestView, "series" | "quantity" | "fraction" | "agg">;

/** Pollutants before field parameters, since they are what limits exist for; inside that by id. */
export function seriesOf(station: Pick<StationView, "id" | "latest" | "measures">): readonly SeriesName[] {
  const known = station.latest.map(({ series }) => nameOf(series));
  const reported = new Set(known.map(({ quantity }) => quantity));
  const silent = station.measures
    .filter((quantity) => !reported.has(quantity))
    .map((quantity) => nameOf(seriesKey({ station: station.id, quantity, fraction: "total", aggregate: "rtd" })));
  return [...known, ...silent].sort((a, b) => rank(a.quantity) - rank(b.quantity) || (a.series < b.series ? -1 : 1));
}

function nameOf(series: string): SeriesName {
  const { quantity, fraction, aggregate } = parseSeriesKey(series);
  return { series, quantity, fraction, agg: aggregate };
}

const FIELD_PARAMETERS: readonly string[] = [
  "ph",
  "ec",
  "do",
  "orp",
  "temp",
  "water_temp",
  "turbidity",
  "gw_level",
  "soil_moisture",
  "soil_temp",
];
function rank(quantity: string): number {
  return FIELD_PARAMETERS.includes(quantity) ? 1 : 0;
}
