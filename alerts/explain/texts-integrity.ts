/**
 * The evidence of the falsification signals in words, from the figures that their detectors give. Always "suspected, to
 * be checked" (疑似, 待核查): a statistic never says that somebody cheated (环发〔2015〕175号 leaves that to people).
 */
import type { StationSignal } from "../../core/rule-integrity.ts";

export interface IntegritySteps {
  readonly "zh-CN": readonly string[];
  readonly en: readonly string[];
}
type Figures = Readonly<Record<string, number>>;
type Words = (n: (name: string) => string) => readonly [zh: string, en: string];

/** What each signal compared; `n("")` is its statistic. */
const SIGNALS: Readonly<Record<StationSignal, Words>> = {
  constant: (n) => [
    `数值恒定：连续 ${n("")} 个读数相同，该序列自身的上限为 ${n("threshold")} 个，而同点位其他参数仍在变化。`,
    `Constant value: ${n("")} equal readings in a row; this series' own bound is ${n("threshold")}, and other channels of the station moved.`,
  ],
  "limit-heap": (n) => [
    `限值下方聚集：紧贴限值以下与以上的读数之差 z = ${n("")}（阈值 ${n("threshold")}，共 ${n("window")} 个读数）。`,
    `Heap under the limit: readings just below against just beyond it give z = ${n("")} (threshold ${n("threshold")}, ${n("window")} readings).`,
  ],
  clipped: (n) => [
    `峰值削平：${n("window")} 天中有 ${n("")} 天的最大值完全相同且反复出现（阈值 ${n("threshold")} 天）。`,
    `Clipped maximum: on ${n("")} of ${n("window")} days the greatest value is the same and repeated (threshold ${n("threshold")} days).`,
  ],
  digits: (n) => [
    `末位数字分布异常：效应量 V = ${n("")}（阈值 ${n("threshold")}，${n("window")} 个读数）。`,
    `Last digits: effect size V = ${n("")} (threshold ${n("threshold")}, ${n("window")} readings).`,
  ],
  benford: (n) => [
    `首位数字偏离本福特定律：平均绝对偏差 ${n("")}（阈值 ${n("threshold")}，${n("window")} 个读数）；仅作辅助。`,
    `First digits depart from Benford's law: mean absolute deviation ${n("")} (threshold ${n("threshold")}, ${n("window")} readings); supporting only.`,
  ],
  copy: (n) => [
    `与历史数据重复：连续 ${n("")} 个读数与此前第 ${n("window")} 个读数起的一段完全相同（至少 ${n("threshold")} 个）。`,
    `Copy of the past: ${n("")} readings in a row equal those ${n("window")} readings before (at least ${n("threshold")}).`,
  ],
  "affine-copy": (n) => [
    `历史数据经缩放或平移后重复：连续 ${n("")} 个读数与此前第 ${n("window")} 个读数起的一段呈严格线性关系（至少 ${n("threshold")} 个）。`,
    `Scaled or shifted copy: ${n("")} readings in a row are a straight line of those ${n("window")} readings before (at least ${n("threshold")}).`,
  ],
  "noise-drop": (n) => [
    `波动骤减：相邻读数差降为平常的 ${n("")} 倍（阈值 ${n("threshold")}），持续 ${n("window")} 个读数，而其他参数波动如常。`,
    `Noise drop: differences between readings fell to ${n("")} of the usual (threshold ${n("threshold")}) over ${n("window")} readings, while other channels kept theirs.`,
  ],
  "gaps-when-high": (n) => [
    `高值时缺数：高值之后出现缺数的比值比为 ${n("")}（阈值 ${n("threshold")}，共 ${n("window")} 次中断）。`,
    `Gaps when high: odds ratio of a gap after a high value ${n("")} (threshold ${n("threshold")}, ${n("window")} gaps).`,
  ],
  "inconsistent-pair": (n) => [
    `参数间物理关系不符：比值 ${n("")}（界限 ${n("threshold")}），连续 ${n("window")} 个读数。`,
    `Physically inconsistent pair: ratio ${n("")} (bound ${n("threshold")}), ${n("window")} readings in a row.`,
  ],
  "maintenance-cover": (n) => [
    `维护标记与高值重合：高值之后标记维护、校准或故障的比值比为 ${n("")}（阈值 ${n("threshold")}，共 ${n("window")} 次）。`,
    `Maintenance cover: odds ratio of maintenance, calibration or fault declared after a high value ${n("")} (threshold ${n("threshold")}, ${n("window")} times).`,
  ],
  "standard-solution": (n) => [
    `疑似测量标准溶液：读数稳定在 ${n("")}，与整数标准值相差不足 1 %，持续 ${n("window")} 个读数，而其他参数仍在变化。`,
    `Standard solution: steady at ${n("")}, within 1 % of a round standard, for ${n("window")} readings, while other channels moved.`,
  ],
};

/** Steps of an alarm of kind `integrity`; `figures` as the detector gave them, one entry a signal. */
export function integritySteps(figures: Figures): IntegritySteps {
  const zh: string[] = [];
  const en: string[] = [];
  for (const [signal, words] of Object.entries(SIGNALS)) {
    if (figures[signal] === undefined) continue;
    const figure = (name: string) => write(figures[name === "" ? signal : `${signal}.${name}`]);
    const [zhText, enText] = words(figure);
    zh.push(
      `${zhText}证据权重 ${figure("weight")}；正常数据中单独出现的比例不超过 ${figure("honestRate")}（点位·日）。`,
    );
    en.push(
      `${enText} Weight ${figure("weight")}; seen alone on at most ${figure("honestRate")} of honest station-days.`,
    );
  }
  return closing(figures, zh, en);
}

/** Steps of an alarm of kind `identical-stations`. */
export function identicalSteps(figures: Figures): IntegritySteps {
  const [equal, threshold] = [write(figures["equal"]), write(figures["threshold"])];
  const zh = [`两个点位在相同时刻连续 ${equal} 个读数完全相同（至少 ${threshold} 个，且数值在变化）。`];
  const en = [
    `Two stations sent ${equal} equal readings in a row at equal times (at least ${threshold}, and changing).`,
  ];
  return closing(figures, zh, en);
}

function closing(figures: Figures, zh: string[], en: string[]): IntegritySteps {
  const [score, check, strong] = [write(figures["score"]), write(figures["check"] ?? 4), write(figures["strong"] ?? 8)];
  const isStrong = (figures["score"] ?? 0) >= (figures["strong"] ?? 8);
  zh.push(
    `证据合计 ${score}（各信号 −log10 p 之和，每个信号至多 6；${check} 起核查，${strong} 起为强）：${isStrong ? "疑似程度较强" : "疑似"}，待人工核查原始数据，不是结论。`,
  );
  en.push(
    `Evidence together ${score} (sum of -log10 p, at most 6 a signal; check from ${check}, strong from ${strong}): ${isStrong ? "strongly suspected" : "suspected"}, to be checked by a person against the raw series; not a finding.`,
  );
  return { "zh-CN": zh, en };
}

function write(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? "–" : String(Number(value.toPrecision(4)));
}
