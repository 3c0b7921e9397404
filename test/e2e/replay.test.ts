/**
 * Real measurements through real MQTT, on the embedded store and on InfluxDB: rows in = rows stored + quarantined, with
 * the number and reasons of quarantined rows stated here beforehand. Needs EWS_SHARED (the measurements) and, for the
 * second store, EWS_TEST_INFLUX_URL.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { apiOf } from "../support/client.ts";
import { eventually, removeData, startServer, type TestServer } from "../support/server.ts";

const shared = process.env["EWS_SHARED"];
const influx = process.env["EWS_TEST_INFLUX_URL"];
const MAPS = join(import.meta.dirname, "../support/maps");

interface Tape {
  readonly name: string;
  readonly csv: string;
  readonly map: string;
  /** Counted from the file by other means than our reader: non-empty cells, and cells with remark < or >. */
  readonly expected: {
    readonly rows: number;
    readonly readings: number;
    readonly censored: number;
    readonly quarantined: Readonly<Record<string, number>>;
  };
}
const TAPES: readonly Tape[] = [
  {
    name: "groundwater-inl-a",
    csv: "data/groundwater-inl-a/samples.csv",
    map: "groundwater-inl.yaml",
    expected: { rows: 22_927, readings: 22_927, censored: 4_768, quarantined: {} },
  },
  {
    name: "gecco2018-train",
    csv: "data/gecco2018-train/readings.csv",
    map: "gecco2018.yaml",
    expected: { rows: 138_522, readings: 1_246_697, censored: 0, quarantined: {} },
  },
];

let server: TestServer | undefined;
afterEach(async () => {
  await server?.stop();
  if (server) removeData(server);
  server = undefined;
});

async function replay(
  tape: Tape,
  env: Record<string, string>,
): Promise<{ report: Record<string, number>; points: number; quarantined: Record<string, number> }> {
  server = await startServer({ env });
  const current = server;
  const run = await current.cli(
    "simulate",
    "--csv",
    join(shared ?? "", tape.csv),
    "--map",
    join(MAPS, tape.map),
    "--speed",
    "max",
    "--provision",
    "--url",
    `mqtt://127.0.0.1:${current.ports.mqtt}`,
    "--json",
  );
  expect(run.stderr).toBe("");
  const report = JSON.parse(run.stdout) as Record<string, number>;
  const { stored, quarantined } = await eventually(
    "every reading stored or quarantined",
    async () => {
      const codes: Record<string, number> = {};
      const listed = await current.cli("quarantine", "list", "--limit", "10000", "--json");
      for (const line of listed.stdout.split("\n").filter(Boolean)) {
        const { code, readings } = JSON.parse(line) as { code: string; readings: number };
        codes[code] = (codes[code] ?? 0) + readings;
      }
      const { points } = JSON.parse((await current.cli("status", "--json")).stdout) as { points: number };
      const sum = points + Object.values(codes).reduce((total, count) => total + count, 0);
      return sum >= tape.expected.readings ? { stored: points, quarantined: codes } : null;
    },
    120_000,
  );
  return { report, points: stored, quarantined };
}

describe.skipIf(!shared).each(TAPES)("[shared] $name", (tape) => {
  const check = async (env: Record<string, string>): Promise<void> => {
    const { report, points, quarantined } = await replay(tape, env);
    const { rows, readings, censored } = tape.expected;
    expect(report).toMatchObject({ rows, readings, censored, skipped: 0 });
    expect(report["acknowledged"]).toBe(report["messages"]);
    expect(quarantined).toEqual(tape.expected.quarantined);
    expect(points).toBe(readings);
    if (tape.name === "groundwater-inl-a") await checkCensored();
  };

  test("on DuckDB", () => check({}));
  test.skipIf(!influx)("on InfluxDB", () =>
    check({
      EWS_SERIES: "influx",
      EWS_INFLUX_URL: influx ?? "",
      EWS_INFLUX_DATABASE: `replay_${tape.name.replaceAll("-", "_")}_${process.pid}`,
    }),
  );
});

/** Every cadmium result of one well, as the file has it: times before 1970, non-detects with their sign. */
async function checkCensored(): Promise<void> {
  const api = await apiOf(server as TestServer);
  const lines = readFileSync(join(shared ?? "", "data/groundwater-inl-a/samples.csv"), "utf8").split("\n");
  const wanted = lines.flatMap((line) => {
    const match = /^USGS 97,([^,]+),"Cadmium, wf",ug\/L,(<?),([^,]*),/.exec(line);
    return match
      ? [
          {
            time: Date.parse(match[1] ?? ""),
            cmp: match[2] ?? "",
            value: Number((Number(match[3]) / 1_000).toPrecision(15)),
          },
        ]
      : [];
  });
  expect(wanted.length).toBeGreaterThan(5);
  expect(wanted.some(({ cmp }) => cmp === "<")).toBe(true);
  const { columns } = await api.get<{ columns: { times: number[]; values: number[]; cmp: string[] } }>(
    "stations/USGS_97/readings?quantity=cd&fraction=dissolved&bucket=raw&from=-1000000000000&to=2000000000000",
  );
  expect(columns.times.map((time, row) => ({ time, cmp: columns.cmp[row], value: columns.values[row] }))).toEqual(
    wanted.sort((a, b) => a.time - b.time),
  );
}
