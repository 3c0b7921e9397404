import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger, Metrics } from "../../../core/observe.ts";
import { openDuckdbSeries } from "../../../storage/series-duckdb.ts";
import { seriesContract } from "../../contract/series.ts";
import { FakeClock } from "../../support/clock.ts";

const log = createLogger("silent");

/** @param hotRowsMax rows at which runs are sorted; small ones put every path to work. */
function duckdbPlace(hotRowsMax: number) {
  return async () => {
    const folder = await mkdtemp(join(tmpdir(), "series-"));
    return {
      open: () => openDuckdbSeries({ folder, clock: new FakeClock(), log, metrics: new Metrics(), hotRowsMax }),
      keepsPosition: true,
      dispose: () => rm(folder, { recursive: true, force: true }),
    };
  };
}

seriesContract("DuckDB", duckdbPlace(2_000_000));
seriesContract("DuckDB that sorts at every turn", duckdbPlace(1));
seriesContract("DuckDB that sorts now and then", duckdbPlace(3_000));
