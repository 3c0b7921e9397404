/** Single cells of laboratory results → meanings, or a named fault. Pure. */
import { DateTime } from "luxon";
import type { BothTexts } from "../../core/explanation.ts";
import { findQuantity, quantitySpec } from "../../core/quantity.ts";
import { CATALOGUE } from "../../core/quantity-catalogue.ts";
import type { Comparison } from "../../core/reading.ts";
import type { Medium } from "../../core/site.ts";
import { isOffsetTime, parseWireTime } from "../../core/wire.ts";

export function says(zh: string, en: string): { readonly fault: BothTexts } {
  return { fault: { "zh-CN": zh, en } };
}
type Fault = ReturnType<typeof says>;

/**
 * "2026-03-15T08:30:00+08:00", or a date and time of day with a zone beside it. A date alone is refused: when on that
 * day is never guessed, and neither is a zone.
 */
export function readTime(text: string, zone: string): { readonly time: number } | Fault {
  const iso = text.trim().replace(/^(\d{4})[/.](\d{1,2})[/.](\d{1,2})/, (_all, y: string, m: string, d: string) => {
    return `${y}-${m.padStart(2, "0")}-${d.padStart(2, "0")}`;
  });
  const dashed = iso.replace(/^(\d{4}-\d{2}-\d{2}) +(?=\d)/, "$1T").replace(/ +(?=[Z+-])/, "");
  if (isOffsetTime(dashed)) {
    const time = parseWireTime(dashed);
    return time === null ? says(`"${text}" 不是有效的日期`, `"${text}" is no real date`) : { time };
  }
  if (!/^\d{4}-\d{2}-\d{2}T\d{1,2}:\d{2}/.test(dashed))
    return says(
      `"${text}" 须为日期加时刻，如 2026-03-15 08:30`,
      `"${text}" is not a date and a time of day, such as 2026-03-15 08:30`,
    );
  if (zone === "")
    return says(
      `"${text}" 没有时区；写成 +08:00 或填时区列`,
      `"${text}" has no zone; write +08:00 behind it or fill column zone`,
    );
  const padded = dashed.replace(/T(\d):/, "T0$1:");
  const found = DateTime.fromISO(padded, { zone: /^[+-]\d/.test(zone) ? `UTC${zone}` : zone });
  return found.isValid
    ? { time: found.toMillis() }
    : says(`"${text}" 与时区 "${zone}" 不是有效时间`, `"${text}" in zone "${zone}" is no real time`);
}

const NON_DETECTS = /^(nd|n\.d\.|u|未检出|<\s*(dl|mdl|检出限)?)$/i;

/**
 * "0.0061", "<0.0003", "0.0003L" (HJ 164: below the limit of detection), ">200", "ND" or "未检出". A non-detect is at most
 * its detection limit; without either number it says nothing.
 */
export function readValue(
  text: string,
  limit: number | null,
): { readonly value: number; readonly cmp: Comparison } | Fault {
  const plain = text
    .trim()
    .replace(/[＜﹤]/g, "<")
    .replace(/[＞﹥]/g, ">");
  if (NON_DETECTS.test(plain)) {
    if (limit === null) return says("未检出须给出检出限", "a non-detect needs its detection limit");
    return { value: limit, cmp: "<" };
  }
  const [, sign = "", number = "", below = ""] =
    /^([<>]?)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*(l?)$/i.exec(plain) ?? [];
  if (number === "" || !Number.isFinite(Number(number)) || (sign === ">" && below !== ""))
    return says(`"${text}" 不是数值`, `"${text}" is no number`);
  const value = Number(number);
  const cmp: Comparison = below === "" ? (sign as Comparison) : "<";
  if (cmp === "" && limit !== null && value < limit)
    return says(
      `${number} 低于检出限 ${limit}；未检出请写 <${limit}`,
      `${number} is below its detection limit ${limit}; a non-detect is written <${limit}`,
    );
  return { value, cmp };
}

export function readLimit(text: string): { readonly limit: number | null } | Fault {
  if (text.trim() === "") return { limit: null };
  const limit = Number(text);
  return Number.isFinite(limit) && limit > 0 ? { limit } : says(`"${text}" 不是正数`, `"${text}" is no number above 0`);
}

/** By id, HJ 212 code, CAS number, or its name in either language, among those that mean something in the medium. */
export function readQuantity(text: string, medium: Medium): { readonly quantity: string } | Fault {
  const direct = findQuantity(text.trim());
  const wanted = folded(text);
  const found = direct
    ? [direct]
    : CATALOGUE.filter(({ cas, zh, en }) => cas === text.trim() || folded(zh) === wanted || folded(en) === wanted);
  if (found.length === 0)
    return says(`没有检测项目 "${text}"`, `no quantity "${text}" is known by id, name, HJ 212 code or CAS number`);
  const [first, second] = found.filter(({ id }) => quantitySpec(id, medium) !== undefined);
  if (!first) return says(`${text} 在介质 ${medium} 中没有定义`, `${text} has no meaning in ${medium}`);
  if (second)
    return says(
      `"${text}" 有歧义：${first.id} 或 ${second.id}`,
      `"${text}" may be ${first.id} or ${second.id}: write the id`,
    );
  return { quantity: first.id };
}

function folded(name: string): string {
  return name.trim().toLowerCase().replace(/（/g, "(").replace(/）/g, ")").replace(/\s+/g, " ");
}
