/** How uPlot draws a series here: axes in Shanghai time, the line, the band, and hooks for what it does not know. */
import uPlot from "uplot";
import { formatNumber, shanghaiSecond } from "../pure/format.ts";
import type { ChartProps } from "./chart.tsx";
import { drawEpisodes, drawLimitNames, drawLimits, drawMarks } from "./chart-marks.ts";

const ZONE = "Asia/Shanghai";
const FONT = '12px system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';
/** Above this many pixels a point, single points are not drawn. */
const POINT_SPACE_PX = 8;

export interface Inks {
  readonly text: string;
  readonly muted: string;
  readonly grid: string;
  readonly line: string;
  readonly band: string;
  readonly limit: string;
  readonly doubtful: string;
  readonly surface: string;
  readonly levels: Readonly<Record<string, string>>;
}

/** The colours of the page, as the canvas needs them. */
function inksOf(element: HTMLElement): Inks {
  const style = getComputedStyle(element);
  const of = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    text: of("text"),
    muted: of("muted"),
    grid: of("line"),
    line: of("plot"),
    band: of("plot-band"),
    limit: of("limit"),
    doubtful: of("stale"),
    surface: of("surface"),
    levels: { red: of("red"), orange: of("orange"), yellow: of("yellow"), blue: of("blue") },
  };
}

export function chartOptions({
  element,
  isRaw,
  props,
  onCursor,
  size,
}: {
  readonly element: HTMLElement;
  readonly isRaw: boolean;
  readonly props: () => ChartProps;
  readonly onCursor: (index: number | null) => void;
  readonly size: { readonly width: number; readonly height: number };
}): uPlot.Options {
  const inks = inksOf(element);
  const axis = { stroke: inks.muted, font: FONT, grid: { stroke: inks.grid, width: 1 }, ticks: { show: false } };
  return {
    ...size,
    padding: [12, 8, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), ZONE),
    legend: { show: false },
    cursor: { y: false, points: { show: isRaw }, drag: { x: true, y: false } },
    scales: { x: { time: true }, y: { auto: false, range: () => [props().span.low, props().span.high] } },
    axes: [
      { ...axis, space: 74, values: timeLabels },
      { ...axis, size: axisSize, values: (_plot, ticks) => ticks.map((tick) => formatNumber(tick)) },
    ],
    series: [
      {},
      {
        stroke: inks.line,
        width: 1.5,
        points: {
          show: (plot, _series, from, to) => isRaw && plot.bbox.width / (to - from) > POINT_SPACE_PX * devicePixelRatio,
          size: 4,
          fill: inks.line,
        },
      },
      { stroke: "transparent", width: 0, points: { show: false }, show: !isRaw },
      { stroke: "transparent", width: 0, points: { show: false }, show: !isRaw },
    ],
    bands: isRaw ? [] : [{ series: [2, 3], fill: inks.band }],
    hooks: {
      drawAxes: [(plot) => drawEpisodes(plot, props(), inks), (plot) => drawLimits(plot, props(), inks)],
      draw: [(plot) => drawMarks(plot, props(), inks), (plot) => drawLimitNames(plot, props(), inks)],
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
      setSelect: [(plot) => plot.select.width > 0 && plot.root.classList.add("zoomed")],
      ready: [(plot) => plot.over.addEventListener("dblclick", () => plot.root.classList.remove("zoomed"))],
    },
  };
}

/** Room for the widest label of the y axis. */
function axisSize(plot: uPlot, labels: string[] | null): number {
  if (!labels) return 48;
  plot.ctx.save();
  plot.ctx.font = FONT;
  const widest = Math.max(...labels.map((label) => plot.ctx.measureText(label ?? "").width));
  plot.ctx.restore();
  return Math.ceil(widest) + 18;
}

/** Hours, and the date below the first label of a day; dates only when a day or more apart. */
function timeLabels(_plot: uPlot, ticks: number[], _axis: number, _space: number, stepSeconds: number): string[] {
  let before = "";
  return ticks.map((seconds) => {
    const text = shanghaiSecond(seconds * 1_000);
    const date = text.slice(5, 10);
    if (stepSeconds >= 86_400) return date;
    const time = text.slice(11, stepSeconds < 60 ? 19 : 16);
    const isNew = date !== before;
    before = date;
    return isNew ? `${time}\n${date}` : time;
  });
}
