/**
 * Places of stations on a local plane, and the slope of the water table: least-squares plane h = a + b·x + c·y through
 * at least three wells, gradient √(b² + c²), flow towards (−b, −c).
 */
export interface Placed {
  readonly lat?: number | undefined;
  readonly lon?: number | undefined;
}
/** Metres east and north. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

const METRES_PER_DEGREE = (6_371_008.8 * Math.PI) / 180;

/** Relative to an origin nearby; within 10 km the flat earth errs by less than 0.1 %. Null without coordinates. */
export function onPlane({ lat, lon }: Placed, origin: { readonly lat: number; readonly lon: number }): Point | null {
  if (lat === undefined || lon === undefined) return null;
  const east = (lon - origin.lon) * Math.cos((origin.lat * Math.PI) / 180);
  return { x: east * METRES_PER_DEGREE, y: (lat - origin.lat) * METRES_PER_DEGREE };
}

export function distanceM(a: Point, b: Point): number {
  return Math.hypot(b.x - a.x, b.y - a.y);
}

/** The unit vector of a bearing, degrees clockwise from north. */
export function bearing(degrees: number): Point {
  const angle = (degrees * Math.PI) / 180;
  return { x: Math.sin(angle), y: Math.cos(angle) };
}

export function unitVector(from: Point, to: Point): Point | null {
  const length = distanceM(from, to);
  return length > 0 ? { x: (to.x - from.x) / length, y: (to.y - from.y) / length } : null;
}

export function dot(a: Point, b: Point): number {
  return a.x * b.x + a.y * b.y;
}

export function centre(points: readonly Point[]): Point | null {
  if (points.length === 0) return null;
  const sorted = [...points].sort((a, b) => a.x - b.x || a.y - b.y); // the same sum in any order, to the last digit
  const sum = sorted.reduce((a, b) => ({ x: a.x + b.x, y: a.y + b.y }), { x: 0, y: 0 });
  return { x: sum.x / points.length, y: sum.y / points.length };
}

export interface Plane {
  /** Hydraulic gradient, 1. */
  readonly gradient: number;
  /** Fall of head per metre eastwards and northwards: the flow vector. */
  readonly flow: Point;
}

/** Null with fewer than three wells or wells on one line (the cross slope would be noise). */
export function gradientPlane(wells: readonly (Point & { readonly head: number })[]): Plane | null {
  const middle = centre(wells);
  if (wells.length < 3 || !middle) return null;
  const mean = wells.reduce((sum, { head }) => sum + head, 0) / wells.length;
  let [xx, yy, xy, xh, yh] = [0, 0, 0, 0, 0];
  for (const { x, y, head } of wells) {
    const [dx, dy, dh] = [x - middle.x, y - middle.y, head - mean];
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
    xh += dx * dh;
    yh += dy * dh;
  }
  const determinant = xx * yy - xy * xy;
  // Smaller over larger principal axis below 1 : 30, squared.
  if (determinant <= ((xx + yy) / 30) ** 2) return null;
  const b = (xh * yy - yh * xy) / determinant;
  const c = (yh * xx - xh * xy) / determinant;
  return { gradient: Math.hypot(b, c), flow: { x: -b, y: -c } };
}
