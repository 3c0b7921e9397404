/**
 * When to ask a Sparkplug edge node for a rebirth. Pure: monotonic ms in, edge nodes that are due out.
 *
 * Not at once: messages that overtook one another are given time, and a birth that comes meanwhile settles it. Not often:
 * a rebirth is the largest message an edge node has, and one that never makes itself understood must not be driven.
 */
import type { EdgeNotice } from "../core/sparkplug-edges.ts";

/** Sparkplug B 3.0, 6.4.4 leaves the reorder time-out to the host; 2 to 5 s are usual. */
export const REORDER_MS = 3_000;
/** Between two requests to one edge node; doubles while it does not answer. */
export const ASK_AGAIN_MS_MIN = 60_000;
export const ASK_AGAIN_MS_MAX = 3_600_000;

interface Ask {
  /** When the want began; null when nothing is wanted now. */
  wantedAt: number | null;
  reason: string;
  device: string | null;
  askedAt: number;
  tries: number;
}

export interface DueRebirth {
  readonly group: string;
  readonly edge: string;
  readonly reason: string;
}

export class Rebirths {
  readonly #asks = new Map<string, Ask & Pick<EdgeNotice, "group" | "edge">>();

  note({ kind, group, edge, device, reason }: EdgeNotice, now: number): void {
    const key = `${group}/${edge}`;
    const known = this.#asks.get(key);
    if (kind === "gap" || kind === "rebirth-wanted") {
      const ask = known ?? { group, edge, wantedAt: null, reason, device, askedAt: Number.NEGATIVE_INFINITY, tries: 0 };
      if (ask.wantedAt === null || (ask.reason === "SEQ_GAP" && kind === "rebirth-wanted")) {
        ask.wantedAt ??= now;
        ask.reason = reason;
        ask.device = device;
      }
      this.#asks.set(key, ask);
      return;
    }
    if (!known) return;
    // Missing numbers may have been another device's birth: the birth that showed the gap says nothing of them.
    const isOwn = known.reason !== "SEQ_GAP" && device === known.device;
    const isSettled = kind === "gap-closed" ? known.reason === "SEQ_GAP" : device === null || isOwn;
    if (!isSettled) return;
    known.wantedAt = null;
    known.tries = 0;
  }

  /** Whom to ask now; they count as asked. */
  due(now: number): readonly DueRebirth[] {
    const due: DueRebirth[] = [];
    for (const [key, ask] of this.#asks) {
      const pauseMs = Math.min(ASK_AGAIN_MS_MIN * 2 ** Math.max(0, ask.tries - 1), ASK_AGAIN_MS_MAX);
      if (now - ask.askedAt < pauseMs) continue;
      if (ask.wantedAt === null) this.#asks.delete(key);
      else if (now - ask.wantedAt >= REORDER_MS) {
        ask.askedAt = now;
        ask.tries += 1;
        due.push({ group: ask.group, edge: ask.edge, reason: ask.reason });
      }
    }
    return due;
  }
}
