/**
 * The data segment of HJ 212: header by name, flag, and CP as groups of named values. What the platform answers and asks.
 */

/** Header fields as sent; `PW` must not reach a log. */
export interface Hj212Header {
  readonly QN?: string;
  readonly ST?: string;
  readonly CN?: string;
  readonly PW?: string;
  readonly MN?: string;
  readonly Flag?: string;
  readonly PNUM?: string;
  readonly PNO?: string;
  readonly RF?: string;
}

export interface Hj212Flag {
  /** 0 = 2005, 1 = 2017, 2 = 2025 or the surface-water protocol; no proof of the edition. */
  readonly version: number;
  /** PNUM and PNO are present. */
  readonly numbered: boolean;
  /** The sender wants an answer. */
  readonly answer: boolean;
}

export type Hj212Item = readonly [name: string, value: string];
export type Hj212Group = readonly Hj212Item[];

export interface Hj212Segment {
  readonly header: Hj212Header;
  /** Null when the header has none: 2005, no answer wanted. */
  readonly flag: Hj212Flag | null;
  readonly groups: readonly Hj212Group[];
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
