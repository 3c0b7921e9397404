/**
 * The calculation of the trend kinds in words, step by step, from the figures that their detectors give. Numbers and
 * dates are written in one place. Terms: HJ 1209-2021, GB/T 14848-2017, USEPA Unified Guidance 2009.
 */
import type { TrendKind } from "../../core/rule-trend.ts";
import { WATER_CLASSES } from "../../core/site.ts";

export type Figures = Readonly<Record<string, number>>;
export interface Steps {
  readonly "zh-CN": readonly string[];
  readonly en: readonly string[];
}
/** A step in both languages; null leaves it out. */
type Step = readonly [zh: string, en: string] | null;

/** Four significant digits, plain where people write it plainly. */
export function writeNumber(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(2).replace("-", "−");
  return String(Number(value.toPrecision(4))).replace("-", "−");
}
/** Day in China. */
export function writeDay(time: number | undefined): string {
  if (time === undefined || !Number.isFinite(time)) return "–";
  return new Date(time + 8 * 3_600_000).toISOString().slice(0, 10);
}
function writePercent(share: number | undefined): string {
  return `${writeNumber(share === undefined ? undefined : share * 100)} %`;
}
function writeSpan(ms: number | undefined): readonly [zh: string, en: string] {
  const minutes = (ms ?? 0) / 60_000;
  if (minutes >= 2_880) return [`${writeNumber(minutes / 1_440)} 天`, `${writeNumber(minutes / 1_440)} d`];
  if (minutes >= 120) return [`${writeNumber(minutes / 60)} 小时`, `${writeNumber(minutes / 60)} h`];
  return [`${writeNumber(minutes)} 分钟`, `${writeNumber(minutes)} min`];
}
function writeClass(number: number | undefined): string {
  return WATER_CLASSES[(number ?? 0) - 1] ?? ">V";
}
const n = writeNumber;

function steps(...all: readonly Step[]): Steps {
  const kept = all.filter((step) => step !== null);
  return { "zh-CN": kept.map(([zh]) => zh), en: kept.map(([, en]) => en) };
}

function background(f: Figures): Step {
  const scale = f["log"] === 1;
  return [
    `背景值：最初 ${n(f["backgroundN"])} 个结果（其中未检出 ${n(f["backgroundCensored"])} 个，按检出限一半计），${scale ? "取对数后" : ""}均值 m = ${n(f["mean"])}，标准差 s = ${n(f["sd"])}；此后不再更新。`,
    `Background: the first ${n(f["backgroundN"])} results (${n(f["backgroundCensored"])} non-detects, counted as half the reporting limit), ${scale ? "of their logarithms " : ""}mean m = ${n(f["mean"])}, standard deviation s = ${n(f["sd"])}; frozen since.`,
  ];
}
/** The one step of a chart that has not yet learned its background. */
function learning(f: Figures): Steps | null {
  if ((f["backgroundN"] ?? 0) >= (f["backgroundNeeded"] ?? 0)) return null;
  return steps([
    `正在积累背景值：${n(f["backgroundN"])} / ${n(f["backgroundNeeded"])} 个结果，尚不判断。`,
    `Still learning the background: ${n(f["backgroundN"])} of ${n(f["backgroundNeeded"])} results; no verdict yet.`,
  ]);
}

function rate(f: Figures): Steps {
  const [elapsedZh, elapsed] = writeSpan(f["elapsedMs"]);
  const [perZh, per] = writeSpan(f["perMs"]);
  const rises = Math.abs(f["rate"] ?? 0) > (f["threshold"] ?? 0);
  return steps(
    [
      `${elapsedZh}前的值 ${n(f["base"])}，现值 ${n(f["value"])}。`,
      `The value ${elapsed} before was ${n(f["base"])}, now it is ${n(f["value"])}.`,
    ],
    [
      `变化速率 =（${n(f["value"])} − ${n(f["base"])}）÷ ${elapsedZh} = 每 ${perZh} ${n(f["rate"])}。`,
      `Rate = (${n(f["value"])} − ${n(f["base"])}) ÷ ${elapsed} = ${n(f["rate"])} per ${per}.`,
    ],
    [
      `阈值为每 ${perZh} ${n(f["threshold"])}：${rises ? "超过" : "未超过"}。`,
      `The threshold is ${n(f["threshold"])} per ${per}: ${rises ? "passed" : "not passed"}.`,
    ],
  );
}

function jump(f: Figures): Steps {
  if (f["previous"] === undefined) return steps(["没有上一次结果，不判断。", "No previous result: no verdict."]);
  const isBelow = f["previousBelow"] === 1;
  const over = (f["value"] ?? 0) > (f["bound"] ?? 0);
  return steps(
    [
      `上一次结果（${writeDay(f["previousTime"])}）${isBelow ? "低于检出限 " : ""}${n(f["previous"])}，本次 ${n(f["value"])}。`,
      `Previous result (${writeDay(f["previousTime"])}) ${isBelow ? "below the reporting limit " : ""}${n(f["previous"])}, this one ${n(f["value"])}.`,
    ],
    isBelow || f["change"] === undefined
      ? null
      : [
          `增幅 =（${n(f["value"])} − ${n(f["previous"])}）÷ ${n(f["previous"])} = ${writePercent(f["change"])}。`,
          `Change = (${n(f["value"])} − ${n(f["previous"])}) ÷ ${n(f["previous"])} = ${writePercent(f["change"])}.`,
        ],
    [
      `比较值 = ${n(1 + (f["threshold"] ?? 0))} × ${n(f["previous"])} = ${n(f["bound"])}（HJ 1209-2021，增幅超过 ${writePercent(f["threshold"])}）：${over ? "超过" : "未超过"}。`,
      `Bound = ${n(1 + (f["threshold"] ?? 0))} × ${n(f["previous"])} = ${n(f["bound"])} (HJ 1209-2021, more than ${writePercent(f["threshold"])} above): ${over ? "passed" : "not passed"}.`,
    ],
  );
}

function rise(f: Figures): Steps {
  return steps(
    [
      `自 ${writeDay(f["startTime"])} 的 ${n(f["start"])} 起连续上升 ${n(f["rises"])} 次，现值 ${n(f["value"])}。`,
      `Since ${n(f["start"])} on ${writeDay(f["startTime"])} ${n(f["rises"])} rises in a row, now ${n(f["value"])}.`,
    ],
    (f["leastPercent"] ?? 0) > 0
      ? [
          `累计增幅 ${n(f["grownPercent"])} %，要求不低于 ${n(f["leastPercent"])} %。`,
          `Together ${n(f["grownPercent"])} %; at least ${n(f["leastPercent"])} % is asked for.`,
        ]
      : null,
    [
      `要求连续上升 ${n(f["riseSteps"])} 次（HJ 1209-2021 的连续上升；相等或下降即重新计数）。`,
      `${n(f["riseSteps"])} rises in a row are asked for (HJ 1209-2021; an equal or lower result begins anew).`,
    ],
  );
}

function trend(f: Figures): Steps {
  if (f["s"] === undefined) {
    const short = `${n(f["n"])} / ${n(f["least"])}`;
    return steps([`结果不足：${short}，不判断。`, `Too few results: ${short}; no verdict.`]);
  }
  return steps(...trendTest(f), ...projection(f));
}

function trendTest(f: Figures): Step[] {
  const falling = (f["s"] ?? 0) < 0;
  const p = falling ? f["pFalling"] : f["pRising"];
  const significant = (p ?? 1) <= (f["significance"] ?? 0);
  const span = `${writeDay(f["first"])} – ${writeDay(f["last"])}`;
  return [
    [`所用结果：${n(f["n"])} 个（${span}）。`, `Results used: ${n(f["n"])} (${span}).`],
    (f["censored"] ?? 0) > 0
      ? [
          `其中 ${n(f["censored"])} 个低于最高检出限 ${n(f["reportingLimit"])}，视为同值，计算斜率时取其一半。`,
          `${n(f["censored"])} of them lie below the highest reporting limit ${n(f["reportingLimit"])}: tied, and half of it for the slope.`,
        ]
      : null,
    f["seasons"] === undefined
      ? null
      : [
          `按季节分组：${n(f["seasons"])} 组，组间趋势差异 p = ${n(f["pSeasonsDiffer"])}。`,
          `By season: ${n(f["seasons"])} groups; their trends differ with p = ${n(f["pSeasonsDiffer"])}.`,
        ],
    (f["widened"] ?? 1) > 1
      ? [
          `自相关使方差扩大 ${n(f["widened"])} 倍（Hamed–Rao）。`,
          `Autocorrelation widens the variance ${n(f["widened"])} times (Hamed–Rao).`,
        ]
      : null,
    [
      `Mann–Kendall：S = ${n(f["s"])}，方差 ${n(f["varS"])}，Z = ${n(f["z"])}，τ = ${n(f["tau"])}，单侧 p = ${n(p)}${f["exact"] === 1 ? "（精确分布）" : ""}。`,
      `Mann–Kendall: S = ${n(f["s"])}, variance ${n(f["varS"])}, Z = ${n(f["z"])}, τ = ${n(f["tau"])}, one-sided p = ${n(p)}${f["exact"] === 1 ? " (exact)" : ""}.`,
    ],
    [
      `显著性水平 ${n(f["significance"])}：${falling ? "下降" : "上升"}趋势${significant ? "显著" : "不显著"}。`,
      `Significance level ${n(f["significance"])}: the ${falling ? "fall" : "rise"} is ${significant ? "significant" : "not significant"}.`,
    ],
    [
      `Theil–Sen 斜率：每年 ${n(f["slopeYear"])}（95 % 置信区间 ${n(f["slopeLow"])} … ${n(f["slopeHigh"])}）。`,
      `Theil–Sen slope: ${n(f["slopeYear"])} a year (95 % confidence ${n(f["slopeLow"])} … ${n(f["slopeHigh"])}).`,
    ],
  ];
}

function projection(f: Figures): Step[] {
  if (f["daysToLimit"] === undefined) return [];
  const left = f["daysToLimit"];
  const range = `${n(f["earliestDays"])} … ${n(f["latestDays"])}`;
  return [
    left === 0
      ? [
          `趋势线现值 ${n(f["level"])} 已达到限值 ${n(f["limit"])}。`,
          `The line, now at ${n(f["level"])}, has reached the limit ${n(f["limit"])}.`,
        ]
      : [
          `趋势线现值 ${n(f["level"])}，限值 ${n(f["limit"])}：约 ${n(left)} 天后（${range} 天）达到，${writeDay((f["last"] ?? 0) + left * 86_400_000)} 前后。`,
          `The line is at ${n(f["level"])}, the limit is ${n(f["limit"])}: it is reached in about ${n(left)} days (${range}), around ${writeDay((f["last"] ?? 0) + left * 86_400_000)}.`,
        ],
    [`预警条件：${n(f["withinDays"])} 天内达到限值。`, `It warns when that is within ${n(f["withinDays"])} days.`],
  ];
}

function shewhartCusum(f: Figures): Steps {
  const waiting = learning(f);
  if (waiting) return waiting;
  const z = f["z"] ?? 0;
  const side = (name: string, before: string, sign: string): Step => {
    const sum = f[name];
    if (sum === undefined) return null;
    const formula = `max(0, ${n(f[before])} ${sign} z − ${n(f["k"])}) = ${n(sum)}`;
    const over = sum > (f["h"] ?? 0);
    return [
      `累积和 ${formula}，限值 h = ${n(f["h"])}：${over ? "超过" : "未超过"}。`,
      `Cumulative sum ${formula}, limit h = ${n(f["h"])}: ${over ? "passed" : "not passed"}.`,
    ];
  };
  const over = f["lowCusum"] === undefined ? z > (f["scl"] ?? 0) : Math.abs(z) > (f["scl"] ?? 0);
  return steps(
    background(f),
    [`本次 ${n(f["value"])}：z =（x − m）÷ s = ${n(z)}。`, `This result ${n(f["value"])}: z = (x − m) ÷ s = ${n(z)}.`],
    [
      `休哈特限 SCL = ${n(f["scl"])}（即 ${n(f["shewhartLimit"])}）：${over ? "超过" : "未超过"}。`,
      `Shewhart limit SCL = ${n(f["scl"])} (that is ${n(f["shewhartLimit"])}): ${over ? "passed" : "not passed"}.`,
    ],
    side("cusum", "cusumBefore", "+"),
    side("lowCusum", "lowCusumBefore", "−"),
  );
}

function ewma(f: Figures): Steps {
  const waiting = learning(f);
  if (waiting) return waiting;
  const { ewma: average = Number.NaN, ucl = Infinity, lcl = -Infinity } = f;
  const out = average > ucl || average < lcl;
  const limits = [f["lcl"] === undefined ? [] : [n(lcl)], f["ucl"] === undefined ? [] : [n(ucl)]].flat().join(" … ");
  return steps(
    background(f),
    [
      `加权平均：${n(f["lambda"])} 份本次 ${n(f["value"])} 与 ${n(1 - (f["lambda"] ?? 0))} 份前值 ${n(f["before"])}，得 ${n(average)}。`,
      `Weighted average: ${n(f["lambda"])} of this result ${n(f["value"])} and ${n(1 - (f["lambda"] ?? 0))} of the average before ${n(f["before"])} make ${n(average)}.`,
    ],
    [
      `控制限（L = ${n(f["width"])}，背景值后第 ${n(f["results"])} 个结果）：${limits}；${out ? "超出" : "未超出"}。`,
      `Control limits (L = ${n(f["width"])}, result ${n(f["results"])} after the background): ${limits}; ${out ? "passed" : "not passed"}.`,
    ],
  );
}

function prediction(f: Figures): Steps {
  const waiting = learning(f);
  if (waiting) return waiting;
  if (f["limit"] === undefined) {
    return steps([
      "背景值多为未检出，无法给出预测限。",
      "Too many non-detects in the background: there is no prediction limit.",
    ]);
  }
  const over = (f["value"] ?? 0) > f["limit"];
  const [confidence, future] = [writePercent(f["confidence"]), n(f["future"])];
  return steps(
    background(f),
    f["multiplier"] === undefined
      ? [
          `非参数预测上限 = 背景最大值 ${n(f["limit"])}，对后续 ${future} 个结果的置信度 ${confidence}。`,
          `Non-parametric upper prediction limit = largest background result ${n(f["limit"])}; confidence ${confidence} for the next ${future}.`,
        ]
      : [
          `预测上限 = m + ${n(f["multiplier"])} × s = ${n(f["limit"])}${f["log"] === 1 ? "（由对数还原）" : ""}，对后续 ${future} 个结果的置信度 ${confidence}。`,
          `Upper prediction limit = m + ${n(f["multiplier"])} × s = ${n(f["limit"])}${f["log"] === 1 ? " (back from logarithms)" : ""}; confidence ${confidence} for the next ${future}.`,
        ],
    [
      `本次 ${n(f["value"])}：${over ? "超过" : "未超过"}；已连续超过 ${n(f["exceeded"])} 次，需要 ${n((f["retests"] ?? 0) + 1)} 次确认。`,
      `This result ${n(f["value"])}: ${over ? "passed" : "not passed"}; ${n(f["exceeded"])} in a row, ${n((f["retests"] ?? 0) + 1)} are needed.`,
    ],
  );
}

function classChange(f: Figures): Steps {
  const [found, bound] = [writeClass(f["class"]), writeClass(f["boundClass"])];
  return steps(
    [
      `按单因子评价，${n(f["quantities"])} 项指标中最差类别为 ${found} 类（决定项 ${n(f["deciding"])} 个）。`,
      `Single-factor evaluation: the worst class of ${n(f["quantities"])} quantities is ${found} (${n(f["deciding"])} decide it).`,
    ],
    f["fixed"] === 1
      ? [`要求不差于 ${bound} 类。`, `It must be no worse than class ${bound}.`]
      : [`此前为 ${bound} 类。`, `Before, it was class ${bound}.`],
    [
      `连续 ${n(f["worseSamples"])} 次更差，需要 ${n(f["samples"])} 次。`,
      `Worse ${n(f["worseSamples"])} times in a row; ${n(f["samples"])} are needed.`,
    ],
  );
}

export const TREND_STEPS: Readonly<Record<TrendKind, (figures: Figures) => Steps>> = {
  rate,
  jump,
  rise,
  trend,
  "shewhart-cusum": shewhartCusum,
  ewma,
  prediction,
  class: classChange,
};
