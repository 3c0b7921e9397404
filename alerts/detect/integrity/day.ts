/** Days of China Standard Time (UTC+8, no summer time), in which monitoring data is judged. */
const OFFSET_MS = 8 * 3_600_000;
const DAY_MS = 86_400_000;

/** Days since 1970-01-01 local; negative before. */
export function dayOf(time: number): number {
  return Math.floor((time + OFFSET_MS) / DAY_MS);
}
