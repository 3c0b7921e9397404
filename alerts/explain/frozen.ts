/**
 * The rule and the readings as an alarm froze them, in the form in which detectors take them. A rule in evidence is a
 * parsed `Rule` (delays and deadband are objects), so it cannot be read by the schema of rule files.
 */
import { z } from "zod";
import { type Evidence, type EvidenceReading, LEVELS } from "../../core/alarm.ts";
import { comparisonCode } from "../../core/reading-block.ts";
import { MEDIA } from "../../core/site.ts";
import { type Bound, excess, type Judgement, judge } from "../detect/condition.ts";
import { type Delays, delaysOf } from "../detect/episode.ts";
import { INSTRUMENT_DELAYS, judgeInstrument } from "../detect/instrument.ts";
import { levelBounds } from "../detect/level.ts";
import { withDeadband } from "../detect/limit.ts";
import { FORM_MASK, formOf, marksOf, SUSPECT_BIT } from "../detect/marks.ts";

const Delay = z.union([z.object({ readings: z.number() }), z.object({ ms: z.number() })]);
const Deadband = z.union([z.object({ percent: z.number() }), z.object({ value: z.number() })]);

export const FrozenRule = z.looseObject({
  kind: z.string(),
  id: z.string(),
  level: z.enum(LEVELS),
  deadband: Deadband.optional(),
  onDelay: Delay.optional(),
  offDelay: Delay.optional(),
  above: z.union([z.string(), z.number()]).optional(),
  below: z.number().optional(),
  unit: z.string().optional(),
  pack: z.string().optional(),
  land: z.string().optional(),
  intervals: z.number().optional(),
  after: z.number().optional(),
});
export type FrozenRule = z.infer<typeof FrozenRule>;

/** Null when the evidence holds no rule that can be read. */
export function frozenRule({ rule }: Evidence): FrozenRule | null {
  return FrozenRule.safeParse(rule).data ?? null;
}

const ONE = { readings: 1 } as const;
export function frozenDelays(rule: FrozenRule): Delays {
  if (rule.kind === "instrument") return INSTRUMENT_DELAYS;
  return delaysOf({ onDelay: rule.onDelay ?? ONE, offDelay: rule.offDelay ?? ONE });
}

/**
 * The bounds that the rule itself names, where it names any: an alarm does not say its medium, which a unit may need, so
 * there is one answer for each that differs. Empty for other kinds.
 */
export function ownBounds(rule: FrozenRule, quantity: string): readonly (readonly Bound[])[] {
  if (rule.kind !== "level") return [];
  const { above, below, unit, deadband = { percent: 0 } } = rule;
  const level = {
    ...(typeof above === "number" ? { above } : {}),
    ...(below === undefined ? {} : { below }),
    ...(unit === undefined ? {} : { unit }),
    deadband,
  };
  const found = MEDIA.flatMap((medium) => {
    const bounds = levelBounds(level, quantity, medium);
    return bounds ? [bounds] : [];
  });
  return found.filter((bounds, index) => found.findIndex((other) => same(other, bounds)) === index);
}
function same(a: readonly Bound[], b: readonly Bound[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

const COMPARING: ReadonlySet<string> = new Set(["limit", "level"]);
/** True for kinds that judge each reading by itself. */
export function judgesAlone({ kind }: FrozenRule): boolean {
  return COMPARING.has(kind) || kind === "instrument";
}

/** Bounds with their deadband, as the evidence states them; none where the condition is no comparison with a number. */
export function frozenBounds(rule: FrozenRule, evidence: Evidence, quantity: string): readonly Bound[] {
  const { limit, passes } = evidence;
  if (!COMPARING.has(rule.kind)) return [];
  if (limit === null || passes === null) return [];
  const own = ownBounds(rule, quantity).find(([bound]) => bound?.limit === limit && bound.passes === passes);
  if (own) return own;
  const deadband = rule.deadband ?? { percent: 0 };
  return (evidence.bounds ?? [{ limit, passes }]).map((bound) => withDeadband(bound.limit, bound.passes, deadband));
}

/** A frozen reading as a detector takes it. */
export interface FrozenReading {
  readonly reading: EvidenceReading;
  /** NaN without a value. */
  readonly value: number;
  /** `formOf` without the suspect bit. */
  readonly form: number;
  readonly suspect: boolean;
}
export function frozenReading(reading: EvidenceReading): FrozenReading {
  const value = reading.value ?? Number.NaN;
  const marks = marksOf(comparisonCode(reading.cmp), reading.flag, reading.qualifier.charCodeAt(0), false);
  const form = formOf(value, marks);
  return { reading, value, form: form & FORM_MASK, suspect: (form & SUSPECT_BIT) !== 0 };
}

export interface JudgedReading extends FrozenReading {
  readonly judgement: Judgement;
  /** How far beyond the limit; 0 when it is not. */
  readonly excess: number;
}
/** Of a comparison with bounds, and of the built-in instrument rule. */
export function judgeFrozen(rule: FrozenRule, bounds: readonly Bound[], reading: EvidenceReading): JudgedReading {
  const frozen = frozenReading(reading);
  const { value, form } = frozen;
  const isInstrument = rule.kind === "instrument";
  const judgement = isInstrument ? judgeInstrument(form) : judge(bounds, value, form);
  return { ...frozen, judgement, excess: Number.isNaN(value) ? 0 : excess(bounds, value) };
}
