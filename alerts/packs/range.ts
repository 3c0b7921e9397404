/** Ranges of values that pass: membership, their hull, and the neighbours of a number. */
import type { Range } from "./pack.ts";

export interface Side {
  readonly value: number;
  readonly passes: "<=" | ">=" | "<" | ">";
}
/** One interval; a missing side is open. */
export interface Span {
  readonly low?: Side;
  readonly high?: Side;
}

export function passes(value: number, { le, lt, ge, gt }: Range): boolean {
  return (
    (le === undefined || value <= le) &&
    (lt === undefined || value < lt) &&
    (ge === undefined || value >= ge) &&
    (gt === undefined || value > gt)
  );
}

export function passesSide(value: number, { value: bound, passes: operator }: Side): boolean {
  if (operator === "<=") return value <= bound;
  if (operator === ">=") return value >= bound;
  return operator === "<" ? value < bound : value > bound;
}

/** The smallest interval that holds all ranges; undefined when it holds every number. */
export function hull(ranges: readonly Range[]): Span | undefined {
  let low: Side | undefined = lowSide(ranges[0]);
  let high: Side | undefined = highSide(ranges[0]);
  for (const range of ranges.slice(1)) {
    low = wider(low, lowSide(range), -1);
    high = wider(high, highSide(range), 1);
  }
  if (!low && !high) return undefined;
  return { ...(low ? { low } : {}), ...(high ? { high } : {}) };
}

function lowSide(range: Range | undefined): Side | undefined {
  if (range?.ge !== undefined) return { value: range.ge, passes: ">=" };
  return range?.gt === undefined ? undefined : { value: range.gt, passes: ">" };
}
function highSide(range: Range | undefined): Side | undefined {
  if (range?.le !== undefined) return { value: range.le, passes: "<=" };
  return range?.lt === undefined ? undefined : { value: range.lt, passes: "<" };
}
function wider(a: Side | undefined, b: Side | undefined, sign: 1 | -1): Side | undefined {
  if (!a || !b) return undefined;
  if (a.value === b.value) return a.passes.length === 2 ? a : b; // the one that includes the number
  return sign * (b.value - a.value) > 0 ? b : a;
}

const bits = new DataView(new ArrayBuffer(8));

/** The next number above `value`. */
export function nextUp(value: number): number {
  if (value === 0) return Number.MIN_VALUE;
  bits.setFloat64(0, value);
  bits.setBigInt64(0, bits.getBigInt64(0) + (value > 0 ? 1n : -1n));
  return bits.getFloat64(0);
}
/** The next number below `value`. */
export function nextDown(value: number): number {
  return -nextUp(-value);
}
