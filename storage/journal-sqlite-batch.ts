/** What a client has collected for its next commit, and the promise that all of its callers share. */
import { STREAMS } from "../core/ports.ts";
import { Packer, packedBytes } from "./journal-sqlite-group.ts";
import type { Batch } from "./journal-sqlite-messages.ts";

/** Bytes counted for a reader position, so that a flood of them is bounded too. */
export const ADVANCE_BYTES = 64;

export class CollectedBatch {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  bytes = 0;
  entries = 0;
  /** Monotonic ms of the first call. */
  readonly startedAt: number;
  readonly #packers: (Packer | undefined)[] = STREAMS.map(() => undefined);
  readonly #expectedBytes: number;
  readonly #advance = new Map<string, Batch["advance"][number]>();
  readonly #state = new Map<string, Batch["state"][number]>();

  constructor(startedAt: number, expectedBytes: number) {
    const { promise, resolve, reject } = withResolvers();
    this.promise = promise;
    this.resolve = resolve;
    this.reject = reject;
    this.startedAt = startedAt;
    this.#expectedBytes = expectedBytes;
  }

  append(stream: number, entry: Uint8Array): void {
    let packer = this.#packers[stream];
    if (!packer) {
      packer = new Packer(stream, this.#expectedBytes);
      this.#packers[stream] = packer;
    }
    packer.add(entry);
    this.entries++;
    this.bytes += packedBytes(entry);
  }

  /** The last position of a reader is the one that counts. */
  advance(position: Batch["advance"][number]): void {
    this.#advance.set(`${position.stream} ${position.reader}`, position);
    this.bytes += ADVANCE_BYTES;
  }

  state(state: Batch["state"][number]): void {
    this.#state.set(state.reader, state);
    this.bytes += ADVANCE_BYTES + state.bytes.byteLength;
  }

  /** The message for the writer, and the buffers that move to it. */
  finish(): { readonly batch: Batch; readonly transfer: ArrayBuffer[] } {
    const groups = this.#packers.flatMap((packer) => (packer ? [packer.finish()] : []));
    return {
      batch: { groups, advance: [...this.#advance.values()], state: [...this.#state.values()] },
      transfer: groups.map(({ bytes }) => bytes.buffer),
    };
  }
}

/** `Promise.withResolvers` of later engines. */
export function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((done, fail) => {
    resolve = done;
    reject = fail;
  });
  return { promise, resolve, reject };
}
