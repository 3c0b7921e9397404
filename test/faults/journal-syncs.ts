/**
 * Proof by system calls that an acknowledged append is on the disk: between the last write of its commit and the
 * acknowledgement there is a sync of the write-ahead log that has returned 0.
 */
import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { startChild } from "./journal-kill.ts";

export interface SyncFigures {
  readonly acknowledged: number;
  /** Syncs of the write-ahead log seen in all. */
  readonly syncs: number;
  /** Acknowledgements that came with a write of the log that was not synced, or with no new sync. */
  readonly unsynced: number;
}

/** Runs `appends` appends, one after the other, under strace. */
export async function journalSyncs(options: {
  readonly appends: number;
  readonly folder: string;
}): Promise<SyncFigures> {
  const trace = join(options.folder, "trace.txt");
  const calls = "trace=fsync,fdatasync,write,pwrite64,pwritev,writev";
  const child = startChild(
    ["steps", options.folder, String(options.appends)],
    ["strace", "-f", "-y", "-s", "16", "-e", calls, "-o", trace],
  );
  child.stdout!.resume();
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`the traced process ended with code ${code}`);
  return judgeTrace(readFileSync(trace, "utf8").split("\n"));
}

/** Pure: reads the lines of `strace -f -y`, where a call may be cut in two: "unfinished" and "resumed". */
export function judgeTrace(lines: readonly string[]): SyncFigures {
  let acknowledged = 0;
  let syncs = 0;
  let unsynced = 0;
  let syncsSinceAck = 0;
  let writesOfLog = 0;
  let writesSynced = 0;
  /** Threads inside a sync of the log, with the writes that had begun before it. */
  const syncing = new Map<string, number>();
  for (const line of lines) {
    const [, thread = "", call = ""] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const isLog = call.includes("journal.db-wal>");
    if (/^pwrite(64|v)\(/.test(call) && isLog) writesOfLog++;
    if (/^f(data)?sync\(/.test(call) && isLog) syncing.set(thread, writesOfLog);
    const covered = syncing.get(thread);
    if (covered !== undefined && /f(data)?sync(\(| resumed).*\)\s+= 0$/.test(call)) {
      syncing.delete(thread);
      writesSynced = Math.max(writesSynced, covered);
      syncs++;
      syncsSinceAck++;
    }
    if (!/^write\(1<[^>]*>, "ack /.test(call)) continue;
    acknowledged++;
    if (writesSynced < writesOfLog || syncsSinceAck === 0) unsynced++;
    syncsSinceAck = 0;
  }
  return { acknowledged, syncs, unsynced };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const folder = process.argv[3] ?? mkdtempSync(join(tmpdir(), "journal-syncs-"));
  console.log(JSON.stringify(await journalSyncs({ appends: Number(process.argv[2] ?? 200), folder })));
}
