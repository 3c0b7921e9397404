/**
 * The history of this installation through the engine, with the registry in force. The data folder is read directly
 * when no server runs on it, and through the server's control socket when one does.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { engineOf } from "../alerts/detectors.ts";
import { loadRules } from "../alerts/rules.ts";
import { callControl } from "../control.ts";
import type { Alarm, AlarmEvent } from "../core/alarm.ts";
import { systemClock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import { createDirectory } from "../core/directory.ts";
import { Refused } from "../core/errors.ts";
import { createLogger, Metrics } from "../core/observe.ts";
import type { LatestPoint, Point, SeriesQuery, TimeSeriesStore } from "../core/ports.ts";
import { parseSeriesKey } from "../core/reading.ts";
import { Duration } from "../core/site.ts";
import { packsOf } from "../packs.ts";
import { Replay } from "../replay.ts";
import { replayHistory } from "../replay-history.ts";
import type { ReplayLines } from "../replay-lines.ts";
import { versioned } from "../replay-registry.ts";
import { openDuckdbSeries } from "../storage/series-duckdb.ts";
import { openInfluxSeries } from "../storage/series-influx.ts";
import { openLedger } from "../storage/sql-sqlite.ts";
import type { ReplaySent } from "./replay-sent.ts";
import { type Call, UsageError } from "./verb.ts";

type Readable = Pick<TimeSeriesStore, "query" | "latest"> & { close(): Promise<void> };

export async function replayOwnHistory(call: Call, lines: ReplayLines, sent: ReplaySent): Promise<object> {
  const config = call.config();
  const [from, to] = [timeOf(call, "from"), timeOf(call, "to")];
  if (to <= from) throw new UsageError("--to lies after --from");
  const lead = Duration.safeParse(call.text("lead") ?? "7d");
  if (!lead.success) throw new UsageError('--lead takes a duration such as "12h" or "30d"');
  if (!existsSync(join(config.dataDir, "ledger.db"))) {
    const where = resolve(config.dataDir);
    throw new Refused("DATA_ABSENT", {
      what: "there is no ledger.db here",
      where,
      mend: "set EWS_DATA_DIR to the server's data folder",
    });
  }
  const ledger = await openLedger({ file: join(config.dataDir, "ledger.db"), clock: systemClock });
  try {
    const packs = packsOf(config.dataDir);
    const folder = call.text("rules");
    const snapshot = await ledger.registry.snapshot();
    const rules = folder === undefined ? snapshot.rules : versioned(loadRules(folder, packs));
    const directory = createDirectory({ ...snapshot, rules });
    sent.consumersOf(await ledger.accounts.consumers());
    const store = await openStore(config);
    try {
      const keys = (await store.latest())
        .map(({ series }) => series)
        .filter((key) => directory.station(parseSeriesKey(key).station));
      // Alarms that were over before `from` are the lead-in's own affair.
      const events: AlarmEvent[] = [];
      const begin = from - lead.data;
      const parts = {
        directory,
        engine: engineOf(packs),
        begin,
        onEvent: (event: AlarmEvent) => void events.push(event),
      };
      const replay = new Replay(parts);
      const rows = await replayHistory({
        ...{ series: store, keys: keys.sort(), from: begin, to, directory, replays: [replay] },
        onFlag: (flagged) => flagged.time >= from && lines.flag(flagged),
        pause: () => lines.spill(),
      });
      const alarms = new Map(events.map(({ alarm }) => [alarm.id, alarm]));
      const isWanted = ({ end }: Alarm): boolean => end === null || end > from;
      for (const event of events) {
        if (!isWanted(alarms.get(event.alarm.id) ?? event.alarm)) continue;
        lines.alarm(event);
        sent.add(event);
      }
      for (const alarm of alarms.values()) if (isWanted(alarm)) lines.event(alarm, to);
      return { rows, series: keys.length, rules: rules.filter(({ rule }) => rule.enabled).length };
    } finally {
      await store.close();
    }
  } finally {
    await ledger.close();
  }
}

function timeOf(call: Call, name: string): number {
  const text = call.text(name);
  const time = text === undefined ? Number.NaN : Date.parse(text);
  if (Number.isNaN(time)) throw new UsageError(`--${name} takes a time such as 2026-02-01T00:00:00+08:00`);
  return time;
}

/** The file of the embedded store has one owner: a running server is asked instead. */
async function openStore(config: Config): Promise<Readable> {
  const parts = { clock: systemClock, log: createLogger("warn", "cli"), metrics: new Metrics() };
  if (config.series === "influx") {
    return await openInfluxSeries({
      url: config.influxUrl ?? "http://127.0.0.1:8086",
      database: config.influxDatabase,
      ...(config.influxAuth ? { authorization: config.influxAuth } : {}),
      describe: () => ({ tenant: "unknown", site: "unknown" }),
      ...parts,
    });
  }
  const running = await callControl(config.dataDir, "series-latest", {});
  if (!running) return await openDuckdbSeries({ folder: config.dataDir, ...parts });
  const ask = async <T>(method: string, params: Record<string, unknown>): Promise<T> => {
    const reply = await callControl(config.dataDir, method, params);
    if (reply) return reply.value as T;
    throw new Refused("SERVER_STOPPED", {
      what: "the server stopped while its history was read",
      mend: "run the replay again",
    });
  };
  return {
    latest: async () => running.value as readonly LatestPoint[],
    query: (query: SeriesQuery, limit: number) => ask<readonly Point[]>("series-query", { query, limit }),
    close: async () => undefined,
  };
}
