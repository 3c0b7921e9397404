/**
 * `jingtu replay` of a year of 100 series at one reading a minute, from CSV to JSON lines, in a process of its own. A
 * shorter tape is run by default; the year is then said as what it is, an extrapolation.
 */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { uniform } from "../../simulators/random.ts";
import { MAIN } from "../support/server.ts";

const STATIONS = 20;
const QUANTITIES = { cd: "mg/L", as: "mg/L", pb: "mg/L", ph: "pH", nh3n: "mg/L" } as const;
const USUAL: Readonly<Record<string, number>> = { cd: 0.002, as: 0.004, pb: 0.003, ph: 7.2, nh3n: 0.2 };
const YEAR_DAYS = 365;

export interface ReplayFigures {
  readonly days: number;
  readonly readings: number;
  readonly megabytes: number;
  readonly seconds: number;
  readonly microsecondsPerReading: number;
  /** The run's own when it was a year, else from the time of one reading. */
  readonly yearSeconds: number;
  readonly extrapolated: boolean;
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
  readonly alarms: number;
}

export function benchReplay({ days = 30 }: { readonly days?: number } = {}): ReplayFigures {
  const folder = mkdtempSync(join(tmpdir(), "jingtu-bench-"));
  try {
    const { megabytes, readings } = writeTape(folder, days);
    const files = ["sites", "map"].flatMap((name) => [`--${name}`, join(folder, `${name}.yaml`)]);
    const out = execFileSync(
      process.execPath,
      [
        "--import",
        `data:text/javascript,${encodeURIComponent(REPORT)}`,
        MAIN,
        ...["replay", "--csv", join(folder, "tape.csv"), ...files, "--out", join(folder, "events.jsonl")],
      ],
      { encoding: "utf8", env: { ...process.env, EWS_DATA_DIR: folder }, stdio: ["ignore", "pipe", "pipe"] },
    );
    const [summary = "{}", usage = "{}"] = out.trim().split("\n");
    const { seconds, lines, readings: judged } = JSON.parse(summary);
    if (judged !== readings) throw new Error(`${judged} of ${readings} readings were judged`);
    const each = (seconds * 1e6) / readings;
    const yearSeconds = (each * YEAR_DAYS * 1_440 * STATIONS * Object.keys(QUANTITIES).length) / 1e6;
    return {
      ...{ days, readings, megabytes, seconds, microsecondsPerReading: round(each), yearSeconds: round(yearSeconds) },
      extrapolated: days !== YEAR_DAYS,
      ...JSON.parse(usage),
      alarms: lines.alarm,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Says at its end what the process used. */
const REPORT = `process.on("exit", () => { const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  console.log(JSON.stringify({ cpuSeconds: Math.round((userCPUTime + systemCPUTime) / 1e4) / 100, peakMegabytes: Math.round(maxRSS / 1024) })); });`;

/** Noise around usual values, and an exceedance of an hour at one station a day. */
export function writeTape(folder: string, days: number): { readonly megabytes: number; readonly readings: number } {
  const ids = Array.from({ length: STATIONS }, (_, index) => `well-${index + 1}`);
  const columns = ids.flatMap((station) =>
    Object.entries(QUANTITIES).map(([quantity, unit]) => ({ name: `${station}-${quantity}`, station, quantity, unit })),
  );
  writeFileSync(join(folder, "sites.yaml"), stringify(places(ids)));
  const targets = columns.map(({ name, ...target }) => [name, { ...target, interval: "1m" }]);
  const time = { column: "time", zone: "UTC" };
  writeFileSync(join(folder, "map.yaml"), stringify({ shape: "wide", time, columns: Object.fromEntries(targets) }));
  const file = openSync(join(folder, "tape.csv"), "w");
  let bytes = writeSync(file, `time,${columns.map(({ name }) => name).join(",")}\n`);
  const noise = Array.from({ length: 4_099 }, (_, index) => 0.8 + 0.4 * uniform(1, "noise", index));
  let text = "";
  for (let minute = 0; minute < days * 1_440; minute++) {
    const high = minute % 1_440 < 60 ? Math.floor(minute / 1_440) % STATIONS : -1;
    const cells = columns.map(({ quantity }, index) => {
      const usual = (USUAL[quantity] ?? 1) * (quantity === "cd" && Math.floor(index / 5) === high ? 8 : 1);
      const factor = quantity === "ph" ? 1 : (noise[(minute * 7 + index * 131) % noise.length] as number);
      return (usual * factor).toPrecision(4);
    });
    text += `${new Date(START + minute * 60_000).toISOString().slice(0, 16)},${cells.join(",")}\n`;
    if (text.length < 1 << 20) continue;
    bytes += writeSync(file, text);
    text = "";
  }
  bytes += writeSync(file, text);
  closeSync(file);
  return { megabytes: Math.round(bytes / 1e6), readings: days * 1_440 * columns.length };
}

const START = Date.UTC(2025, 0, 1);

function places(stations: readonly string[]): object {
  return {
    tenants: [{ id: "works", name: "works" }],
    sites: [{ id: "park", tenant: "works", kind: "industrial-park", area: "512021", name: "park", lat: 30, lon: 105 }],
    stations: stations.map((id) => ({ id, site: "park", medium: "groundwater", type: "risk", control: "city" })),
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
