/**
 * The loop of the alarm engine: streams `readings` and `commands` in, stream `alarms` out. The only writer of alarm
 * state. Alarms and the positions they follow from are one atomic commit, so a crash neither loses nor doubles any.
 */
import { type AlarmEvent, Command } from "../core/alarm.ts";
import type { JournalChange, JournalEntry } from "../core/ports.ts";
import type { Judge } from "./judge.ts";
import { type EngineParts, READ_BYTES_MAX, READER, readBlock, recover, shardReader } from "./recover.ts";
import { encodeShard, SHARDS } from "./snapshot.ts";
import { Bell, Tail } from "./tail.ts";

export type { EngineParts } from "./recover.ts";

const TICK_MS = 1_000;
/** Without alarms, positions are committed this often; a crash repeats the silent part only. */
const ADVANCE_MS = 1_000;
/** All shards are saved once in about this time, one after the other. */
const SNAPSHOT_MS = 60_000;

/** Runs until the signal aborts. @throws Unavailable when the journal cannot take its output; call it again. */
export async function runAlerts(parts: EngineParts, signal: AbortSignal): Promise<void> {
  const recovered = await recover(parts);
  const engine = new Engine(parts, recovered.judge, recovered.alarms);
  const bell = new Bell();
  const readings = new Tail(parts.journal, "readings", recovered.readings, signal, bell.ring);
  const commands = new Tail(parts.journal, "commands", recovered.commands, signal, bell.ring);
  engine.begin(readings, commands);
  const stopTick = parts.clock.every(TICK_MS, () => {
    engine.tickDue = true;
    bell.ring();
  });
  signal.addEventListener("abort", bell.ring, { once: true });
  try {
    await engine.resume();
    while (!signal.aborted) {
      const busy = await engine.turn();
      if (!busy) await bell.rung();
    }
    await engine.saveAll();
  } finally {
    stopTick();
    signal.removeEventListener("abort", bell.ring);
  }
}

class Engine {
  tickDue = false;
  readonly #parts: EngineParts;
  readonly #judge: Judge;
  #readings!: Tail;
  #commands!: Tail;
  /** Position after the last block that was judged, and after the last command that was answered. */
  #judged = 0;
  #answered = 0;
  #alarmsEnd: number;
  #events: AlarmEvent[] = [];
  #committedAt: number;
  #committed: readonly [number, number] = [-1, -1];
  #savedAt: number;
  #nextShard = 0;
  /** Positions of the last save of each shard. */
  readonly #saved: (readonly [number, number])[] = [];

  constructor(parts: EngineParts, judge: Judge, alarmsEnd: number) {
    this.#parts = parts;
    this.#judge = judge;
    this.#alarmsEnd = alarmsEnd;
    this.#committedAt = parts.clock.monotonic();
    this.#savedAt = parts.clock.monotonic();
  }

  begin(readings: Tail, commands: Tail): void {
    this.#readings = readings;
    this.#commands = commands;
    this.#judged = readings.position;
    this.#answered = commands.position;
  }

  /** First commit: what is left to tell after a restart, and the claim on the journal that keeps it from being trimmed. */
  async resume(): Promise<void> {
    const { clock, directory, journal } = this.#parts;
    this.#events = this.#judge.resume(this.#judged, clock.now());
    this.#events.push(...this.#judge.rebind(directory(), this.#judged, clock.now()).events);
    const claims: { reader: string; stream: "readings" | "alarms"; offset: number }[] = [];
    for (let shard = 0; shard < SHARDS; shard++) {
      const reader = shardReader(shard);
      for (const stream of ["readings", "alarms"] as const) {
        claims.push({ reader, stream, offset: await journal.position(reader, stream) });
      }
    }
    await this.#commit({ advance: claims });
  }

  /** One round. @returns false when there was nothing to do. */
  async turn(): Promise<boolean> {
    if (this.#parts.directory().version !== this.#judge.directoryVersion) await this.#rebind();
    const blocks = await this.#readings.next(READ_BYTES_MAX);
    for (const entry of blocks) this.#block(entry);
    const commands = await this.#commands.next(READ_BYTES_MAX);
    for (const entry of commands) this.#command(entry);
    if (this.tickDue) {
      this.tickDue = false;
      this.#events.push(...this.#judge.tick(this.#judged, this.#parts.clock.now()));
    }
    const now = this.#parts.clock.monotonic();
    if (this.#events.length > 0 || commands.length > 0) await this.#commit({});
    else if (now - this.#committedAt >= ADVANCE_MS && this.#isAhead()) await this.#commit({});
    if (now - this.#savedAt >= SNAPSHOT_MS / SHARDS) await this.#saveNext(now);
    return blocks.length > 0 || commands.length > 0;
  }

  async saveAll(): Promise<void> {
    for (let shard = 0; shard < SHARDS; shard++) await this.#commit(this.#snapshotOf(shard));
  }

  #block({ offset, bytes }: JournalEntry): void {
    const { clock, metrics } = this.#parts;
    const block = readBlock(bytes, offset, this.#parts);
    this.#judged = offset + 1;
    if (!block) return;
    const now = clock.now();
    const events = this.#judge.block(block, offset + 1, now);
    metrics.count("alerts_readings", block.count);
    for (const event of events) {
      const arrival = event.alarm.evidence.readings.at(-1)?.receivedAt;
      if (event.kind === "raised" && arrival !== undefined) {
        metrics.observeSeconds("reading_to_alarm", Math.max(0, now - arrival) / 1_000);
      }
    }
    this.#events.push(...events);
  }

  #command({ offset, bytes }: JournalEntry): void {
    const { clock, log, metrics } = this.#parts;
    this.#answered = offset + 1;
    const command = parseCommand(bytes);
    const events = command && this.#judge.command(command, this.#judged, clock.now());
    if (events) this.#events.push(...events);
    metrics.count("alerts_commands", 1, { outcome: command ? (events ? "decided" : "unknown-alarm") : "unreadable" });
    if (!events) log.warn({ offset, alarm: command?.alarm ?? null }, "a command names no alarm that can be changed");
  }

  async #rebind(): Promise<void> {
    const { clock, directory, log } = this.#parts;
    const { changed, events } = this.#judge.rebind(directory(), this.#judged, clock.now());
    this.#events.push(...events);
    this.#saved.length = 0; // what the absence rules await may have changed: each shard is saved in its turn
    if (!changed && events.length === 0) return;
    log.info({ version: this.#judge.directoryVersion, events: events.length }, "alarm rules bound again");
    // Together with all snapshots: a restart must not judge what came before under the new rules.
    const saves = Array.from({ length: SHARDS }, (_, shard) => this.#snapshotOf(shard));
    await this.#commit({
      advance: saves.flatMap((save) => save.advance ?? []),
      state: saves.flatMap((save) => save.state ?? []),
    });
  }

  async #saveNext(now: number): Promise<void> {
    this.#savedAt = now;
    const shard = this.#nextShard;
    this.#nextShard = (shard + 1) % SHARDS;
    const saved = this.#saved[shard];
    if (saved?.[0] === this.#judged && saved[1] === this.#alarmsEnd) return;
    await this.#commit(this.#snapshotOf(shard));
    this.#saved[shard] = [this.#judged, this.#alarmsEnd];
  }

  /** Of the state once the events at hand are committed. */
  #snapshotOf(shard: number): JournalChange {
    const reader = shardReader(shard);
    const alarms = this.#alarmsEnd + this.#events.length;
    const bytes = encodeShard(this.#judge, shard, alarms);
    return {
      advance: [
        { reader, stream: "readings", offset: this.#judged },
        { reader, stream: "alarms", offset: alarms },
      ],
      state: [{ reader, offset: this.#judged, bytes }],
    };
  }

  /** Writes the events at hand and the positions they follow from, with whatever else belongs to the same moment. */
  async #commit({ advance = [], state = [] }: JournalChange): Promise<void> {
    const { journal, clock, metrics } = this.#parts;
    const events = this.#events;
    this.#events = [];
    await journal.commit({
      append: events.length === 0 ? [] : [{ stream: "alarms", entries: events.map(encodeEvent) }],
      advance: [
        { reader: READER, stream: "readings", offset: this.#judged },
        { reader: READER, stream: "commands", offset: this.#answered },
        ...advance,
      ],
      state,
    });
    this.#alarmsEnd += events.length;
    this.#committedAt = clock.monotonic();
    this.#committed = [this.#judged, this.#answered];
    for (const { kind, alarm } of events) {
      metrics.count("alarm_events", 1, { kind, level: alarm.level, category: alarm.category });
    }
  }

  #isAhead(): boolean {
    return this.#committed[0] !== this.#judged || this.#committed[1] !== this.#answered;
  }
}

function encodeEvent(event: AlarmEvent): Uint8Array {
  return Buffer.from(JSON.stringify(event));
}

function parseCommand(bytes: Uint8Array): Command | null {
  try {
    return Command.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch {
    return null;
  }
}
