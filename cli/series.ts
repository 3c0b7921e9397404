/** Series of the data folder for verbs that read them: from the running server, else from the store itself. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { callControl } from "../control.ts";
import { systemClock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import { createLogger, Metrics } from "../core/observe.ts";
import type { TimeSeriesStore } from "../core/ports.ts";
import { openDuckdbSeries } from "../storage/series-duckdb.ts";
import { openInfluxSeries } from "../storage/series-influx.ts";

type SeriesReads = Pick<TimeSeriesStore, "query" | "buckets" | "latest">;

/** @throws Unavailable `SERIES_UNAVAILABLE`; Refused with a running server's own words. */
export async function withSeries<T>(config: Config, work: (series: SeriesReads) => Promise<T>): Promise<T> {
  const { dataDir } = config;
  if (await callControl(dataDir, "series-latest", {})) return work(ofServer(dataDir));
  if (config.series === "duckdb" && !existsSync(join(dataDir, "series.duckdb"))) return work(NOTHING);
  const store = await opened(config);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

const NOTHING: SeriesReads = { query: async () => [], buckets: async () => [], latest: async () => [] };

/** The control socket hands back what the pipeline's store answered. */
function ofServer(dataDir: string): SeriesReads {
  const ask = async <T>(method: string, params: Record<string, unknown>): Promise<T> =>
    ((await callControl(dataDir, method, params))?.value ?? []) as T;
  return {
    query: (query, limit) => ask("series-query", { query, limit }),
    buckets: (query, stepMs) => ask("series-buckets", { query, stepMs }),
    latest: () => ask("series-latest", {}),
  };
}

function opened(config: Config): Promise<TimeSeriesStore> {
  const parts = { clock: systemClock, log: createLogger("warn", "cli"), metrics: new Metrics() };
  if (config.series === "duckdb") return openDuckdbSeries({ folder: config.dataDir, ...parts });
  return openInfluxSeries({
    url: config.influxUrl ?? "http://127.0.0.1:8086",
    database: config.influxDatabase,
    ...(config.influxAuth ? { authorization: config.influxAuth } : {}),
    ...(config.influxWritePath ? { writePath: config.influxWritePath } : {}),
    describe: () => ({ tenant: "unknown", site: "unknown" }), // nothing is written here
    ...parts,
  });
}
