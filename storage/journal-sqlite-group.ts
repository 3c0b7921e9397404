/**
 * Packed groups: how the entries of one stream that were committed together lie in one database row.
 *
 * For each entry a little-endian u32 length, then its bytes. A CRC-32 over the place (stream, first offset, count) and
 * the bytes tells damage, also that of a whole row moved elsewhere.
 */
import { crc32 } from "node:zlib";
import { type JournalEntry, STREAMS } from "../core/ports.ts";

const LENGTH_BYTES = 4;
const BUFFER_BYTES_MIN = 1_024;

export interface PackedGroup {
  /** Index in `STREAMS`. */
  readonly stream: number;
  readonly count: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Bytes that an entry takes in a group. */
export function packedBytes(entry: Uint8Array): number {
  return LENGTH_BYTES + entry.byteLength;
}

/** Collects entries of one stream into one buffer that can be handed to another thread without a copy. */
export class Packer {
  readonly #stream: number;
  #buffer: Uint8Array<ArrayBuffer>;
  #usedBytes = 0;
  #count = 0;

  /** @param expectedBytes size of the first buffer; it doubles as needed. */
  constructor(stream: number, expectedBytes: number) {
    this.#stream = stream;
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(BUFFER_BYTES_MIN, expectedBytes));
  }

  add(entry: Uint8Array): void {
    const size = entry.byteLength;
    let at = this.#usedBytes;
    const end = at + LENGTH_BYTES + size;
    if (end > this.#buffer.byteLength) this.#grow(end);
    const buffer = this.#buffer;
    buffer[at++] = size;
    buffer[at++] = size >>> 8;
    buffer[at++] = size >>> 16;
    buffer[at++] = size >>> 24;
    buffer.set(entry, at);
    this.#usedBytes = end;
    this.#count++;
  }

  finish(): PackedGroup {
    return { stream: this.#stream, count: this.#count, bytes: this.#buffer.subarray(0, this.#usedBytes) };
  }

  #grow(bytesMin: number): void {
    const larger: Uint8Array<ArrayBuffer> = Buffer.allocUnsafeSlow(Math.max(bytesMin, this.#buffer.byteLength * 2));
    larger.set(this.#buffer.subarray(0, this.#usedBytes));
    this.#buffer = larger;
  }
}

/** CRC-32 of a group at its place. */
export function groupChecksum(stream: number, first: number, count: number, bytes: Uint8Array): number {
  const place = Buffer.allocUnsafe(17);
  place[0] = stream;
  place.writeDoubleLE(first, 1);
  place.writeDoubleLE(count, 9);
  return crc32(bytes, crc32(place));
}

export interface StoredGroup {
  readonly first: number;
  readonly count: number;
  readonly crc: number;
  readonly bytes: Uint8Array;
}

/** Entries of a stored group, as views of its bytes; null when the checksum or a length does not fit: it is damaged. */
export function unpackGroup(stream: number, group: StoredGroup): JournalEntry[] | null {
  const { first, count, bytes } = group;
  if (groupChecksum(stream, first, count, bytes) !== group.crc) return null;
  const entries: JournalEntry[] = new Array(count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + LENGTH_BYTES > bytes.byteLength) return null;
    const start = at + LENGTH_BYTES;
    at = start + view.getUint32(at, true);
    if (at > bytes.byteLength) return null;
    entries[index] = { offset: first + index, bytes: bytes.subarray(start, at) };
  }
  return at === bytes.byteLength ? entries : null;
}

/** @throws TypeError for a name that is not a stream: a bug of the caller. */
export function streamIndex(stream: string): number {
  const index = (STREAMS as readonly string[]).indexOf(stream);
  if (index < 0) throw new TypeError(`"${stream}" is not a stream of the journal`);
  return index;
}
