/** Pure: our commands in the words of HJ 212-2017 (table 9, Annex C), and its return codes in ours. */
import type { FieldCommand } from "../core/field-session.ts";
import type { Hj212Group } from "../core/hj212-segment.ts";
import type { Request } from "./hj212-exchange.ts";

export interface Wording {
  readonly code: string;
  readonly expects: Request["expects"];
  /** @param now wall clock at sending, ms. @param zone IANA zone of the device's times. */
  groups(now: number, zone: string): readonly Hj212Group[];
}

/** HJ 212-2017 table B: the minutes that divide an hour. */
const AVERAGE_MINUTES = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30];
const HISTORY_CODES = { minute: "2051", hour: "2061", day: "2031" } as const;

/** `unsupported`: HJ 212 has no such command; `invalid`: a figure that the standard does not allow. */
export function wordingOf(command: FieldCommand): Wording | "unsupported" | "invalid" {
  switch (command.kind) {
    case "set-clock":
      return asks("1012", (now, zone) => [[["SystemTime", localStamp(now, zone)]]]);
    case "read-clock":
      return asks("1011", () => []);
    case "set-interval":
      if (!Number.isInteger(command.seconds) || command.seconds < 30 || command.seconds > 3_600) return "invalid";
      return asks("1062", () => [[["RtdInterval", String(command.seconds)]]]);
    case "set-average-interval":
      if (!AVERAGE_MINUTES.includes(command.minutes)) return "invalid";
      return asks("1064", () => [[["MinInterval", String(command.minutes)]]]);
    case "fetch-history":
      if (!(command.from <= command.to)) return "invalid";
      return asks(HISTORY_CODES[command.data], (_now, zone) => [
        [["BeginTime", localStamp(command.from, zone)]],
        [["EndTime", localStamp(command.to, zone)]],
      ]);
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

/** QnRtn, HJ 212-2017 table 6; 1 is "ready". */
const REQUEST_RETURNS: Readonly<Record<string, string>> = {
  2: "refused",
  3: "wrong-password",
  4: "wrong-mn",
  5: "wrong-st",
  6: "wrong-flag",
  7: "wrong-qn",
  8: "unknown-command",
  9: "wrong-crc",
  100: "unknown-error",
};
/** ExeRtn, HJ 212-2017 table 7; 1 is "ok". */
const EXECUTION_RETURNS: Readonly<Record<string, string>> = {
  2: "execution-failed",
  3: "wrong-condition",
  4: "execution-timeout",
  5: "device-busy",
  6: "device-fault",
  100: "no-data",
};

/** Null: ready. A text that is no code of the standard is not repeated. */
export function requestRefusal(qnRtn: string | undefined): string | null {
  return refusal(REQUEST_RETURNS, qnRtn);
}
export function executionFailure(exeRtn: string | undefined): string | null {
  return refusal(EXECUTION_RETURNS, exeRtn);
}
function refusal(words: Readonly<Record<string, string>>, text: string | undefined): string | null {
  const code = Number(text);
  return code === 1 ? null : (words[code] ?? "unknown-error");
}

const STAMPS = new Map<string, Intl.DateTimeFormat>();

/** YYYYMMDDhhmmss in the zone. */
export function localStamp(ms: number, zone: string): string {
  let format = STAMPS.get(zone);
  if (!format) {
    const two = "2-digit";
    format = new Intl.DateTimeFormat("en-GB", {
      ...{ timeZone: zone, hourCycle: "h23", year: "numeric", month: two, day: two },
      ...{ hour: two, minute: two, second: two },
    });
    STAMPS.set(zone, format);
  }
  const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
  return ["year", "month", "day", "hour", "minute", "second"]
    .map((name) => parts.get(name as Intl.DateTimeFormatPartTypes) ?? "")
    .join("");
}

const STAMP = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\d{3})?$/;

/** The instant of such a stamp; null when the text is none. */
export function stampTime(text: string | undefined, zone: string): number | null {
  const [, ...fields] = STAMP.exec(text ?? "") ?? [];
  if (fields.length === 0) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields.map(Number);
  const asUtc = Date.UTC(year, month - 1, day, hour, minute, second);
  // Twice, since the offset is looked up at a time that is off by the offset itself.
  const once = asUtc - offsetAt(asUtc, zone);
  return asUtc - offsetAt(once, zone);
}

function offsetAt(ms: number, zone: string): number {
  const stamp = localStamp(ms, zone);
  const [, ...fields] = STAMP.exec(stamp) ?? [];
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields.map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1_000) * 1_000;
}
