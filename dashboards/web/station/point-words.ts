/** What the cursor is on, in words: time, value with its sign and unit, flags, alarm. */
import { t } from "../locale.ts";
import { isRaw } from "../pure/csv.ts";
import { exactReading, formatNumber, shanghaiSecond, unitSuffix } from "../pure/format.ts";
import { wordFor } from "../texts.ts";
import type { ChartProps } from "./chart.tsx";

/** Empty without a cursor; the line keeps its height. */
export function pointWords({ data, readings, episodes }: ChartProps, at: number | null): string {
  const row = at === null ? -1 : (data.rows[at] ?? -1);
  if (row < 0) return "";
  const { columns, unit } = readings;
  const ms = columns.times[row] ?? 0;
  const parts = [shanghaiSecond(ms)];
  const flag = columns.flag[row] ?? 2;
  if (isRaw(columns)) {
    const value = columns.values[row] ?? null;
    parts.push(value === null ? t("chart.missing") : exactReading(value, columns.cmp[row] ?? "", unit));
    const qualifier = columns.qualifier[row] ?? "N";
    if (qualifier !== "N") parts.push(`${wordFor(t, "qualifier", qualifier)} (${qualifier})`);
  } else {
    const of = (value: number | null | undefined): string =>
      value === null || value === undefined ? "–" : `${formatNumber(value)}${unitSuffix(unit)}`;
    parts.push(`${t("chart.mean")} ${of(columns.mean[row])}`, `${of(columns.min[row])} … ${of(columns.max[row])}`);
    parts.push(t("chart.count", { n: columns.count[row] ?? 0, censored: columns.censored[row] ?? 0 }));
  }
  if (flag > 2) parts.push(wordFor(t, "flag", flag));
  const alarm = episodes.find(({ start, end }) => Date.parse(start) <= ms && (end === null || ms < Date.parse(end)));
  if (alarm) parts.push(`${t("chart.episode")}: ${t(`level.${alarm.level}`)}`);
  return parts.join(" · ");
}
