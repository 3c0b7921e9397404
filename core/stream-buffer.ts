/**
 * The bytes of a stream that have not been used up: appended at the end, taken at the start by whoever moves `start`.
 * While nothing waits it works on the chunk itself; only what is left of it is copied.
 */
const EMPTY = new Uint8Array(0);
/** Above this an empty buffer is given back. */
const KEPT_BYTES = 2 * 1_024;
const OWN_BYTES_MIN = 512;

export class StreamBuffer {
  /** What waits is `bytes[start..end)`; valid until the next `append` or `settle`. */
  bytes: Uint8Array = EMPTY;
  start = 0;
  end = 0;
  /** Offset in the stream of `bytes[0]`. */
  base = 0;
  #isBorrowed = false;

  append(chunk: Uint8Array): void {
    if (this.start === this.end) {
      this.#empty();
      this.bytes = chunk;
      this.end = chunk.length;
      this.#isBorrowed = true;
      return;
    }
    if (this.end + chunk.length > this.bytes.length) {
      const needed = this.end - this.start + chunk.length;
      // In place only when half of it becomes free: else tiny chunks would copy all that waits again and again.
      this.#moveTo(needed * 2 > this.bytes.length ? new Uint8Array(needed * 2) : this.bytes);
    }
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** After reading: lets go of the chunk, and of a large buffer in which nothing waits. */
  settle(): void {
    if (this.start === this.end) {
      if (this.#isBorrowed || this.bytes.length > KEPT_BYTES) this.#empty();
    } else if (this.#isBorrowed) this.#moveTo(new Uint8Array(Math.max(this.end - this.start, OWN_BYTES_MIN)));
  }

  #moveTo(target: Uint8Array): void {
    const kept = this.bytes.subarray(this.start, this.end);
    target.set(kept);
    this.base += this.start;
    this.start = 0;
    this.end = kept.length;
    this.bytes = target;
    this.#isBorrowed = false;
  }
  #empty(): void {
    this.base += this.end;
    this.bytes = EMPTY;
    this.start = 0;
    this.end = 0;
    this.#isBorrowed = false;
  }
}
