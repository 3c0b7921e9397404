/** Where stations lie along the flow: from the rule where it says so, else from coordinates on a line or axis. */

import { centre, dot, onPlane, type Point, unitVector } from "./geometry.ts";
import type { GroupMember } from "./group.ts";

/** Points of the members on one plane; null without coordinates. */
export function pointsOf(members: readonly GroupMember[]): (Point | null)[] {
  const placed = members.flatMap(({ station: { lat, lon } }) =>
    lat === undefined || lon === undefined ? [] : [{ lat, lon }],
  );
  // The south-west corner, not the first member: no order of the members may change a figure.
  const origin =
    placed.length === 0
      ? { lat: 0, lon: 0 }
      : { lat: Math.min(...placed.map(({ lat }) => lat)), lon: Math.min(...placed.map(({ lon }) => lon)) };
  return members.map(({ station }) => onPlane(station, origin));
}

/** The unit vector from the middle of some members to the middle of others; null when either has no coordinates. */
export function axisBetween(points: readonly (Point | null)[], from: readonly number[], to: readonly number[]) {
  const [start, end] = [from, to].map((list) =>
    centre(list.map((index) => points[index] ?? null).filter((point) => point !== null)),
  );
  return start && end ? unitVector(start, end) : null;
}

/** Metres along the axis, by member; NaN where not known. Numbers of the rule and of coordinates are never mixed. */
export function positions(
  along: Readonly<Record<string, number>> | undefined,
  members: readonly GroupMember[],
  axis: Point | null,
): number[] {
  if (along) return members.map(({ station }) => along[station.id] ?? Number.NaN);
  return pointsOf(members).map((point) => (point && axis ? dot(point, axis) : Number.NaN));
}
