/** What a value means beside the limits of the law: which line governs, on which side the value is, which class it is in. */
import { type Comparison, isInstrumentQualifier } from "../../../core/reading.ts";
import type { LimitView, StationView } from "../api-types.ts";

const CLASSES = ["I", "II", "III", "IV", "V"] as const;
/** The class that GB/T 14848 and the rules take for drinking use; for stations that name no class of their own. */
const CLASS_DEFAULT = "III";
const ROMAN = { I: "Ⅰ", II: "Ⅱ", III: "Ⅲ", IV: "Ⅳ", V: "Ⅴ" } as const;

/** "III" as "Ⅲ"; other words as they are. */
export function romanClass(name: string): string {
  return ROMAN[name as keyof typeof ROMAN] ?? name;
}
export function isClass(name: string): boolean {
  return (CLASSES as readonly string[]).includes(name);
}
export function isUpper(line: Pick<LimitView, "passes">): boolean {
  return line.passes === "<=" || line.passes === "<";
}

/** The lines that decide at this station: of its target class, else of class III, else screening value or limit. */
export function governingLines(lines: readonly LimitView[], station: Pick<StationView, "targetClass">): LimitView[] {
  const wanted = station.targetClass ?? CLASS_DEFAULT;
  for (const above of [wanted, "limit", "screening"]) {
    const found = lines.filter((line) => line.above === above);
    if (found.length > 0) return found;
  }
  return [];
}

export function passesLine(value: number, { passes, value: limit }: Pick<LimitView, "passes" | "value">): boolean {
  if (passes === "<=") return value <= limit;
  if (passes === "<") return value < limit;
  return passes === ">=" ? value >= limit : value > limit;
}

/** `unjudged`: quality or instrument flags say that the value does not count; `unknown`: censored across the limit. */
export type Judgement =
  | { readonly verdict: "none" }
  | { readonly verdict: "unjudged" }
  | { readonly verdict: "unknown" }
  | { readonly verdict: "within"; readonly line: LimitView; readonly ratio: number | null }
  | { readonly verdict: "over" | "under"; readonly line: LimitView; readonly ratio: number | null };

export interface Judged {
  readonly value: number | null;
  readonly cmp: Comparison;
  readonly flag: number;
  readonly qualifier: string;
}

/** @param lines of one governing level, one or two sides. */
export function judge(reading: Judged, lines: readonly LimitView[]): Judgement {
  const { value, cmp, flag, qualifier } = reading;
  if (lines.length === 0 || value === null) return { verdict: "none" };
  if (flag > 2 || isInstrumentQualifier(qualifier)) return { verdict: "unjudged" };
  const broken = lines.find((line) => !passesLine(value, line));
  if (broken) {
    // "<0.01" against 0.005 says nothing; ">50" against 40 says enough.
    if (cmp === (isUpper(broken) ? "<" : ">")) return { verdict: "unknown" };
    return { verdict: isUpper(broken) ? "over" : "under", line: broken, ratio: ratioOf(value, broken) };
  }
  if (cmp === ">" && lines.some(isUpper)) return { verdict: "unknown" };
  if (cmp === "<" && lines.some((line) => !isUpper(line))) return { verdict: "unknown" };
  const line = lines.find(isUpper) ?? (lines[0] as LimitView);
  return { verdict: "within", line, ratio: lines.length === 1 && isUpper(line) ? ratioOf(value, line) : null };
}
function ratioOf(value: number, { value: limit }: LimitView): number | null {
  return limit > 0 && value >= 0 ? value / limit : null;
}

/** The best class that a plain value reaches, `"beyond"` when worse than the last; null without classes. */
export function classOf(value: number, lines: readonly LimitView[]): string | null {
  const classes = CLASSES.filter((name) => lines.some(({ above }) => above === name));
  if (classes.length < 2) return null;
  const fits = (name: string): boolean =>
    lines.filter(({ above }) => above === name).every((line) => passesLine(value, line));
  return classes.find(fits) ?? "beyond";
}

/** One line for each different value and side: classes that share a limit share the line, e.g. "I–III". */
export interface DrawnLimit {
  readonly value: number;
  readonly upper: boolean;
  readonly names: readonly string[];
  readonly standard: string;
  readonly governs: boolean;
  readonly enforceable: boolean;
}

export function drawnLimits(lines: readonly LimitView[], governing: readonly LimitView[]): DrawnLimit[] {
  const drawn = new Map<string, DrawnLimit>();
  for (const line of lines) {
    const key = `${line.standard} ${line.value} ${isUpper(line)}`;
    const known = drawn.get(key);
    drawn.set(key, {
      value: line.value,
      upper: isUpper(line),
      names: [...(known?.names ?? []), line.above],
      standard: line.standard,
      governs: (known?.governs ?? false) || governing.includes(line),
      enforceable: (known?.enforceable ?? false) || line.enforceable,
    });
  }
  return [...drawn.values()].sort((a, b) => a.value - b.value);
}

/**
 * The span of the y axis: the data with some air and, when wanted, the governing limits. Others may stay outside and
 * are then named below the chart.
 */
export function spanWithLimits(
  data: { readonly low: number; readonly high: number } | null,
  limits: readonly DrawnLimit[],
  wantLimits: boolean,
): { readonly low: number; readonly high: number } {
  const values = data ? [data.low, data.high] : [];
  if (wantLimits || !data) values.push(...limits.filter(({ governs }) => governs).map(({ value }) => value));
  if (values.length === 0) return { low: 0, high: 1 };
  const low = Math.min(...values);
  const high = Math.max(...values);
  const air = (high - low || Math.abs(high) || 1) * 0.08;
  // What cannot be negative is not shown below zero.
  return { low: low >= 0 ? Math.max(0, low - air) : low - air, high: high + air };
}
