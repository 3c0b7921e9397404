/** What uPlot does not draw: limit lines with their names, alarm episodes as bars, and marks for doubtful readings. */
import type uPlot from "uplot";
import type { MarkKind } from "../pure/chart-data.ts";
import { formatNumber } from "../pure/format.ts";
import type { ChartProps } from "./chart.tsx";
import type { Inks } from "./chart-options.ts";
import { limitLabel } from "./limit-label.ts";

const FONT_PX = 11;
const BAR_PX = 5;
const MARK_PX = 4.5;

/** Dashed lines below the readings; the governing one is stronger. */
export function drawLimits(plot: uPlot, { limits }: ChartProps, inks: Inks): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  clipTo(ctx, bbox);
  for (const limit of limits) {
    const y = plot.valToPos(limit.value, "y", true);
    ctx.strokeStyle = limit.governs ? inks.limit : inks.muted;
    ctx.lineWidth = (limit.governs ? 1.5 : 1) * ratio;
    ctx.setLineDash(limit.governs ? [8 * ratio, 4 * ratio] : [3 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}

/** Names of the lines, above the readings. One that would lie on another is left out: the list below the chart has it. */
export function drawLimitNames(plot: uPlot, { limits }: ChartProps, inks: Inks): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  clipTo(ctx, bbox);
  ctx.font = `${FONT_PX * ratio}px system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif`;
  ctx.textBaseline = "bottom";
  ctx.textAlign = "left";
  const taken: number[] = [];
  // The governing lines choose their place first.
  for (const limit of [...limits].sort((a, b) => Number(b.governs) - Number(a.governs))) {
    const y = plot.valToPos(limit.value, "y", true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    const isAtTop = y - 3 * ratio < bbox.top + FONT_PX * ratio;
    const baseline = isAtTop ? y + (FONT_PX + 5) * ratio : y - 3 * ratio;
    if (taken.some((other) => Math.abs(other - baseline) < (FONT_PX + 3) * ratio)) continue;
    taken.push(baseline);
    const text = `${limitLabel(limit)} ${limit.upper ? "≤" : "≥"} ${formatNumber(limit.value)}`;
    const x = bbox.left + 6 * ratio; // the newest readings are at the other end
    halo(ctx, { text, x, y: baseline, colour: inks.surface });
    ctx.fillStyle = limit.governs ? inks.limit : inks.muted;
    ctx.fillText(text, x, baseline);
  }
  ctx.restore();
}

/** Text stays readable where the line of the readings crosses it. */
function halo(
  ctx: CanvasRenderingContext2D,
  { text, x, y, colour }: { text: string; x: number; y: number; colour: string },
): void {
  ctx.save();
  ctx.setLineDash([]);
  ctx.globalAlpha = 0.85;
  ctx.strokeStyle = colour;
  ctx.lineWidth = 4 * devicePixelRatio;
  ctx.lineJoin = "round";
  ctx.strokeText(text, x, y);
  ctx.restore();
}

/** Bars along the bottom, and a faint shade above them. */
export function drawEpisodes(plot: uPlot, { episodes }: ChartProps, inks: Inks): void {
  const { ctx, bbox } = plot;
  const height = BAR_PX * devicePixelRatio;
  ctx.save();
  clipTo(ctx, bbox);
  for (const alarm of episodes) {
    const from = plot.valToPos(Date.parse(alarm.start) / 1_000, "x", true);
    const until = alarm.end === null ? bbox.left + bbox.width : plot.valToPos(Date.parse(alarm.end) / 1_000, "x", true);
    const width = Math.max(2 * devicePixelRatio, until - from);
    ctx.fillStyle = inks.levels[alarm.level] ?? inks.limit;
    ctx.globalAlpha = 0.08;
    ctx.fillRect(from, bbox.top, width, bbox.height);
    ctx.globalAlpha = 1;
    ctx.fillRect(from, bbox.top + bbox.height - height, width, height);
  }
  ctx.restore();
}

export function drawMarks(plot: uPlot, { data }: ChartProps, inks: Inks): void {
  const { ctx, bbox } = plot;
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = plot.scales["x"] ?? {};
  const size = MARK_PX * devicePixelRatio;
  ctx.save();
  clipTo(ctx, {
    left: bbox.left - size,
    top: bbox.top - size,
    width: bbox.width + 2 * size,
    height: bbox.height + 2 * size,
  });
  ctx.lineWidth = 1.5 * devicePixelRatio;
  for (const { at, kind, value } of data.marks) {
    const time = data.x[at] as number;
    if (time < (min ?? time) || time > (max ?? time)) continue;
    const x = plot.valToPos(time, "x", true);
    const y = value === null ? bbox.top + bbox.height : plot.valToPos(value, "y", true);
    ctx.strokeStyle =
      kind === "censored" || kind === "over"
        ? inks.line
        : kind === "instrument" || kind === "none"
          ? inks.muted
          : inks.doubtful;
    ctx.fillStyle = inks.surface;
    ctx.beginPath();
    SHAPES[kind](ctx, { x, y, size });
    if (kind !== "fail" && kind !== "none") ctx.fill(); // hollow: the ground shows, not what lies below
    ctx.stroke();
  }
  ctx.restore();
}

type Shape = (ctx: CanvasRenderingContext2D, at: { x: number; y: number; size: number }) => void;

/** Same shapes as the legend. */
const SHAPES: Readonly<Record<MarkKind, Shape>> = {
  censored: (ctx, { x, y, size }) => ctx.arc(x, y, size * 0.8, 0, 2 * Math.PI),
  over: (ctx, { x, y, size }) =>
    polygon(ctx, [
      [x, y - size],
      [x + size, y + size * 0.8],
      [x - size, y + size * 0.8],
    ]),
  suspect: (ctx, { x, y, size }) =>
    polygon(ctx, [
      [x, y - size * 1.2],
      [x + size * 1.2, y],
      [x, y + size * 1.2],
      [x - size * 1.2, y],
    ]),
  fail: (ctx, { x, y, size }) => {
    ctx.moveTo(x - size, y - size);
    ctx.lineTo(x + size, y + size);
    ctx.moveTo(x + size, y - size);
    ctx.lineTo(x - size, y + size);
  },
  instrument: (ctx, { x, y, size }) => ctx.rect(x - size * 0.8, y - size * 0.8, size * 1.6, size * 1.6),
  none: (ctx, { x, y, size }) => {
    ctx.moveTo(x, y - size * 2);
    ctx.lineTo(x, y);
  },
};

function polygon(ctx: CanvasRenderingContext2D, points: readonly (readonly [number, number])[]): void {
  for (const [index, [x, y]] of points.entries()) {
    if (index === 0) ctx.moveTo(x, y);
    else ctx.lineTo(x, y);
  }
  ctx.closePath();
}

function clipTo(ctx: CanvasRenderingContext2D, { left, top, width, height }: uPlot.BBox): void {
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
}
