/**
 * F2 clustering just under the limit (methods 5, F2; a density discontinuity test after McCrary 2008).
 *
 * Counts over the kept days in three bins of one width: [L-2h, L-h), [L-h, L), [L, L+h). h is 10 % of the limit, at most
 * the series' own spread: within 10 % of a pH limit lies every honest pH. For a limit from below all is mirrored.
 */
import type { Usual } from "./channel.ts";
import { type Evidence, evidence } from "./evidence.ts";
import { normalTail } from "./statistics.ts";

export interface HeapDay {
  readonly far: number;
  readonly under: number;
  readonly beyond: number;
}
export interface Heap {
  far: number;
  under: number;
  beyond: number;
  readonly days: HeapDay[];
}

export function newHeap(): Heap {
  return { far: 0, under: 0, beyond: 0, days: [] };
}

/** @param below the limit is a least value. */
export function addToHeap(heap: Heap, value: number, limit: number, below: boolean, usual: Usual): void {
  if (usual.q === 0) return;
  const width = binWidth(limit, usual);
  const inside = ((below ? value - limit : limit - value) + usual.q * 1e-6) / width;
  if (inside < -1 || inside >= 2) return;
  if (inside < 0) heap.beyond++;
  else if (inside < 1) heap.under++;
  else heap.far++;
}

function binWidth(limit: number, usual: Usual): number {
  return Math.max(4 * usual.q, Math.min(0.1 * Math.abs(limit), usual.spread));
}

export function closeHeap(heap: Heap, daysMax: number): void {
  heap.days.push({ far: heap.far, under: heap.under, beyond: heap.beyond });
  if (heap.days.length > daysMax) heap.days.shift();
  heap.far = 0;
  heap.under = 0;
  heap.beyond = 0;
}

/** Statistic z = (A - B) / sqrt(A + B); A + B >= 30, z > 4, A > 2 x the bin before, on at least 3 days. */
export function judgeHeap(heap: Heap): Evidence | null {
  let [far, under, beyond, days] = [0, 0, 0, 0];
  for (const day of heap.days) {
    far += day.far;
    under += day.under;
    beyond += day.beyond;
    if (day.under >= 3) days++;
  }
  if (under + beyond < 30 || days < 3 || under <= 2 * far) return null;
  const z = (under - beyond) / Math.sqrt(under + beyond);
  if (z <= 4) return null;
  return evidence("limit-heap", { statistic: z, threshold: 4, window: under + beyond + far, weight: normalTail(z) });
}
