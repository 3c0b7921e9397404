/**
 * `npm run bench -- queries`: REST queries on a large store while readings come in. Fills the store through its own port,
 * then starts the whole server on it and asks through HTTP.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock as clock } from "../../core/clock.ts";
import { createLogger, Metrics } from "../../core/observe.ts";
import { decodeReadingBlock, ReadingBlockBuilder } from "../../core/reading-block.ts";
import { openDuckdbSeries } from "../../storage/series-duckdb.ts";
import { apiOf } from "../support/client.ts";
import { aTestRegistry, removeData, startServer } from "../support/server.ts";
import { generate } from "./ingest.ts";

const STATIONS = 200;
const QUANTITIES = { ph: "pH", cd: "mg/L", pb: "mg/L", as: "mg/L", zn: "mg/L" };
const SAMPLES = 200;

interface Times {
  readonly p50Ms: number;
  readonly p99Ms: number;
}
export interface QueryBench {
  readonly rows: number;
  readonly latestOfAll: Times;
  readonly raw24h: Times;
  readonly hourly30d: Times;
  readonly loadMessagesPerSecond: number;
  readonly lost: number;
}

/** 1,000 series over 30 days up to now, at the interval that makes `rows`. */
export async function benchQueries({ rows }: { rows: number }): Promise<QueryBench> {
  const registry = aTestRegistry(STATIONS);
  const server = await startServer({
    registry: {
      ...registry,
      devices: registry.devices.map((device) => ({ ...device, quantities: { ...QUANTITIES } })),
    },
    env: { EWS_LOG_LEVEL: "error" },
  });
  await server.stop();
  await fill(server.dataDir, rows);
  const running = await server.restart();
  try {
    const accounts = join(running.dataDir, "accounts.json");
    writeFileSync(
      accounts,
      JSON.stringify(
        registry.devices.map(({ id, station, secret }) => ({
          clientId: id,
          username: id,
          password: secret,
          topic: `ews/1/t1/s1/${station}/${id}/telemetry`,
        })),
      ),
    );
    const api = await apiOf(running);
    const load = generate([
      "--port",
      String(running.ports.mqtt),
      "--accounts",
      accounts,
      "--connections",
      String(STATIONS),
      "--rate",
      "5000",
      "--seconds",
      "60",
    ]);
    await clock.sleep(5_000);
    const time = async (path: (n: number) => string): Promise<Times> => {
      const times: number[] = [];
      for (let n = 0; n < SAMPLES; n++) {
        const startedAt = clock.monotonic();
        await api.get(path(n));
        times.push(clock.monotonic() - startedAt);
      }
      times.sort((a, b) => a - b);
      return { p50Ms: round(times[SAMPLES / 2]), p99Ms: round(times[Math.floor(SAMPLES * 0.99)]) };
    };
    const one = (n: number): string =>
      `stations/mw-${(n % STATIONS) + 1}/readings?quantity=${Object.keys(QUANTITIES)[n % 5]}`;
    const from = clock.now() - 30 * 86_400_000;
    const latestOfAll = await time(() => "stations");
    // Yesterday's day: today's includes the load's own burst of thousands of readings a second.
    const dayFrom = clock.now() - 2 * 86_400_000;
    const raw24h = await time((n) => `${one(n)}&bucket=raw&from=${dayFrom}&to=${dayFrom + 86_400_000}`);
    const hourly30d = await time((n) => `${one(n)}&bucket=1h&from=${from}`);
    const { ackedPerSecond, lost } = await load;
    return { rows, latestOfAll, raw24h, hourly30d, loadMessagesPerSecond: ackedPerSecond, lost };
  } finally {
    await running.stop();
    removeData(running);
  }
}

async function fill(folder: string, rows: number): Promise<void> {
  const series = await openDuckdbSeries({ folder, clock, log: createLogger("error"), metrics: new Metrics() });
  const keys = Array.from({ length: STATIONS }, (_, n) =>
    Object.keys(QUANTITIES).map((quantity) => `mw-${n + 1}/${quantity}/total/rtd`),
  ).flat();
  const steps = Math.ceil(rows / keys.length);
  const stepMs = Math.floor((30 * 86_400_000) / steps);
  const end = clock.now() - 60_000;
  const builder = new ReadingBlockBuilder();
  const flush = async (): Promise<void> => {
    await series.write([decodeReadingBlock(builder.encode())], { reader: "fill", offset: 0 });
    builder.clear();
  };
  for (let step = 0; step < steps; step++) {
    builder.message({ device: "fill", boot: "", seq: -1, receivedAt: end, backfill: true });
    for (const [n, key] of keys.entries())
      builder.row(key, end - (steps - step) * stepMs, 5 + Math.sin(step / 50 + n), 0, 1, 78);
    if (builder.count >= 60_000) await flush();
  }
  if (builder.count > 0) await flush();
  await series.maintain({ rawBefore: null, rollupBefore: null });
  await series.close();
}

function round(ms = Number.NaN): number {
  return Number(ms.toFixed(1));
}
