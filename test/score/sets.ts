/**
 * The labelled public sets that detectors are measured on, read from folder `data` of the shared material.
 *
 * GECCO 2018 training period (drinking-water plant, 1 min), CANARY station B with injected events (20 min), Logan River
 * at Main Street 2019 (15 min, labels a channel), SKAB valve1 (test rig, 1 s, six files), NAB ambient temperature (1 h).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Interval } from "./scorer.ts";

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];

export interface Channel {
  /** Column of the file. */
  readonly name: string;
  /** Id of core/quantity-catalogue.ts; null for signals of a rig that are not in it. */
  readonly quantity: string | null;
  /** NaN where the file has none (empty, NaN, -9999). */
  readonly values: Float64Array;
}

/** One file: channels on common times. */
export interface LabelledRecording {
  readonly name: string;
  readonly times: Float64Array;
  readonly channels: readonly Channel[];
  /** `series` is a channel's name, or "station" for the recording as a whole. */
  readonly truths: readonly (Interval & { readonly series: string; readonly type: string })[];
}

export interface LabelledSet {
  readonly name: string;
  readonly intervalMs: number;
  readonly recordings: readonly LabelledRecording[];
}

interface Source {
  readonly folder: string;
  readonly intervalMs: number;
  readonly files: readonly string[];
  /** Column to quantity; columns that are not named are left out. */
  readonly columns: Readonly<Record<string, string | null>>;
}

const SOURCES: readonly Source[] = [
  {
    folder: "gecco2018-train",
    intervalMs: MINUTE,
    files: ["readings"],
    columns: {
      temp: "temp",
      clo2_1: "clo2",
      ph: "ph",
      orp: "orp",
      ec: "ec",
      turb: "turbidity",
      clo2_2: "clo2",
      flow_1: "flow",
      flow_2: "flow",
    },
  },
  {
    // The station's own sensors; the columns of the plant far upstream are operation, not this water.
    folder: "canary-station-b-injected",
    intervalMs: 20 * MINUTE,
    files: ["readings"],
    columns: {
      cl2_val: "free_cl2",
      turb_val: "turbidity",
      ph_val: "ph",
      toc_val: "toc",
      cond_val: "ec",
      temp_val: "temp",
    },
  },
  {
    folder: "lro-mainstreet-2019",
    intervalMs: 15 * MINUTE,
    files: ["readings"],
    columns: { temp: "temp", ec: "ec", ph: "ph", do: "do", turb: "turbidity", level_cm: "pool_level" },
  },
  {
    folder: "skab-valve1",
    intervalMs: SECOND,
    files: ["valve1-0", "valve1-1", "valve1-2", "valve1-3", "valve1-4", "valve1-5"],
    columns: {
      accel1_rms: null,
      accel2_rms: null,
      current: null,
      pressure: null,
      temp_motor: null,
      temp_fluid: null,
      voltage: null,
      flow_rms: null,
    },
  },
  { folder: "nab-ambient-temperature", intervalMs: HOUR, files: ["readings"], columns: { value: "temp" } },
];

/** @param shared the folder that EWS_SHARED names. @param names only these sets; all when empty. */
export function loadSets(shared: string, names: readonly string[] = []): LabelledSet[] {
  return SOURCES.filter(({ folder }) => names.length === 0 || names.includes(folder)).map((source) => ({
    name: source.folder,
    intervalMs: source.intervalMs,
    recordings: source.files.map((file) => loadRecording(join(shared, "data", source.folder), file, source)),
  }));
}

function loadRecording(folder: string, file: string, source: Source): LabelledRecording {
  const [head = "", ...rows] = linesOf(join(folder, `${file}.csv`));
  const columns = head.split(",");
  const times = new Float64Array(rows.length);
  const channels = columns
    .map((name, column) => ({ name, column }))
    .filter(({ name }) => name in source.columns)
    .map(({ name, column }) => ({
      name,
      column,
      quantity: source.columns[name] ?? null,
      values: new Float64Array(rows.length),
    }));
  rows.forEach((row, index) => {
    const cells = row.split(",");
    times[index] = Date.parse(cells[0] as string);
    for (const { column, values } of channels) values[index] = cellValue(cells[column] ?? "");
  });
  const truths = linesOf(join(folder, "truth.csv"))
    .slice(1)
    .map((row) => row.split(","))
    .map(([series = "", start = "", end = "", type = ""]) => {
      // A file of its own that is labelled as a whole; and a file with one channel.
      const whole = series === file ? "station" : series;
      return { series: whole, start: Date.parse(start), end: Date.parse(end), type };
    })
    .filter(({ series }) => series === "station" || channels.some(({ name }) => name === series));
  return { name: file, times, channels: channels.map(({ column: _, ...channel }) => channel), truths };
}

function linesOf(path: string): string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((text) => text !== "");
}

function cellValue(cell: string): number {
  const value = cell === "" ? Number.NaN : Number(cell);
  return value === -9999 ? Number.NaN : value;
}
