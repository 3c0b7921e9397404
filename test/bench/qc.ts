/** Quality control alone: ns a reading in order with the default tests, over the memory that ingest keeps; and of late ones. */
import { Dedupe } from "../../ingest/dedupe.ts";
import { Qc } from "../../ingest/qc/qc.ts";
import { aDirectory, aStation, NOW } from "../support/builders.ts";

export interface QcFigures {
  readonly series: number;
  readonly readings: number;
  /** De-duplication by (series, time), without quality control; and what quality control adds to it. Median of rounds. */
  readonly nsDedupe: number;
  readonly nsQc: number;
  /** A reading that comes a day late, in a batch of its own that is settled. */
  readonly usLate: number;
  readonly suspect: number;
}

const QUANTITIES = ["ph", "ec", "temp", "turbidity", "do"];

/** @param now monotonic clock, ms. */
export function benchQc({
  series = 1_000,
  minutes = 1_000,
  rounds = 5,
  now,
}: {
  readonly series?: number;
  readonly minutes?: number;
  readonly rounds?: number;
  readonly now: () => number;
}): QcFigures {
  const keys = Array.from({ length: series }, (_, index) => {
    return `s${Math.floor(index / QUANTITIES.length)}/${QUANTITIES[index % QUANTITIES.length]}/total/rtd`;
  });
  const stations = keys.map((_, index) => aStation({ id: `s${index}`, medium: "surface-water" }));
  const directory = aDirectory({ stations });
  // Steps of some resolution around a level, never far: what a calm station sends.
  const values = Float64Array.from({ length: 4_096 }, (_, index) => 7 + ((index * 2_654_435_761) % 16) / 100);
  let suspect = 0;
  const run = (withQc: boolean): { readonly ns: number; readonly dedupe: Dedupe; readonly qc: Qc } => {
    const dedupe = new Dedupe();
    const qc = new Qc(() => directory);
    dedupe.isRepeat({ device: "", boot: "", seq: -1, receivedAt: NOW });
    const windows = keys.map((key) => dedupe.window(key));
    const startedAt = now();
    for (let minute = 0; minute < minutes; minute++) {
      const time = NOW + minute * 60_000;
      for (let index = 0; index < series; index++) {
        const window = windows[index];
        const step = values[(minute * 7 + index * 13) & 4_095] as number;
        const value = index % QUANTITIES.length === 1 ? step + 400 : step;
        if (!window) continue;
        dedupe.judge(window, time, value, 0);
        if (withQc && qc.assess(keys[index] as string, window, time, value) !== 0) suspect += 1;
      }
      if (withQc) qc.settle(() => {});
    }
    return { ns: ((now() - startedAt) * 1e6) / (series * minutes), dedupe, qc };
  };
  run(true);
  const plain = Array.from({ length: rounds }, () => run(false).ns);
  suspect = 0;
  const judged = Array.from({ length: rounds }, () => run(true));
  const last = judged.at(-1);
  let [lateMs, late] = [0, 0];
  for (const key of last ? keys.slice(0, 200) : []) {
    const window = last?.dedupe.window(key);
    if (!window || !last) continue;
    const time = NOW + (minutes - 1_000) * 60_000 + 30_000;
    last.dedupe.judge(window, time, 7.05, 0);
    const startedAt = now();
    last.qc.assess(key, window, time, 7.05);
    last.qc.settle(() => {});
    lateMs += now() - startedAt;
    late += 1;
  }
  const nsDedupe = median(plain);
  return {
    series,
    readings: series * minutes,
    nsDedupe: round(nsDedupe),
    nsQc: round(median(judged.map(({ ns }) => ns)) - nsDedupe),
    usLate: round((lateMs * 1_000) / Math.max(1, late)),
    suspect: suspect / rounds,
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
