/**
 * The yearly reminder (预警提醒) of counties whose priority-protection farmland gets worse: points that fell to a worse
 * category within the year, or a significant rise over the years. Pure.
 */

import { chinaDate } from "../../core/china-day.ts";
import type { CountyReminder, CountyYear, FarmlandCategory, FarmlandState } from "../../core/regulation.ts";
import { FARMLAND_CATEGORIES } from "../../core/regulation.ts";
import { mannKendall } from "../detect/kendall.ts";
import { median } from "../detect/statistics.ts";
import { reminderText } from "./texts.ts";

const SIGNIFICANCE = 0.05;
/** Fewer cannot be significant: four rising values have p = 0.042. */
const YEARS_MIN = 4;

/** One point in one year: what its last round of the year says. */
interface PointYear {
  readonly station: string;
  readonly rank: number;
  readonly index: number | null;
}

/** Counties that have priority-protection points with results in `year`, by their code. */
export function countyReminders(states: readonly FarmlandState[], year: number): readonly CountyReminder[] {
  const areas = [...new Set(states.map(({ area }) => area))].sort();
  return areas.flatMap((area) => {
    const years = countyYears(
      states.filter((state) => state.area === area),
      year,
    );
    return years.at(-1)?.year === year ? [reminderOf(area, years)] : [];
  });
}

function reminderOf(area: string, years: readonly CountyYear[]): CountyReminder {
  const now = years.at(-1);
  const trend = trendOf(years);
  const reasons: CountyReminder["reasons"][number][] = [];
  if (now && now.worsened.length > 0) reasons.push("points-worsened");
  if (trend?.significant) reasons.push("rising-trend");
  const facts = { points: now?.points ?? 0, worsened: now?.worsened.length ?? 0, p: trend?.p ?? null };
  const year = now?.year ?? 0;
  const text = reminderText(area, year, { ...facts, isReminded: reasons.length > 0 });
  return { area, year, years, trend, reasons, text };
}

/** Null for too few years. */
function risingTrend(values: readonly number[]): { readonly n: number; readonly s: number; readonly p: number } | null {
  if (values.length < YEARS_MIN) return null;
  const { n, s, pRising: p } = mannKendall([...values.keys()], values);
  return { n, s, p };
}

/** The clearer of two rises: share of points lost to priority protection, median pollution index. */
function trendOf(years: readonly CountyYear[]): CountyReminder["trend"] {
  const lost = risingTrend(years.map(({ lostShare }) => lostShare));
  const index = risingTrend(years.map(({ medianIndex }) => medianIndex));
  if (!lost || !index) return null;
  const [of, clearer] = lost.p < index.p ? (["lost-share", lost] as const) : (["median-index", index] as const);
  return { of, ...clearer, significant: clearer.p < SIGNIFICANCE };
}

/**
 * Statistics up to `last`. A point counts from its first year in priority protection on, whatever becomes of it: else
 * what is lost would leave the statistics, and the county would look better for it.
 */
function countyYears(states: readonly FarmlandState[], last: number): readonly CountyYear[] {
  const points = states.map((state) => pointYears(state, last)).filter((own) => own.size > 0);
  const years = [...new Set(points.flatMap((own) => [...own.keys()]))].sort((a, b) => a - b);
  return years.map((year) => {
    const measured = points.flatMap((own) => own.get(year) ?? []);
    const worsened = points.flatMap((own) => {
      const [now, before] = [own.get(year), newestBefore(own, year)];
      return now && before && now.rank > before.rank ? [now.station] : [];
    });
    const lost = measured.filter(({ rank }) => rank > 0).length;
    return {
      ...{ year, points: measured.length, worsened: worsened.sort() },
      ...{ worsenedShare: worsened.length / measured.length, lostShare: lost / measured.length },
      medianIndex: median(measured.map(({ index }) => index ?? 0)),
    };
  });
}

/** A person's category counts before the suggestion, from the year of the confirmation on. */
function pointYears({ station, history, decisions }: FarmlandState, last: number): ReadonlyMap<number, PointYear> {
  const years = new Map<number, PointYear>();
  let isCounted = false;
  for (const { date, category, index } of history) {
    const year = Number(date.slice(0, 4));
    if (year > last) break;
    const word = decisions.findLast(({ at }) => chinaDate(at).slice(0, 4) <= String(year))?.category;
    isCounted ||= (word ?? category) === "priority-protection";
    // What is measured counts for getting worse; the confirmed category only says which points are protected.
    if (isCounted) years.set(year, { station, rank: rankOf(category), index });
  }
  return years;
}

function rankOf(category: FarmlandCategory): number {
  return FARMLAND_CATEGORIES.indexOf(category);
}

function newestBefore(own: ReadonlyMap<number, PointYear>, year: number): PointYear | undefined {
  const earlier = [...own.keys()].filter((one) => one < year);
  return own.get(Math.max(...earlier));
}
