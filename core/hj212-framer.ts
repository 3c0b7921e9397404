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
  hex4,
  isBlank,
  isDigit,
  SEGMENT_BYTES_STANDARD,
  startsLikeSegment,
} from "./hj212-frame.ts";
import { StreamBuffer } from "./stream-buffer.ts";

/** Chunks are taken in slices of this, so that the buffer stays at one longest frame and a slice. */
const SLICE_BYTES = 16 * 1_024;
const BUFFER_BYTES_MAX = 64 * 1_024;
/** Frames inside an unfinished frame that are watched at a time. */
const INNER_MAX = 32;
/** Bytes that may be checked for each byte received, and in advance. A sound stream needs one to three. */
const CREDIT_PER_BYTE = 16;
const CREDIT_MAX = 256 * 1_024;
const DECRYPT_COST = 4;

const HASH = 0x23;
const INCOMPLETE = -1;
const NOT_DIGITS = -2;
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
  readonly #stream = new StreamBuffer();
  /** An offset in the stream, as are the fields below. */
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
    return this.#stream.end - this.#stream.start;
  }

  /** What the chunk completes, in stream order. The events own their bytes; the chunk may be used again. */
  push(chunk: Uint8Array): Hj212Event[] {
    const events: Hj212Event[] = [];
    for (let from = 0; from < chunk.length; from += SLICE_BYTES) {
      const slice = from === 0 && chunk.length <= SLICE_BYTES ? chunk : chunk.subarray(from, from + SLICE_BYTES);
      this.counters.bytes += slice.length;
      this.#credit = Math.min(this.#credit + slice.length * CREDIT_PER_BYTE, CREDIT_MAX);
      this.#stream.append(slice);
      this.#scan(events);
      this.#stream.settle();
    }
    return events;
  }

  /** Gives up a half frame. @returns how many bytes were dropped. */
  dropPartial(): number {
    const dropped = this.waitingBytes;
    if (dropped === 0) return 0;
    this.counters.rejectedBytes += dropped;
    this.#stream.start = this.#stream.end;
    this.#forgetInner();
    this.#stream.settle();
    return dropped;
  }

  #scan(events: Hj212Event[]): void {
    while (this.#stream.start < this.#stream.end) {
      if (this.#stream.bytes[this.#stream.start] !== HASH) {
        this.#skipOne();
        continue;
      }
      if (this.#stream.end - this.#stream.start < 2) return;
      if (this.#stream.bytes[this.#stream.start + 1] !== HASH) {
        this.#skipOne();
        continue;
      }
      const length = this.#lengthAt(this.#stream.start);
      if (length === INCOMPLETE) return;
      const total = FRAME_HEAD_BYTES + length + FRAME_CRC_BYTES;
      if (length === NOT_DIGITS || total > this.#frameBytesMax) {
        if (length !== NOT_DIGITS) this.#badLength(events, "too-long");
        else if (isDigit(this.#stream.bytes[this.#stream.start + 2])) this.#badLength(events, "not-4-digits");
        this.#skipOne();
      } else if (this.#stream.end - this.#stream.start >= total) this.#take(length, total, events);
      else if (!this.#leaveForInner(events)) return;
    }
  }

  /** A frame of which all bytes are there. */
  #take(length: number, total: number, events: Hj212Event[]): void {
    const data = this.#plaintext(this.#stream.start, length);
    if (data === undefined) {
      this.counters.unchecked += 1;
      this.#skipOne();
      return;
    }
    if (data === null) {
      events.push(this.#badCrc(length));
      this.counters.badCrc += 1;
      this.#rejectedUntil = Math.max(this.#rejectedUntil, this.#stream.base + this.#stream.start + total);
      this.#skipOne();
      return;
    }
    const raw = new Uint8Array(total); // not slice(): a Buffer's is no copy
    raw.set(this.#stream.bytes.subarray(this.#stream.start, this.#stream.start + total));
    const decrypted = data !== SAME_AS_SENT;
    events.push({
      kind: "frame",
      data: decrypted ? data : raw.subarray(FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + length),
      raw,
      decrypted,
    });
    this.counters.frames += 1;
    if (length > SEGMENT_BYTES_STANDARD) this.counters.overlong += 1;
    this.#stream.start += total;
    if (this.#inner.length > 0) this.#forgetInner();
  }

  /** True when a whole frame inside the unfinished one takes its place. */
  #leaveForInner(events: Hj212Event[]): boolean {
    const found = this.#wholeInside();
    if (found < 0) return false;
    this.#badLength(events, "incomplete");
    this.counters.rejectedBytes += found - this.#stream.base - this.#stream.start;
    this.#stream.start = found - this.#stream.base;
    this.#inner = this.#inner.filter(({ at }) => at > found);
    this.#setDue();
    return true;
  }

  /** Offset of the first whole, valid frame that begins inside the unfinished one; -1 while there is none. */
  #wholeInside(): number {
    const end = this.#stream.base + this.#stream.end;
    for (;;) {
      this.#collectInner();
      if (this.#innerDue > end) return -1;
      const waiting: { readonly at: number; readonly end: number }[] = [];
      let found = -1;
      for (const claim of this.#inner) {
        if (found >= 0 || claim.end > end) waiting.push(claim);
        else if (claim.at > this.#stream.base + this.#stream.start) {
          const length = claim.end - claim.at - FRAME_HEAD_BYTES - FRAME_CRC_BYTES;
          const at = claim.at - this.#stream.base;
          const isSegment = startsLikeSegment(this.#stream.bytes, at + FRAME_HEAD_BYTES, this.#stream.end);
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
    const end = this.#stream.base + this.#stream.end;
    let at = Math.max(this.#searched, this.#stream.base + this.#stream.start + FRAME_HEAD_BYTES);
    while (this.#inner.length < INNER_MAX) {
      const next = this.#stream.bytes.subarray(at - this.#stream.base, this.#stream.end).indexOf(HASH);
      this.work += next < 0 ? end - at : next + 1;
      if (next < 0) {
        at = end;
        break;
      }
      at += next;
      const length = this.#lengthAt(at - this.#stream.base);
      if (length === INCOMPLETE) break;
      if (
        length > 0 &&
        startsLikeSegment(this.#stream.bytes, at - this.#stream.base + FRAME_HEAD_BYTES, this.#stream.end)
      ) {
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
    const given = hex4(this.#stream.bytes, from + length);
    if (given < 0) return null;
    if (this.#credit < length) return undefined;
    this.#spend(length);
    const data = this.#stream.bytes.subarray(from, from + length);
    const variant = this.#variant(data);
    if (wireCrc(data, variant) === given) return SAME_AS_SENT;
    const { decrypt } = this.#options;
    if (decrypt === undefined || this.#credit < length * DECRYPT_COST) return null;
    this.#spend(length * DECRYPT_COST);
    const plain = decrypt(data);
    return plain !== null && wireCrc(plain, variant) === given ? plain : null;
  }

  #badCrc(length: number): Hj212BadCrc {
    const from = this.#stream.start + FRAME_HEAD_BYTES;
    const data = this.#stream.bytes.subarray(from, from + length);
    const given = hex4(this.#stream.bytes, from + length);
    const crcGiven = Buffer.from(this.#stream.bytes.subarray(from + length, from + length + FRAME_CRC_BYTES)).toString(
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
    if (this.#stream.base + this.#stream.start < this.#rejectedUntil) this.counters.rejectedBytes += 1;
    else if (!isBlank(this.#stream.bytes[this.#stream.start] as number)) this.counters.noiseBytes += 1;
    this.#stream.start += 1;
  }

  /** Declared length of the frame at index `at`, which begins with `#`. */
  #lengthAt(at: number): number {
    let length = 0;
    for (let digit = 1; digit < FRAME_HEAD_BYTES; digit++) {
      if (at + digit >= this.#stream.end) return INCOMPLETE;
      const byte = this.#stream.bytes[at + digit] as number;
      if (digit === 1 ? byte !== HASH : !isDigit(byte)) return NOT_DIGITS;
      if (digit > 1) length = length * 10 + byte - 0x30;
    }
    return length;
  }
}
