/**
 * Quality control with its default thresholds on series whose faults technicians have labelled: Logan River at Main Street
 * 2019 and Pioneer River 2017/18. A detection is a longest run of readings with flag 3 or 4. The logger's -9999 stands in the
 * first set as it came and fails the gross range; `sentinel: "missing"` maps it to a missing value instead.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { aggregateOf } from "../../core/qc.ts";
import { createQcTape } from "../../ingest/qc/tape.ts";
import { aDirectory, aStation } from "../support/builders.ts";
import { type Interval, type Recording, type Score, score } from "./scorer.ts";

interface Column {
  readonly quantity: string;
  /** To the canonical unit. */
  readonly factor: number;
}
/** A river stage has no quantity of its own yet: it is judged as a water level. */
const SETS = {
  "lro-mainstreet-2019": {
    temp: { quantity: "temp", factor: 1 },
    ec: { quantity: "ec", factor: 1 },
    ph: { quantity: "ph", factor: 1 },
    do: { quantity: "do", factor: 1 },
    turb: { quantity: "turbidity", factor: 1 },
    level_cm: { quantity: "pool_level", factor: 0.01 },
  },
  "oddwater-pioneer": {
    level: { quantity: "pool_level", factor: 1 },
    ec: { quantity: "ec", factor: 1 },
    turb: { quantity: "turbidity", factor: 1 },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Column>>>>;

export type QcSet = keyof typeof SETS;
export const QC_SETS = Object.keys(SETS) as readonly QcSet[];

export interface QcScore {
  readonly set: QcSet;
  readonly all: Score;
  readonly series: Readonly<Record<string, Score>>;
}

/** @param shared the folder that holds `data/`. */
export function scoreQc(shared: string, set: QcSet, { sentinel = "kept" as "kept" | "missing" } = {}): QcScore {
  const folder = join(shared, "data", set);
  const [header = [], ...rows] = cells(join(folder, "readings.csv"));
  const truth = cells(join(folder, "truth.csv")).slice(1);
  const times = rows.map(([time = ""]) => Date.parse(time));
  const recordings: Record<string, Recording> = {};
  for (const [name, column] of Object.entries(SETS[set])) {
    const at = header.indexOf(name);
    const values = rows.map((row) => numberOf(row[at] ?? "", sentinel) * column.factor);
    recordings[name] = {
      truths: truth.flatMap(([series, start = "", end = ""]) =>
        series === name ? [{ start: Date.parse(start), end: Date.parse(end) }] : [],
      ),
      detections: detect(column.quantity, times, values),
      intervalMs: median(times.slice(1).map((time, index) => time - (times[index] as number))),
      spanMs: (times.at(-1) ?? 0) - (times[0] ?? 0),
    };
  }
  const series = Object.fromEntries(Object.entries(recordings).map(([name, one]) => [name, score([one])]));
  return { set, all: score(Object.values(recordings)), series };
}

/** A table on a terminal. */
export function printQcScores(shared: string, print: (text: string) => void): void {
  const runs = QC_SETS.flatMap((set) => (["kept", "missing"] as const).map((sentinel) => ({ set, sentinel })));
  for (const { set, sentinel } of runs) {
    const { all, series } = scoreQc(shared, set, { sentinel });
    for (const [name, one] of [...Object.entries(series), ["all", all] as const]) {
      const { hits, events, falseAlarms, precision, recall, f1, falseAlarmsPerDay } = one;
      const figures = [precision, recall, f1].map((figure) => figure.toFixed(3)).join(" / ");
      print(
        `${set}, -9999 ${sentinel}, ${name}: ${hits} of ${events} events, ${falseAlarms} false alarms (${falseAlarmsPerDay.toFixed(3)} a day), P / R / F1 ${figures}`,
      );
    }
  }
}

function detect(quantity: string, times: readonly number[], values: readonly number[]): Interval[] {
  const directory = aDirectory({
    stations: [aStation({ medium: quantity === "pool_level" ? "tailings" : "surface-water" })],
  });
  const tape = createQcTape(() => directory);
  const key = `mw-1/${quantity}/total/rtd`;
  const tests = new Map<number, number>();
  for (const [index, time] of times.entries()) {
    const value = values[index] as number;
    const packed = tape.add(key, time, value, "", Number.isNaN(value) ? "D" : "N");
    if (packed !== null) tests.set(time, packed);
    if (index % 500 === 0) tape.settle((_, when, __, revised) => tests.set(when, revised));
  }
  tape.settle((_, when, __, revised) => tests.set(when, revised));
  const found: { start: number; end: number }[] = [];
  let isRun = false;
  for (const time of times) {
    const flag = aggregateOf(tests.get(time) ?? 0);
    const isBad = flag === 3 || flag === 4;
    const last = found.at(-1);
    if (isBad && isRun && last) last.end = time;
    else if (isBad) found.push({ start: time, end: time });
    isRun = isBad;
  }
  return found;
}

function cells(file: string): string[][] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => line.split(","));
}

function numberOf(text: string, sentinel: "kept" | "missing"): number {
  if (text === "-9999" && sentinel === "missing") return Number.NaN;
  return text === "" || text === "NaN" || text === "NA" ? Number.NaN : Number(text);
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
}
