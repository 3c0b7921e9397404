/**
 * F6 copy–paste of the past and F7 its scaled or shifted copy (methods 5).
 *
 * Two rolling hashes over W readings: of the raw values (F6, W = 24) and of the signs of their differences (F7, W = 32),
 * which a copy y = a x + b keeps. Every W/2-th window is an anchor in a bounded index; each reading looks its window up, so
 * that a copy of 3 W / 2 readings is surely met. A hit is compared with the readings themselves (F7: least-squares line,
 * residual at most one count) and extended while equal.
 *
 * p of a match: a reading is guessed right with 1 / (1 + 2 s), s the usual step in counts (F7: three counts wide, and a
 * line is fitted), times the number of comparisons. So coarse series, which repeat honestly, weigh nothing.
 */
import { type Channel, RING, valueAt } from "./channel.ts";
import { type Evidence, evidence } from "./evidence.ts";
import { leavingWeight, roll, symbolOf } from "./rolling-hash.ts";

const EXACT = 24;
const AFFINE = 32;

interface Match {
  lag: number;
  length: number;
  /** Readings of the match that differ from the one before. */
  changes: number;
  scale: number;
  offset: number;
}
interface Index {
  hash: number;
  /** Anchors, oldest first: hash and the count of readings at its end. */
  readonly anchors: [hash: number, end: number][];
  match: Match | null;
  best: Match | null;
}
export interface Copies {
  exact: Index;
  affine: Index;
  /** Readings in a row that differ from the one before, within the last window: for F6. */
  fed: number;
}

const newIndex = (): Index => ({ hash: 0, anchors: [], match: null, best: null });
export function newCopies(): Copies {
  return { exact: newIndex(), affine: newIndex(), fed: 0 };
}

const EXACT_WEIGHT = leavingWeight(EXACT);
const AFFINE_WEIGHT = leavingWeight(AFFINE);
/** Lookup by hash, beside the plain memory: rebuilt after a load. */
export type Lookup = Map<number, number>;
export function lookupOf(index: Index): Lookup {
  return new Map(index.anchors);
}

/** After `addReading`. @param lookups of `copies.exact` and `copies.affine`. */
export function addToCopies(copies: Copies, channel: Channel, lookups: readonly [Lookup, Lookup]): void {
  copies.fed++;
  const leavingExact = copies.fed > EXACT ? symbolOf(valueAt(channel, EXACT)) : 0;
  copies.exact.hash = roll(copies.exact.hash, symbolOf(valueAt(channel, 0)), leavingExact, EXACT_WEIGHT);
  if (copies.fed >= EXACT) seek(copies.exact, channel, lookups[0], EXACT, true);
  if (copies.fed < 2) return;
  const leavingSign = copies.fed > AFFINE + 1 ? signAt(channel, AFFINE) : 0;
  copies.affine.hash = roll(copies.affine.hash, signAt(channel, 0), leavingSign, AFFINE_WEIGHT);
  if (copies.fed > AFFINE + 1) seek(copies.affine, channel, lookups[1], AFFINE, false);
}

function signAt(channel: Channel, back: number): number {
  return 2 + Math.sign(valueAt(channel, back) - valueAt(channel, back + 1));
}

function seek(index: Index, channel: Channel, lookup: Lookup, width: number, exact: boolean): void {
  if (index.match) {
    if (continues(index.match, channel, exact)) {
      index.match.length++;
      if (valueAt(channel, 0) !== valueAt(channel, 1)) index.match.changes++;
      keepBest(index);
      return;
    }
    index.match = null;
  }
  const end = lookup.get(index.hash);
  if (end !== undefined) {
    const lag = channel.count - end;
    if (lag >= width && lag + width <= Math.min(channel.count, RING)) {
      index.match = exact ? exactMatch(channel, lag) : affineMatch(channel, lag);
      keepBest(index);
    }
  }
  if (channel.count % (width / 2) === 0 && turns(channel, width) >= width / (exact ? 2 : 6))
    anchor(index, channel, lookup);
}

/** How many readings of the window change (at most; F7 asks for turns of direction, counted alike by its caller). */
function turns(channel: Channel, width: number): number {
  let turned = 0;
  const byDirection = width === AFFINE;
  for (let back = 0; back < width - 1; back++) {
    const step = valueAt(channel, back) - valueAt(channel, back + 1);
    if (byDirection ? step * (valueAt(channel, back + 1) - valueAt(channel, back + 2)) < 0 : step !== 0) turned++;
  }
  return turned;
}

function anchor(index: Index, channel: Channel, lookup: Lookup): void {
  const { anchors } = index;
  anchors.push([index.hash, channel.count]);
  lookup.set(index.hash, channel.count);
  while (anchors.length > 0 && (anchors[0] as [number, number])[1] < channel.count - RING) {
    const [hash, end] = anchors.shift() as [number, number];
    if (lookup.get(hash) === end) lookup.delete(hash);
  }
}

function continues(match: Match, channel: Channel, exact: boolean): boolean {
  if (match.lag >= RING) return false;
  const source = valueAt(channel, match.lag);
  const value = valueAt(channel, 0);
  return exact
    ? value === source
    : Math.abs(value - match.scale * source - match.offset) <= tolerance(channel, match.scale);
}
/** A rounded copy of a rounded value: half a count of its own, and the line's own error. */
function tolerance(channel: Channel, scale: number): number {
  return channel.usual.q * (0.75 + 0.25 * scale);
}

function exactMatch(channel: Channel, lag: number): Match | null {
  let length = 0;
  let changes = 0;
  const most = Math.min(lag, Math.min(channel.count, RING) - lag);
  while (length < most && length < 4 * EXACT && valueAt(channel, length) === valueAt(channel, length + lag)) {
    if (length > 0 && valueAt(channel, length) !== valueAt(channel, length - 1)) changes++;
    length++;
  }
  return length >= EXACT ? { lag, length, changes, scale: 1, offset: 0 } : null;
}

function affineMatch(channel: Channel, lag: number): Match | null {
  let [sx, sy, sxx, sxy] = [0, 0, 0, 0];
  const [x0, y0] = [valueAt(channel, lag), valueAt(channel, 0)];
  for (let back = 0; back < AFFINE; back++) {
    const x = valueAt(channel, lag + back) - x0;
    const y = valueAt(channel, back) - y0;
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  }
  const scale = (AFFINE * sxy - sx * sy) / (AFFINE * sxx - sx * sx);
  if (!(scale > 0.2 && scale < 5)) return null;
  const offset = (sy - scale * sx) / AFFINE + y0 - scale * x0;
  const bound = tolerance(channel, scale);
  let changes = 0;
  for (let back = 0; back < AFFINE; back++) {
    if (Math.abs(valueAt(channel, back) - scale * valueAt(channel, lag + back) - offset) > bound) return null;
    if (back > 0 && valueAt(channel, back) !== valueAt(channel, back - 1)) changes++;
  }
  return { lag, length: AFFINE, changes, scale, offset };
}

function keepBest(index: Index): void {
  if (index.match && (!index.best || index.match.changes > index.best.changes)) index.best = { ...index.match };
}

/** At a day's end; forgets the day's best match, keeps one that still runs. */
export function judgeCopies(copies: Copies, channel: Channel, readingsToday: number): Evidence[] {
  const found: Evidence[] = [];
  const { exact, affine } = copies;
  const { usual } = channel;
  const counts = usual.q > 0 ? usual.step / usual.q : 0;
  const comparisons = Math.log10(Math.max(1, readingsToday) * Math.min(channel.count, RING));
  if (usual.iqr >= 20 * usual.q && exact.best && exact.best.changes >= EXACT / 2) {
    const weight = exact.best.changes * Math.log10(1 + 2 * counts) - comparisons;
    const { length } = exact.best;
    if (weight > 0)
      found.push(evidence("copy", { statistic: length, threshold: EXACT, window: exact.best.lag, weight }));
  }
  if (usual.iqr >= 20 * usual.q && affine.best && !isIdentity(affine.best, usual.q)) {
    const { length, changes, lag } = affine.best;
    const fitted = 2 * Math.log10(usual.iqr / usual.q);
    const weight = changes * Math.log10(Math.max(1, (1 + 2 * counts) / 3)) - comparisons - fitted;
    if (weight > 0) found.push(evidence("affine-copy", { statistic: length, threshold: AFFINE, window: lag, weight }));
  }
  exact.best = exact.match ? { ...exact.match } : null;
  affine.best = affine.match ? { ...affine.match } : null;
  return found;
}

function isIdentity(match: Match, q: number): boolean {
  return Math.abs(match.scale - 1) < 1e-6 && Math.abs(match.offset) < q / 2;
}
