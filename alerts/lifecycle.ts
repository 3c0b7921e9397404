/**
 * Alarm states as pure transitions (ISA-18.2 / IEC 62682): active is unacknowledged (B), acknowledged is active and
 * acknowledged (C), cleared is back to normal, unacknowledged (D) or acknowledged (A) by `acknowledgedBy`.
 *
 * Latched, shelved, suppressed and out-of-service states are further rows of `NEXT`, with actions of their own.
 */
import type { Alarm, AlarmState, Command } from "../core/alarm.ts";

export const ACTIONS = ["acknowledge", "return", "recur"] as const;
export type Action = (typeof ACTIONS)[number];

/** From state (by whether it was ever acknowledged) and action to the state after; null: nothing to do. */
const NEXT: Readonly<Record<AlarmState, Readonly<Record<Action, AlarmState | "by-acknowledgement" | null>>>> = {
  active: { acknowledge: "acknowledged", return: "cleared", recur: null },
  acknowledged: { acknowledge: null, return: "cleared", recur: null },
  // The same occurrence goes on (late data, a correction): who has acknowledged it need not do so again.
  cleared: { acknowledge: "cleared", return: null, recur: "by-acknowledgement" },
};

/** Null when the action changes nothing: a second acknowledgement, a return of what has returned. */
export function transition(alarm: Pick<Alarm, "state" | "acknowledgedBy">, action: Action): AlarmState | null {
  if (action === "acknowledge" && alarm.acknowledgedBy !== null) return null;
  const next = NEXT[alarm.state][action];
  if (next !== "by-acknowledgement") return next;
  return alarm.acknowledgedBy === null ? "active" : "acknowledged";
}

/** The alarm after an acknowledgement; null when somebody did it before: the first one counts. */
export function acknowledge(alarm: Alarm, { by, via }: Pick<Command, "by" | "via">, now: number): Alarm | null {
  const state = transition(alarm, "acknowledge");
  if (state === null) return null;
  return { ...alarm, state, acknowledgedAt: now, acknowledgedBy: by, acknowledgedVia: via, updatedAt: now };
}
