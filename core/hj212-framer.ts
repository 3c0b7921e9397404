/**
 * Bytes of a connection → whole HJ 212 frames. Driven by the length, never by lines: the tail is not needed, a frame may
 * come torn or stuck to others, and a wrong length does not eat the frame behind it.
 *
 * Work is bounded by the bytes received, whatever they are: see `#credit`.
 */
import { crcText, HJ212_CRC_VARIANTS, type Hj212CrcVariant, wireCrc } from "./hj212-crc.ts";
import {
  FRAME_CRC_BYTES,
  FRAME_HEAD_BYTES,
  type Hj212BadCrc,
  type Hj212BadLength,
  type Hj212Event,
  type Hj212FramerCounters,
  type Hj212FramerOptions,
  SEGMENT_BYTES_STANDARD,
} from "./hj212-frame.ts";

/** Chunks are taken in slices of this, so that the buffer stays at one longest frame and a slice. */
const SLICE_BYTES = 16 * 1_024;
const BUFFER_BYTES_MAX = 64 * 1_024;
/** Frames inside an unfinished frame that are watched at a time. */
const INNER_MAX = 32;
/** Bytes that may be checked for each byte received, and in advance. A sound stream needs one to three. */
const CREDIT_PER_BYTE = 16;
const CREDIT_MAX = 256 * 1_024;
const DECRYPT_COST = 4;
/** Above this an empty buffer is given back. */
const BUFFER_KEPT_BYTES = 2 * 1_024;

const HASH = 0x23;
const EQUALS = 0x3d;
const INCOMPLETE = -1;
const NOT_DIGITS = -2;
const EMPTY = new Uint8Array(0);
/** Stands for "the bytes of the frame themselves". */
const SAME_AS_SENT = new Uint8Array(0);

/**
 * Cuts one byte stream into frames. Feed it every chunk in order; it has no clock, so its owner calls `dropPartial`
 * after 30 s without bytes.
 */
export class Hj212Framer {
  readonly counters: Hj212FramerCounters = {
    bytes: 0,
    frames: 0,
    overlong: 0,
    badCrc: 0,
    badLength: 0,
    noiseBytes: 0,
    rejectedBytes: 0,
    unchecked: 0,
  };
  /** Bytes gone over one by one or by a check: the measure of work that the tests hold to a line. */
  work = 0;
  readonly #options: Hj212FramerOptions;
  readonly #frameBytesMax: number;
  #buffer: Uint8Array = EMPTY;
  #start = 0;
  #end = 0;
  /** Offset in the stream of `#buffer[0]`; the fields below are such offsets too. */
  #base = 0;
  #rejectedUntil = 0;
  /** How far an unfinished frame has been searched for others, and those found that are not whole yet. */
  #searched = 0;
  #inner: { readonly at: number; readonly end: number }[] = [];
  #innerDue = Number.POSITIVE_INFINITY;
  /**
   * Each `##` may claim 9,999 bytes, so hostile bytes could make us check each byte a thousand times. Checks are paid
   * with credit that received bytes bring; without credit a claim is passed over as noise.
   */
  #credit = CREDIT_MAX;

  constructor(options: Hj212FramerOptions = {}) {
    this.#options = options;
    this.#frameBytesMax = Math.max(options.bufferBytesMax ?? BUFFER_BYTES_MAX, FRAME_HEAD_BYTES + FRAME_CRC_BYTES);
  }

  /** Bytes that wait for the rest of their frame. */
  get waitingBytes(): number {
    return this.#end - this.#start;
  }

  /** What the chunk completes, in stream order. The events own their bytes; the chunk may be used again. */
  push(chunk: Uint8Array): Hj212Event[] {
    const events: Hj212Event[] = [];
    for (let from = 0; from < chunk.length; from += SLICE_BYTES) {
      const slice = from === 0 && chunk.length <= SLICE_BYTES ? chunk : chunk.subarray(from, from + SLICE_BYTES);
      this.counters.bytes += slice.length;
      this.#credit = Math.min(this.#credit + slice.length * CREDIT_PER_BYTE, CREDIT_MAX);
      const borrowed = this.#start === this.#end;
      if (borrowed) this.#borrow(slice);
      else this.#append(slice);
      this.#scan(events);
      if (borrowed) this.#own();
      else this.#release();
    }
    return events;
  }

  /** Gives up a half frame. @returns how many bytes were dropped. */
  dropPartial(): number {
    const dropped = this.waitingBytes;
    if (dropped === 0) return 0;
    this.counters.rejectedBytes += dropped;
    this.#start = this.#end;
    this.#forgetInner();
    this.#release();
    return dropped;
  }

  #scan(events: Hj212Event[]): void {
    while (this.#start < this.#end) {
      if (this.#buffer[this.#start] !== HASH) {
        this.#skipOne();
        continue;
      }
      if (this.#end - this.#start < 2) return;
      if (this.#buffer[this.#start + 1] !== HASH) {
        this.#skipOne();
        continue;
      }
      const length = this.#lengthAt(this.#start);
      if (length === INCOMPLETE) return;
      const total = FRAME_HEAD_BYTES + length + FRAME_CRC_BYTES;
      if (length === NOT_DIGITS || total > this.#frameBytesMax) {
        if (length !== NOT_DIGITS) this.#badLength(events, "too-long");
        else if (isDigit(this.#buffer[this.#start + 2])) this.#badLength(events, "not-4-digits");
        this.#skipOne();
      } else if (this.#end - this.#start >= total) this.#take(length, total, events);
      else if (!this.#leaveForInner(events)) return;
    }
  }

  /** A frame of which all bytes are there. */
  #take(length: number, total: number, events: Hj212Event[]): void {
    const data = this.#plaintext(this.#start, length);
    if (data === undefined) {
      this.counters.unchecked += 1;
      this.#skipOne();
      return;
    }
    if (data === null) {
      events.push(this.#badCrc(length));
      this.counters.badCrc += 1;
      this.#rejectedUntil = Math.max(this.#rejectedUntil, this.#base + this.#start + total);
      this.#skipOne();
      return;
    }
    const raw = new Uint8Array(total); // not slice(): a Buffer's is no copy
    raw.set(this.#buffer.subarray(this.#start, this.#start + total));
    const decrypted = data !== SAME_AS_SENT;
    events.push({
      kind: "frame",
      data: decrypted ? data : raw.subarray(FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + length),
      raw,
      decrypted,
    });
    this.counters.frames += 1;
    if (length > SEGMENT_BYTES_STANDARD) this.counters.overlong += 1;
    this.#start += total;
    if (this.#inner.length > 0) this.#forgetInner();
  }

  /** True when a whole frame inside the unfinished one takes its place. */
  #leaveForInner(events: Hj212Event[]): boolean {
    const found = this.#wholeInside();
    if (found < 0) return false;
    this.#badLength(events, "incomplete");
    this.counters.rejectedBytes += found - this.#base - this.#start;
    this.#start = found - this.#base;
    this.#inner = this.#inner.filter(({ at }) => at > found);
    this.#setDue();
    return true;
  }

  /** Offset of the first whole, valid frame that begins inside the unfinished one; -1 while there is none. */
  #wholeInside(): number {
    const end = this.#base + this.#end;
    for (;;) {
      this.#collectInner();
      if (this.#innerDue > end) return -1;
      const waiting: { readonly at: number; readonly end: number }[] = [];
      let found = -1;
      for (const claim of this.#inner) {
        if (found >= 0 || claim.end > end) waiting.push(claim);
        else if (claim.at > this.#base + this.#start) {
          const length = claim.end - claim.at - FRAME_HEAD_BYTES - FRAME_CRC_BYTES;
          const at = claim.at - this.#base;
          const isSegment = startsLikeSegment(this.#buffer, at + FRAME_HEAD_BYTES, this.#end);
          if (isSegment && this.#plaintext(at, length)) found = claim.at;
        }
      }
      this.work += this.#inner.length;
      this.#inner = waiting;
      this.#setDue();
      if (found >= 0) return found;
    }
  }

  /** Notes the claims inside the unfinished frame that have not been looked at yet. */
  #collectInner(): void {
    const end = this.#base + this.#end;
    let at = Math.max(this.#searched, this.#base + this.#start + FRAME_HEAD_BYTES);
    while (this.#inner.length < INNER_MAX) {
      const next = this.#buffer.subarray(at - this.#base, this.#end).indexOf(HASH);
      this.work += next < 0 ? end - at : next + 1;
      if (next < 0) {
        at = end;
        break;
      }
      at += next;
      const length = this.#lengthAt(at - this.#base);
      if (length === INCOMPLETE) break;
      if (length > 0 && startsLikeSegment(this.#buffer, at - this.#base + FRAME_HEAD_BYTES, this.#end)) {
        this.#inner.push({ at, end: at + FRAME_HEAD_BYTES + length + FRAME_CRC_BYTES });
      }
      at += 1;
    }
    this.#searched = at;
    this.#setDue();
  }

  #setDue(): void {
    this.#innerDue = this.#inner.reduce((due, { end }) => Math.min(due, end), Number.POSITIVE_INFINITY);
  }
  #forgetInner(): void {
    this.#inner = [];
    this.#innerDue = Number.POSITIVE_INFINITY;
  }

  /**
   * Checks the frame at index `at`. SAME_AS_SENT when its check fits, the plaintext when it fits after decryption, null
   * when it fits neither way, undefined when there is no credit left to find out.
   */
  #plaintext(at: number, length: number): Uint8Array | null | undefined {
    const from = at + FRAME_HEAD_BYTES;
    const given = hex4(this.#buffer, from + length);
    if (given < 0) return null;
    if (this.#credit < length) return undefined;
    this.#spend(length);
    const data = this.#buffer.subarray(from, from + length);
    const variant = this.#variant(data);
    if (wireCrc(data, variant) === given) return SAME_AS_SENT;
    const { decrypt } = this.#options;
    if (decrypt === undefined || this.#credit < length * DECRYPT_COST) return null;
    this.#spend(length * DECRYPT_COST);
    const plain = decrypt(data);
    return plain !== null && wireCrc(plain, variant) === given ? plain : null;
  }

  #badCrc(length: number): Hj212BadCrc {
    const from = this.#start + FRAME_HEAD_BYTES;
    const data = this.#buffer.subarray(from, from + length);
    const given = hex4(this.#buffer, from + length);
    const crcGiven = Buffer.from(this.#buffer.subarray(from + length, from + length + FRAME_CRC_BYTES)).toString(
      "latin1",
    );
    const cost = length * HJ212_CRC_VARIANTS.length;
    if (given < 0 || this.#credit < cost) return { kind: "bad-crc", length, crcGiven, crcExpected: "", fits: null };
    this.#spend(cost);
    const variant = this.#variant(data);
    const fits = HJ212_CRC_VARIANTS.find((other) => other !== variant && wireCrc(data, other) === given) ?? null;
    return { kind: "bad-crc", length, crcGiven, crcExpected: crcText(wireCrc(data, variant)), fits };
  }

  #badLength(events: Hj212Event[], why: Hj212BadLength["why"]): void {
    this.counters.badLength += 1;
    events.push({ kind: "bad-length", why });
  }

  #variant(data: Uint8Array): Hj212CrcVariant {
    const { crc } = this.#options;
    return typeof crc === "function" ? crc(data) : (crc ?? "hj212");
  }

  #spend(bytes: number): void {
    this.#credit -= bytes;
    this.work += bytes;
  }

  #skipOne(): void {
    this.work += 1;
    if (this.#base + this.#start < this.#rejectedUntil) this.counters.rejectedBytes += 1;
    else if (!isBlank(this.#buffer[this.#start] as number)) this.counters.noiseBytes += 1;
    this.#start += 1;
  }

  /** Declared length of the frame at index `at`, which begins with `#`. */
  #lengthAt(at: number): number {
    let length = 0;
    for (let digit = 1; digit < FRAME_HEAD_BYTES; digit++) {
      if (at + digit >= this.#end) return INCOMPLETE;
      const byte = this.#buffer[at + digit] as number;
      if (digit === 1 ? byte !== HASH : !isDigit(byte)) return NOT_DIGITS;
      if (digit > 1) length = length * 10 + byte - 0x30;
    }
    return length;
  }

  /** Works on the chunk itself while nothing waits. */
  #borrow(slice: Uint8Array): void {
    this.#base += this.#end;
    this.#buffer = slice;
    this.#start = 0;
    this.#end = slice.length;
  }
  /** Copies what is left of a borrowed chunk. */
  #own(): void {
    if (this.#start === this.#end) this.#empty();
    else this.#moveTo(new Uint8Array(Math.max(this.waitingBytes, 512)));
  }
  #append(slice: Uint8Array): void {
    const needed = this.waitingBytes + slice.length;
    if (this.#end + slice.length > this.#buffer.length) {
      // In place only when half of it becomes free: else tiny chunks would copy all that waits again and again.
      this.#moveTo(needed * 2 > this.#buffer.length ? new Uint8Array(needed * 2) : this.#buffer);
    }
    this.#buffer.set(slice, this.#end);
    this.#end += slice.length;
  }
  #moveTo(target: Uint8Array): void {
    const kept = this.#buffer.subarray(this.#start, this.#end);
    this.#base += this.#start;
    this.#end = kept.length;
    this.#start = 0;
    target.set(kept);
    this.#buffer = target;
  }
  #release(): void {
    if (this.#start === this.#end && this.#buffer.length > BUFFER_KEPT_BYTES) this.#empty();
  }
  #empty(): void {
    this.#base += this.#end;
    this.#buffer = EMPTY;
    this.#start = 0;
    this.#end = 0;
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
function isBlank(byte: number): boolean {
  return byte === 0 || byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
/** The number of four hexadecimal digits of either case; -1 when they are none. */
function hex4(bytes: Uint8Array, at: number): number {
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
function startsLikeSegment(bytes: Uint8Array, from: number, end: number): boolean {
  for (let at = from; at < from + 6 && at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === EQUALS) return at >= from + 2;
    const lower = byte | 0x20;
    if (lower < 0x61 || lower > 0x7a) return false;
  }
  return from + 6 > end; // not there yet: it cannot be ruled out
}
