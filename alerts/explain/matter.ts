/** What the steps of an explanation are made from: the alarm, its rule, bounds and judged readings. Pure. */
import type { Alarm } from "../../core/alarm.ts";
import type { BothTexts, ExplanationStep, StepKind } from "../../core/explanation.ts";
import type { Bound } from "../detect/condition.ts";
import { type FrozenRule, frozenBounds, frozenRule, type JudgedReading, judgeFrozen } from "./frozen.ts";

export interface Matter {
  readonly alarm: Alarm;
  readonly rule: FrozenRule;
  readonly bounds: readonly Bound[];
  /** Oldest first. */
  readonly judged: readonly JudgedReading[];
  /** False for detectors with memory and absence: a reading alone says nothing. */
  readonly judgesAlone: boolean;
}

/** Also for an alarm whose evidence holds no readable rule: then the alarm's own words stand for it. */
export function matterOf(alarm: Alarm): Matter {
  const { evidence } = alarm;
  const rule = frozenRule(evidence) ?? { kind: alarm.category, id: alarm.rule, level: alarm.level };
  const bounds = frozenBounds(rule, evidence, alarm.quantity);
  const judged = evidence.readings.map((reading) => judgeFrozen(rule, bounds, reading));
  return { alarm, rule, bounds, judged, judgesAlone: bounds.length > 0 || rule.kind === "instrument" };
}

export function step(kind: StepKind, texts: BothTexts): ExplanationStep {
  return { kind, ...texts };
}
