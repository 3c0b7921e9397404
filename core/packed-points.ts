/** Points in columns, for their way between threads. */
import type { Point } from "./ports.ts";
import { comparisonCode, comparisonOf } from "./reading-block.ts";

export interface PackedPoints {
  readonly time: Float64Array;
  /** NaN where the device reported none. */
  readonly value: Float64Array;
  /** Four bytes a point: comparison, flag, character code of the qualifier, 1 for a value that is null. */
  readonly marks: Uint8Array;
}

export function packPoints(points: readonly Point[]): PackedPoints {
  const time = new Float64Array(points.length);
  const value = new Float64Array(points.length);
  const marks = new Uint8Array(points.length * 4);
  for (const [index, point] of points.entries()) {
    time[index] = point.time;
    value[index] = point.value ?? Number.NaN;
    marks[index * 4] = comparisonCode(point.cmp);
    marks[index * 4 + 1] = point.flag;
    marks[index * 4 + 2] = point.qualifier.charCodeAt(0);
    marks[index * 4 + 3] = point.value === null ? 1 : 0;
  }
  return { time, value, marks };
}

export function unpackPoints({ time, value, marks }: PackedPoints): Point[] {
  return Array.from(time, (at, index) => ({
    time: at,
    value: marks[index * 4 + 3] === 1 ? null : (value[index] as number),
    cmp: comparisonOf(marks[index * 4] ?? 0),
    flag: marks[index * 4 + 1] ?? 2,
    qualifier: String.fromCharCode(marks[index * 4 + 2] ?? 78),
  }));
}
