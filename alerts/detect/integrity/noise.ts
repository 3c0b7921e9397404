/**
 * F8 noise drop and F15 standard solution (methods 5).
 *
 * r = mean |dx| of a block of 96 readings / median of the last 20 blocks that were not low themselves. r < 0.1 while
 * siblings keep their noise is a smoothed or invented series where the level stayed (F8), and a probe in a bottle where
 * it moved to a round number (F15). Honest single blocks are low in up to 2.3 %, so p = 0.02 a block, in a row.
 */
import type { Usual } from "./channel.ts";
import { type Evidence, evidence } from "./evidence.ts";
import { median } from "./statistics.ts";

export const BLOCK = 96;
const BLOCKS = 20;
const LOW = 0.1;

export interface Noise {
  n: number;
  sum: number;
  total: number;
  least: number;
  greatest: number;
  previous: number | null;
  /** Mean |dx| of past blocks, without low ones. */
  readonly blocks: number[];
  /** Ratio of the last block; 1 until known. */
  ratio: number;
  /** Low blocks in a row whose siblings stayed noisy, and with them the mean of the last. */
  low: number;
  mean: number;
  /** Most in a row in the open day. */
  most: number;
}

export function newNoise(): Noise {
  return {
    n: 0,
    sum: 0,
    total: 0,
    least: 0,
    greatest: 0,
    previous: null,
    blocks: [],
    ratio: 1,
    low: 0,
    mean: 0,
    most: 0,
  };
}

/** @param siblingsNoisy how many siblings kept their noise in their last block, asked at a block's end only. */
export function addNoise(noise: Noise, value: number, usual: Usual, siblingsNoisy: () => number, needed: number): void {
  if (noise.n === 0) {
    noise.least = value;
    noise.greatest = value;
  }
  if (noise.previous !== null) noise.sum += Math.abs(value - noise.previous);
  noise.previous = value;
  noise.total += value;
  noise.n++;
  if (value < noise.least) noise.least = value;
  if (value > noise.greatest) noise.greatest = value;
  if (noise.n < BLOCK) return;
  const mean = noise.sum / noise.n;
  const base = noise.blocks.length >= BLOCKS / 2 ? median(noise.blocks) : 0;
  noise.ratio = base > 0 ? mean / base : 1;
  noise.mean = noise.total / noise.n;
  const fine = base >= 0.2 * usual.q && usual.iqr >= 30 * usual.q && noise.mean !== 0;
  if (fine && noise.ratio < LOW && needed > 0 && siblingsNoisy() >= needed) {
    noise.low++;
    if (noise.low > noise.most) noise.most = noise.low;
  } else {
    noise.low = 0;
  }
  if (noise.ratio >= LOW) {
    noise.blocks.push(mean);
    if (noise.blocks.length > BLOCKS) noise.blocks.shift();
  }
  noise.n = 0;
  noise.sum = 0;
  noise.total = 0;
}

/** @param level median of the series' usual days. */
export function judgeNoise(noise: Noise, usual: Usual): Evidence | null {
  const low = noise.most;
  noise.most = noise.low;
  if (low < 2) return null;
  const moved = Math.abs(noise.mean - usual.median);
  const weight = low * -Math.log10(0.02);
  const standard =
    moved > usual.spread / 2 && roundStandard(noise.mean) !== null && noise.greatest - noise.least <= 0.02 * noise.mean;
  // A standard lies within 1 % of a mean by chance of 0.03: three values a decade, 2 % wide each.
  if (standard) {
    return evidence("standard-solution", {
      statistic: noise.mean,
      threshold: 0.01,
      window: low * BLOCK,
      weight: weight + 1.5,
    });
  }
  if (moved > 3 * usual.spread) return null;
  return evidence("noise-drop", { statistic: noise.ratio, threshold: LOW, window: low * BLOCK, weight });
}

/** The standard (1, 2 or 5 times a power of ten) within 1 % of a value; null when none is. */
export function roundStandard(value: number): number | null {
  if (!(value > 0)) return null;
  const power = 10 ** Math.floor(Math.log10(value) + 0.01);
  for (const lead of [1, 2, 5]) if (Math.abs(value - lead * power) <= 0.01 * lead * power) return lead * power;
  return null;
}
