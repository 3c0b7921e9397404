/** Smallest and largest value of a sliding window, by two monotone queues: amortised O(1) a reading. */

interface Queue {
  readonly keys: number[];
  readonly values: number[];
  head: number;
}

export class RangeWindow {
  readonly #low: Queue = { keys: [], values: [], head: 0 };
  readonly #high: Queue = { keys: [], values: [], head: 0 };

  /** @param key grows with each call: a time or a row number. */
  push(key: number, value: number): void {
    add(this.#low, key, value, 1);
    add(this.#high, key, value, -1);
  }

  /** Drops what has a key below `key`. */
  dropBefore(key: number): void {
    drop(this.#low, key);
    drop(this.#high, key);
  }

  /** Largest minus smallest; NaN when empty. */
  get range(): number {
    const [low, high] = [this.#low, this.#high];
    return (high.values[high.head] ?? Number.NaN) - (low.values[low.head] ?? Number.NaN);
  }
}

/** @param sign 1 keeps the smallest in front, -1 the largest. */
function add(queue: Queue, key: number, value: number, sign: 1 | -1): void {
  const { keys, values } = queue;
  while (keys.length > queue.head && ((values.at(-1) as number) - value) * sign >= 0) {
    keys.pop();
    values.pop();
  }
  keys.push(key);
  values.push(value);
}

function drop(queue: Queue, key: number): void {
  while (queue.head < queue.keys.length && (queue.keys[queue.head] as number) < key) queue.head += 1;
  if (queue.head < 64 || queue.head * 2 < queue.keys.length) return;
  queue.keys.splice(0, queue.head);
  queue.values.splice(0, queue.head);
  queue.head = 0;
}
