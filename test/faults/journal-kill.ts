/**
 * Kills a process that appends, again and again, and looks for what it had acknowledged.
 *
 * This says nothing about power loss: the page cache survives a killed process. For that see journal-syncs.ts.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { systemClock } from "../../core/clock.ts";
import { type JournalReader, openJournalReader } from "../../storage/journal-sqlite.ts";

const KILL_AFTER_MS = { min: 20, max: 1_000 };

export interface KillFigures {
  readonly rounds: number;
  readonly acknowledged: number;
  /** Acknowledged, but not there. */
  readonly lost: number;
  /** Numbers missing inside an appender's sequence, or out of order, or twice. */
  readonly gaps: number;
  /** Entries whose bytes are not those that were sent. */
  readonly wrong: number;
  /** Rounds after which a reader's position and its output did not fit each other. */
  readonly halves: number;
}

/** @param folder empty, or absent. */
export async function journalKill(options: {
  readonly rounds: number;
  readonly seed: number;
  readonly folder: string;
}): Promise<KillFigures> {
  const random = seeded(options.seed);
  const figures = { rounds: 0, acknowledged: 0, lost: 0, gaps: 0, wrong: 0, halves: 0 };
  let offset = 0;
  for (let round = 0; round < options.rounds; round++) {
    const acknowledged = await killedRound(options.folder, round, random);
    const journal = await openJournalReader(options.folder);
    const found = await readRound(journal, round, offset);
    offset = found.end;
    for (const [appender, last] of acknowledged) {
      figures.acknowledged += last + 1;
      figures.lost += Math.max(0, last - (found.last.get(appender) ?? -1));
    }
    figures.gaps += found.gaps;
    figures.wrong += found.wrong;
    if ((await journal.position("copy", "raw")) !== (await journal.end("readings"))) figures.halves++;
    figures.rounds++;
    await journal.close();
  }
  return figures;
}

/** Highest number that each appender was told is safe, as far as it got word out before it was killed. */
async function killedRound(folder: string, round: number, random: () => number): Promise<Map<number, number>> {
  const child = startChild(["crowd", folder, String(round)]);
  const acknowledged = new Map<number, number>();
  let rest = "";
  const ended = once(child, "exit");
  const drained = once(child.stdout!, "end");
  const started = once(child.stdout!, "data");
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [appender, step] = line.split(" ").map(Number);
      acknowledged.set(appender!, step!);
    }
  });
  await Promise.race([started, ended]);
  if (child.exitCode !== null) throw new Error(`the child ended with code ${child.exitCode} before it was killed`);
  await systemClock.sleep(KILL_AFTER_MS.min + random() * (KILL_AFTER_MS.max - KILL_AFTER_MS.min));
  child.kill("SIGKILL");
  await Promise.all([ended, drained]);
  return acknowledged;
}

async function readRound(
  journal: JournalReader,
  round: number,
  from: number,
): Promise<{
  readonly last: Map<number, number>;
  readonly gaps: number;
  readonly wrong: number;
  readonly end: number;
}> {
  const last = new Map<number, number>();
  let gaps = 0;
  let wrong = 0;
  let end = from;
  for (;;) {
    const entries = await journal.read("raw", end, 1_024 * 1_024);
    if (entries.length === 0) break;
    for (const { offset, bytes } of entries) {
      const entry = Buffer.from(bytes);
      const [of, appender, step] = [entry.readUInt32LE(0), entry.readUInt32LE(4), entry.readUInt32LE(8)];
      if (offset !== end || of !== round || step !== (last.get(appender) ?? -1) + 1) gaps++;
      if (entry.subarray(12).some((byte) => byte !== (step & 255))) wrong++;
      last.set(appender, step);
      end = offset + 1;
    }
  }
  if (end !== (await journal.end("raw"))) gaps++;
  return { last, gaps, wrong, end };
}

/** @param under a program, with its arguments, that runs the child. */
export function startChild(args: readonly string[], under: readonly string[] = []): ChildProcess {
  const script = join(import.meta.dirname, "journal-child.ts");
  const words = [...under, process.execPath, "--import", "tsx", script, ...args];
  return spawn(words[0]!, words.slice(1), { stdio: ["ignore", "pipe", "inherit"] });
}

/** Small generator (mulberry32), so that a run can be repeated. */
function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const rounds = Number(process.argv[2] ?? 20);
  const folder = process.argv[3] ?? mkdtempSync(join(tmpdir(), "journal-kill-"));
  console.log(JSON.stringify(await journalKill({ rounds, seed: 1, folder })));
}
