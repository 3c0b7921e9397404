/** Location test (QARTOD test 3): possible coordinates, no jump beyond a range, inside or outside an area. Degrees, WGS 84. */
import { Misconfigured } from "../../core/errors.ts";
import { QC, type QcFlag } from "../../core/reading.ts";

export interface Position {
  /** NaN when missing. */
  readonly lat: number;
  readonly lon: number;
}

/** Mean radius of the earth (IUGG), m; the great circle differs from the ellipsoid by up to 0.6 %. */
const EARTH_M = 6_371_008.8;

/** @param before undefined for the first. @param rangeMax largest plausible jump, m; null without that check. */
export function location(before: Position | undefined, at: Position, rangeMax: number | null): QcFlag {
  const [noLat, noLon] = [Number.isNaN(at.lat), Number.isNaN(at.lon)];
  if (noLat && noLon) return QC.missing;
  if (noLat || noLon || Math.abs(at.lat) > 90 || Math.abs(at.lon) > 180) return QC.fail;
  return before && rangeMax !== null && distance(before, at) > rangeMax ? QC.suspect : QC.good;
}

/** Great-circle distance by the haversine formula, m. */
export function distance(one: Position, other: Position): number {
  const radian = Math.PI / 180;
  const [lat1, lat2] = [one.lat * radian, other.lat * radian];
  const half =
    Math.sin((lat2 - lat1) / 2) ** 2 +
    Math.cos(lat1) * Math.cos(lat2) * Math.sin(((other.lon - one.lon) * radian) / 2) ** 2;
  return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(half)));
}

/** Corners of a polygon `[lon, lat]`. */
export type Shape = readonly (readonly [number, number])[];

/** From a polygon or `[minLon, minLat, maxLon, maxLat]`. @throws Misconfigured `QC_SHAPE` with fewer than three corners. */
export function shapeOf(shape: Shape | readonly [number, number, number, number]): Shape {
  if (typeof shape[0] === "number") {
    const [west, south, east, north] = shape as readonly [number, number, number, number];
    return [
      [west, south],
      [east, south],
      [east, north],
      [west, north],
    ];
  }
  if (shape.length < 3)
    throw new Misconfigured("QC_SHAPE", {
      what: `an area has ${shape.length} corners`,
      where: "quality control",
      mend: "give at least three",
    });
  return shape as Shape;
}

/** Flags what lies outside the area, or inside it. A point on the border is outside. */
export function locationBounds({ lat, lon }: Position, shape: Shape, flagged: "outside" | "inside"): QcFlag {
  if (Number.isNaN(lat) || Number.isNaN(lon)) return QC.missing;
  const isWithin = isInside(lon, lat, shape);
  return isWithin === (flagged === "inside") ? QC.fail : QC.good;
}

/** Ray casting. */
function isInside(x: number, y: number, shape: Shape): boolean {
  let isWithin = false;
  let [x1, y1] = shape.at(-1) as readonly [number, number];
  for (const [x2, y2] of shape) {
    const side = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1);
    const isOnEdge =
      side === 0 && x >= Math.min(x1, x2) && x <= Math.max(x1, x2) && y >= Math.min(y1, y2) && y <= Math.max(y1, y2);
    if (isOnEdge) return false;
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) isWithin = !isWithin;
    [x1, y1] = [x2, y2];
  }
  return isWithin;
}
