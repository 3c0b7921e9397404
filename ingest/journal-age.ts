/**
 * How old a journal offset is: samples of (wall time, stream ends), one an hour at most, so that trimming by age needs
 * to read nothing. Pure; the shell saves it as a reader state.
 */
import { STREAMS, type Stream } from "../core/ports.ts";

type Offsets = Readonly<Record<Stream, number>>;
/** Time in ms, then the ends in the order of `STREAMS`. */
export type AgeSample = readonly [at: number, ...ends: number[]];

const SAMPLE_MS = 3_600_000;
/** 100 days of hours: longer than the longest age asked for. */
const SAMPLES_MAX = 2_400;

export class JournalAge {
  readonly #samples: AgeSample[];

  constructor(samples: readonly AgeSample[] = []) {
    this.#samples = [...samples];
  }

  get samples(): readonly AgeSample[] {
    return this.#samples;
  }

  /** True when a sample was taken. A clock set back takes samples again once it has caught up. */
  note(now: number, ends: Offsets): boolean {
    const last = this.#samples.at(-1);
    if (last && now - last[0] < SAMPLE_MS) return false;
    this.#samples.push([now, ...STREAMS.map((stream) => ends[stream])]);
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
    return true;
  }

  /** Entries below this offset were all appended before `time`; 0 when that is not known of any. */
  before(stream: Stream, time: number): number {
    const column = STREAMS.indexOf(stream) + 1;
    const sample = this.#samples.findLast(([at]) => at <= time);
    return sample?.[column] ?? 0;
  }
}
