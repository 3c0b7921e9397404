/**
 * The strictest of several limits for one quantity at one place: where a national and a provincial standard both
 * apply, the stricter one is kept. Pure.
 */
import type { Pack } from "./compile.ts";
import { type FoundLimit, type LimitQuestion, limitFor } from "./limits.ts";
import type { Side } from "./range.ts";

/** Undefined when no pack limits it. The first named pack wins between equals. Doubtful rows stay out unless confirmed. */
export function strictestLimit(packs: readonly Pack[], question: LimitQuestion): FoundLimit | undefined {
  let best: FoundLimit | undefined;
  for (const pack of packs) {
    const limit = limitFor(pack, question);
    if (!limit.found || !limit.enforceable) continue;
    if (!best || isStricter(limit, best)) best = limit;
  }
  return best;
}

function isStricter(a: FoundLimit, b: FoundLimit): boolean {
  const [high, otherHigh] = [sideOf(a, "<"), sideOf(b, "<")];
  if (high && otherHigh && high.value !== otherHigh.value) return high.value < otherHigh.value;
  const [low, otherLow] = [sideOf(a, ">"), sideOf(b, ">")];
  return low !== undefined && otherLow !== undefined && low.value > otherLow.value;
}

function sideOf({ bounds }: FoundLimit, sign: "<" | ">"): Side | undefined {
  return bounds.find(({ passes }) => passes.startsWith(sign));
}
