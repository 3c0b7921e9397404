/** Numbers, times and ages as people read them. Times are always Asia/Shanghai, wherever the browser is. */
import type { Comparison } from "../../../core/reading.ts";
import type { Translate } from "../texts.ts";

const DIGITS = 4;
const DIGITS_MAX = 15;

/**
 * Four significant digits, whole numbers exactly: 0.0011234 is "0.001123", 412.61 is "412.6", 12345 stays.
 * @param apartFrom a limit that stands beside the value: as many digits are added as it takes to show on which side
 *   of it the value is, so that 0.0050004 never reads as "0.005 over 0.005".
 */
export function formatNumber(value: number, apartFrom: number | null = null): string {
  if (!Number.isFinite(value)) return "–";
  for (let digits = DIGITS; digits < DIGITS_MAX; digits++) {
    const text = withDigits(value, digits);
    if (apartFrom === null || Math.sign(Number(text) - apartFrom) === Math.sign(value - apartFrom)) return text;
  }
  return String(value);
}

function withDigits(value: number, digits: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-6 || size >= 1e12) return value.toExponential(digits - 1).replace(/\.?0+e/, "e");
  if (Number.isInteger(value)) return String(value);
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return trimZeros(value.toFixed(decimals));
}
function trimZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** "<0.025", "0.0011", or a dash when there is no value. */
export function formatReading(value: number | null, cmp: Comparison, apartFrom: number | null = null): string {
  return value === null ? "–" : `${cmp}${formatNumber(value, apartFrom)}`;
}

/** Every digit that the value has, for tooltips and copies; never an exponent below 21 digits. */
export function exactReading(value: number | null, cmp: Comparison, unit: string): string {
  return value === null ? "–" : `${cmp}${value}${unitSuffix(unit)}`;
}
/** Unit 1 (pH and other ratios) is not written. */
export function unitSuffix(unit: string): string {
  return unit === "" || unit === "1" ? "" : ` ${unit}`;
}

const ZONE = "Asia/Shanghai";
const minute = new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE, dateStyle: "short", timeStyle: "short" });
const second = new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE, dateStyle: "short", timeStyle: "medium" });

/** "2026-03-15 08:30" */
export function shanghaiMinute(ms: number): string {
  return minute.format(ms);
}
/** "2026-03-15 08:30:05" */
export function shanghaiSecond(ms: number): string {
  return second.format(ms);
}
/** "08:30" today, "03-15 08:30" this year, else with the year; all of it Shanghai's day and year. */
export function shanghaiShort(ms: number, now: number): string {
  const text = shanghaiMinute(ms);
  const today = shanghaiMinute(now);
  if (text.slice(0, 10) === today.slice(0, 10)) return text.slice(11);
  return text.slice(0, 4) === today.slice(0, 4) ? text.slice(5) : text;
}
/** What `<input type="datetime-local">` holds, read as Shanghai time; null when it is no time. China has no summer time. */
export function parseShanghaiInput(text: string): number | null {
  const ms = Date.parse(`${text}:00+08:00`);
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(text) && !Number.isNaN(ms) ? ms : null;
}
export function shanghaiInput(ms: number): string {
  return shanghaiMinute(ms).replace(" ", "T");
}

export function ageText(ms: number, t: Translate): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return t("age.now");
  if (minutes < 60) return t("age.minutes", { n: minutes });
  return minutes < 48 * 60
    ? t("age.hours", { n: Math.floor(minutes / 60) })
    : t("age.days", { n: Math.floor(minutes / 1_440) });
}

/** "2 h 10 min": the two largest parts. */
export function durationText(ms: number, t: Translate): string {
  const minutes = Math.floor(Math.abs(ms) / 60_000);
  const parts = [
    [Math.floor(minutes / 1_440), "duration.days"],
    [Math.floor(minutes / 60) % 24, "duration.hours"],
    [minutes % 60, "duration.minutes"],
  ] as const;
  const shown = parts.filter(([n]) => n > 0).slice(0, 2);
  return shown.length === 0 ? t("duration.under") : shown.map(([n, key]) => t(key, { n })).join(" ");
}
