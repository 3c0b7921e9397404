/** The words of explanations: numbers, times, flags and qualifiers in both languages. Pure. */
import type { Level } from "../../core/alarm.ts";
import { subjectName } from "../../core/alarm-words.ts";
import type { BothTexts } from "../../core/explanation.ts";
import type { Locale } from "../../core/locale.ts";
import { ruleKindName } from "../../core/rule-kind-names.ts";

export function both(text: (locale: Locale) => string): BothTexts {
  return { "zh-CN": text("zh-CN"), en: text("en") };
}

export const LEVEL_WORDS: Readonly<Record<Level, BothTexts>> = {
  red: { "zh-CN": "红色", en: "red" },
  orange: { "zh-CN": "橙色", en: "orange" },
  yellow: { "zh-CN": "黄色", en: "yellow" },
  blue: { "zh-CN": "蓝色", en: "blue" },
};

/** QARTOD primary flags. */
const FLAG_WORDS: Readonly<Record<number, BothTexts>> = {
  1: { "zh-CN": "正常", en: "good" },
  2: { "zh-CN": "未评估", en: "not evaluated" },
  3: { "zh-CN": "可疑", en: "suspect" },
  4: { "zh-CN": "不合格", en: "fail" },
  9: { "zh-CN": "缺测", en: "missing" },
};

/** HJ 212 data flags. */
const QUALIFIER_WORDS: Readonly<Record<string, BothTexts>> = {
  N: { "zh-CN": "正常", en: "normal" },
  F: { "zh-CN": "停运", en: "out of operation" },
  M: { "zh-CN": "维护", en: "maintenance" },
  S: { "zh-CN": "手工输入", en: "entered by hand" },
  D: { "zh-CN": "故障", en: "fault" },
  C: { "zh-CN": "校准", en: "calibration" },
  T: { "zh-CN": "超量程", en: "over range" },
  B: { "zh-CN": "通讯异常", en: "communication fault" },
};

const CONFIDENCE_WORDS: Readonly<Record<string, BothTexts>> = {
  primary: { "zh-CN": "已核对标准原文", en: "read in the standard itself" },
  "two-stored": { "zh-CN": "两份副本一致", en: "two copies of the standard agree" },
  "one-stored": { "zh-CN": "仅一份副本，待核实", en: "one copy only was seen, to be verified" },
  memory: { "zh-CN": "未见副本，已由指定人员确认", en: "no copy was seen; a named person confirmed the row" },
  engineering: { "zh-CN": "工程建议值，已由指定人员确认", en: "an engineering proposal that a named person confirmed" },
};

export function flagText(flag: number, locale: Locale): string {
  return `${flag}${locale === "en" ? ` (${FLAG_WORDS[flag]?.en ?? "?"})` : `（${FLAG_WORDS[flag]?.["zh-CN"] ?? "?"}）`}`;
}
export function qualifierText(letter: string, locale: Locale): string {
  const word = QUALIFIER_WORDS[letter]?.[locale] ?? "?";
  return locale === "en" ? `${letter} (${word})` : `${letter}（${word}）`;
}
export function confidenceText(confidence: string, locale: Locale): string {
  const word = CONFIDENCE_WORDS[confidence]?.[locale];
  return word === undefined ? confidence : locale === "en" ? `${confidence} (${word})` : `${confidence}（${word}）`;
}

/** "0.006 mg/L", "<0.025 mg/L", or a dash without a value. */
export function valueText(value: number | null, cmp: string, unit: string): string {
  return value === null ? "–" : `${cmp}${numberText(value)}${unit === "" || unit === "1" ? "" : ` ${unit}`}`;
}
/** As many digits as a person needs, never so few that two different numbers of one alarm look the same. */
export function numberText(value: number): string {
  return String(Number(value.toPrecision(12)));
}

/** China Standard Time, to the second. */
export function timeText(time: number): string {
  return `${new Date(time + 8 * 3_600_000).toISOString().slice(0, 19).replace("T", " ")} +08:00`;
}

const UNITS: readonly (readonly [ms: number, zh: string, en: string])[] = [
  [86_400_000, "天", "d"],
  [3_600_000, "小时", "h"],
  [60_000, "分", "min"],
  [1_000, "秒", "s"],
];
/** The largest parts of a span: "2 h 10 min". */
export function spanText(ms: number, locale: Locale): string {
  let rest = Math.max(0, Math.round(ms / 1_000) * 1_000);
  const parts: string[] = [];
  for (const [size, zh, en] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${locale === "en" ? en : zh}`);
  }
  return parts.slice(0, 3).join(" ") || (locale === "en" ? "0 s" : "0 秒");
}

/** Of alarms that no rule of the registry raised. */
const BUILT_IN: Readonly<Record<string, BothTexts>> = {
  pollution: { "zh-CN": "超标", en: "pollution" },
  instrument: { "zh-CN": "内置仪器报警", en: "built-in instrument alarm" },
};
export function kindText(kind: string, locale: Locale): string {
  return (ruleKindName(kind) ?? BUILT_IN[kind])?.[locale] ?? kind;
}

export function quantityText(id: string, locale: Locale): string {
  return subjectName(id)[locale];
}
