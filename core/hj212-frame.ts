/**
 * The frame of HJ 212 (HJ 212-2017 6.3): `##`, four digits = bytes of the data segment, the segment, four hexadecimal
 * digits, CR LF. Here its numbers, what a framer reports (hj212-framer.ts), and how a frame is written.
 */
import { crcText, type Hj212CrcVariant, wireCrc } from "./hj212-crc.ts";

/** `##` + length, and the check: what surrounds the data segment; the tail CR LF is not counted. */
export const FRAME_HEAD_BYTES = 6;
export const FRAME_CRC_BYTES = 4;
const EQUALS = 0x3d;
/** Four digits cannot say more. The standard has 1024; real devices send 1623. */
export const SEGMENT_BYTES_MAX = 9_999;
export const SEGMENT_BYTES_STANDARD = 1_024;

export interface Hj212Frame {
  readonly kind: "frame";
  /** The data segment, plaintext: what `parseSegment` takes. */
  readonly data: Uint8Array;
  /** The frame as received, head to check, without the tail. */
  readonly raw: Uint8Array;
  /** `data` is not what stands in `raw`: it has been decrypted. */
  readonly decrypted: boolean;
}
export interface Hj212BadCrc {
  readonly kind: "bad-crc";
  /** Of the segment that was declared. */
  readonly length: number;
  /** As received; may be anything, so that it must be made printable before it is shown. */
  readonly crcGiven: string;
  readonly crcExpected: string;
  /** The variant that would fit: to be offered to the operator, never taken by itself. */
  readonly fits: Hj212CrcVariant | null;
}
export interface Hj212BadLength {
  readonly kind: "bad-length";
  /** `not-4-digits`: `##453QN…`; `too-long`: beyond the buffer; `incomplete`: a whole frame stood inside its length. */
  readonly why: "not-4-digits" | "too-long" | "incomplete";
}
export type Hj212Event = Hj212Frame | Hj212BadCrc | Hj212BadLength;

/** Since the framer was made. */
export interface Hj212FramerCounters {
  bytes: number;
  frames: number;
  /** Frames whose segment is longer than the standard allows. */
  overlong: number;
  badCrc: number;
  badLength: number;
  /** Bytes outside any frame: registration text of a modem, AT echo, heartbeat bytes. White space and NUL are none. */
  noiseBytes: number;
  /** Bytes of frames that were rejected or given up. */
  rejectedBytes: number;
  /** Checks that were not made because the bytes so far did not pay for them. */
  unchecked: number;
}

export interface Hj212FramerOptions {
  /** One variant, or which one the sender of this segment uses (see `peekMn`). Default: the standard's. */
  readonly crc?: Hj212CrcVariant | ((data: Uint8Array) => Hj212CrcVariant);
  /** 2025 edition: the plaintext of a segment whose check failed, null when there is no key or nothing to decrypt. */
  readonly decrypt?: (data: Uint8Array) => Uint8Array | null;
  /** Longer frames are refused; the framer itself never keeps more than one frame and a slice. */
  readonly bufferBytesMax?: number;
}

/** A frame around a data segment, with its tail. */
export function encodeFrame(data: Uint8Array | string, variant: Hj212CrcVariant = "hj212"): Uint8Array {
  const segment = typeof data === "string" ? Buffer.from(data, "utf8") : data;
  if (segment.length > SEGMENT_BYTES_MAX) {
    throw new RangeError(`an HJ 212 segment holds at most ${SEGMENT_BYTES_MAX} bytes, not ${segment.length}`);
  }
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + segment.length + FRAME_CRC_BYTES + 2);
  frame.write(`##${String(segment.length).padStart(4, "0")}`, 0, "latin1");
  frame.set(segment, FRAME_HEAD_BYTES);
  frame.write(`${crcText(wireCrc(segment, variant))}\r\n`, FRAME_HEAD_BYTES + segment.length, "latin1");
  return frame;
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
export function isBlank(byte: number): boolean {
  return byte === 0 || byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
/** The number of four hexadecimal digits of either case; -1 when they are none. */
export function hex4(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let index = at; index < at + FRAME_CRC_BYTES; index++) {
    const byte = bytes[index] as number;
    const lower = byte | 0x20;
    if (isDigit(byte)) value = value * 16 + byte - 0x30;
    else if (lower >= 0x61 && lower <= 0x66) value = value * 16 + lower - 0x57;
    else return -1;
  }
  return value;
}
/** Two to five letters and `=`, such as `QN=` or `Flag=`: asked of frames inside frames, since the check is weak. */
export function startsLikeSegment(bytes: Uint8Array, from: number, end: number): boolean {
  for (let at = from; at < from + 6 && at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === EQUALS) return at >= from + 2;
    const lower = byte | 0x20;
    if (lower < 0x61 || lower > 0x7a) return false;
  }
  return from + 6 > end; // not there yet: it cannot be ruled out
}
