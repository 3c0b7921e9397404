/**
 * A small world around the alarm engine: stations, a tape of readings and acknowledgements, and an engine that is stopped
 * or killed while it plays the tape.
 */
import { type EngineParts, runAlerts } from "../../../alerts/engine.ts";
import type { AlarmEvent } from "../../../core/alarm.ts";
import { Unavailable } from "../../../core/errors.ts";
import { createLogger, Metrics } from "../../../core/observe.ts";
import type { Directory, Journal, JournalChange, JournalEntry, JournalStats, Stream } from "../../../core/ports.ts";
import type { Reading } from "../../../core/reading.ts";
import {
  aBlockEncoded,
  aDevice,
  aDirectory,
  anOrigin,
  aReading,
  aStation,
  aVersionedRule,
  NOW,
} from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { MemoryJournal } from "../../support/journal-memory.ts";
import { lastTold, MINUTE, noLimits } from "../../support/timeline.ts";
import { TOY_DETECTORS, toyRule } from "../../support/toy-detectors.ts";

const STATIONS = ["mw-1", "mw-2", "mw-3", "mw-4", "mw-5", "mw-6"];
const RULES = [
  aVersionedRule({ id: "high", above: 10, deadband: "5 %", onDelay: "2 readings", offDelay: "2 readings" }),
  aVersionedRule({ id: "low", below: 4, level: "red" }),
];

/** Rules with a memory: one on single series, one over all series of a station. */
export const LEARNING_RULES = [toyRule("drift"), toyRule("event")];

export function directoryWith(rules = RULES, version = 1): Directory {
  return aDirectory({
    version,
    rules,
    stations: STATIONS.map((id) => aStation({ id })),
    devices: STATIONS.map((id) => aDevice({ id: `dev-${id}`, station: id })),
  });
}

/** Dies at a chosen commit: before it takes hold, or after, when nobody hears of it any more. */
export class MortalJournal implements Journal {
  readonly #inner: Journal;
  readonly #dieAt: number;
  readonly #when: "before" | "after";
  commits = 0;
  dead = false;

  constructor(inner: Journal, dieAt = Number.POSITIVE_INFINITY, when: "before" | "after" = "before") {
    this.#inner = inner;
    this.#dieAt = dieAt;
    this.#when = when;
  }
  async commit(change: JournalChange): Promise<void> {
    this.#check();
    const last = this.commits++ === this.#dieAt;
    if (last) this.dead = true;
    if (last && this.#when === "before") this.#check();
    await this.#inner.commit(change);
    this.#check();
  }
  async append(stream: Stream, entry: Uint8Array): Promise<void> {
    await this.commit({ append: [{ stream, entries: [entry] }] });
  }
  async read(stream: Stream, offset: number, bytesMax: number): Promise<readonly JournalEntry[]> {
    this.#check();
    return this.#inner.read(stream, offset, bytesMax);
  }
  end = (stream: Stream): Promise<number> => this.#inner.end(stream);
  wait = (stream: Stream, offset: number, signal: AbortSignal): Promise<void> =>
    this.#inner.wait(stream, offset, signal);
  position = (reader: string, stream: Stream): Promise<number> => this.#inner.position(reader, stream);
  loadState = (reader: string): ReturnType<Journal["loadState"]> => this.#inner.loadState(reader);
  trim = (stream: Stream, offset: number): Promise<void> => this.#inner.trim(stream, offset);
  stats = (): Promise<JournalStats> => this.#inner.stats();
  backup = (folder: string): Promise<void> => this.#inner.backup(folder);
  close = (): Promise<void> => this.#inner.close();
  #check(): void {
    if (this.dead) throw new Unavailable("JOURNAL_FAILED", { what: "the process was killed" });
  }
}

/** What happens in order: blocks arrive, people acknowledge the newest open alarm. */
export type Step = readonly Reading[] | "acknowledge";

/** Reproducible: a small linear congruential generator. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export function tapeOf(seed: number, blocks: number): Step[] {
  const random = randomOf(seed);
  const steps: Step[] = [];
  for (let minute = 0; minute < blocks; minute++) {
    const block: Reading[] = [];
    for (const station of STATIONS) {
      if (random(5) === 0) continue;
      // Some late, some corrections, some doubtful; values stay a while so that runs come about.
      const late = random(4) === 0 ? random(8) : 0;
      const value = [6, 6, 9.8, 12, 12, 3][(Math.floor(minute / 4) + random(2) + STATIONS.indexOf(station)) % 6] ?? 6;
      const time = NOW + (minute - late) * MINUTE;
      const origin = anOrigin({ device: `dev-${station}`, seq: minute, receivedAt: NOW + minute * MINUTE + 500 });
      const flag = random(4) === 0 ? 3 : 1;
      const qualifier = random(12) === 0 ? "F" : "N";
      block.push(aReading({ series: `${station}/cd/total/rtd`, time, value, flag, qualifier, origin }));
    }
    steps.push(block);
    if (random(3) === 0) steps.push("acknowledge");
  }
  return steps;
}

export class World {
  readonly journal = new MemoryJournal();
  readonly clock = new FakeClock(NOW);
  directory = directoryWith([...RULES, ...LEARNING_RULES]);
  #acknowledged = 0;

  parts(journal: Journal): EngineParts {
    return {
      journal,
      directory: () => this.directory,
      bindLimit: noLimits,
      clock: this.clock,
      log: createLogger("silent"),
      metrics: new Metrics(),
      detectors: TOY_DETECTORS,
      windowBytesMax: 1, // small windows, so that they slide
    };
  }

  async events(): Promise<AlarmEvent[]> {
    const entries = await this.journal.read("alarms", 0, Number.MAX_SAFE_INTEGER);
    return entries.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()) as AlarmEvent);
  }

  async happen(step: Step): Promise<void> {
    if (step !== "acknowledge") return this.journal.append("readings", aBlockEncoded(step));
    const open = lastTold(await this.events()).filter(({ acknowledgedBy }) => acknowledgedBy === null);
    const alarm = open.sort((a, b) => a.id.localeCompare(b.id))[0];
    if (!alarm) return;
    const command = {
      id: `c${this.#acknowledged++}`,
      kind: "acknowledge",
      alarm: alarm.id,
      by: "officer",
      via: "web",
      at: NOW,
    };
    await this.journal.append("commands", Buffer.from(JSON.stringify(command)));
  }

  async caughtUp(): Promise<boolean> {
    for (const stream of ["readings", "commands"] as const) {
      if ((await this.journal.position("alerts", stream)) < (await this.journal.end(stream))) return false;
    }
    return true;
  }
}

export interface Run {
  readonly events: AlarmEvent[];
  readonly commits: number;
}

/** Plays a tape; the engine dies at commit `dieAt` and is started again, or is stopped cleanly after every `stopEvery` steps. */
export async function play(
  tape: readonly Step[],
  options: {
    dieAt?: number;
    when?: "before" | "after";
    stopEvery?: number;
    killEvery?: number;
    world?: World;
    tickMs?: number;
  } = {},
): Promise<Run> {
  const world = options.world ?? new World();
  const { tickMs = 2_000 } = options;
  let journal = new MortalJournal(world.journal, options.dieAt, options.when);
  let stop = new AbortController();
  let running = runAlerts(world.parts(journal), stop.signal);
  running.catch(() => {});
  let commits = 0;
  const restart = async (kill: boolean): Promise<void> => {
    if (kill) journal.dead = true;
    stop.abort();
    await running.catch(() => {});
    commits += journal.commits;
    stop = new AbortController();
    journal = new MortalJournal(world.journal);
    running = runAlerts(world.parts(journal), stop.signal);
    running.catch(() => {});
  };
  for (const [index, step] of tape.entries()) {
    await world.happen(step);
    for (let turn = 0; !(await world.caughtUp()); turn++) {
      if (journal.dead) await restart(true);
      await world.clock.advance(turn < 2 ? 0 : 1_000);
      if (turn > 50) throw new Error("the engine does not catch up");
    }
    await world.clock.advance(tickMs);
    if (options.stopEvery && index % options.stopEvery === 0) await restart(false);
    if (options.killEvery && index % options.killEvery === 0) await restart(true);
  }
  stop.abort();
  await running.catch(() => {});
  return { events: await world.events(), commits: commits + journal.commits };
}

/** Everything that people and programs see of a run, except wall times. */
export function told(events: readonly AlarmEvent[]): unknown {
  return events.map(({ id, kind, by, alarm }) => {
    const { start, end, level, state, verified, lateMs, acknowledgedBy, supersededBy, evidence } = alarm;
    return { id, kind, by, start, end, level, state, verified, lateMs, acknowledgedBy, supersededBy, evidence };
  });
}
