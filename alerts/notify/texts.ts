/** The words of notices in both languages. Lateness comes first: who reads it must know at once that it is old news. */
import type { Alarm, AlarmEventKind, Level } from "../../core/alarm.ts";
import { contributorNames, shownMeasure, subjectName, whatHappened } from "../../core/alarm-words.ts";
import { inLocale, type Locale } from "../../core/locale.ts";
import { hasOwnName, ruleKindName, ruleKindOf } from "../../core/rule-kind-names.ts";

export type Texts = Readonly<Record<Locale, string>>;

export function noticeTexts(kind: AlarmEventKind, alarm: Alarm): Texts {
  return { "zh-CN": noticeText(kind, alarm, "zh-CN"), en: noticeText(kind, alarm, "en") };
}

/** One notice for everything that a bulk back-fill showed at one station. */
export function groupTexts(station: string, alarms: readonly Alarm[]): Texts {
  const open = alarms.filter(({ end }) => end === null).length;
  const from = Math.min(...alarms.map(({ start }) => start));
  const to = Math.max(...alarms.map(({ start, end }) => end ?? start));
  const names = (locale: Locale): string =>
    [...new Set(alarms.map(({ quantity }) => subjectName(quantity)[locale]))]
      .slice(0, 8)
      .join(locale === "en" ? ", " : "、");
  return {
    "zh-CN": `【补传数据】点位 ${station}：补传的历史数据显示 ${alarms.length} 条报警（${names("zh-CN")}），其中 ${open} 条仍未恢复；时段 ${at(from)} 至 ${at(to)}。`,
    en: `[Back-filled data] Station ${station}: past readings sent in bulk show ${alarms.length} alarms (${names("en")}), ${open} of them still open; between ${at(from)} and ${at(to)}.`,
  };
}

function noticeText(kind: AlarmEventKind, alarm: Alarm, locale: Locale): string {
  const words = WORDS[locale];
  const { lateMs, end } = alarm;
  const late = lateMs > 0 && kind !== "acknowledged" ? words.late(lasted(lateMs, locale)) : "";
  const over = kind === "raised" && end !== null ? words.over(at(end)) : "";
  const doubt = !alarm.verified && (kind === "raised" || kind === "updated") ? words.unverified : "";
  const advice = alarm.advice && kind === "raised" ? words.advice(inLocale(alarm.advice, locale)) : "";
  return `${late}${words.head(kind, alarm)}${words.what(alarm)}${over}${doubt}${advice}`;
}

const LEVEL_NAMES: Readonly<Record<Locale, Readonly<Record<Level, string>>>> = {
  "zh-CN": { red: "红色", orange: "橙色", yellow: "黄色", blue: "蓝色" },
  en: { red: "RED", orange: "ORANGE", yellow: "YELLOW", blue: "BLUE" },
};
const KIND_NAMES: Readonly<Record<Locale, Readonly<Record<AlarmEventKind, string>>>> = {
  "zh-CN": {
    raised: "报警",
    updated: "报警更新",
    cleared: "报警恢复",
    reopened: "报警继续",
    acknowledged: "报警已确认",
    retracted: "报警撤回",
  },
  en: {
    raised: "alarm",
    updated: "alarm updated",
    cleared: "back to normal",
    reopened: "alarm goes on",
    acknowledged: "alarm acknowledged",
    retracted: "alarm withdrawn",
  },
};

interface Words {
  late(text: string): string;
  over(end: string): string;
  head(kind: AlarmEventKind, alarm: Alarm): string;
  what(alarm: Alarm): string;
  advice(text: string): string;
  readonly unverified: string;
}

const WORDS: Readonly<Record<Locale, Words>> = {
  "zh-CN": {
    late: (text) => `【迟到 ${text}】`,
    over: (end) => `已于 ${end} 恢复。`,
    head: (kind, { level, station }) => `${LEVEL_NAMES["zh-CN"][level]}${KIND_NAMES["zh-CN"][kind]}：点位 ${station}，`,
    what: (alarm) => {
      const name = subjectName(alarm.quantity)["zh-CN"];
      if (alarm.category === "absence") return `${name} 自 ${at(alarm.start)} 起无数据。`;
      if (alarm.category === "instrument") return `${name} 仪器自报数据不可用，自 ${at(alarm.start)} 起。`;
      return `${facts(alarm, "zh-CN").join("，")}，自 ${at(alarm.start)} 起。`;
    },
    advice: (text) => `处置：${text}`,
    unverified: "未核实：统计检验对该读数存疑，等待下一个正常读数确认，暂降一级。",
  },
  en: {
    late: (text) => `[${text} late] `,
    over: (end) => ` It was over at ${end}.`,
    head: (kind, { level, station }) => `${LEVEL_NAMES.en[level]} ${KIND_NAMES.en[kind]} at station ${station}: `,
    what: (alarm) => {
      const name = subjectName(alarm.quantity).en;
      if (alarm.category === "absence") return `no data of ${name} since ${at(alarm.start)}.`;
      if (alarm.category === "instrument") return `the instrument declares ${name} unfit since ${at(alarm.start)}.`;
      return `${facts(alarm, "en").join(", ")}, since ${at(alarm.start)}.`;
    },
    advice: (text) => ` To do: ${text}`,
    unverified:
      " Not verified: statistics doubt the reading, so it is one level lower until a good reading confirms it.",
  },
};

/** What it is about and its value, what happened, and the limit where there is one. */
function facts(alarm: Alarm, locale: Locale): string[] {
  const { value, limit } = shownMeasure(alarm);
  const subject = subjectName(alarm.quantity)[locale];
  const kind = ruleKindOf(alarm);
  const isPlain = !hasOwnName(kind);
  const name = isPlain || kind === alarm.quantity ? null : (ruleKindName(kind)?.[locale] ?? null);
  const happened = isPlain ? null : (whatHappened(alarm)?.[locale] ?? null);
  const colon = locale === "en" ? ": " : "：";
  const by = contributorNames(alarm, locale).join(locale === "en" ? ", " : "、");
  const told = [name ?? (kind === alarm.quantity ? subject : null), happened].filter((text) => text !== null);
  return [
    ...(kind === alarm.quantity ? [] : [value === null && !isPlain ? subject : `${subject} ${measured(alarm)}`]),
    ...(told.length === 0 ? [] : [told.join(colon)]),
    ...(by === "" ? [] : [`${locale === "en" ? "series" : "涉及"} ${by}`]),
    ...(isPlain || limit !== null ? [bound(alarm, locale === "en" ? "limit" : "限值")] : []),
  ];
}

function measured({ value, cmp, evidence: { unit } }: Alarm): string {
  return value === null ? "–" : `${cmp}${value}${unit === "1" || unit === "" ? "" : ` ${unit}`}`;
}
function bound(alarm: Alarm, word: string): string {
  const { clause } = alarm.evidence;
  const { limit, passes, unit } = shownMeasure(alarm);
  if (limit === null) return word;
  const source = clause === null ? "" : ` (${clause})`;
  return `${word} ${passes === null ? "" : SIGNS[passes]} ${limit}${unit === "1" || unit === "" ? "" : ` ${unit}`}${source}`;
}
const SIGNS = { "<=": "≤", ">=": "≥", "<": "<", ">": ">" } as const;

/** "3 h 4 min" or "3 小时 4 分". */
function lasted(ms: number, locale: Locale): string {
  const minutes = Math.round(ms / 60_000);
  const [days, hours, rest] = [Math.floor(minutes / 1_440), Math.floor(minutes / 60) % 24, minutes % 60];
  const [day, hour, minute] = locale === "en" ? ["d", "h", "min"] : ["天", "小时", "分"];
  const parts = [
    days > 0 ? `${days} ${day}` : "",
    hours > 0 ? `${hours} ${hour}` : "",
    rest > 0 && days === 0 ? `${rest} ${minute}` : "",
  ];
  return parts.filter((part) => part !== "").join(" ");
}

/** China Standard Time, the same everywhere in the product. */
function at(time: number): string {
  return `${new Date(time + 8 * 3_600_000).toISOString().slice(0, 16).replace("T", " ")} UTC+8`;
}
