/** What the embedded series store keeps in memory, read back from the file when it is opened. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { DAY_MS } from "./series-duckdb-schema.ts";
import { Frontier } from "./series-frontier.ts";

/** Series ids and the newest point of each. Most series are alive, so the last day is looked at first. */
export async function loadFrontier(connection: DuckDBConnection): Promise<Frontier> {
  const frontier = new Frontier();
  const keys = await (await connection.run("SELECT key FROM series_keys ORDER BY id")).getColumns();
  for (const key of keys[0] ?? []) frontier.claim(String(key));
  frontier.markSaved();
  const run = (sql: string) => connection.run(sql);
  await run(`CREATE OR REPLACE TEMP TABLE newest AS SELECT series, max(time) AS time FROM sealed
    WHERE time >= (SELECT max(time) FROM sealed) - ${DAY_MS} GROUP BY series`);
  const found = await (await run("SELECT count(*) FROM newest")).getRows();
  if (Number(found[0]?.[0]) < frontier.seriesCount) {
    await run(`INSERT INTO newest SELECT series, max(time) FROM sealed
      WHERE series NOT IN (SELECT series FROM newest) GROUP BY series`);
  }
  await loadNewest(connection, frontier, "sealed");
  await run("CREATE OR REPLACE TEMP TABLE newest AS SELECT series, max(time) AS time FROM hot GROUP BY series");
  await loadNewest(connection, frontier, "hot");
  await run("DROP TABLE newest");
  return frontier;
}

async function loadNewest(connection: DuckDBConnection, frontier: Frontier, table: string): Promise<void> {
  const result = await connection.run(
    `SELECT p.series, p.time::DOUBLE, p.value, p.cmp, p.flag, p.qualifier FROM ${table} p JOIN newest USING (series, time)`,
  );
  const [series = [], time = [], value = [], cmp = [], flag = [], qualifier = []] = await result.getColumns();
  for (const [row, id] of series.entries()) {
    frontier.set(Number(id), {
      time: Number(time[row]),
      value: (value[row] ?? Number.NaN) as number,
      cmp: Number(cmp[row]),
      flag: Number(flag[row]),
      qualifier: Number(qualifier[row]),
    });
  }
}

/** Every write appends a position; the last one counts. */
export async function loadPositions(connection: DuckDBConnection): Promise<Map<string, number>> {
  const rows = await (
    await connection.run('SELECT reader, arg_max("offset", rowid)::DOUBLE FROM positions GROUP BY reader')
  ).getRows();
  return new Map(rows.map(([reader, offset]) => [String(reader), Number(offset)]));
}
