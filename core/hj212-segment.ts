/**
 * The data segment of HJ 212 ↔ header by name, flag, and CP as groups of named values (HJ 212-2017 6.3.2 and 6.3.3).
 *
 * The check of a frame is only 8 bits strong, so the structure is judged strictly; misprints that are in the field or in
 * the standard's own samples are borne where they leave no doubt. See hj212-answer.ts for what the platform says back.
 */
import { isAscii } from "node:buffer";

/** In the standard's order. */
export const HEADER_NAMES = ["QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO", "RF"] as const;
type HeaderName = (typeof HEADER_NAMES)[number];

/** Header fields as sent; `PW` must not reach a log. */
export type Hj212Header = { readonly [name in HeaderName]?: string | undefined };

export interface Hj212Flag {
  /** 0 = 2005, 1 = 2017, 2 = 2025 or the surface-water protocol; no proof of the edition. */
  readonly version: number;
  /** PNUM and PNO are present. */
  readonly numbered: boolean;
  /** The sender wants an answer. */
  readonly answer: boolean;
}

/** An item without `=` has its text as name and an empty value. */
export type Hj212Item = readonly [name: string, value: string];
export type Hj212Group = readonly Hj212Item[];

export interface Hj212Segment {
  readonly header: Hj212Header;
  /** Null when the header has none: 2005, no answer wanted. */
  readonly flag: Hj212Flag | null;
  readonly groups: readonly Hj212Group[];
  /** The text between `CP=&&` and the last `&&`. */
  readonly cp: string;
  /** `bytes`: neither UTF-8 nor GB18030; the text holds one character a byte. */
  readonly encoding: "utf-8" | "gb18030" | "bytes";
}

export interface Hj212SegmentFault {
  readonly code: string;
  readonly what: string;
  readonly where: string;
  readonly mend: string;
}
/** Quarantined: not answered, nothing of it stored. Header and flag as far as they could be read. */
export interface Hj212SegmentRefusal {
  readonly error: Hj212SegmentFault;
  readonly header: Hj212Header;
  readonly flag: Hj212Flag | null;
}

const CP_OPEN = "CP=&&";
const CP_CLOSE = "&&";
const utf8 = new TextDecoder("utf-8", { fatal: true });
const gb18030 = new TextDecoder("gb18030", { fatal: true });

/** What each header field must look like; MN is opaque and case-sensitive, QN may be Unix ms. */
const HEADER_SHAPES: { readonly [name in HeaderName]: readonly [shape: RegExp, meaning: string] } = {
  QN: [/^\d{1,20}$/, "up to 20 digits"],
  ST: [/^[0-9A-Za-z]{1,4}$/, "2 characters 0-9 A-Z"],
  CN: [/^\d{4}$/, "4 digits"],
  PW: [/^[\x21-\x2b\x2d-\x7e]{0,64}$/, "up to 64 printable characters"],
  MN: [/^[\x21-\x2b\x2d-\x7e]{1,40}$/, "1 to 40 printable characters"],
  Flag: [/^(?:\d|\d\d|1\d\d|2[0-4]\d|25[0-5])$/, "0 to 255"],
  PNUM: [/^\d{1,4}$/, "up to 4 digits"],
  PNO: [/^\d{1,4}$/, "up to 4 digits"],
  RF: [/^[01]$/, "1 (backfilled data)"],
};

/**
 * Codes: CP_MISSING, CP_NOT_CLOSED, CP_FOLLOWED, HEADER_MALFORMED, HEADER_TWICE, CN_MISSING. Never throws.
 *
 * @param data the segment of one frame, after its check.
 */
export function parseSegment(data: Uint8Array): Hj212Segment | Hj212SegmentRefusal {
  const { text, encoding } = decodeText(data);
  const open = text.indexOf(CP_OPEN);
  const { header, fault } = parseHeader(open < 0 ? text : text.slice(0, open));
  const flag = header.Flag === undefined ? null : flagOf(Number(header.Flag));
  if (fault !== null) return { error: fault, header, flag };
  const refused = (code: string, what: string, where: string, mend: string): Hj212SegmentRefusal => ({
    error: { code, what, where, mend },
    header,
    flag,
  });
  if (open < 0) return refused("CP_MISSING", "no CP item", "data segment", "send CP=&&…&&, empty as CP=&&&&");
  const from = open + CP_OPEN.length;
  const close = text.lastIndexOf(CP_CLOSE); // the last: a text between // and // may hold &&
  if (close < from) return refused("CP_NOT_CLOSED", "CP has no closing &&", "CP", "end the data segment with &&");
  if (!isEmptyRest(text, close + CP_CLOSE.length)) {
    return refused("CP_FOLLOWED", "something follows the closing && of CP", "end of the data segment", "CP comes last");
  }
  if (header.CN === undefined) {
    return refused("CN_MISSING", "no command number", "header", "send CN=, for example CN=2011");
  }
  const cp = text.slice(from, close);
  return { header, flag, groups: parseGroups(cp), cp, encoding };
}

export function flagOf(flag: number): Hj212Flag {
  return { version: flag >> 2, numbered: (flag & 2) !== 0, answer: (flag & 1) !== 0 };
}

/** MN of a segment that may be encrypted or wrong: to find the sender's profile before the check. Null without one. */
export function peekMn(data: Uint8Array): string | null {
  const bytes = Buffer.from(data.buffer, data.byteOffset, Math.min(data.byteLength, 256));
  const open = bytes.indexOf(CP_OPEN);
  const head = bytes.toString("latin1", 0, open < 0 ? bytes.length : open);
  return /(?:^|;)\s*MN=([\x21-\x2b\x2d-\x3a\x3c-\x7e]{1,40})(?:;|$)/.exec(head)?.[1] ?? null;
}

function decodeText(data: Uint8Array): { readonly text: string; readonly encoding: Hj212Segment["encoding"] } {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (isAscii(bytes)) return { text: bytes.toString("latin1"), encoding: "utf-8" };
  for (const [decoder, encoding] of [
    [utf8, "utf-8"],
    [gb18030, "gb18030"],
  ] as const) {
    try {
      return { text: decoder.decode(bytes), encoding };
    } catch {
      // Not in this encoding: the next one.
    }
  }
  return { text: bytes.toString("latin1"), encoding: "bytes" };
}

function parseHeader(text: string): { readonly header: Hj212Header; readonly fault: Hj212SegmentFault | null } {
  const header: { [name in HeaderName]?: string } = {};
  let fault: Hj212SegmentFault | null = null;
  const spoil = (code: string, what: string, name: string, mend: string): void => {
    fault ??= { code, what, where: `header, item ${name}`, mend };
  };
  for (const item of text.split(";")) {
    const equals = item.indexOf("=");
    const name = (equals < 0 ? item : item.slice(0, equals)).trim();
    if (name === "" && equals < 0) continue;
    if (!isHeaderName(name)) {
      // Other names are borne, but not an item that swallowed the next ones: the standard's C.22 has a comma after QN.
      if (equals < 0 || !/^[A-Za-z][A-Za-z0-9]{0,15}$/.test(name) || item.includes(",")) {
        spoil("HEADER_MALFORMED", "not name=value", printable(item), "separate header items with ;");
      }
      continue;
    }
    const value = item.slice(equals + 1).trim();
    const [shape, meaning] = HEADER_SHAPES[name];
    if (equals < 0 || !shape.test(value)) {
      const shown = name === "PW" ? "" : ` "${printable(value)}"`;
      spoil("HEADER_MALFORMED", `${name}${shown} is not ${meaning}`, name, `send ${meaning}; items end with ;`);
    } else if (header[name] !== undefined && header[name] !== value) {
      spoil("HEADER_TWICE", `${name} stands there twice with different values`, name, "send each header item once");
    } else header[name] = value;
  }
  return { header, fault };
}

function isHeaderName(name: string): name is HeaderName {
  return (HEADER_NAMES as readonly string[]).includes(name);
}

function parseGroups(cp: string): Hj212Group[] {
  if (cp.includes("//")) return parseTexts(cp);
  const groups: Hj212Group[] = [];
  for (const part of cp.split(";")) {
    const group: Hj212Item[] = [];
    for (const item of part.split(",")) {
      const equals = item.indexOf("=");
      if (equals >= 0) group.push([item.slice(0, equals).trim(), item.slice(equals + 1).trim()]);
      else if (item.trim() !== "") group.push([item.trim(), ""]);
    }
    if (group.length > 0) groups.push(group);
  }
  return groups;
}

/** As `parseGroups`, but a value that begins with `//` reaches to the `//` that ends its item, whatever is between. */
function parseTexts(cp: string): Hj212Group[] {
  const groups: Hj212Group[] = [];
  let group: Hj212Item[] = [];
  for (let at = 0; at <= cp.length; ) {
    const end = itemEnd(cp, at);
    const item = cp.slice(at, end);
    const equals = item.indexOf("=");
    if (equals >= 0) group.push([item.slice(0, equals).trim(), item.slice(equals + 1).trim()]);
    else if (item.trim() !== "") group.push([item.trim(), ""]);
    if (cp[end] !== "," && group.length > 0) {
      groups.push(group);
      group = [];
    }
    at = end + 1;
  }
  return groups;
}

const DELIMITER = /[,;]/g;
const TEXT_OPEN = /[^,;=]*=\s*\/\//y;
const TEXT_CLOSE = /\/\/\s*(?=[,;]|$)/g;
function itemEnd(cp: string, at: number): number {
  TEXT_OPEN.lastIndex = at;
  if (TEXT_OPEN.test(cp)) {
    TEXT_CLOSE.lastIndex = TEXT_OPEN.lastIndex;
    if (TEXT_CLOSE.test(cp)) return TEXT_CLOSE.lastIndex;
  }
  DELIMITER.lastIndex = at;
  return DELIMITER.test(cp) ? DELIMITER.lastIndex - 1 : cp.length;
}

function isEmptyRest(text: string, from: number): boolean {
  return from === text.length || /^[\s;]*$/.test(text.slice(from));
}

/** Text of or about a frame, with the values of PW and NewPW made unreadable: for logs and listings. */
export function withoutPasswords(text: string): string {
  return text.replace(/(PW=)[^;,&"\r\n]*/g, "$1***");
}
function printable(text: string): string {
  return withoutPasswords(text)
    .slice(0, 40)
    .replace(/[^\x20-\x7e]/g, "?");
}
