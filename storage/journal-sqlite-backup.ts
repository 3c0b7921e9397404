/** Copies a running journal, in a thread that lives as long as the copy takes. */
import { existsSync } from "node:fs";
import { Refused, Unavailable } from "../core/errors.ts";
import { startThread } from "../core/thread.ts";
import type { KeeperData, KeeperMessage } from "./journal-sqlite-keeper.ts";
import { journalFile, makeFolder } from "./journal-sqlite-schema.ts";

/**
 * @throws Refused `BACKUP_EXISTS` when the folder holds a journal already.
 * @throws Unavailable `BACKUP_FAILED`, e.g. when the disk of the copy is full.
 */
export async function backupJournal(file: string, folder: string): Promise<void> {
  makeFolder(folder);
  const target = journalFile(folder);
  for (const path of [target, `${target}.part`]) {
    if (!existsSync(path)) continue;
    throw new Refused("BACKUP_EXISTS", {
      what: "the folder already holds a copy of a journal",
      where: path,
      mend: "name an empty folder",
    });
  }
  const data: KeeperData = { task: "backup", file, target };
  const thread = startThread(new URL("./journal-sqlite-keeper.ts", import.meta.url), { name: "journal-backup", data });
  const answer = await new Promise<KeeperMessage>((resolve, reject) => {
    thread.once("message", resolve);
    thread.once("error", reject);
  });
  await thread.terminate();
  if (answer.kind === "failed") throw new Unavailable("BACKUP_FAILED", { what: answer.what, where: target });
}
