/** Newest reading of each series since the last look: what a live view needs of a stream of blocks. No journal, no clock. */
import { comparisonOf, type ReadingBlock } from "../core/reading-block.ts";

/** `[series, timeMs, value, cmp, flag, qualifier]` */
export type LiveValue = readonly [string, number, number | null, string, number, string];

export class LiveValues {
  /** Time of the newest reading ever seen of a series: a late one is no news for a live view. */
  readonly #newest = new Map<string, number>();
  #changed = new Map<string, LiveValue>();
  /** Newest arrival, wall clock, ms; null before the first block. */
  receivedAt: number | null = null;

  take(block: ReadingBlock): void {
    for (const { receivedAt } of block.messages) this.receivedAt = Math.max(this.receivedAt ?? receivedAt, receivedAt);
    // The newest row of each series first, by typed arrays alone; objects are made for those rows only.
    const newestRow = new Int32Array(block.series.length).fill(-1);
    for (let row = 0; row < block.count; row++) {
      const series = block.seriesIndex[row] as number;
      const known = newestRow[series] as number;
      if (known < 0 || (block.time[row] as number) >= (block.time[known] as number)) newestRow[series] = row;
    }
    for (let index = 0; index < newestRow.length; index++) {
      const row = newestRow[index] as number;
      const series = block.series[index] as string;
      if (row < 0 || (block.time[row] as number) < (this.#newest.get(series) ?? Number.NEGATIVE_INFINITY)) continue;
      this.#newest.set(series, block.time[row] as number);
      this.#changed.set(series, liveValue(block, series, row));
    }
  }

  /** What changed since the last call. */
  drain(): readonly LiveValue[] {
    const values = [...this.#changed.values()];
    this.#changed = new Map();
    return values;
  }
}

function liveValue(block: ReadingBlock, series: string, row: number): LiveValue {
  const value = block.value[row] as number;
  const qualifier = String.fromCharCode(block.qualifier[row] as number);
  const cmp = comparisonOf(block.cmp[row] as number);
  return [
    series,
    block.time[row] as number,
    Number.isFinite(value) ? value : null,
    cmp,
    block.flag[row] ?? 2,
    qualifier,
  ];
}
