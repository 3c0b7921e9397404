/**
 * How an alarm came about, from the alarm alone: the rule, the limit and its clause, every frozen reading against it, the
 * delays, why it is verified or not, the level, lateness. Pure: no database, no pack, no clock.
 */
import type { Alarm } from "../../core/alarm.ts";
import type { BothTexts, ExplainedReading, Explanation, ExplanationStep } from "../../core/explanation.ts";
import { JUDGEMENTS } from "../../core/explanation.ts";
import type { Locale } from "../../core/locale.ts";
import { parseSeriesKey } from "../../core/reading.ts";
import { ruleKindName } from "../../core/rule-kind-names.ts";
import type { Bound } from "../detect/condition.ts";
import { IN_DEADBAND, KEPT, VIOLATED } from "../detect/condition.ts";
import { figureSentences } from "./figures.ts";
import { type JudgedReading, judgeFrozen } from "./frozen.ts";
import { type Matter, matterOf, step } from "./matter.ts";
import {
  absenceSteps,
  delayStep,
  endStep,
  lateStep,
  levelStep,
  standingStep,
  verifiedStep,
  worstStep,
} from "./outcome.ts";
import {
  both,
  confidenceText,
  flagText,
  numberText,
  qualifierText,
  quantityText,
  timeText,
  valueText,
} from "./words.ts";

const WORDS_OF = { [KEPT]: JUDGEMENTS[2], [VIOLATED]: JUDGEMENTS[0], [IN_DEADBAND]: JUDGEMENTS[1] } as const;

export function explain(alarm: Alarm): Explanation {
  const matter = matterOf(alarm);
  const { rule, judged, judgesAlone } = matter;
  const { evidence } = alarm;
  const { limit, passes, unit, pack, packVersion = null, clause, confidence } = evidence;
  // A group's readings are scores, and its limit is where they begin: no limit of anything measured.
  const isScore = evidence.computation ? evidence.computation.members !== null : matter.judgesAlone === false;
  return {
    alarm: alarm.id,
    rule: { id: alarm.rule, kind: rule.kind, version: evidence.ruleVersion },
    limit:
      limit === null || passes === null || isScore
        ? null
        : { value: limit, passes, unit, pack, packVersion, clause, confidence },
    readings: judged.map((one) => explainedReading(one, judgesAlone)),
    figures: evidence.computation?.figures ?? {},
    steps: stepsOf(matter),
    verdict: verdictOf(matter),
  };
}

function explainedReading({ reading, judgement }: JudgedReading, judgesAlone: boolean): ExplainedReading {
  const { time, value, cmp, flag, qualifier, device } = reading;
  const word = judgement in WORDS_OF ? WORDS_OF[judgement as keyof typeof WORDS_OF] : JUDGEMENTS[3];
  return {
    ...{ time: new Date(time).toISOString(), value, cmp, flag, qualifier, device },
    judgement: judgesAlone ? word : null,
  };
}

function stepsOf(matter: Matter): readonly ExplanationStep[] {
  const { alarm } = matter;
  const frame = [ruleStep(matter), ...limitSteps(matter)];
  const outcome = [verifiedStep(matter), levelStep(matter), worstStep(matter), lateStep(alarm)];
  const rest = [...endStep(matter), ...standingStep(alarm)];
  if (alarm.category === "absence") return [...frame, ...absenceSteps(matter), levelStep(matter), ...rest];
  return [...frame, ...readingSteps(matter), ...figureSteps(alarm), delayStep(matter), ...outcome.flat(), ...rest];
}

/** Of alarms that no rule of the registry raised. */
const KIND_WORDS: Readonly<Record<string, BothTexts>> = {
  pollution: { "zh-CN": "超标", en: "pollution" },
  instrument: { "zh-CN": "内置仪器报警", en: "built-in instrument alarm" },
};

function ruleStep({ alarm, rule }: Matter): ExplanationStep {
  const { ruleVersion: version } = alarm.evidence;
  const kind = (locale: Locale) => (ruleKindName(rule.kind) ?? KIND_WORDS[rule.kind])?.[locale] ?? rule.kind;
  return step("rule", {
    "zh-CN": `规则 ${alarm.rule} 第 ${version} 版（${kind("zh-CN")}）监视序列 ${alarm.series}（${quantityText(alarm.quantity, "zh-CN")}）。`,
    en: `Rule ${alarm.rule}, version ${version} (${kind("en")}), watches series ${alarm.series} (${quantityText(alarm.quantity, "en")}).`,
  });
}

function limitSteps({ alarm, bounds }: Matter): readonly ExplanationStep[] {
  const { unit, clause, confidence, pack, packVersion } = alarm.evidence;
  if (bounds.length === 0) return [];
  const sides = bounds.map((bound) => `${SIGNS[bound.passes]} ${valueText(bound.limit, "", unit)}`);
  const version = packVersion == null ? "" : ` v${packVersion}`;
  const source = (locale: Locale): string => {
    if (clause === null) return locale === "en" ? "The number is the rule's own." : "该数值由规则自定。";
    const trust = confidence === null ? "" : confidenceText(confidence, locale);
    return locale === "en"
      ? `Source: ${clause}${pack === null ? "" : `, pack ${pack}${version}`}; confidence: ${trust}.`
      : `依据：${clause}${pack === null ? "" : `，限值包 ${pack}${version}`}；置信度：${trust}。`;
  };
  const limit = step("limit", {
    "zh-CN": `数值须 ${sides.join(" 且 ")} 方为合格。${source("zh-CN")}`,
    en: `A value passes when it is ${sides.join(" and ")}. ${source("en")}`,
  });
  const banded = bounds.filter((bound) => bound.clear !== bound.limit);
  if (banded.length === 0) return [limit];
  const clear = banded.map(({ clear, passes }) => `${isUpper(passes) ? "≤" : "≥"} ${valueText(clear, "", unit)}`);
  const deadband = step("deadband", {
    "zh-CN": `回差：恢复须 ${clear.join(" 且 ")}；介于其间的数值既不触发也不解除。`,
    en: `Deadband: it is over only at ${clear.join(" and ")}; values between neither raise nor clear.`,
  });
  return [limit, deadband];
}

const SIGNS = { "<=": "≤", ">=": "≥", "<": "<", ">": ">" } as const;
function isUpper(passes: Bound["passes"]): boolean {
  return passes === "<=" || passes === "<";
}

function readingSteps(matter: Matter): readonly ExplanationStep[] {
  const { alarm, judged } = matter;
  const { worst, confirmedBy } = alarm.evidence;
  return [
    ...judged.map((one) => step("reading", readingText(one, matter))),
    ...[worst, confirmedBy].flatMap((reading) =>
      reading ? [step("reading", readingText(judgeFrozen(matter.rule, matter.bounds, reading), matter))] : [],
    ),
  ];
}

function readingText(one: JudgedReading, matter: Matter): BothTexts {
  const { reading } = one;
  const { unit } = matter.alarm.evidence;
  const finding = findingText(one, matter);
  const value = valueText(reading.value, reading.cmp, unit);
  return {
    "zh-CN": `${timeText(reading.time)} 读数 ${value}，质控标志 ${flagText(reading.flag, "zh-CN")}，仪器标志 ${qualifierText(reading.qualifier, "zh-CN")}，设备 ${reading.device}${finding["zh-CN"]}。`,
    en: `Reading at ${timeText(reading.time)}: ${value}, quality flag ${flagText(reading.flag, "en")}, instrument flag ${qualifierText(reading.qualifier, "en")}, device ${reading.device}${finding.en}.`,
  };
}

/** What the rule says of one reading, as the end of its sentence. */
function findingText({ reading, value, judgement, excess }: JudgedReading, matter: Matter): BothTexts {
  if (!matter.judgesAlone) return { "zh-CN": "", en: "" };
  if (matter.rule.kind === "instrument") {
    return judgement === VIOLATED
      ? { "zh-CN": "：仪器自报该数据不可用", en: ": the instrument itself declares it unfit" }
      : { "zh-CN": "：可用", en: ": usable" };
  }
  if (judgement === KEPT) return { "zh-CN": "：合格", en: ": it passes" };
  if (judgement === IN_DEADBAND) return { "zh-CN": "：在回差之内", en: ": inside the deadband" };
  if (judgement !== VIOLATED) return { "zh-CN": "：无法判定", en: ": it cannot be judged" };
  const crossed = matter.bounds.find(({ limit, passes }) => (isUpper(passes) ? value >= limit : value <= limit));
  if (!crossed) return { "zh-CN": "：超限", en: ": beyond the limit" };
  const { limit, passes } = crossed;
  const sign = value === limit ? "=" : isUpper(passes) ? ">" : "<";
  const sum = `${reading.cmp}${numberText(value)} ${sign} ${numberText(limit)}`;
  const by = valueText(excess, "", matter.alarm.evidence.unit);
  const certain = reading.cmp === ">" || reading.qualifier === "T";
  return {
    "zh-CN": `：${sum}，超出 ${certain ? "至少 " : ""}${by}`,
    en: `: ${sum}, beyond by ${certain ? "at least " : ""}${by}`,
  };
}

function figureSteps({ evidence: { computation, unit } }: Alarm): readonly ExplanationStep[] {
  if (!computation) return [];
  const sentences = figureSentences(
    computation.kind,
    computation.figures,
    unit,
    (computation.members ?? []).map(({ series }) => parseSeriesKey(series).station),
  );
  return sentences.en.map((en, index) => step("figures", { en, "zh-CN": sentences["zh-CN"][index] ?? en }));
}

function verdictOf({ alarm, bounds }: Matter): BothTexts {
  const { value, cmp, category, evidence, start } = alarm;
  const bound = bounds[0] && evidence.limit !== null && evidence.passes !== null ? evidence : null;
  return both((locale) => {
    const name = quantityText(alarm.quantity, locale);
    const at = timeText(start);
    const isEn = locale === "en";
    if (category === "absence")
      return isEn
        ? `No data of ${name} at ${alarm.station} since ${at}.`
        : `点位 ${alarm.station} 的${name}自 ${at} 起无数据。`;
    if (category === "instrument")
      return isEn
        ? `The instrument at ${alarm.station} declares ${name} unfit since ${at}.`
        : `点位 ${alarm.station} 的仪器自 ${at} 起自报${name}数据不可用。`;
    const measured = valueText(value, cmp, evidence.unit);
    const limit = bound?.passes ? `${SIGNS[bound.passes]} ${valueText(bound.limit, "", evidence.unit)}` : "";
    const tail = limit === "" ? "" : isEn ? `; it passes when ${limit}` : `，合格要求 ${limit}`;
    return isEn
      ? `${name} at ${alarm.station}: rule ${alarm.rule} holds since ${at}, worst value ${measured}${tail}.`
      : `点位 ${alarm.station} 的${name}自 ${at} 起触发规则 ${alarm.rule}，最差值 ${measured}${tail}。`;
  });
}
