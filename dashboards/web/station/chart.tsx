/**
 * The chart: uPlot with a mean line and its min–max band, limit lines, marks and alarm bars drawn by hand. Arrow keys
 * walk through the readings, and what the cursor is on is said in a line that screen readers hear.
 */

import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { AlarmView, ReadingsView } from "../api-types.ts";
import { locale, t } from "../locale.ts";
import type { ChartData } from "../pure/chart-data.ts";
import { shanghaiMinute } from "../pure/format.ts";
import type { DrawnLimit } from "../pure/limits.ts";
import type { Range } from "../pure/ranges.ts";
import type { SeriesName } from "../pure/series.ts";
import { connection, serverNow } from "../store.ts";
import { chartOptions } from "./chart-options.ts";
import { pointWords } from "./point-words.ts";
import { seriesLabel } from "./series-label.ts";

export interface ChartProps {
  readonly readings: ReadingsView;
  readonly data: ChartData;
  readonly range: Range;
  readonly limits: readonly DrawnLimit[];
  readonly span: { readonly low: number; readonly high: number };
  readonly episodes: readonly AlarmView[];
  readonly series: SeriesName;
  /** Said while the cursor is on nothing. */
  readonly hint: string;
}

const HEIGHT_PX = 340;
const HEIGHT_NARROW_PX = 260;
const NARROW_PX = 560;

export function Chart(props: ChartProps): VNode {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const newest = useRef(props);
  newest.current = props;
  const [at, setAt] = useState<number | null>(null);
  const look = useColourScheme();
  const isOld = !connection.value.ok;

  const isRaw = props.readings.bucket === "raw";
  useEffect(() => {
    const element = box.current as HTMLDivElement;
    const made = new uPlot(
      chartOptions({ element, isRaw, props: () => newest.current, onCursor: setAt, size: sizeOf(element) }),
      columnsOf(newest.current.data),
      element,
    );
    plot.current = made;
    made.setScale("x", windowOf(newest.current));
    const watch = new ResizeObserver(() => made.setSize(sizeOf(element)));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [look, isRaw, locale.value, isOld]);

  useEffect(() => {
    const made = plot.current;
    if (!made) return;
    const isZoomed = made.root.classList.contains("zoomed");
    made.setData(columnsOf(props.data), false);
    if (isZoomed) made.redraw(true, true);
    else made.setScale("x", windowOf(props));
  }, [props.data, props.range]);
  useEffect(() => {
    const made = plot.current;
    if (made) made.setScale("y", { min: props.span.low, max: props.span.high });
    made?.redraw(false, true);
  }, [props.span, props.limits, props.episodes]);

  const { from, to } = props.range;
  const label = t("chart.label", {
    quantity: seriesLabel(props.series),
    from: shanghaiMinute(from),
    to: shanghaiMinute(to),
  });
  return (
    <figure class="chart">
      <figcaption class="cursor-words" aria-live="polite">
        {pointWords(props, at) || <span class="muted">{props.hint}</span>}
      </figcaption>
      <div
        ref={box}
        class="chart-box"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys walk through the readings
        tabIndex={0}
        aria-label={label}
        onKeyDown={(event) => walk(event, plot.current, props.data)}
      />
    </figure>
  );
}

/** Series order of chart-options.ts: line, then the band's edges. */
function columnsOf({ x, line, min, max }: ChartData): uPlot.AlignedData {
  return [x, line, max, min] as uPlot.AlignedData;
}

function windowOf({ range, data }: ChartProps): { min: number; max: number } {
  const to = range.live ? Math.max(serverNow() / 1_000, data.x.at(-1) ?? 0) : range.to / 1_000;
  return { min: to - (range.to - range.from) / 1_000, max: to };
}

function sizeOf(element: HTMLElement): { width: number; height: number } {
  const width = Math.max(200, Math.floor(element.clientWidth));
  return { width, height: width < NARROW_PX ? HEIGHT_NARROW_PX : HEIGHT_PX };
}

function walk(event: KeyboardEvent, plot: uPlot | null, { x, rows }: ChartData): void {
  const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  if (step === 0 || !plot || x.length === 0) return;
  event.preventDefault();
  let next = (plot.cursor.idx ?? (step > 0 ? -1 : x.length)) + step;
  while (rows[next] === -1) next += step; // gaps hold no reading
  const time = x[next];
  if (time === undefined) return;
  plot.setCursor({ left: plot.valToPos(time, "x"), top: plot.over.clientHeight / 2 });
}

/** Changes when the page goes from light to dark: the canvas must be drawn anew in the other colours. */
function useColourScheme(): boolean {
  const query = "(prefers-color-scheme: dark)";
  const [isDark, setDark] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const follow = (): void => setDark(list.matches);
    list.addEventListener("change", follow);
    return () => list.removeEventListener("change", follow);
  }, []);
  return isDark;
}
