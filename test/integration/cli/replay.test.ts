/** Tapes in every shape and order through `jingtu replay`: the lines that come out, and the faults that are named. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { replayVerb } from "../../../cli/replay.ts";
import { parseCall } from "../../../cli/verb.ts";
import { parseMapFile } from "../../../simulators/map-file.ts";
import { surveyTape } from "../../../simulators/tape.ts";
import { temporaryFolder } from "../../support/folders.ts";

const SITES = `
tenants: [{ id: t, name: t }]
sites: [{ id: s, tenant: t, kind: industrial-park, area: "512021", name: s, lat: 30, lon: 105 }]
stations: [{ id: mw-1, site: s, medium: groundwater, type: risk }, { id: mw-2, site: s, medium: groundwater }]
`;
const WIDE = `
shape: wide
time: { column: time, zone: Asia/Shanghai }
missing: ["", "-9999"]
columns:
  a: { station: mw-1, quantity: cd, unit: µg/L, interval: 1h }
  b: { station: mw-2, quantity: ph, unit: pH, interval: 1h }
`;
const LONG = `
shape: long
time: { column: time, zone: UTC }
interval: 1h
columns: { station: well, quantity: what, unit: unit, value: value, censor: remark }
quantities: { "Cadmium, total": { quantity: cd, unit: µg/L } }
`;

interface Line {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** @param tapes text of each CSV with its map. */
async function replay(...tapes: readonly (readonly [csv: string, map: string])[]): Promise<Line[]> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "sites.yaml"), SITES);
  const args = tapes.flatMap(([csv, map], index) => {
    writeFileSync(join(folder, `${index}.csv`), csv);
    writeFileSync(join(folder, `${index}.yaml`), map);
    return ["--csv", join(folder, `${index}.csv`), "--map", join(folder, `${index}.yaml`)];
  });
  const out = join(folder, "out.jsonl");
  const all = [...args, "--sites", join(folder, "sites.yaml"), "--out", out];
  const { call } = parseCall(replayVerb, all, { EWS_DATA_DIR: folder }, new AbortController().signal);
  const summary: unknown[] = [];
  await replayVerb.run({ ...call, out: { ...call.out, result: (object) => summary.push(object) } });
  expect(summary.length).toBe(1);
  const text = readFileSync(out, "utf8").trim();
  return text === "" ? [] : text.split("\n").map((line) => JSON.parse(line) as Line);
}

const hours = (count: number, line: (hour: string, index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(`2026-03-15 ${String(index).padStart(2, "0")}:00`, index)).join(
    "\n",
  );

test("a wide tape: local time, an alarm with its transitions, flags other than 1", async () => {
  const cd = [1, 7, 7, "-9999", 1, 1, 1];
  const lines = await replay([
    `time,a,b\r\n${hours(7, (time, index) => `${time},${cd[index]},${index === 2 ? 99 : 7}\r`)}\n`,
    WIDE,
  ]);
  const at = (hour: number): string => new Date(Date.UTC(2026, 2, 14, 16 + hour)).toISOString();
  expect(lines.filter(({ type, rule }) => type === "alarm" && rule === "gw-toxic-class-iii")).toMatchObject([
    { series: "mw-1/cd/total/rtd", level: "yellow", state: "active", start: at(1), end: null, at: at(1), lateMs: 0 },
    { state: "cleared", start: at(1), end: at(4), at: at(5) },
  ]);
  expect(lines.filter(({ type }) => type === "flag")).toMatchObject([
    { series: "mw-2/ph/total/rtd", time: at(2), value: 99, flag: 4 },
  ]);
  const times = lines.map(({ at: told, time }) => String(told ?? time));
  expect(times).toEqual([...times].sort());
});

test("a long tape, one well after the other, quotes and non-detects: sorted by time first", async () => {
  const rows = (well: string, values: readonly string[]): string =>
    hours(values.length, (time, index) => `${time},${well},"Cadmium, total",ug/l,${values[index]}`);
  const csv = `time,well,what,unit,value,remark\n${rows("mw-1", ["1,", "7,", "7,", "1,", "1,"])}\n${rows("mw-2", ["9,U", "<9,", "8,", "1,", "1,"])}\n2026-03-15 09:00,mw-2,Other,x,1,`;
  const raised = (await replay([csv, LONG])).filter(
    ({ rule, state }) => rule === "gw-toxic-class-iii" && state === "active",
  );
  expect(raised).toMatchObject([
    { series: "mw-1/cd/total/rtd", start: "2026-03-15T01:00:00.000Z" },
    { series: "mw-2/cd/total/rtd", start: "2026-03-15T02:00:00.000Z" },
  ]);
});

test("several files are merged by time; the same rows twice change nothing", async () => {
  const one = `time,a,b\n${hours(6, (time, index) => `${time},${[1, 7, 7, 1, 1, 1][index]},7`)}\n`;
  const two = `time,well,what,unit,value,remark\n${hours(6, (time) => `${time},mw-2,"Cadmium, total",x,6,`)}\n`;
  const both = await replay([one, WIDE], [two, LONG]);
  expect(new Set(both.filter(({ type }) => type === "alarm").map(({ series }) => series)).size).toBe(2);
  expect(await replay([two, LONG], [one, WIDE])).toEqual(both);
  expect(await replay([one, WIDE], [one, WIDE], [two, LONG])).toEqual(both);
});

test("silence on the clock of the tape", async () => {
  const csv = `time,a,b\n${["00", "01", "02", "09", "10"].map((hour) => `2026-03-15 ${hour}:00,1,7`).join("\n")}\n`;
  const silent = (await replay([csv, WIDE])).filter(({ rule }) => rule === "device-silent");
  expect(silent.map(({ state, start, end, at }) => [state, start, end, at])).toEqual([
    ["active", "2026-03-14T18:00:00.000Z", null, "2026-03-14T21:00:01.000Z"],
    ["active", "2026-03-14T18:00:00.000Z", null, "2026-03-14T21:00:01.000Z"],
    ["cleared", "2026-03-14T18:00:00.000Z", "2026-03-15T01:00:00.000Z", "2026-03-15T01:00:00.000Z"],
    ["cleared", "2026-03-14T18:00:00.000Z", "2026-03-15T01:00:00.000Z", "2026-03-15T01:00:00.000Z"],
  ]);
});

test.each([
  [
    "a cell that is no number",
    "time,a,b\n2026-03-15 00:00,x,7\n",
    WIDE,
    /CSV_UNREADABLE: "x" is not a number[\s\S]*line 2 column a/,
  ],
  ["a column that is not there", "time,a\n2026-03-15 00:00,1\n", WIDE, /there is no column "b"/],
  ["a time that is none", "time,a,b\n15.3.2026,1,7\n", WIDE, /"15.3.2026" is not a time/],
  ["a short line", "time,a,b\n2026-03-15 00:00,1\n", WIDE, /2 cells, the header names 3/],
  [
    "a station that nobody knows",
    "time,a,b\n2026-03-15 00:00,1,7\n",
    WIDE.replace("mw-2", "mw-9"),
    /STATION_UNKNOWN: no station mw-9/,
  ],
])("%s is named", async (_why, csv, map, message) => {
  await expect(replay([csv, map])).rejects.toThrow(message);
});

test("numbers are the nearest doubles, wherever a chunk of the file ends", async () => {
  const texts = Array.from(
    { length: 30_000 },
    (_, index) => `${index % 7 ? "" : "-"}${(index * 0.0137).toFixed(index % 9)}`,
  );
  const more = ["1e-3", "0.1", ".5", "5.", "123456789012345.5", "0.000000000000001", "9007199254740993"];
  const all = [...texts, ...more];
  const folder = temporaryFolder();
  const file = join(folder, "x.csv");
  const pad = "x".repeat(60);
  writeFileSync(file, `time,pad,a,b\n${all.map((text) => `2026-03-15 00:00,"${pad}, ""q""", ${text} ,7\n`).join("")}`);
  const tape = await surveyTape(file, parseMapFile(WIDE, "map"));
  const values: number[] = [];
  for await (const batch of tape.read()) {
    for (let row = 0; row < batch.count; row++) if (batch.target[row] === 0) values.push(batch.value[row] as number);
  }
  expect(values).toEqual(all.map(Number));
});
