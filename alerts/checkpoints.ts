/**
 * Earlier states of a detector to fold again from, so that a reading that is a little late costs some steps and not a
 * whole window. Two near ones, 64 steps apart, and four far ones, 512 steps apart; older than that the window's left edge
 * serves.
 */

const NEAR_STEPS = 64;
const NEAR_MAX = 2;
const FAR_STEPS = 512;
const FAR_MAX = 4;

interface Checkpoint<S> {
  /** Data time of the last step that the state has taken in. */
  readonly time: number;
  readonly state: S;
}

export class Checkpoints<S> {
  #near: Checkpoint<S>[] = [];
  #far: Checkpoint<S>[] = [];
  #steps = 0;

  /** True when the state after this step should be handed to `add`. To be asked once a step. */
  isDue(): boolean {
    this.#steps = (this.#steps + 1) % FAR_STEPS;
    return this.#steps % NEAR_STEPS === 0;
  }

  add(time: number, state: S): void {
    const point = { time, state };
    if (this.#near.push(point) > NEAR_MAX) this.#near.shift();
    if (this.#steps === 0 && this.#far.push(point) > FAR_MAX) this.#far.shift();
  }

  /** The newest state that knows nothing at or after `time`; all newer ones are forgotten. */
  rewind(time: number): Checkpoint<S> | null {
    this.#near = this.#near.filter((point) => point.time < time);
    this.#far = this.#far.filter((point) => point.time < time);
    return this.#near.at(-1) ?? this.#far.at(-1) ?? null;
  }

  /** States before the window's edge can no longer be gone on from: the rows after them are no longer there. */
  passEdge(edge: number): void {
    const oldest = Math.min(this.#near[0]?.time ?? edge, this.#far[0]?.time ?? edge);
    if (oldest >= edge) return;
    this.#near = this.#near.filter((point) => point.time >= edge);
    this.#far = this.#far.filter((point) => point.time >= edge);
  }

  clear(): void {
    this.#near = [];
    this.#far = [];
  }
}
