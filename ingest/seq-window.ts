/**
 * Which message numbers of one (device, boot) have been seen: exact for the last `SEQ_SPAN` below the highest, and for
 * any unbroken run. Numbers normally come one after the other, so the bitmap exists only while there are gaps.
 */

/** Numbers remembered below the highest. */
export const SEQ_SPAN = 4096;
const WORDS = SEQ_SPAN / 32;
const ALL = 0xffffffff;

export type SeqVerdict = "new" | "seen" | "older";

/** As kept in snapshots: highest, start of the unbroken run, the bitmap as runs or "". */
export type SeqWindowSnapshot = readonly [high: number, from: number, bits: string];

export class SeqWindow {
  #high = -1;
  /** Without a bitmap: everything from here to `#high` has been seen, and nothing below. */
  #from = 0;
  /** Bit `seq % SEQ_SPAN`. */
  #bits: Uint32Array | null = null;

  /** `older`: below the window, where this memory says nothing. */
  judge(seq: number): SeqVerdict {
    if (seq > this.#high) return "new";
    if (this.#bits === null && seq >= this.#from) return "seen";
    if (seq <= this.#high - SEQ_SPAN) return "older";
    return this.#bits !== null && this.#has(this.#bits, seq) ? "seen" : "new";
  }

  mark(seq: number): void {
    if (this.#high < 0) {
      this.#high = seq;
      this.#from = seq;
    } else if (this.#bits === null && (seq === this.#high + 1 || (seq >= this.#from - 1 && seq <= this.#high))) {
      this.#high = Math.max(this.#high, seq);
      this.#from = Math.min(this.#from, seq);
    } else if (seq > this.#high - SEQ_SPAN) {
      const bits = this.#spread();
      if (seq > this.#high) this.#advance(bits, seq);
      bits[(seq % SEQ_SPAN) >>> 5]! |= 1 << (seq & 31);
    }
  }

  /** Takes a mark back, so that the message may come again. */
  forget(seq: number): void {
    if (seq > this.#high || seq <= this.#high - SEQ_SPAN) return;
    const bits = this.#spread();
    bits[(seq % SEQ_SPAN) >>> 5]! &= ~(1 << (seq & 31));
  }

  snapshot(): SeqWindowSnapshot {
    return [this.#high, this.#from, this.#bits === null ? "" : encodeRuns(this.#bits)];
  }

  static restore([high, from, bits]: SeqWindowSnapshot): SeqWindow {
    const window = new SeqWindow();
    window.#high = high;
    window.#from = from;
    if (bits !== "") window.#bits = decodeRuns(bits);
    return window;
  }

  #has(bits: Uint32Array, seq: number): boolean {
    return ((bits[(seq % SEQ_SPAN) >>> 5] ?? 0) & (1 << (seq & 31))) !== 0;
  }

  #spread(): Uint32Array {
    if (this.#bits !== null) return this.#bits;
    const bits = new Uint32Array(WORDS);
    for (let seq = Math.max(this.#from, this.#high - SEQ_SPAN + 1); seq <= this.#high; seq++) {
      bits[(seq % SEQ_SPAN) >>> 5]! |= 1 << (seq & 31);
    }
    this.#bits = bits;
    return bits;
  }

  #advance(bits: Uint32Array, seq: number): void {
    // Once a turn: if every gap has left the window, the unbroken run says it all again.
    if (Math.floor(seq / SEQ_SPAN) !== Math.floor(this.#high / SEQ_SPAN) && seq === this.#high + 1) {
      if (bits.every((word) => word === ALL)) {
        this.#bits = null;
        this.#from = this.#high - SEQ_SPAN + 1;
        this.#high = seq;
        return;
      }
    }
    if (seq - this.#high >= SEQ_SPAN) bits.fill(0);
    else for (let gap = this.#high + 1; gap < seq; gap++) bits[(gap % SEQ_SPAN) >>> 5]! &= ~(1 << (gap & 31));
    this.#high = seq;
    // The slot of `seq` itself still holds the bit of seq - SEQ_SPAN; the caller sets it.
  }
}

/** "2*5f.126*0": how often, then the word, in base 36. Windows are nearly all ones, or nearly all zeros. */
function encodeRuns(words: Uint32Array): string {
  const runs: string[] = [];
  for (let at = 0; at < words.length; ) {
    const word = words[at] as number;
    let end = at + 1;
    while (end < words.length && words[end] === word) end++;
    runs.push(`${(end - at).toString(36)}*${word.toString(36)}`);
    at = end;
  }
  return runs.join(".");
}

function decodeRuns(text: string): Uint32Array {
  const words = new Uint32Array(WORDS);
  let at = 0;
  for (const run of text.split(".")) {
    const [count = "", word = ""] = run.split("*");
    const end = at + Number.parseInt(count, 36);
    words.fill(Number.parseInt(word, 36), at, end);
    at = end;
  }
  return words;
}
