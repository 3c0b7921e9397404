/** A thread that checks one closed SQLite file and counts its rows, so that nobody waits for a large one. */
import { parentPort, workerData } from "node:worker_threads";
import { Database } from "./sql-driver.ts";

export interface Inspection {
  /** "ok", or what SQLite found. */
  readonly check: string;
  /** By table. */
  readonly rows: Readonly<Record<string, number>>;
}

function inspect(file: string): Inspection {
  const database = new Database(file, { fileMustExist: true });
  try {
    const check = database.pragma("quick_check(1)", { simple: true }) as string;
    const names = database.prepare("select name from sqlite_master where type = 'table' order by name").pluck().all();
    const count = (name: string) => database.prepare(`select count(*) from "${name}"`).pluck().get() as number;
    const tables = (names as string[]).filter((name) => !name.startsWith("sqlite_"));
    return { check, rows: Object.fromEntries(tables.map((name) => [name, count(name)])) };
  } finally {
    database.close();
  }
}

function safely(file: string): Inspection {
  try {
    return inspect(file);
  } catch (error) {
    return { check: (error as Error).message, rows: {} };
  }
}

parentPort?.postMessage(safely((workerData as { file: string }).file));
