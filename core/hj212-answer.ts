/** What the platform says to a field device in HJ 212: answers to what it sends (8.1), and commands down (Annex C). */
import { HEADER_NAMES, type Hj212Group, type Hj212Header, type Hj212Segment } from "./hj212-segment.ts";

/** Uploads that are answered with 9014; vendors' other 2xxx are not. 2013, 2052, 2062 and 2111 are of the 2025 edition. */
const UPLOADS: ReadonlySet<string> = new Set(
  "2011 2013 2021 2031 2041 2051 2052 2061 2062 2071 2081 2111 3015 3019 3020".split(" "),
);
/** Notifications that are answered with 9013: clock wanted, heartbeat, hardware id. */
const NOTIFICATIONS: ReadonlySet<string> = new Set(["1013", "9015", "1001"]);

/** QnRtn of 9011 (HJ 212-2017 table 6) and ExeRtn of 9012 (table 7); a number not listed is unknown. */
export const REQUEST_RESULTS: Readonly<Record<string, string>> = {
  "1": "ready",
  "2": "refused",
  "3": "pw-wrong",
  "4": "mn-wrong",
  "5": "st-wrong",
  "6": "flag-wrong",
  "7": "qn-wrong",
  "8": "cn-wrong",
  "9": "crc-wrong",
  "100": "unknown",
};
export const EXECUTION_RESULTS: Readonly<Record<string, string>> = {
  "1": "done",
  "2": "failed",
  "3": "condition",
  "4": "timeout",
  "5": "busy",
  "6": "fault",
  "100": "no-data",
};

/**
 * True for an upload that holds something; the same command with an empty CP, or with a range, is a request. DataTime is
 * no condition: later parts of a split message may leave it out, and what is not answered is sent again for ever.
 */
export function isUpload({ header, groups }: Hj212Segment): boolean {
  if (!UPLOADS.has(header.CN ?? "")) return false;
  const has = (is: (name: string) => boolean): boolean => groups.some((group) => group.some(([name]) => is(name)));
  if (has((name) => name === "DataTime")) return true;
  return has((name) => name.includes("-")) && !has((name) => name === "BeginTime");
}

/**
 * The data segment that answers this one: 9014 to data, 9013 to notifications, with its QN, PW and MN and only the
 * version bits of its flag. Null when none is wanted or due. Send it after the readings are durable: the device forgets
 * what has been answered. A quarantined segment is never answered.
 */
export function answerFor(segment: Hj212Segment): string | null {
  const { header, flag } = segment;
  if (flag === null || !flag.answer) return null;
  const cn = NOTIFICATIONS.has(header.CN ?? "") ? "9013" : isUpload(segment) ? "9014" : null;
  if (cn === null) return null;
  const { QN, PW, MN } = header;
  return segmentText({ QN, ST: "91", CN: cn, PW, MN, Flag: String(flag.version << 2) }, []);
}

export interface Hj212Command {
  /** YYYYMMDDhhmmsszzz, see `hj212Qn`. */
  readonly qn: string;
  readonly st: string;
  readonly cn: string;
  readonly pw: string;
  readonly mn: string;
  /** Version bits: 0 = 2005, 1 = 2017, 2 = 2025. */
  readonly version: number;
  readonly groups: readonly Hj212Group[];
}

/** The data segment of a request to a device; an answer is wanted (bit 0). */
export function buildCommand({ qn, st, cn, pw, mn, version, groups }: Hj212Command): string {
  return segmentText({ QN: qn, ST: st, CN: cn, PW: pw, MN: mn, Flag: String((version << 2) | 1) }, groups);
}

/** A segment as text. `header` in the standard's order; fields without a value are left out. */
export function segmentText(header: Hj212Header, groups: readonly Hj212Group[]): string {
  const fields = HEADER_NAMES.flatMap((name) => (header[name] === undefined ? [] : [`${name}=${header[name]};`]));
  const cp = groups.map((group) => group.map(([name, value]) => `${name}=${value}`).join(",")).join(";");
  return `${fields.join("")}CP=&&${cp}&&`;
}
