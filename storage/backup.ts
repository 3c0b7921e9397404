/**
 * Backup and restore of all embedded stores as one consistent whole, while everything runs.
 *
 * Order: series, ledger, journal last. Series store and ledger remember the journal position they have read up to; the
 * journal's copy, being newer, holds everything after those positions, so that a restored system reads on and ends where
 * the backed-up one stood. A backup is built in a folder beside the named one and gets its name when it is whole.
 */
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { type Clock, systemClock } from "../core/clock.ts";
import { Refused, Unavailable } from "../core/errors.ts";
import type { Journal, JournalStats } from "../core/ports.ts";
import { HJ212_KEY_FILE } from "../core/sealed.ts";
import { startThread } from "../core/thread.ts";
import type { Inspection } from "./sql-inspect-thread.ts";

const MANIFEST = "manifest.json";
const CA_FOLDER = "ca";
const CA_NAMES = ["ca.key", "ca.pem", "crl.pem", "issued.jsonl"];
/** Limit packs of this installation, and the rows that its persons confirmed. */
const PACKS_FOLDER = "packs";
const PACKS_PREFIX = "packs_";
const CONFIRMED_FILE = "confirmed-rows.yaml";
/** Parts that go into a folder of their own. */
const FOLDERS: Readonly<Record<string, string>> = { ca: CA_FOLDER, packs: PACKS_FOLDER };
/** What an empty volume holds. */
const IGNORED = ["lost+found"];

const BackupFile = z.strictObject({
  /** A plain file name: a manifest must not be able to write elsewhere. */
  name: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/),
  /** `ca` and `packs` go into the folders of these names. */
  part: z.enum(["series", "ledger", "journal", "keys", "ca", "packs", "confirmed"]),
  bytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Rows by table; null where they are not counted. */
  rows: z.record(z.string(), z.number()).nullable(),
});
const BackupManifest = z.strictObject({
  format: z.literal(1),
  createdAt: z.string(),
  /** False when the series live on a server with its own backup. */
  withSeries: z.boolean(),
  files: z.array(BackupFile).min(1),
});
type BackupFile = z.infer<typeof BackupFile>;
export type BackupManifest = z.infer<typeof BackupManifest>;

interface BackupParts {
  readonly series: { backup(folder: string): Promise<void> };
  readonly ledger: { backup(folder: string): Promise<void> };
  readonly journal: Pick<Journal, "backup" | "stats">;
  /**
   * Without it no device could sign in to the restored system. What lies beside it is taken along: the key of sealed
   * secrets, the local CA, imported limit packs and confirmed rows.
   */
  readonly pepperFile: string;
  readonly clock?: Clock;
}

/**
 * @param folder must not exist yet, or be empty.
 * @throws Refused `BACKUP_EXISTS`; Unavailable `BACKUP_FAILED`, `BACKUP_OVERTAKEN`.
 */
export async function backupAll(parts: BackupParts, folder: string): Promise<BackupManifest> {
  const target = resolve(folder);
  await refuseFilled(target, "BACKUP_EXISTS", "name a new or empty folder");
  await mkdir(dirname(target), { recursive: true });
  const building = await mkdtemp(`${target}.partial-`); // mode 0700
  try {
    const manifest = await build(parts, building);
    await writeFile(join(building, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    for (const name of await readdir(building)) await secure(join(building, name));
    await sync(building);
    await rename(building, target);
    await sync(dirname(target));
    return manifest;
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw error;
  }
}

async function build(parts: BackupParts, folder: string): Promise<BackupManifest> {
  const { series, ledger, journal, pepperFile, clock = systemClock } = parts;
  const createdAt = new Date(clock.now()).toISOString();
  const files: BackupFile[] = [];
  const take = async (part: BackupFile["part"], copy: () => Promise<unknown>): Promise<void> => {
    const before = new Set(await readdir(folder));
    await copy();
    for (const name of (await readdir(folder)).sort()) {
      if (!before.has(name)) files.push(await describeFile(folder, name, part));
    }
  };
  const start = await journal.stats();
  let withSeries = true;
  await take("series", async () => {
    withSeries = await tookSeries(series.backup(folder));
  });
  await take("ledger", () => ledger.backup(folder));
  await take("journal", () => journal.backup(folder));
  const lost = overtaken(start, await journal.stats());
  if (lost !== null) {
    throw new Unavailable("BACKUP_OVERTAKEN", {
      what: `entries of the journal that reader ${lost} had not read when the backup began were trimmed meanwhile`,
      mend: "make the backup again, or keep the journal for longer (EWS_JOURNAL_DAYS)",
    });
  }
  await take("keys", () => copyFile(pepperFile, join(folder, basename(pepperFile))));
  const sealingKey = join(dirname(pepperFile), HJ212_KEY_FILE);
  if (existsSync(sealingKey)) await take("keys", () => copyFile(sealingKey, join(folder, HJ212_KEY_FILE)));
  await take("ca", () => copyAuthority(join(dirname(pepperFile), CA_FOLDER), folder));
  await take("packs", () => copyPacks(join(dirname(pepperFile), PACKS_FOLDER), folder));
  const confirmed = join(dirname(pepperFile), CONFIRMED_FILE);
  if (existsSync(confirmed)) await take("confirmed", () => copyFile(confirmed, join(folder, CONFIRMED_FILE)));
  return { format: 1, createdAt, withSeries, files };
}

/**
 * The local CA, if there is one: whoever has the backup can issue certificates, as whoever has the data folder can. The
 * list goes before the register, from which the next one is written: a revocation meanwhile is in both or in the register.
 */
async function copyAuthority(from: string, to: string): Promise<void> {
  if (!existsSync(join(from, "ca.pem"))) return;
  for (const name of CA_NAMES) if (existsSync(join(from, name))) await copyFile(join(from, name), join(to, name));
}

/**
 * Imported packs: `<id>.json`; half-written ones (`.new`) are left. All files of a backup lie in one folder, so a pack
 * carries its folder in front: an id may be the name of another file.
 */
async function copyPacks(from: string, to: string): Promise<void> {
  if (!existsSync(from)) return;
  for (const name of await readdir(from))
    if (name.endsWith(".json")) await copyFile(join(from, name), join(to, `${PACKS_PREFIX}${name}`));
}

/** Where a file of the backup belongs in the data folder. */
function placeOf({ name, part }: BackupFile): string {
  const folder = FOLDERS[part];
  if (folder === undefined) return name;
  return join(folder, part === "packs" ? name.slice(PACKS_PREFIX.length) : name);
}

/** False when the series store says that it is backed up with its own tool. The error may come from another thread. */
async function tookSeries(copy: Promise<void>): Promise<boolean> {
  try {
    await copy;
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "BACKUP_ELSEWHERE") return false;
    throw error;
  }
}

/**
 * The stores' copies are older than the journal's: what they had not read by then must still be in it.
 *
 * @returns the reader that would miss something, or null.
 */
export function overtaken(start: JournalStats, end: JournalStats): string | null {
  const behind = start.readers.find(({ stream, offset }) => {
    return offset < end.streams[stream].start && offset >= start.streams[stream].start;
  });
  return behind?.reader ?? null;
}

async function describeFile(folder: string, name: string, part: BackupFile["part"]): Promise<BackupFile> {
  const path = join(folder, name);
  const inspection = name.endsWith(".db") ? await inspectSqlite(path) : null;
  if (inspection && inspection.check !== "ok") {
    throw new Unavailable("BACKUP_FAILED", { what: `the copy is damaged: ${inspection.check}`, where: name });
  }
  const { size: bytes } = await stat(path);
  return { name, part, bytes, sha256: await sha256(path), rows: inspection?.rows ?? null };
}

async function inspectSqlite(file: string): Promise<Inspection> {
  const thread = startThread(new URL("./sql-inspect-thread.ts", import.meta.url), { name: "inspect", data: { file } });
  try {
    return await new Promise((found, failed) => {
      thread.once("message", found);
      thread.once("error", failed);
    });
  } finally {
    await thread.terminate();
  }
}

/** Compares every file with the manifest. @throws Refused `BACKUP_DAMAGED` naming each file that differs. */
export async function verifyBackup(folder: string): Promise<BackupManifest> {
  const manifest = await readManifest(folder);
  const faults: string[] = [];
  for (const file of manifest.files) {
    const fault = await fileFault(join(folder, file.name), file);
    if (fault !== null) faults.push(`${file.name}: ${fault}`);
  }
  if (faults.length > 0) throw damaged(folder, faults.join("; "));
  return manifest;
}

/**
 * Verifies the backup and copies it into the data folder (files mode 0600).
 *
 * @throws Refused `BACKUP_DAMAGED`, or `DATA_DIR_NOT_EMPTY`: nothing that exists is ever overwritten.
 */
export async function restoreAll(folder: string, dataDir: string): Promise<BackupManifest> {
  await refuseFilled(dataDir, "DATA_DIR_NOT_EMPTY", "stop the server and move the old data folder away first");
  const manifest = await verifyBackup(folder);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  // Final names come last: an interrupted restore must not look like a data folder.
  const partial = (name: string): string => join(dataDir, `${name}.restoring`);
  for (const { name } of manifest.files) {
    await copyFile(join(folder, name), partial(name));
    await secure(partial(name));
  }
  const folders = new Set(manifest.files.flatMap(({ part }) => FOLDERS[part] ?? []));
  for (const name of folders) await mkdir(join(dataDir, name), { mode: 0o700 });
  // The ledger last: a start without its pepper would make another, and every secret would be wrong.
  const inOrder = [...manifest.files].sort((a, b) => Number(a.part === "ledger") - Number(b.part === "ledger"));
  for (const file of inOrder) await rename(partial(file.name), join(dataDir, placeOf(file)));
  for (const name of folders) await sync(join(dataDir, name));
  await sync(dataDir);
  return manifest;
}

async function readManifest(folder: string): Promise<BackupManifest> {
  let text: string;
  try {
    text = await readFile(join(folder, MANIFEST), "utf8");
  } catch (error) {
    throw damaged(folder, `${MANIFEST}: ${(error as Error).message}`);
  }
  try {
    return BackupManifest.parse(JSON.parse(text));
  } catch (error) {
    const what = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw damaged(folder, `${MANIFEST}: ${what}`);
  }
}

async function fileFault(path: string, expected: BackupFile): Promise<string | null> {
  try {
    const { size } = await stat(path);
    if (size !== expected.bytes) return `${size} bytes instead of ${expected.bytes}`;
    return (await sha256(path)) === expected.sha256 ? null : "its SHA-256 differs from the manifest";
  } catch (error) {
    return (error as Error).message;
  }
}

function damaged(folder: string, what: string): Refused {
  return new Refused("BACKUP_DAMAGED", { what, where: folder, mend: "use another backup" });
}

async function refuseFilled(folder: string, code: string, mend: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new Refused(code, { what: error.message, where: folder, mend });
  });
  const kept = names.filter((name) => !IGNORED.includes(name));
  if (kept.length > 0) throw new Refused(code, { what: `the folder holds ${kept.length} files`, where: folder, mend });
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function secure(path: string): Promise<void> {
  await chmod(path, 0o600);
  await sync(path);
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
