/** What people call each kind of rule, and the alarms of it, in both languages. */
import type { Alarm } from "./alarm.ts";
import type { BothTexts } from "./explanation.ts";
import type { Rule } from "./rule.ts";

/** A kind without a name does not compile. */
export const RULE_KIND_NAMES: Readonly<Record<Rule["kind"], BothTexts>> = {
  limit: { "zh-CN": "标准限值", en: "limit of a standard" },
  level: { "zh-CN": "自定阈值", en: "own threshold" },
  absence: { "zh-CN": "数据中断", en: "absence of data" },
  rate: { "zh-CN": "变化过快", en: "change too fast" },
  jump: { "zh-CN": "较上次突升", en: "jump above the previous result" },
  rise: { "zh-CN": "连续上升", en: "rises in a row" },
  trend: { "zh-CN": "上升或下降趋势", en: "significant trend" },
  "shewhart-cusum": { "zh-CN": "偏离背景值（控制图）", en: "off its background (control chart)" },
  ewma: { "zh-CN": "均值漂移", en: "shift of the mean" },
  prediction: { "zh-CN": "超出预测限", en: "beyond the prediction limit" },
  class: { "zh-CN": "水质类别变差", en: "worse water class" },
  event: { "zh-CN": "水质异常事件", en: "water-quality event" },
  composite: { "zh-CN": "组合条件", en: "combined conditions" },
  "cross-medium": { "zh-CN": "跨介质异常", en: "findings in several media" },
  spread: { "zh-CN": "上下游扩散", en: "down-gradient spread" },
  plume: { "zh-CN": "污染羽到达预警", en: "plume arrival warning" },
  tailings: { "zh-CN": "尾矿库预警等级", en: "tailings pond warning level" },
  integrity: { "zh-CN": "疑似数据异常（待核查）", en: "suspected data, to be checked" },
  "identical-stations": { "zh-CN": "多点位数据雷同（待核查）", en: "identical data of stations, to be checked" },
};

/**
 * Kinds over several series. Their alarms carry a derived series and the kind in place of a quantity, and their value
 * is a score, which is never shown as a measured value.
 */
const GROUP: ReadonlySet<string> = new Set<Rule["kind"]>([
  "class",
  "event",
  "composite",
  "cross-medium",
  "spread",
  "plume",
  "tailings",
  "integrity",
  "identical-stations",
]);

export function isGroupKind(kind: string): boolean {
  return GROUP.has(kind);
}
/** Null for a word that is no kind of rule. */
export function ruleKindName(kind: string): BothTexts | null {
  return Object.hasOwn(RULE_KIND_NAMES, kind) ? RULE_KIND_NAMES[kind as Rule["kind"]] : null;
}
/** Name of what stands where an alarm of a group has its quantity; null for a quantity. */
export function groupKindName(quantity: string): BothTexts | null {
  return isGroupKind(quantity) ? ruleKindName(quantity) : null;
}

const BY_LIMIT: readonly string[] = ["limit", "level", "absence"];

/** Whether the kind judges by more than one reading and its limit, so that its name says more than the category does. */
export function hasOwnName(kind: string): boolean {
  return ruleKindName(kind) !== null && !BY_LIMIT.includes(kind);
}

/** Kind of the rule that raised an alarm; of built-in alarms their category. */
export function ruleKindOf({ category, quantity, evidence }: Alarm): string {
  if (isGroupKind(quantity)) return quantity;
  const { rule, computation } = evidence;
  if (computation) return computation.kind;
  const kind = typeof rule === "object" && rule !== null ? (rule as { kind?: unknown }).kind : null;
  return typeof kind === "string" ? kind : category;
}
