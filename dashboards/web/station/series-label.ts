/** What a series is called on tabs and in tables: its quantity, and fraction and aggregate where they are unusual. */
import { quantityName, t } from "../locale.ts";
import type { SeriesName } from "../pure/series.ts";
import { quantities } from "../store.ts";
import { wordFor } from "../texts.ts";

export function seriesLabel({ quantity, fraction, agg }: SeriesName): string {
  const more = [
    fraction === "total" ? "" : wordFor(t, "fraction", fraction),
    agg === "rtd" ? "" : wordFor(t, "agg", agg),
  ].filter(Boolean);
  return [quantityName(quantities.value, quantity), ...more].join(" · ");
}
