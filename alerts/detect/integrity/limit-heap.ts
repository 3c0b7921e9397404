/**
 * F2 clustering just under the limit (methods 5, F2; a density discontinuity test after McCrary 2008).
 *
 * Counts over the last 14 days in three bins of one width: [L-2h, L-h), [L-h, L), [L, L+h). h is 10 % of the limit, at most
 * the series' own spread (within 10 % of a pH limit lies every honest pH), a half and a quarter of that. For a limit from below all is mirrored.
 */
import type { Usual } from "./channel.ts";
import { type Evidence, evidence } from "./evidence.ts";
import { normalTail } from "./statistics.ts";

/** Counts in the three bins at one width. */
export interface HeapDay {
  far: number;
  under: number;
  beyond: number;
}
/** Widths as shares of the full one: where a cheat heaps is not known. */
const WIDTHS = [1, 1 / 2, 1 / 4] as const;
export interface Heap {
  open: HeapDay[];
  readonly days: HeapDay[][];
}
const newDay = (): HeapDay[] => WIDTHS.map(() => ({ far: 0, under: 0, beyond: 0 }));

export function newHeap(): Heap {
  return { open: newDay(), days: [] };
}

/** @param below the limit is a least value. */
export function addToHeap(heap: Heap, value: number, limit: number, below: boolean, usual: Usual): void {
  if (usual.q === 0) return;
  const full = Math.max(8 * usual.q, Math.min(0.1 * Math.abs(limit), usual.spread));
  const inside = (below ? value - limit : limit - value) + usual.q * 1e-6;
  for (let w = 0; w < WIDTHS.length; w++) {
    const at = inside / (full * (WIDTHS[w] as number));
    if (at < -1 || at >= 2) continue;
    const bins = heap.open[w] as HeapDay;
    if (at < 0) bins.beyond++;
    else if (at < 1) bins.under++;
    else bins.far++;
  }
}

export function closeHeap(heap: Heap, daysMax: number): void {
  heap.days.push(heap.open);
  if (heap.days.length > daysMax) heap.days.shift();
  heap.open = newDay();
}

/**
 * Statistic z = (A - B) / sqrt(A + B); A + B >= 30, z > 4, A > 3 x the bin before, B at most 5 % of A, on at least
 * 8 of the last 14 days; only series that spread over ten counts. The best of three widths, so p times three.
 */
export function judgeHeap(heap: Heap, usual: Usual): Evidence | null {
  if (usual.iqr < 10 * usual.q) return null;
  let best: Evidence | null = null;
  for (let w = 0; w < WIDTHS.length; w++) {
    let [far, under, beyond, days] = [0, 0, 0, 0];
    for (const day of heap.days.slice(-RECENT)) {
      const bins = day[w] as HeapDay;
      far += bins.far;
      under += bins.under;
      beyond += bins.beyond;
      if (bins.under >= 2) days++;
    }
    if (under + beyond < 30 || days < DAYS_MIN || under <= FACTOR * far || beyond > SHARE * under) continue;
    const z = (under - beyond) / Math.sqrt(under + beyond);
    const weight = normalTail(z) - Math.log10(WIDTHS.length);
    if (z > 4 && weight > (best?.weight ?? 0)) {
      best = evidence("limit-heap", { statistic: z, threshold: 4, window: under + beyond + far, weight });
    }
  }
  return best;
}

/** One rise that stops short of a limit heaps too; a habit shows on several days. */
const DAYS_MIN = 8;
/** Days looked at: while a limit is dodged, it is not passed, so the days before must have left the count. */
const RECENT = 14;
/** Under the limit against the bin before: a smooth daily peak that just reaches the limit gives 2.4, being flat on top. */
const FACTOR = 3;
/** Beyond the limit against under it: honest values that come so close pass it at times. */
const SHARE = 0.05;
