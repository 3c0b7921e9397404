/**
 * Results of one monitoring point as rounds: what was sampled together, one value a quantity. A function of the set of
 * results, so their order of arrival never matters. Pure.
 */
import { chinaDate, daysBetween } from "../../core/china-day.ts";
import type { Comparison } from "../../core/reading.ts";

/** One stored result in the canonical unit. `time`: ms since 1970 UTC. */
export interface Result {
  readonly quantity: string;
  readonly time: number;
  readonly value: number;
  readonly cmp: Comparison;
}
export interface RoundValue {
  readonly value: number;
  readonly cmp: Comparison;
}
export interface Round {
  /** Day in China: the last one of the sampling, or the last one measured in the month. */
  readonly date: string;
  readonly values: ReadonlyMap<string, RoundValue>;
}

/** Samplings within so many days of the first one belong to one round: metals on Monday, organics the week after. */
const ROUND_DAYS = 15;

/** Lab results: of several values of a quantity in one round (parallel samples) the highest counts. */
export function labRounds(results: readonly Result[]): readonly Round[] {
  const byTime = [...results].sort((a, b) => a.time - b.time);
  const rounds: { first: string; date: string; values: Map<string, RoundValue> }[] = [];
  for (const { quantity, time, value, cmp } of byTime) {
    const date = chinaDate(time);
    let round = rounds.at(-1);
    if (!round || daysBetween(round.first, date) >= ROUND_DAYS) {
      round = { first: date, date, values: new Map() };
      rounds.push(round);
    }
    round.date = date;
    const known = round.values.get(quantity);
    if (!known || isHigher({ value, cmp }, known)) round.values.set(quantity, { value, cmp });
  }
  return rounds;
}

/**
 * On-line data: the mean of each calendar month that was over on the day `on`. A non-detect counts as its reporting
 * limit; a month of non-detects only is one.
 */
export function monthlyRounds(results: readonly Result[], on: string): readonly Round[] {
  const months = new Map<string, { date: string; sums: Map<string, { sum: number; n: number; censored: number }> }>();
  for (const { quantity, time, value, cmp } of [...results].sort((a, b) => a.time - b.time || a.value - b.value)) {
    const date = chinaDate(time);
    const name = date.slice(0, 7);
    if (name >= on.slice(0, 7)) continue;
    const month = months.get(name) ?? { date, sums: new Map() };
    months.set(name, month);
    if (date > month.date) month.date = date;
    const sums = month.sums.get(quantity) ?? { sum: 0, n: 0, censored: 0 };
    month.sums.set(quantity, sums);
    sums.sum += value;
    sums.n += 1;
    if (cmp === "<") sums.censored += 1;
  }
  return [...months.values()].map(({ date, sums }) => {
    const values = [...sums].map(([quantity, { sum, n, censored }]): [string, RoundValue] => {
      return [quantity, { value: sum / n, cmp: censored === n ? "<" : "" }];
    });
    return { date, values: new Map(values) };
  });
}

function isHigher(a: RoundValue, b: RoundValue): boolean {
  if (a.value !== b.value) return a.value > b.value;
  return weight(a.cmp) > weight(b.cmp);
}
function weight(cmp: Comparison): number {
  return cmp === "<" ? 0 : cmp === "" ? 1 : 2;
}
