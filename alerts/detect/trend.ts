/**
 * Rule kind `trend`: Mann–Kendall with the Theil–Sen slope over the newest results, and the day its line meets a limit.
 *
 * Results less than a day apart are no independent results: of such only the first counts. All that lies below the
 * highest reporting limit is tied below every detect; for the slope it counts as half that limit, and with more than
 * half censored there is no projection. Medians of periods are autocorrelated: their variance is widened by Hamed–Rao.
 * `within` asks that the slope is certain (its confidence limit is on the same side of zero) and the date near enough.
 */
import type { TrendRule } from "../../core/rule-trend.ts";
import { type Judgement, KEPT, NOT_JUDGED, VIOLATED } from "./condition.ts";
import type { Detector, SeriesContext } from "./detector.ts";
import {
  hamedRaoFactor,
  type Kendall,
  mannKendall,
  type Slope,
  seasonalKendall,
  theilSen,
  withVariance,
} from "./kendall.ts";
import { FORM } from "./marks.ts";
import { isTooFrequent, onResults, periodAround, type ResultDetector } from "./results.ts";

const DAY_MS = 86_400_000;
const YEAR_DAYS = 365.25;

/** Null where the rule cannot watch: a sensor's series without a period, or `within` where there is no limit. */
export function createTrend(rule: TrendRule, context: SeriesContext): Detector | null {
  if (isTooFrequent(rule.period, context)) return null;
  const limit = context.limit ?? (rule.limit === undefined ? null : ownLimit(rule, rule.limit));
  if (rule.within !== undefined && !limit) return null;
  return onResults(new Trend(rule, limit), { period: rule.period });
}

function ownLimit({ direction }: TrendRule, value: number): { value: number; passes: "<=" | ">=" } {
  return { value, passes: direction === "falling" ? ">=" : "<=" };
}

class Trend implements ResultDetector {
  excess = 0;
  readonly #rule: TrendRule;
  readonly #limit: SeriesContext["limit"];
  #times: number[] = [];
  #values: number[] = [];
  #forms: number[] = [];
  #figures: Record<string, number> = {};

  constructor(rule: TrendRule, limit: SeriesContext["limit"]) {
    this.#rule = rule;
    this.#limit = limit;
  }

  judge(time: number, value: number, form: number): Judgement {
    const newest = this.#times.at(-1);
    if (newest !== undefined && time - newest < DAY_MS) return NOT_JUDGED;
    this.#times.push(time);
    this.#values.push(value);
    this.#forms.push(form);
    if (this.#times.length > this.#rule.results) {
      this.#times.shift();
      this.#values.shift();
      this.#forms.shift();
    }
    this.excess = 0;
    this.#figures = { n: this.#times.length, least: this.#rule.least };
    return this.#times.length < this.#rule.least ? NOT_JUDGED : this.#test();
  }

  #test(): Judgement {
    const { significance, within } = this.#rule;
    const { days, y, censored, reportingLimit } = this.#prepared();
    const { kendall, slope, widened } = this.#kendall(days, y);
    const rising = this.#mayRise() && kendall.pRising <= significance;
    const falling = this.#mayFall() && kendall.pFalling <= significance;
    this.#note(kendall, slope, { censored, reportingLimit, widened });
    if (within === undefined) {
      if (!rising && !falling) return KEPT;
      const p = rising ? kendall.pRising : kendall.pFalling;
      this.excess = Math.max(Number.MIN_VALUE, Math.log10(significance / Math.max(p, 1e-300)));
      return VIOLATED;
    }
    if (!rising && !falling) return KEPT;
    if (censored * 2 > y.length) return NOT_JUDGED;
    if (rising ? slope.low <= 0 : slope.high >= 0) return KEPT;
    const left = this.#project(slope, days.at(-1) ?? 0);
    if (left > within / DAY_MS) return KEPT;
    this.excess = within / DAY_MS - left + 1;
    return VIOLATED;
  }

  /** Towards the limit where there is one, else as the rule says. */
  #mayRise(): boolean {
    if (this.#rule.within !== undefined && this.#limit) return this.#limit.passes.startsWith("<");
    return this.#rule.direction !== "falling";
  }
  #mayFall(): boolean {
    if (this.#rule.within !== undefined && this.#limit) return this.#limit.passes.startsWith(">");
    return this.#rule.direction !== "rising";
  }

  /** Days since the first result, and results with everything below the highest reporting limit tied. */
  #prepared() {
    const start = this.#times[0] ?? 0;
    const days = this.#times.map((time) => (time - start) / DAY_MS);
    let reportingLimit = Number.NEGATIVE_INFINITY;
    for (const [index, value] of this.#values.entries()) {
      if (this.#forms[index] === FORM.below) reportingLimit = Math.max(reportingLimit, value);
    }
    let censored = 0;
    const y = this.#values.map((value, index) => {
      if (value >= reportingLimit && this.#forms[index] !== FORM.below) return value;
      censored++;
      return reportingLimit - Math.abs(reportingLimit) / 2;
    });
    return { days, y, censored, reportingLimit };
  }

  #kendall(days: readonly number[], y: readonly number[]): { kendall: Kendall; slope: Slope; widened: number } {
    const { seasonal, period } = this.#rule;
    if (seasonal !== undefined) {
      const months = seasonal === "month" ? 1 : 3;
      const seasons = this.#times.map((time) => seasonOf(time, months));
      const test = seasonalKendall(seasons, days, y);
      this.#figures["seasons"] = test.seasons;
      this.#figures["pSeasonsDiffer"] = test.pHeterogeneity;
      return { kendall: test, slope: test, widened: 1 };
    }
    const plain = mannKendall(days, y);
    const slope = theilSen(days, y, plain.varS);
    const widened = period === undefined ? 1 : hamedRaoFactor(days, y, slope.slope);
    if (widened === 1) return { kendall: plain, slope, widened };
    const kendall = withVariance(plain, plain.varS * widened);
    return { kendall, slope: theilSen(days, y, kendall.varS), widened };
  }

  /** Days from the newest result until the line meets the limit; 0 when it has. */
  #project({ slope, intercept, low, high }: Slope, now: number): number {
    if (!this.#limit) return Number.POSITIVE_INFINITY;
    const level = intercept + slope * now;
    const missing = this.#limit.value - level;
    const left = (rate: number): number => (missing * Math.sign(rate) <= 0 ? 0 : missing / rate);
    const [quick, slow] = slope > 0 ? [high, low] : [low, high];
    Object.assign(this.#figures, { level, limit: this.#limit.value, daysToLimit: left(slope) });
    Object.assign(this.#figures, { earliestDays: left(quick), latestDays: left(slow) });
    return left(slope);
  }

  #note(
    { s, varS, z, tau, pRising, pFalling, exact }: Kendall,
    { slope, intercept, low, high }: Slope,
    { censored, reportingLimit, widened }: { censored: number; reportingLimit: number; widened: number },
  ): void {
    const { significance, within } = this.#rule;
    const [slopeYear, slopeLow, slopeHigh] = [slope * YEAR_DAYS, low * YEAR_DAYS, high * YEAR_DAYS];
    const level = intercept + slope * (((this.#times.at(-1) ?? 0) - (this.#times[0] ?? 0)) / DAY_MS);
    Object.assign(this.#figures, { s, varS, z, tau, pRising, pFalling, exact: exact ? 1 : 0, significance });
    Object.assign(this.#figures, { slopeYear, slopeLow, slopeHigh, level, censored, widened });
    Object.assign(this.#figures, { first: this.#times[0] ?? 0, last: this.#times.at(-1) ?? 0 });
    if (censored > 0) this.#figures["reportingLimit"] = reportingLimit;
    if (within !== undefined) this.#figures["withinDays"] = within / DAY_MS;
  }

  figures(): Readonly<Record<string, number>> {
    return { ...this.#figures };
  }

  save() {
    return { times: [...this.#times], values: [...this.#values], forms: [...this.#forms] };
  }
  load(memory: unknown): void {
    const saved = memory as ReturnType<Trend["save"]> | null;
    this.#times = [...(saved?.times ?? [])];
    this.#values = [...(saved?.values ?? [])];
    this.#forms = [...(saved?.forms ?? [])];
    this.#figures = {};
    this.excess = 0;
  }
}

/** 0 for January, or for the first quarter. */
function seasonOf(time: number, months: 1 | 3): number {
  const [start, end] = periodAround("month", time);
  return Math.floor(new Date((start + end) / 2).getUTCMonth() / months);
}
