/** How an alarm came about, in words of both languages: the form that explanations have in every interface. */
import type { EvidenceReading } from "./alarm.ts";
import type { Locale } from "./locale.ts";

/** A text in both languages. */
export type BothTexts = Readonly<Record<Locale, string>>;

/** What a step tells of, in the order in which they come. */
export const STEP_KINDS = [
  "rule",
  "limit",
  "deadband",
  "reading",
  "figures",
  "on-delay",
  "verified",
  "level",
  "worst",
  "late",
  "end",
  "standing",
] as const;
export type StepKind = (typeof STEP_KINDS)[number];

export interface ExplanationStep extends BothTexts {
  readonly kind: StepKind;
}

export const JUDGEMENTS = ["violated", "in-deadband", "kept", "not-judged"] as const;
export type JudgementWord = (typeof JUDGEMENTS)[number];

/** A frozen reading and what the rule says of it; `judgement` is null where the file alone cannot tell. */
export interface ExplainedReading extends Pick<EvidenceReading, "value" | "cmp" | "flag" | "qualifier" | "device"> {
  /** ISO 8601 UTC. */
  readonly time: string;
  readonly judgement: JudgementWord | null;
}

export interface Explanation {
  readonly alarm: string;
  readonly rule: { readonly id: string; readonly kind: string; readonly version: number };
  readonly limit: {
    readonly value: number;
    /** How a value passes. */
    readonly passes: "<=" | ">=" | "<" | ">";
    readonly unit: string;
    readonly pack: string | null;
    readonly packVersion: number | null;
    readonly clause: string | null;
    readonly confidence: string | null;
  } | null;
  readonly readings: readonly ExplainedReading[];
  /** Named numbers of a detector with memory; empty for the others. */
  readonly figures: Readonly<Record<string, number>>;
  readonly steps: readonly ExplanationStep[];
  /** One sentence. */
  readonly verdict: BothTexts;
}

/** The explanation as plain text: the verdict, then the numbered steps. */
export function explanationText({ verdict, steps }: Explanation, locale: Locale): string {
  return [verdict[locale], ...steps.map((step, index) => `${index + 1}. ${step[locale]}`)].join("\n");
}
