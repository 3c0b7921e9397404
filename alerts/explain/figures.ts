/**
 * What the figures of a detector with memory mean, in words: one function a rule kind, in the texts-*.ts beside this
 * file. A kind without words of its own shows its figures as they are.
 */
import type { Locale } from "../../core/locale.ts";
import { eventSentences } from "./texts-event.ts";
import { groupSteps } from "./texts-group.ts";
import { identicalSteps, integritySteps } from "./texts-integrity.ts";
import { TREND_STEPS } from "./texts-trend.ts";
import { numberText } from "./words.ts";

/** Sentences, in the order of the calculation. */
export type FigureSentences = Readonly<Record<Locale, readonly string[]>>;
/** @param unit canonical unit of the series. @param stations of a group's members, in their order; else empty. */
export type FigureTexts = (
  figures: Readonly<Record<string, number>>,
  unit: string,
  stations: readonly string[],
) => FigureSentences;

/** Texts of the families; each exports one record by rule kind, which is spread here. */
const TEXTS: Readonly<Record<string, FigureTexts>> = {
  ...TREND_STEPS,
  event: eventSentences,
  integrity: integritySteps,
  "identical-stations": identicalSteps,
  ...Object.fromEntries(
    ["composite", "cross-medium", "spread", "plume", "tailings"].map((kind) => [kind, groupSentences(kind)]),
  ),
};

/** @param texts of tests; the product's own when left out. */
export function figureSentences(
  kind: string,
  figures: Readonly<Record<string, number>>,
  unit: string,
  stations: readonly string[],
  texts: Readonly<Record<string, FigureTexts>> = TEXTS,
): FigureSentences {
  const known = Object.hasOwn(texts, kind) ? texts[kind] : undefined;
  if (known) return known(figures, unit, stations);
  const list = Object.entries(figures).map(([name, value]) => `${name} = ${numberText(value)}`);
  if (list.length === 0) return { "zh-CN": [], en: [] };
  return { "zh-CN": [`计算所得：${list.join("，")}。`], en: [`Computed: ${list.join(", ")}.`] };
}

function groupSentences(kind: string): FigureTexts {
  return (figures, _unit, stations) => {
    const steps = groupSteps(kind, figures, stations);
    return { "zh-CN": steps.map((step) => step["zh-CN"]), en: steps.map(({ en }) => en) };
  };
}
