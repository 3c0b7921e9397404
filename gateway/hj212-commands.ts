/** Pure: our commands in the words of HJ 212-2017 (table 9, Annex C). */
import type { FieldCommand } from "../core/field-session.ts";
import { intervalFault } from "../core/hj212-limits.ts";
import type { Hj212Group } from "../core/hj212-segment.ts";
import { hj212Time } from "../core/hj212-time.ts";
import type { Request } from "./hj212-exchange.ts";

export interface Wording {
  readonly code: string;
  readonly expects: Request["expects"];
  /** @param now wall clock at sending, ms. @param zone IANA zone of the device's times. */
  groups(now: number, zone: string): readonly Hj212Group[];
  /** What was asked for, ms. */
  readonly range?: { readonly from: number; readonly to: number };
}

const HISTORY_CODES = { minute: "2051", hour: "2061", day: "2031" } as const;

/** `unsupported`: HJ 212 has no such command; `invalid`: a figure that the standard does not allow. */
export function wordingOf(command: FieldCommand): Wording | "unsupported" | "invalid" {
  switch (command.kind) {
    case "set-clock":
      return asks("1012", (now, zone) => [[["SystemTime", hj212Time(now, zone)]]]);
    case "read-clock":
      return asks("1011", () => []);
    case "set-interval":
      if (intervalFault(command.seconds, "realtime") !== null) return "invalid";
      return asks("1062", () => [[["RtdInterval", String(command.seconds)]]]);
    case "set-average-interval":
      if (intervalFault(command.minutes * 60, "minute") !== null) return "invalid";
      return asks("1064", () => [[["MinInterval", String(command.minutes)]]]);
    case "fetch-history":
      if (!(command.from <= command.to)) return "invalid";
      return {
        ...asks(HISTORY_CODES[command.data], (_now, zone) => [
          [["BeginTime", hj212Time(command.from, zone)]],
          [["EndTime", hj212Time(command.to, zone)]],
        ]),
        range: command,
      };
    case "start-realtime":
      return { ...asks("2011", () => []), expects: "stream" };
    case "stop-realtime":
      return { ...asks("2012", () => []), expects: "notice" };
    case "sample-now":
      return asks("3012", () => (command.parameter === undefined ? [] : [[["PolId", command.parameter]]]));
    case "restart":
      return "unsupported";
  }
}

function asks(code: string, groups: Wording["groups"]): Wording {
  return { code, expects: "result", groups };
}
