/** The aggregate flag of QARTOD: the last of 9, 2, 1, 3, 4 that any test gave; none → 9. */
import { QC, type QcFlag } from "../../core/reading.ts";

const ORDER: readonly QcFlag[] = [QC.missing, QC.notEvaluated, QC.good, QC.suspect, QC.fail];

export function aggregate(flags: Iterable<QcFlag>): QcFlag {
  let rank = 0;
  for (const flag of flags) rank = Math.max(rank, ORDER.indexOf(flag));
  return ORDER[rank] as QcFlag;
}
