/** A day of one series as an inline SVG with its limit line: small enough to travel inside the page. */
import type { VNode } from "preact";
import type { Bucket } from "../../core/ports.ts";
import { shanghaiTime } from "../times.ts";

const WIDTH = 320;
const HEIGHT = 110;
const TOP = 6;
const BOTTOM = 92;

export interface DayChart {
  readonly buckets: readonly Bucket[];
  readonly from: number;
  readonly to: number;
  readonly stepMs: number;
  readonly limit: number | null;
  /** A lower limit (`>=`, `>`) shows the lowest value of each step, else the highest: an exceedance is never averaged away. */
  readonly isLowerLimit: boolean;
  readonly label: string;
}

export function Chart({ buckets, from, to, stepMs, limit, isLowerLimit, label }: DayChart): VNode {
  const points = buckets.flatMap((bucket) => {
    const value = isLowerLimit ? bucket.min : bucket.max;
    return value === null || !Number.isFinite(value) ? [] : [{ time: bucket.time, value }];
  });
  const values = [...points.map(({ value }) => value), ...(limit === null ? [] : [limit])];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const margin = (high - low || Math.abs(high) || 1) * 0.1;
  const x = (time: number): string => (((time - from) / (to - from)) * WIDTH).toFixed(1);
  const y = (value: number): string =>
    (BOTTOM - ((value - low + margin) / (high - low + 2 * margin)) * (BOTTOM - TOP)).toFixed(1);
  // A gap stays a gap: a new stroke after more than two empty steps.
  const path = points
    .map(({ time, value }, index) => {
      const before = points[index - 1];
      const starts = before === undefined || time - before.time > 3 * stepMs;
      return `${starts ? "M" : "L"}${x(time)} ${y(value)}${starts ? "h.1" : ""}`;
    })
    .join("");
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      <path d={`M0 ${BOTTOM}H${WIDTH}`} stroke="#59616a" />
      {limit === null ? null : (
        <g>
          <path d={`M0 ${y(limit)}H${WIDTH}`} stroke="#ff7a70" stroke-dasharray="6 4" />
          <text x="2" y={Math.max(10, Number(y(limit)) - 3)} fill="#ff7a70" font-size="10">
            {shortNumber(limit)}
          </text>
        </g>
      )}
      <path d={path} fill="none" stroke="#e8eaec" stroke-width="1.5" stroke-linecap="round" />
      <text x="0" y="106" fill="#b9bec4" font-size="10">
        {shanghaiTime(from).slice(5)}
      </text>
      <text x={WIDTH} y="106" fill="#b9bec4" font-size="10" text-anchor="end">
        {shanghaiTime(to).slice(5)}
      </text>
    </svg>
  );
}

/** Six significant digits, without decimal dust. */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}
