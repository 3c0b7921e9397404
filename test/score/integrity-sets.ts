/** The public series as stations for the falsification score: real readings, one column a series. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Tape {
  readonly name: string;
  readonly columns: readonly string[];
  readonly times: Float64Array;
  /** One array a column; NaN where there is no reading. */
  readonly values: readonly Float64Array[];
  /** 1 where the device declares the reading unusable (flag M). */
  readonly declared: readonly Uint8Array[];
}

/** Column names of the files → quantities of the catalogue, so that spans and pairs apply. */
const QUANTITY: Readonly<Record<string, string>> = {
  temp: "temp", ec: "ec", tds: "tds", ph: "ph", do: "do", turb: "turbidity", orp: "orp",
  turb_val: "turbidity", ph_val: "ph", cond_val: "ec", toc_val: "toc", clo2_1: "clo2", clo2_2: "clo2",
}; // biome-ignore format: a table

export function quantityOf(column: string): string {
  return QUANTITY[column] ?? column;
}

export function loadTapes(shared: string): Tape[] {
  const at = (path: string) => join(shared, "data", path);
  const lro = wide("logan-river", at("lro-mainstreet-2019/readings.csv"));
  return [
    wide("gecco", at("gecco2018-train/readings.csv")),
    wide("station-b", at("canary-station-b/readings.csv")),
    withTds(lro),
    wide("pioneer", at("oddwater-pioneer/readings.csv")),
    wide("nab", at("nab-ambient-temperature/readings.csv")),
    wide("heads-germany", at("groundwater-heads/germany.csv")),
    wide("heads-sweden", at("groundwater-heads/sweden_1.csv")),
    ...wells(at("groundwater-inl-a/levels.csv")),
  ];
}

/** One of the river or the weekly heads alone, for a quick test. */
export function loadTape(shared: string, name: "logan-river" | "heads-sweden"): Tape {
  const file = name === "logan-river" ? "lro-mainstreet-2019/readings.csv" : "groundwater-heads/sweden_1.csv";
  const loaded = wide(name, join(shared, "data", file));
  return name === "logan-river" ? withTds(loaded) : loaded;
}

function rowsOf(file: string): { header: string[]; rows: string[][] } {
  const [header = [], ...rows] = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => line.trim().split(","));
  return { header, rows };
}
function numberOf(text: string | undefined): number {
  return text === undefined || text === "" || text === "NaN" || text === "-9999" ? Number.NaN : Number(text);
}

function wide(name: string, file: string): Tape {
  const { header, rows } = rowsOf(file);
  const columns = header.slice(1);
  const values = columns.map((_, c) => Float64Array.from(rows, (row) => numberOf(row[c + 1])));
  return tape(
    name,
    columns,
    Float64Array.from(rows, (row) => Date.parse(row[0] as string)),
    values,
  );
}
export function tape(name: string, columns: readonly string[], times: Float64Array, values: Float64Array[]): Tape {
  return { name, columns, times, values, declared: values.map((column) => new Uint8Array(column.length)) };
}

/** Total dissolved solids are not in any set: 0.65 times the real EC with 1 % noise of its own, at 0.1 mg/L. */
function withTds(lro: Tape): Tape {
  const ec = lro.values[lro.columns.indexOf("ec")] as Float64Array;
  const random = seeded(7);
  const tds = ec.map((value) => Math.round(6.5 * value * (1 + 0.02 * (random() - 0.5))) / 10);
  return tape(lro.name, [...lro.columns, "tds"], lro.times, [...lro.values, tds]);
}

function wells(file: string): Tape[] {
  const { rows } = rowsOf(file);
  const bySite = new Map<string, [number, number][]>();
  for (const [site = "", time = "", depth] of rows) {
    const list = bySite.get(site) ?? [];
    bySite.set(site, list);
    list.push([Date.parse(time), numberOf(depth)]);
  }
  return [...bySite].map(([site, list]) => {
    list.sort((a, b) => a[0] - b[0]);
    const distinct = list.filter(([time], k) => k === 0 || time !== list[k - 1]?.[0]);
    const times = Float64Array.from(distinct, ([time]) => time);
    return tape(`inl-${site}`, ["depth"], times, [Float64Array.from(distinct, ([, depth]) => depth)]);
  });
}

/** Mulberry32: uniform in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
