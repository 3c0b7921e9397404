/**
 * `npm run bench -- backlog`: 500 devices flush 24 h of backlog each (a reading of five values a minute) as fast as they
 * are let, while 100 live devices send once a second. Two generators, each a process of its own.
 * Target: PUBACK p99 of the live devices ≤ 250 ms, nothing refused, nothing lost.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock as clock } from "../../core/clock.ts";
import { cpuOf, rssOf } from "../support/process.ts";
import { aTestRegistry, drained, removeData, startServer } from "../support/server.ts";
import { generate } from "./ingest.ts";
import { DEFAULT_VALUES, type LoadAccount, type LoadReport } from "./mqtt-loadgen.ts";

const LIVE = 100;
const MINUTES = 24 * 60;
/** Before the flood, so that the live devices are known to be quick without it. */
const CALM_SECONDS = 5;

export interface BacklogBench {
  readonly live: LoadReport;
  readonly backlog: LoadReport;
  readonly flushSeconds: number;
  readonly serverCpuPercent: number;
  readonly rssMegabytes: number;
  readonly stored: number;
  readonly expected: number;
  readonly quarantined: number;
}

export async function benchBacklog({
  devices,
  liveSeconds,
}: {
  readonly devices: number;
  readonly liveSeconds: number;
}): Promise<BacklogBench> {
  const quantities = Object.fromEntries(DEFAULT_VALUES.map(({ quantity, unit = "mg/L" }) => [quantity, unit]));
  const base = aTestRegistry(devices + LIVE);
  const registry = { ...base, devices: base.devices.map((device) => ({ ...device, quantities: { ...quantities } })) };
  const accounts = registry.devices.map(
    ({ id, station, secret }): LoadAccount => ({
      ...{ clientId: id, username: id, password: secret },
      topic: `ews/1/t1/s1/${station}/${id}/telemetry`,
    }),
  );
  const folder = mkdtempSync(join(tmpdir(), "jingtu-bench-"));
  const server = await startServer({ registry, env: { EWS_LOG_LEVEL: "error", MALLOC_ARENA_MAX: "2" } });
  const args = (name: string, own: readonly LoadAccount[]): string[] => {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(own));
    const port = ["--port", String(server.ports.mqtt), "--accounts", file];
    return [...port, "--connections", String(own.length), "--boot", name];
  };
  const cpu = cpuOf(server.child);
  const pace = ["--rate", String(LIVE), "--seconds", String(liveSeconds), "--warmup", "2"];
  const live = generate([...args("live", accounts.slice(0, LIVE)), ...pace]);
  await clock.sleep(CALM_SECONDS * 1_000);
  const startedAt = clock.monotonic();
  const backlog = await generate([...args("back", accounts.slice(LIVE)), "--backlog", String(MINUTES)]);
  const flushSeconds = Number(((clock.monotonic() - startedAt) / 1_000).toFixed(1));
  const serverCpuPercent = cpu();
  const rssMegabytes = rssOf(server.child);
  const liveReport = await live;
  const { points, journal } = await drained(server, 600_000);
  await server.stop();
  removeData(server);
  rmSync(folder, { recursive: true, force: true });
  return {
    ...{ live: liveReport, backlog, flushSeconds, serverCpuPercent, rssMegabytes },
    stored: points,
    expected: (liveReport.acked + backlog.acked) * DEFAULT_VALUES.length,
    quarantined: journal.streams["quarantine"]?.end ?? 0,
  };
}
