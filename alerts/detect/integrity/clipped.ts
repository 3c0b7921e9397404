/**
 * F3 clipped maximum (methods 5, F3): on several days the same greatest value, repeated and without the thin tail that a
 * natural peak has.
 *
 * A day looks clipped when its maximum stands at least five times, in more than 1 % of the readings, and holds half of
 * the readings within ten counts below it. One such day happens honestly (a flat top); the same maximum on another
 * clipped day of a series that spreads over 30 counts does by chance of less than one in 30. A reading at the end of
 * the plausible range is the sensor's own clipping.
 */
import type { DaySummary, Usual } from "./channel.ts";
import { type Evidence, evidence } from "./evidence.ts";

export function judgeClipped(
  days: readonly DaySummary[],
  usual: Usual,
  range: readonly [number, number] | null,
): Evidence | null {
  const today = days[days.length - 1];
  if (!today || usual.iqr < 30 * usual.q || !looksClipped(today)) return null;
  if (range && (today.max <= range[0] || today.max >= range[1])) return null;
  let same = 0;
  for (const day of days) if (day.max === today.max && looksClipped(day)) same++;
  if (same < 3) return null;
  return evidence("clipped", { statistic: same, threshold: 3, window: days.length, weight: 1.5 * same });
}

function looksClipped(day: DaySummary): boolean {
  const size = Math.max(day.n, 96);
  return day.n >= 20 && day.max > 0 && day.atMax >= 5 && day.atMax > 0.01 * size && day.atMax >= 0.5 * day.nearMax;
}
