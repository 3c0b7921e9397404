/** One series over a chosen time: range, chart, what is outside it, the table behind it, the file to take away. */

import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import { lazy, useLocation } from "preact-iso";
import type { LimitView, ReadingsView, StationView } from "../api-types.ts";
import { localText, t } from "../locale.ts";
import { Fault, Loading } from "../parts/notices.tsx";
import { bucketChart, type ChartData, rawChart, stepOf } from "../pure/chart-data.ts";
import { csvName, isRaw, readingsCsv } from "../pure/csv.ts";
import { durationText, formatNumber, unitSuffix } from "../pure/format.ts";
import { type DrawnLimit, drawnLimits, governingLines, spanWithLimits } from "../pure/limits.ts";
import { rangeFromQuery } from "../pure/ranges.ts";
import type { SeriesName } from "../pure/series.ts";
import { serverNow } from "../store.ts";
import { DataTable } from "./data-table.tsx";
import { Episodes } from "./episodes.tsx";
import { Legend } from "./legend.tsx";
import { limitLabel } from "./limit-label.ts";
import { RangePicker } from "./range-picker.tsx";
import { useEpisodes, useReadings } from "./use-readings.ts";

const Chart = lazy(() => import("./chart.tsx").then(({ Chart: Loaded }) => Loaded));

interface Props {
  readonly station: StationView;
  readonly series: SeriesName;
  readonly limits: readonly LimitView[];
}

export function History({ station, series, limits }: Props): VNode {
  const { query, route, path } = useLocation();
  const [wantLimits, setWantLimits] = useState(true);
  const key = `${query["range"]} ${query["from"]} ${query["to"]}`;
  const range = useMemo(() => rangeFromQuery(query, serverNow()), [key]);
  const { readings, fault, retry } = useReadings(station, series, range);
  const episodes = useEpisodes(station.id, series.series, range);
  const data = useMemo(() => (readings === null ? null : chartOf(readings, station.intervalMs)), [readings]);
  const drawn = useMemo(() => drawnLimits(limits, governingLines(limits, station)), [limits, station.targetClass]);
  const span = useMemo(() => spanWithLimits(data?.span ?? null, drawn, wantLimits), [data, drawn, wantLimits]);
  const changeRange = (next: Readonly<Record<string, string>>): void => {
    const { range: _, from: __, to: ___, ...rest } = query;
    route(`${path}?${new URLSearchParams({ ...rest, ...next })}`, true);
  };

  return (
    <div class="history" role="tabpanel" aria-label={t("station.chart")}>
      <div class="tools">
        <RangePicker range={range} onChange={changeRange} />
        {drawn.length === 0 ? null : (
          <label class="check">
            <input
              type="checkbox"
              checked={wantLimits}
              onChange={(event) => setWantLimits(event.currentTarget.checked)}
            />
            {t("chart.showLimits")}
          </label>
        )}
        <button
          type="button"
          disabled={readings === null}
          onClick={() => readings && save(csvName(readings), readingsCsv(readings, named(station)))}
        >
          {t("data.csv")}
        </button>
      </div>
      {fault === null ? null : <Fault fault={fault} onRetry={retry} />}
      {readings === null && fault === null ? <Loading /> : null}
      {readings !== null && data !== null ? (
        <>
          {data.x.length === 0 ? <p class="empty">{t("chart.empty")}</p> : null}
          <Chart
            readings={readings}
            data={data}
            range={range}
            limits={drawn}
            span={span}
            episodes={episodes}
            series={series}
            hint={hintOf(readings, data)}
          />
          <Legend
            data={data}
            isRaw={isRaw(readings.columns)}
            hasLimits={drawn.length > 0}
            hasEpisodes={episodes.length > 0}
          />
          <Outside limits={drawn} span={span} unit={readings.unit} />
          <Episodes episodes={episodes} />
          <DataTable readings={readings} />
        </>
      ) : null}
    </div>
  );
}

function chartOf(
  readings: { bucket: string; columns: Parameters<typeof isRaw>[0] },
  intervalMs: number | null,
): ChartData {
  return isRaw(readings.columns)
    ? rawChart(readings.columns, intervalMs)
    : bucketChart(readings.columns, stepOf(readings.bucket));
}

/** Unit and number of readings; what can be done follows. */
function hintOf({ unit, bucket }: ReadingsView, data: ChartData): string {
  return [unitSuffix(unit).trim(), stepText(bucket, data), t("allTimes"), t("chart.zoomHint")]
    .filter(Boolean)
    .join(" · ");
}

function stepText(bucket: string, data: ChartData): string {
  const n = data.rows.filter((row) => row >= 0).length;
  return bucket === "raw" ? t("chart.step.raw", { n }) : t("chart.step", { n, step: durationText(stepOf(bucket), t) });
}

function Outside({
  limits,
  span,
  unit,
}: {
  limits: readonly DrawnLimit[];
  span: { low: number; high: number };
  unit: string;
}): VNode | null {
  const outside = limits.filter(({ value }) => value < span.low || value > span.high);
  if (outside.length === 0) return null;
  return (
    <p class="muted outside">
      {t("chart.outside")}{" "}
      {outside
        .map(
          (limit) => `${limitLabel(limit)} ${limit.upper ? "≤" : "≥"} ${formatNumber(limit.value)}${unitSuffix(unit)}`,
        )
        .join(" · ")}
    </p>
  );
}

function named(station: StationView): { id: string; name: string } {
  return { id: station.id, name: localText(station.name) };
}

function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
