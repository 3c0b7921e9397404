/** Pure: our commands in the words of HJ 212-2017 (table 9, Annex C). */
import type { FieldCommand, InstrumentDeed } from "../core/field-session.ts";
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
const INSTRUMENT_CODES: Readonly<Record<InstrumentDeed, string>> = {
  calibrate: "3011",
  clean: "3013",
  "compare-sample": "3014",
  "read-sampling": "3017",
  "read-analysis-time": "3018",
  "read-serial": "3019",
};
/** Comparison samples and sampling periods: the 2025 edition has them no more. */
export const DROPPED_IN_2025: ReadonlySet<string> = new Set(["3014", "3016", "3017"]);

/** Nothing that would end its field, and with it begin another. */
const PARAMETER = /^[A-Za-z0-9_]{1,16}$/;
const INFO = /^i[0-9A-Za-z]{5}$/;
const VALUE = /^[^\s;,=&#/]{1,64}$/;
/** hhmmss. */
const DAY_TIME = /^([01]\d|2[0-3])[0-5]\d[0-5]\d$/;
/** Table 1 has 5 to 30 s; nobody waits longer than the longest real-time interval. */
const OVERTIME_SECONDS_MAX = 3_600;

/** `unsupported`: HJ 212 has no such command; `invalid`: a figure or a word that the standard does not allow. */
export function wordingOf(command: FieldCommand): Wording | "unsupported" | "invalid" {
  switch (command.kind) {
    case "set-clock":
      return asks("1012", (now, zone) => [[["SystemTime", hj212Time(now, zone)]]]);
    case "read-clock":
      return asks("1011");
    case "set-timeouts":
      if (!isBetween(command.seconds, 1, OVERTIME_SECONDS_MAX) || !isBetween(command.resends, 1, 99)) return "invalid";
      return asks("1000", () => [[["OverTime", String(command.seconds)]], [["ReCount", String(command.resends)]]]);
    case "read-interval":
      return asks("1061");
    case "set-interval":
      if (intervalFault(command.seconds, "realtime") !== null) return "invalid";
      return asks("1062", () => [[["RtdInterval", String(command.seconds)]]]);
    case "read-average-interval":
      return asks("1063");
    case "set-average-interval":
      if (intervalFault(command.minutes * 60, "minute") !== null) return "invalid";
      return asks("1064", () => [[["MinInterval", String(command.minutes)]]]);
    case "fetch-history":
      return ofTime(HISTORY_CODES[command.data], command);
    case "fetch-run-hours":
      return ofTime("2041", command);
    case "start-realtime":
      return { ...asks("2011"), expects: "stream" };
    case "stop-realtime":
      return { ...asks("2012"), expects: "notice" };
    case "start-facility":
      return { ...asks("2021"), expects: "stream" };
    case "stop-facility":
      return { ...asks("2022"), expects: "notice" };
    case "keep-sample":
      return asks("3015");
    case "restart":
      return "unsupported";
    default:
      return ofInstrument(command);
  }
}

/** What is asked of one instrument. */
function ofInstrument(command: Extract<FieldCommand, { readonly parameter?: string }>): Wording | "invalid" {
  const { parameter } = command;
  if (parameter !== undefined && !PARAMETER.test(parameter)) return "invalid";
  const whose: readonly Hj212Group[] = parameter === undefined ? [] : [[["PolId", parameter]]];
  if (command.kind === "sample-now") return asks("3012", () => whose);
  if (parameter === undefined) return "invalid"; // it came over the control socket
  if (command.kind === "set-sampling") {
    const { start, hours } = command;
    if (!DAY_TIME.test(start) || !isBetween(hours, 1, 24)) return "invalid";
    return asks("3016", () => [...whose, [["CstartTime", start]], [["Ctime", String(hours)]]]);
  }
  if (command.kind !== "read-info" && command.kind !== "set-parameter") {
    return asks(INSTRUMENT_CODES[command.kind], () => whose);
  }
  const { info } = command;
  if (!INFO.test(info)) return "invalid";
  const about: readonly Hj212Group[] = [...whose, [["InfoId", info]]];
  if (command.kind === "set-parameter") {
    const { value } = command;
    return VALUE.test(value) ? asks("3021", () => [...about, [[`${info}-Info`, value]]]) : "invalid";
  }
  const { from, to } = command;
  if (from === undefined && to === undefined) return asks("3020", () => about);
  return from === undefined || to === undefined ? "invalid" : ofTime("3020", { from, to }, about);
}

function ofTime(
  code: string,
  { from, to }: { readonly from: number; readonly to: number },
  before: readonly Hj212Group[] = [],
): Wording | "invalid" {
  if (!(from <= to)) return "invalid";
  const groups: Wording["groups"] = (_now, zone) => [
    ...before,
    [["BeginTime", hj212Time(from, zone)]],
    [["EndTime", hj212Time(to, zone)]],
  ];
  return { ...asks(code, groups), range: { from, to } };
}

function isBetween(figure: number, min: number, max: number): boolean {
  return Number.isInteger(figure) && figure >= min && figure <= max;
}

function asks(code: string, groups: Wording["groups"] = () => []): Wording {
  return { code, expects: "result", groups };
}
