/**
 * The newest point of every series, in memory: answers `latest`, and decides which rows may simply be appended.
 *
 * Changes of a write are staged: `commit` makes them visible, `rollback` forgets them.
 */
import type { LatestPoint } from "../core/ports.ts";
import { comparisonOf, type ReadingBlock } from "../core/reading-block.ts";

const NEVER = Number.NEGATIVE_INFINITY;

export class Frontier {
  readonly #ids = new Map<string, number>();
  readonly #keys: string[] = [];
  /** Newest time with the staged rows; `#time` is without them. */
  #reach = new Float64Array(1024).fill(NEVER);
  #time = new Float64Array(1024).fill(NEVER);
  #value = new Float64Array(1024);
  #cmp = new Uint8Array(1024);
  #flag = new Uint8Array(1024);
  #qualifier = new Uint8Array(1024);
  #stagedRow = new Int32Array(1024).fill(-1);
  #stagedBlock: (ReadingBlock | undefined)[] = [];
  #touched: number[] = [];
  /** Ids below this are in the file. */
  #savedIds = 0;

  idOf(key: string): number | undefined {
    return this.#ids.get(key);
  }
  keyOf(id: number): string {
    return this.#keys[id] ?? "";
  }
  /** The id of `key`, given now when it is new. */
  claim(key: string): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#keys.push(key) - 1;
    this.#ids.set(key, id);
    if (id === this.#time.length) this.#grow();
    return id;
  }
  /** Series that have an id but are not in the file yet, because they are new or their write failed. */
  unsaved(): readonly { readonly id: number; readonly key: string }[] {
    return this.#keys.slice(this.#savedIds).map((key, index) => ({ id: this.#savedIds + index, key }));
  }
  markSaved(count = this.#keys.length): void {
    this.#savedIds = count;
  }
  get seriesCount(): number {
    return this.#keys.length;
  }

  /** Stages a row; true when it is strictly newer than anything known of its series. */
  advance(id: number, time: number, block: ReadingBlock, row: number): boolean {
    const reach = this.#reach[id] ?? NEVER;
    if (time < reach) return false;
    if (this.#stagedRow[id] === -1) this.#touched.push(id);
    this.#stagedRow[id] = row;
    this.#stagedBlock[id] = block;
    if (time === reach) return false;
    this.#reach[id] = time;
    return true;
  }

  commit(): void {
    for (const id of this.#touched) {
      const block = this.#stagedBlock[id];
      const row = this.#stagedRow[id] ?? 0;
      if (block) {
        this.set(id, {
          time: this.#reach[id] ?? 0,
          value: block.value[row] ?? Number.NaN,
          cmp: block.cmp[row] ?? 0,
          flag: block.flag[row] ?? 2,
          qualifier: block.qualifier[row] ?? 78,
        });
      }
    }
    this.markSaved();
    this.#clearStaged();
  }

  rollback(): void {
    for (const id of this.#touched) this.#reach[id] = this.#time[id] ?? NEVER;
    this.#clearStaged();
  }

  /** Loads a stored point; older than the known one is ignored. `value` NaN means none. */
  set(id: number, point: { time: number; value: number; cmp: number; flag: number; qualifier: number }): void {
    if (point.time < (this.#time[id] ?? NEVER)) return;
    this.#time[id] = point.time;
    this.#reach[id] = point.time;
    this.#value[id] = point.value;
    this.#cmp[id] = point.cmp;
    this.#flag[id] = point.flag;
    this.#qualifier[id] = point.qualifier;
  }

  latest(series: readonly string[] | undefined): LatestPoint[] {
    const points: LatestPoint[] = [];
    for (const key of series ?? this.#keys) {
      const id = this.#ids.get(key);
      const time = id === undefined ? NEVER : (this.#time[id] ?? NEVER);
      if (id === undefined || time === NEVER) continue;
      const value = this.#value[id] ?? Number.NaN;
      points.push({
        series: key,
        time,
        value: Number.isNaN(value) ? null : value,
        cmp: comparisonOf(this.#cmp[id] ?? 0),
        flag: this.#flag[id] ?? 2,
        qualifier: String.fromCharCode(this.#qualifier[id] ?? 78),
      });
    }
    return points;
  }

  #clearStaged(): void {
    for (const id of this.#touched) {
      this.#stagedRow[id] = -1;
      this.#stagedBlock[id] = undefined;
    }
    this.#touched = [];
  }

  #grow(): void {
    const size = this.#time.length * 2;
    const bigger = <T extends Float64Array | Uint8Array | Int32Array>(column: T, empty: number): T => {
      const next = new (column.constructor as new (length: number) => T)(size).fill(empty) as T;
      next.set(column as never);
      return next;
    };
    this.#reach = bigger(this.#reach, NEVER);
    this.#time = bigger(this.#time, NEVER);
    this.#value = bigger(this.#value, 0);
    this.#cmp = bigger(this.#cmp, 0);
    this.#flag = bigger(this.#flag, 0);
    this.#qualifier = bigger(this.#qualifier, 0);
    this.#stagedRow = bigger(this.#stagedRow, -1);
  }
}
