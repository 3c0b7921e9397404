/**
 * Rule kind `absence`: decides whether something that should report is silent. The only detector on wall time.
 *
 * Silent means that the newest measurement and the last arrival are both older than the span: a device that catches up
 * after an outage is not silent. What has only ever sent old records (a back-fill, a replayed archive) was never live
 * and cannot fall silent, so history raises no absence for the past.
 */

export interface Heard {
  /** Data time of the newest reading; -Infinity when nothing ever came. */
  readonly newest: number;
  /** Wall time of the last arrival; -Infinity when nothing ever came. */
  readonly lastArrival: number;
  /** The shortest time any reading took from measurement to arrival, ms; Infinity when nothing ever came. */
  readonly quickest: number;
}

export type Silence =
  | { readonly silent: false; readonly why: "heard" | "grace" | "history-only" }
  /** @property since data time of the last reading; when nothing ever came, since when it has been awaited. */
  | { readonly silent: true; readonly since: number };

/** @param awaitedSince wall time: when rule and device first were known together, before any restart. */
export function silence(heard: Heard, spanMs: number, awaitedSince: number, now: number): Silence {
  if (now - awaitedSince <= spanMs) return { silent: false, why: "grace" };
  if (heard.newest === Number.NEGATIVE_INFINITY) return { silent: true, since: awaitedSince };
  if (heard.quickest > spanMs) return { silent: false, why: "history-only" };
  if (now - heard.newest <= spanMs || now - heard.lastArrival <= spanMs) return { silent: false, why: "heard" };
  return { silent: true, since: heard.newest };
}
