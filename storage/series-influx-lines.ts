/**
 * Readings as InfluxDB line protocol, pure. Layout: measurement `readings`, tags tenant, site, station, quantity,
 * fraction, agg; fields `v` (float, absent when there is no value), `q` (integer flag), `c` ("<" or ">", only when
 * censored), `k` (qualifier, only when not N).
 *
 * InfluxDB keeps fields that a later write of the same point does not name. So rows that may replace a point name `c`
 * and `k` always, and a value that is taken back needs `retract` first.
 */
import { parseSeriesKey } from "../core/reading.ts";
import { type Correction, comparisonOf, type ReadingBlock } from "../core/reading-block.ts";

const ID = /^[A-Za-z0-9_.-]{1,64}$/;
const KEY = /^[A-Za-z0-9_.-]{1,64}(?:\/[A-Za-z0-9_.-]{1,64}){3}$/;
const PLAIN_QUALIFIER = 78;
const NS_A_MS = 1_000_000;

export interface Place {
  readonly tenant: string;
  readonly site: string;
}

/** Restricted characters need no escaping, and no text of a key can leave its quotes. */
export function isSeriesKey(key: string): boolean {
  return KEY.test(key);
}

/** Measurement and tags, sorted as the server likes them. Null when the key is not one. */
export function tagsOf(key: string, place: Place): string | null {
  if (!isSeriesKey(key)) return null;
  const { station, quantity, fraction, aggregate } = parseSeriesKey(key);
  const [site, tenant] = [place.site, place.tenant].map((id) => (ID.test(id) ? id : "unknown"));
  return `agg=${aggregate},fraction=${fraction},quantity=${quantity},site=${site},station=${station},tenant=${tenant}`;
}

/** @param mayReplace the row is not strictly newer than all that is known of its series. */
export function readingLine(tags: string, block: ReadingBlock, row: number, mayReplace: boolean): string {
  const value = block.value[row] ?? Number.NaN;
  const cmp = comparisonOf(block.cmp[row] ?? 0);
  const qualifier = block.qualifier[row] ?? PLAIN_QUALIFIER;
  const v = Number.isFinite(value) ? `v=${value},` : "";
  const c = cmp !== "" || mayReplace ? `,c="${cmp}"` : "";
  const k = qualifier !== PLAIN_QUALIFIER || mayReplace ? `,k="${String.fromCharCode(qualifier)}"` : "";
  return `readings,${tags} ${v}q=${block.flag[row] ?? 2}i${c}${k} ${Math.round(block.time[row] ?? 0)}`;
}

/**
 * A replaced value, in measurement `corrections` at the reading's time in nanoseconds. The nanoseconds below the
 * millisecond tell corrections of one point apart and are made of the content, so that a repeat overwrites itself.
 */
export function correctionLine(tags: string, block: ReadingBlock, correction: Correction, at: number): string {
  const { row, oldValue, oldCmp } = correction;
  const newValue = block.value[row] ?? Number.NaN;
  const newCmp = comparisonOf(block.cmp[row] ?? 0);
  const time = BigInt(Math.round(block.time[row] ?? 0)) * BigInt(NS_A_MS);
  const tiebreak = hash(`${oldValue} ${oldCmp} ${newValue} ${newCmp}`) % NS_A_MS;
  const values = `${Number.isFinite(oldValue) ? `old=${oldValue},` : ""}${Number.isFinite(newValue) ? `new=${newValue},` : ""}`;
  return `corrections,${tags} ${values}oc="${oldCmp}",nc="${newCmp}",at=${Math.round(at)}i ${time + BigInt(tiebreak)}`;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state >>> 0;
}
