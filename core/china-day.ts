/**
 * Civil dates of China (UTC+8 without summer time since 1992): what laws, plans and sampling records name. Pure.
 */
const CHINA_OFFSET_MS = 8 * 3_600_000;
export const DAY_MS = 86_400_000;

/** Civil date in China of a time (ms since 1970 UTC), e.g. "2018-05-01". */
export function chinaDate(ms: number): string {
  return new Date(ms + CHINA_OFFSET_MS).toISOString().slice(0, 10);
}

/** Civil day in China as days since 1970-01-01; negative before. */
export function chinaDay(ms: number): number {
  return Math.floor((ms + CHINA_OFFSET_MS) / DAY_MS);
}

/** First moment of a civil date in China, ms since 1970 UTC. @param date "2018-05-01". */
export function chinaMidnight(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) - CHINA_OFFSET_MS;
}

/** True for a day that the calendar has, written as 2018-05-01. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(ms) && new Date(ms).toISOString().startsWith(text);
}

/**
 * The date so many months later; half a month is 15 days. A day that the month lacks becomes its last one:
 * 2026-01-31 + 1 = 2026-02-28.
 * @param months not negative, in steps of a half.
 */
export function addMonths(date: string, months: number): string {
  const [year = 0, month = 1, day = 1] = date.split("-").map(Number);
  const whole = Math.floor(months);
  const last = new Date(Date.UTC(year, month + whole, 0)).getUTCDate();
  const at = Date.UTC(year, month - 1 + whole, Math.min(day, last));
  return new Date(at + (months - whole) * 30 * DAY_MS).toISOString().slice(0, 10);
}

/** Whole days from one date to another; negative when `to` is earlier. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / DAY_MS);
}
