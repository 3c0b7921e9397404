/** Quarantine, backup and status. What must act inside a running server goes through its control socket. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { callControl } from "../control.ts";
import { systemClock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import { EXIT, Refused } from "../core/errors.ts";
import { createLogger, Metrics } from "../core/observe.ts";
import type { Journal } from "../core/ports.ts";
import { listQuarantine, replayQuarantine, showQuarantine } from "../ingest/quarantine.ts";
import { backupAll, restoreAll, verifyBackup } from "../storage/backup.ts";
import { openJournalReader, openSqliteJournal } from "../storage/journal-sqlite.ts";
import { openDuckdbSeries } from "../storage/series-duckdb.ts";
import { openLedger } from "../storage/sql-sqlite.ts";
import { type Call, operand, UsageError, type Verb } from "./verb.ts";

function requireFile(dataDir: string, name: string): void {
  if (existsSync(join(dataDir, name))) return;
  throw new Refused("DATA_ABSENT", {
    what: `there is no ${name} here`,
    where: resolve(dataDir),
    mend: "set EWS_DATA_DIR to the server's data folder",
  });
}

/** Reads the journal of the data folder, beside a running server or without one. */
async function withReader<T>(
  call: Call,
  work: (journal: Pick<Journal, "read" | "end" | "stats">) => Promise<T>,
): Promise<T> {
  const { dataDir } = call.config();
  requireFile(dataDir, "journal.db");
  const reader = await openJournalReader(dataDir);
  try {
    return await work(reader);
  } finally {
    await reader.close();
  }
}

const quarantineList: Verb = {
  name: "quarantine list",
  summary: "list messages that could not be used, newest first",
  operands: "",
  options: {
    limit: { type: "string", value: "N", help: "at most N, default 50" },
    code: { type: "string", value: "CODE", help: "only this reason" },
  },
  run: (call) =>
    withReader(call, async (journal) => {
      const limit = Number(call.text("limit") ?? 50);
      if (!Number.isInteger(limit) || limit < 1) throw new UsageError("--limit takes a whole number above 0");
      const code = call.text("code");
      for (const item of await listQuarantine(journal, { limit, ...(code ? { code } : {}) })) {
        call.out.result(
          item,
          [item.offset, new Date(item.at).toISOString(), item.device, item.code, item.detail].join("\t"),
        );
      }
      return EXIT.ok;
    }),
};

const quarantineShow: Verb = {
  name: "quarantine show",
  summary: "show one message in full, with its bytes; passwords of HJ 212 are masked",
  operands: "OFFSET",
  options: {},
  run: (call) =>
    withReader(call, async (journal) => {
      const item = await showQuarantine(journal, offsetOf(operand(call, 0, "OFFSET")));
      call.out.result({ ...item, text: Buffer.from(item.payload, "base64").toString("utf8") });
      return EXIT.ok;
    }),
};

const quarantineReplay: Verb = {
  name: "quarantine replay",
  summary: "send messages through ingest again, after the cause was mended",
  operands: "OFFSET…",
  options: {},
  run: async (call) => {
    operand(call, 0, "OFFSET");
    const offsets = call.operands.map(offsetOf);
    const { dataDir } = call.config();
    const running = await callControl(dataDir, "quarantine-replay", { offsets });
    const report = running ? running.value : await withWriter(dataDir, (journal) => replayQuarantine(journal, offsets));
    call.out.result({ replayed: report }, `${report} messages sent through ingest again`);
    return EXIT.ok;
  },
};

export async function withWriter<T>(dataDir: string, work: (journal: Journal) => Promise<T>): Promise<T> {
  const journal = await openSqliteJournal({
    folder: dataDir,
    clock: systemClock,
    log: createLogger("warn", "cli"),
    metrics: new Metrics(),
    diskReserveBytes: 0,
  });
  try {
    return await work(journal);
  } finally {
    await journal.close();
  }
}

function offsetOf(text: string): number {
  const offset = Number(text);
  if (!Number.isInteger(offset) || offset < 0) throw new UsageError(`"${text}" is not an offset`);
  return offset;
}

const backupVerb: Verb = {
  name: "backup",
  summary: "write a consistent copy of all embedded stores into a new folder, also while the server runs",
  operands: "FOLDER",
  options: {},
  run: async (call) => {
    const folder = resolve(operand(call, 0, "FOLDER"));
    const config = call.config();
    const running = await callControl(config.dataDir, "backup", { folder });
    const report = running ? running.value : await backupStopped(config, folder);
    call.out.result(report);
    return EXIT.ok;
  },
};

async function backupStopped(config: Config, folder: string): Promise<unknown> {
  const { dataDir } = config;
  requireFile(dataDir, "journal.db");
  const parts = { clock: systemClock, log: createLogger("warn", "cli"), metrics: new Metrics() };
  const ledger = await openLedger({ file: join(dataDir, "ledger.db"), clock: systemClock });
  try {
    return await withWriter(dataDir, async (journal) => {
      const rest = { ledger, journal, pepperFile: join(dataDir, "pepper") };
      if (config.series === "influx") return await backupAll({ series: seriesElsewhere, ...rest }, folder);
      const series = await openDuckdbSeries({ folder: dataDir, ...parts });
      try {
        return await backupAll({ series, ...rest }, folder);
      } finally {
        await series.close();
      }
    });
  } finally {
    await ledger.close();
  }
}

/** Answers as the store on InfluxDB does: its backup is the server's own affair. */
const seriesElsewhere = {
  backup: (): Promise<void> =>
    Promise.reject(
      new Refused("BACKUP_ELSEWHERE", {
        what: "the series live on InfluxDB",
        mend: "back them up with `influxd backup`",
      }),
    ),
};

const restoreVerb: Verb = {
  name: "restore",
  summary: "restore a backup into an empty data folder (EWS_DATA_DIR)",
  operands: "FOLDER",
  options: {},
  run: async (call) => {
    const { dataDir } = call.config();
    call.out.result(await restoreAll(resolve(operand(call, 0, "FOLDER")), resolve(dataDir)));
    return EXIT.ok;
  },
};

const verifyVerb: Verb = {
  name: "backup verify",
  summary: "check every file of a backup against its manifest",
  operands: "FOLDER",
  options: {},
  run: async (call) => {
    call.out.result(await verifyBackup(resolve(operand(call, 0, "FOLDER"))));
    return EXIT.ok;
  },
};

const statusVerb: Verb = {
  name: "status",
  summary: "ports, stored points and journal of the running server",
  operands: "",
  options: {},
  run: async (call) => {
    const { dataDir } = call.config();
    const running = await callControl(dataDir, "status", {});
    if (!running) {
      call.out.say(`no server is running on ${resolve(dataDir)}`);
      return EXIT.failed;
    }
    call.out.result(running.value);
    return EXIT.ok;
  },
};

export const dataVerbs: readonly Verb[] = [
  quarantineList,
  quarantineShow,
  quarantineReplay,
  backupVerb,
  verifyVerb,
  restoreVerb,
  statusVerb,
];
