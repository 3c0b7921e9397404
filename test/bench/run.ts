/**
 * `npm run bench -- ingest|series|engine|qc|pipeline|journal|queries|codecs|idle|backlog|hj212|replay [options]`: figures as a table on stderr and JSON on stdout.
 * Machines differ: quote the ratios to the reference of the same run. codecs, idle, backlog, hj212 and qc have targets in figures and exit
 * with 1 when one is missed (targets.ts).
 */
import { Console } from "node:console";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Missed, missedBacklog, missedCodecs, missedHj212, missedIdle, missedQc } from "./targets.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string" },
    paced: { type: "string" },
    rows: { type: "string" },
    days: { type: "string" },
    series: { type: "string" },
    connections: { type: "string" },
  },
});
const [name = "ingest"] = positionals;
/** What fell short in this run. */
const missed: string[] = [];
function judged<T>(result: T, judge: (result: T) => Missed): T {
  missed.push(...judge(result));
  return result;
}
const number = (text: string | undefined, otherwise: number): number => (text === undefined ? otherwise : Number(text));

const benches: Record<string, () => Promise<unknown>> = {
  ingest: async () => {
    const { benchIngest } = await import("./ingest.ts");
    const result = await benchIngest({ seconds: number(values.seconds, 60), pacedSeconds: number(values.paced, 60) });
    const { reference, referencePaced, saturated, paced } = result;
    printTable({
      "bare Aedes": row(reference),
      "bare Aedes, 5,000/s": row(referencePaced),
      "everything on": { ...row(saturated), rssMB: saturated.rssMegabytes, drainS: saturated.drainSeconds },
      "everything on, 5,000/s": { ...row(paced), rssMB: paced.rssMegabytes, drainS: paced.drainSeconds },
    });
    console.error(`message rate / bare Aedes: ${result.ratio}; readings a second: ${result.readingsPerSecond}`);
    console.error(`stored/expected: ${saturated.stored}/${saturated.expected}, ${paced.stored}/${paced.expected}`);
    console.error(
      `reading → alarm on MQTT: p50 ${paced.alarmP50Ms} ms, p99 ${paced.alarmP99Ms} ms, ${paced.alarms} alarms`,
    );
    if (Math.max(reference.cpuPercent, saturated.cpuPercent) > 95)
      console.error("VOID: the generator was the bottleneck");
    return result;
  },
  series: async () => (await import("./series.ts")).benchSeries(number(values.rows, 10_000_000)),
  engine: async () => {
    const now = (): number => performance.now();
    const rss = (): number => process.memoryUsage().rss;
    const stations = values.series === undefined ? {} : { stations: Math.ceil(Number(values.series) / 7) };
    const span = values.series === undefined ? {} : { warmUp: 70, minutes: 30 };
    const defaults = (await import("./default-rules.ts")).benchDefaultRules({ ...stations, ...span, now, rss });
    if (values.series !== undefined) {
      console.error(`${defaults.series} series: ${defaults.rssMegabytes} MB resident, target 1500 at 100,000`);
      return defaults;
    }
    const { nsQc } = (await import("./qc.ts")).benchQc({ now });
    const nsAll = Math.round(nsQc) + defaults.nsPerReading;
    console.error(`quality control and all default rules: ${nsAll} ns a reading, target 800`);
    const result = { nsAll, nsQc, defaults, levels: (await import("./engine.ts")).benchEngine({ now }) };
    return judged(result, () => (nsAll > 800 ? [`engine: ${nsAll} ns a reading, target 800`] : []));
  },
  qc: async () => judged((await import("./qc.ts")).benchQc({ now: () => performance.now() }), missedQc),
  pipeline: async () => (await import("./ingest-pipeline.ts")).benchIngestPipeline(),
  journal: async () => {
    const folder = mkdtempSync(join(tmpdir(), "jingtu-bench-"));
    try {
      return await (await import("./journal.ts")).benchJournal({ folder });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  codecs: async () => {
    const rates = (await import("./codecs.ts")).benchCodecs({ seconds: number(values.seconds, 2) });
    printTable(rates);
    return judged(rates, missedCodecs);
  },
  idle: async () => {
    const result = await (await import("./idle.ts")).benchIdle({ connections: number(values.connections, 10_000) });
    console.error(`${result.stillOpen} idle connections: ${result.rssMegabytes.settled} MB, target 400`);
    return judged(result, missedIdle);
  },
  backlog: async () => {
    const { benchBacklog } = await import("./backlog.ts");
    const result = await benchBacklog({
      devices: number(values.connections, 500),
      liveSeconds: number(values.seconds, 60),
    });
    const { live, backlog, serverCpuPercent, stored, expected } = result;
    printTable({
      live: row({ ...live, serverCpuPercent }),
      backlog: row({ ...backlog, serverCpuPercent }),
    });
    console.error(`live PUBACK p99 ${live.p99Ms} ms, target 250; stored/expected ${stored}/${expected}`);
    if (live.cpuPercent > 95) console.error("VOID: the live generator was the bottleneck");
    return judged(result, missedBacklog);
  },
  hj212: async () => {
    const { benchHj212 } = await import("./hj212-sessions.ts");
    const result = await benchHj212({
      sessions: number(values.connections, 2_000),
      seconds: number(values.seconds, 30),
    });
    console.error(`9014 p99 ${result.p99Ms} ms, target 50; without an answer: ${result.unanswered + result.late}`);
    if (result.generatorCpuPercent > 95) console.error("VOID: the generator was the bottleneck");
    return judged(result, missedHj212);
  },
  replay: async () => {
    const result = (await import("./replay.ts")).benchReplay({ days: number(values.days, 30) });
    const how = result.extrapolated ? `extrapolated from ${result.days} days` : "measured";
    console.error(`a year of 100 series, one reading a minute: ${result.yearSeconds} s (${how}), target 120`);
    return judged(result, ({ yearSeconds }) =>
      yearSeconds > 120 ? [`replay of a year: ${yearSeconds} s, target 120`] : [],
    );
  },
  queries: async () => (await import("./queries.ts")).benchQueries({ rows: number(values.rows, 40_000_000) }),
};

function row(load: {
  ackedPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  lost: number;
  cpuPercent: number;
  serverCpuPercent: number;
}): object {
  const { ackedPerSecond, p50Ms, p99Ms, lost, cpuPercent, serverCpuPercent } = load;
  return {
    "messages/s": ackedPerSecond,
    p50Ms,
    p99Ms,
    lost,
    "generator CPU %": cpuPercent,
    "server CPU %": serverCpuPercent,
  };
}

/** On stderr, so that stdout stays JSON. */
function printTable(rows: Record<string, object>): void {
  new Console(process.stderr).table(rows);
}

const bench = benches[name];
if (!bench) {
  console.error(`unknown bench "${name}"; known: ${Object.keys(benches).join(", ")}`);
  process.exit(2);
}
console.log(JSON.stringify(await bench(), null, 1));
for (const target of missed) console.error(`MISSED: ${target}`);
process.exit(missed.length === 0 ? 0 : 1);
