import { randomUUID } from "node:crypto";
import { describe } from "vitest";
import { createLogger, Metrics } from "../../../core/observe.ts";
import { openInfluxSeries } from "../../../storage/series-influx.ts";
import { seriesContract } from "../../contract/series.ts";
import { FakeClock } from "../../support/clock.ts";

const url = process.env["EWS_TEST_INFLUX_URL"] ?? "";

/** A database of its own on the real server, dropped afterwards. */
async function influxPlace() {
  const database = `test "${randomUUID()}"`;
  return {
    open: () =>
      openInfluxSeries({
        url,
        database,
        describe: () => ({ tenant: "tenant-1", site: "site-1" }),
        clock: new FakeClock(),
        log: createLogger("silent"),
        metrics: new Metrics(),
        batchLines: 150,
      }),
    keepsPosition: false,
    dispose: async () => {
      const q = `DROP DATABASE "${database.replaceAll('"', '\\"')}"`;
      await fetch(`${url}/query?q=${encodeURIComponent(q)}`, { method: "POST" });
    },
  };
}

describe.skipIf(!url)("the real server", () => {
  seriesContract("InfluxDB", influxPlace);
});
