/** What HJ 212-2017 lets a platform set (6.6.2, C.5 to C.8), and which averages fill a hole. Pure. */
import type { Hj212Profile } from "./device-profile.ts";

/** RtdInterval, command 1062, seconds. */
export const REALTIME_SECONDS = { min: 30, max: 3_600 } as const;
/** MinInterval, command 1064: the minutes that divide an hour. */
export const AVERAGE_MINUTES: readonly number[] = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30];

export type HistoryKind = "minute" | "hour" | "day";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The longest stretch that is asked for in one request, by kind: some 1,000 to 2,000 packets. */
export const HISTORY_MS_MAX: Readonly<Record<HistoryKind, number>> = {
  minute: 7 * DAY_MS,
  hour: 92 * DAY_MS,
  day: 1_096 * DAY_MS,
};
const KINDS: readonly HistoryKind[] = ["minute", "hour", "day"];

/**
 * Which averages are asked for: those of the profile; else the finest that the device reports by its interval and that cover
 * the hole in one request. Real-time values (2011) cannot be asked for: the standard has history for 2051, 2061, 2031 only.
 */
export function historyKind(
  hole: { readonly from: number; readonly to: number },
  { intervalMs, profile }: { readonly intervalMs: number; readonly profile: Pick<Hj212Profile, "history"> },
): HistoryKind {
  if (profile.history) return profile.history;
  const byInterval = intervalMs >= DAY_MS ? 2 : intervalMs >= HOUR_MS ? 1 : 0;
  const covering = KINDS.findIndex((kind) => hole.to - hole.from <= HISTORY_MS_MAX[kind]);
  return KINDS[Math.max(byInterval, covering < 0 ? KINDS.length - 1 : covering)] ?? "minute";
}

/** Why an interval cannot be set; null when it can. @param data real-time values (1062) or averages (1064). */
export function intervalFault(seconds: number, data: "realtime" | "minute"): string | null {
  if (data === "minute") {
    if (AVERAGE_MINUTES.includes(seconds / 60)) return null;
    return `HJ 212 (1064) takes averages over ${AVERAGE_MINUTES.join(", ")} min, not ${seconds} s`;
  }
  const { min, max } = REALTIME_SECONDS;
  if (Number.isInteger(seconds) && seconds >= min && seconds <= max) return null;
  return `HJ 212 (1062) takes a real-time interval of ${min} to ${max} s, not ${seconds}`;
}

/** Why a device of HJ 212 cannot be asked for this; null when it can, and for devices of other protocols. */
export function commandFault(
  { op, args }: { readonly op: string; readonly args: Readonly<Record<string, unknown>> },
  { profile }: { readonly profile?: { readonly hj212?: unknown } | undefined },
): string | null {
  if (profile?.hj212 === undefined) return null;
  if (op === "setInterval") {
    return intervalFault(Number(args["seconds"]), args["data"] === "minute" ? "minute" : "realtime");
  }
  if (op === "fetchHistory" && (args["from"] === undefined || args["to"] === undefined)) {
    return "HJ 212 numbers no messages: ask for history by time, from and to";
  }
  return null;
}
