/**
 * What an alarm of a rule with a memory says in one short sentence, in both languages, from the figures frozen in it.
 * Alarms of limits need none: value and limit say it. How the figures came about is told by explanations.
 */
import type { Alarm } from "./alarm.ts";
import type { BothTexts } from "./explanation.ts";
import type { Locale } from "./locale.ts";
import { findQuantity } from "./quantity.ts";
import { parseSeriesKey } from "./reading.ts";
import { STATION_SIGNALS } from "./rule-integrity.ts";
import { groupKindName, isGroupKind, ruleKindOf } from "./rule-kind-names.ts";
import { WATER_CLASSES } from "./site.ts";

type Figures = Readonly<Record<string, number>>;
type Sentence = (figures: Figures, alarm: Alarm) => readonly [zh: string, en: string];

/** Null where value and limit say all, and where the figures were not kept. */
export function whatHappened(alarm: Alarm): BothTexts | null {
  const kind = ruleKindOf(alarm);
  const figures = alarm.evidence.computation?.figures;
  const sentence = Object.hasOwn(SENTENCES, kind) ? SENTENCES[kind] : undefined;
  if (!sentence || (!figures && kind !== "tailings")) return null;
  const [zh, en] = sentence(figures ?? {}, alarm);
  return { "zh-CN": zh, en };
}

/** Name of an alarm's quantity, or of the kind of a group's; an unknown id stands for itself. */
export function subjectName(quantity: string): BothTexts {
  const row = findQuantity(quantity);
  if (row) return { "zh-CN": row.zh, en: row.en };
  return groupKindName(quantity) ?? { "zh-CN": quantity, en: quantity };
}

const NAMED_MAX = 4;

/** Series of a group that contribute, the greatest first, as people name them; empty for others. */
export function contributorNames(alarm: Alarm, locale: Locale): readonly string[] {
  const names = [...new Set(contributorKeys(alarm).map((key) => seriesName(key, alarm.station, locale)))];
  if (names.length <= NAMED_MAX) return names;
  const more = names.length - NAMED_MAX;
  return [...names.slice(0, NAMED_MAX), locale === "en" ? `${more} more` : `另 ${more} 项`];
}

/** Keys of the contributing series, by rank. */
export function contributorKeys({ evidence }: Alarm): readonly string[] {
  return (evidence.computation?.members ?? [])
    .filter(({ contributes }) => contributes >= 0)
    .sort((a, b) => a.contributes - b.contributes)
    .map(({ series }) => series);
}

/** Quantity, with the station where it is another one than the alarm's. */
export function seriesName(key: string, at: string, locale: Locale): string {
  const { station, quantity } = parseSeriesKey(key);
  const name = subjectName(quantity)[locale];
  return station === at ? name : `${station} ${name}`;
}

/** A group's value is a score without unit or limit: what is shown of an alarm's value in its place is nothing. */
export function shownMeasure(
  alarm: Alarm,
): Pick<Alarm, "value" | "cmp"> & Pick<Alarm["evidence"], "unit" | "limit" | "passes"> {
  if (isGroupKind(alarm.quantity)) return { value: null, cmp: "", unit: "", limit: null, passes: null };
  const { unit, limit, passes } = alarm.evidence;
  return { value: alarm.value, cmp: alarm.cmp, unit, limit, passes };
}

const GRADES: readonly (readonly [zh: string, en: string])[] = [
  ["正常", "calm"],
  ["蓝色", "blue"],
  ["黄色", "yellow"],
  ["橙色", "orange"],
  ["红色", "red"],
];

const SENTENCES: Readonly<Record<string, Sentence>> = {
  rate: (f, { evidence }) => {
    const [zh, en] = span(f["perMs"]);
    const [rate, threshold] = [n(f["rate"]), n(f["threshold"])];
    return [
      `每 ${zh}变化 ${rate}${unitOf(evidence)}，阈值 ${threshold}`,
      `${rate}${unitOf(evidence)} per ${en}, threshold ${threshold}`,
    ];
  },
  jump: (f) => {
    const threshold = percent(f["threshold"]);
    if (f["previousBelow"] === 1 || f["change"] === undefined) {
      const [before, bound] = [n(f["previous"]), n(f["bound"])];
      return [
        `上次未检出（检出限 ${before}），比较值 ${bound}`,
        `the previous result was below ${before}; the bound is ${bound}`,
      ];
    }
    const change = percent(f["change"]);
    return [
      `较上次 ${n(f["previous"])} 上升 ${change}，阈值 ${threshold}`,
      `${change} above the previous ${n(f["previous"])}, threshold ${threshold}`,
    ];
  },
  rise: (f) => [
    `自 ${n(f["start"])} 起连续上升 ${n(f["rises"])} 次`,
    `${n(f["rises"])} rises in a row from ${n(f["start"])}`,
  ],
  trend: (f, { evidence }) => {
    const falls = (f["s"] ?? 0) < 0;
    const [slope, p, days] = [n(f["slopeYear"]), n(falls ? f["pFalling"] : f["pRising"]), f["daysToLimit"]];
    const left =
      days === undefined
        ? ["", ""]
        : [`，约 ${whole(days)} 天后达到限值`, `; it reaches the limit in about ${whole(days)} days`];
    return [
      `显著${falls ? "下降" : "上升"}，每年 ${slope}${unitOf(evidence)}（p = ${p}）${left[0]}`,
      `significant ${falls ? "fall" : "rise"} of ${slope}${unitOf(evidence)} a year (p = ${p})${left[1]}`,
    ];
  },
  "shewhart-cusum": (f) => {
    const sum = Math.max(f["cusum"] ?? 0, f["lowCusum"] ?? 0);
    return [
      `偏离背景均值 ${n(f["z"])} 个标准差（限 ${n(f["scl"])}），累积和 ${n(sum)}（限 ${n(f["h"])}）`,
      `${n(f["z"])} standard deviations off the background mean (limit ${n(f["scl"])}), cumulative sum ${n(sum)} (limit ${n(f["h"])})`,
    ];
  },
  ewma: (f) => {
    const limits = [f["lcl"], f["ucl"]]
      .filter((limit) => limit !== undefined)
      .map(n)
      .join(" … ");
    return [`加权平均 ${n(f["ewma"])}，控制限 ${limits}`, `weighted average ${n(f["ewma"])}, control limits ${limits}`];
  },
  prediction: (f, { evidence }) => [
    `预测上限 ${n(f["limit"])}${unitOf(evidence)}，已连续超过 ${n(f["exceeded"])} 次`,
    `upper prediction limit ${n(f["limit"])}${unitOf(evidence)}, exceeded ${n(f["exceeded"])} times in a row`,
  ],
  class: (f) => {
    const [found, bound] = [classOf(f["class"]), classOf(f["boundClass"])];
    return f["fixed"] === 1
      ? [`现为 ${found} 类，要求不差于 ${bound} 类`, `now class ${found}, must be no worse than class ${bound}`]
      : [`由 ${bound} 类变为 ${found} 类`, `from class ${bound} to class ${found}`];
  },
  event: (f) => [
    `最近 ${n(f["of"])} 轮读数中 ${n(f["votes"])} 轮异常`,
    `${n(f["votes"])} of the last ${n(f["of"])} rounds of readings were unusual`,
  ],
  composite: (f) => [
    `${n(f["conditions"])} 个条件满足 ${n(f["held"])} 个`,
    `${n(f["held"])} of ${n(f["conditions"])} conditions hold`,
  ],
  "cross-medium": (f) => [
    `${n(f["media"])} 种介质共 ${n(f["findings"])} 个测项异常`,
    `${n(f["findings"])} series in ${n(f["media"])} media are unusual`,
  ],
  spread: (f) => [
    `下游 ${n(f["downBeyond"])} 个点位异常${f["offSite"] === 1 ? "，污染疑来自场地外" : ""}`,
    `${n(f["downBeyond"])} down-gradient ${f["downBeyond"] === 1 ? "station is" : "stations are"} unusual${f["offSite"] === 1 ? "; it probably came from outside" : ""}`,
  ],
  plume: (f) => [
    `污染羽最早（P5）约 ${n(f["p5"])} 天后到达水源`,
    `the plume may reach the water source in ${n(f["p5"])} days at the earliest (P5)`,
  ],
  tailings: (f, { value }) => {
    const [zh, en] = GRADES[value ?? f["grade"] ?? 0] ?? GRADES[0] ?? ["", ""];
    return [`全库等级 ${zh}`, `the pond's grade is ${en}`];
  },
  integrity: (f) => {
    const signals = STATION_SIGNALS.filter((signal) => f[signal] !== undefined).length;
    return [
      `${signals} 项疑似信号，请人工核查原始数据，不是结论`,
      `${signals} ${signals === 1 ? "sign" : "signs"}; a person should check the raw data, this is no finding`,
    ];
  },
  "identical-stations": (f) => [
    `相同时刻连续 ${n(f["equal"])} 个读数完全相同，请人工核查，不是结论`,
    `${n(f["equal"])} equal readings in a row at equal times; a person should check, this is no finding`,
  ],
};

/** Four significant digits. */
function n(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? "–" : String(Number(value.toPrecision(4)));
}
function whole(value: number): string {
  return String(Math.round(value));
}
function percent(share: number | undefined): string {
  return `${share === undefined ? "–" : n(share * 100)} %`;
}
function unitOf({ unit }: Alarm["evidence"]): string {
  return unit === "" || unit === "1" ? "" : ` ${unit}`;
}
function classOf(rank: number | undefined): string {
  return WATER_CLASSES[(rank ?? 0) - 1] ?? "V+";
}
function span(ms = 0): readonly [zh: string, en: string] {
  const minutes = ms / 60_000;
  if (minutes >= 1_440) return [`${n(minutes / 1_440)} 天`, `${n(minutes / 1_440)} d`];
  if (minutes >= 60) return [`${n(minutes / 60)} 小时`, `${n(minutes / 60)} h`];
  return [`${n(minutes)} 分`, `${n(minutes)} min`];
}
