/**
 * What a replay writes: JSON lines of flags, alarms and events, sorted by time. Sorting is done in runs of bounded memory
 * that are merged at the end, since an event is known by its start only when it is over.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Alarm, AlarmEvent } from "./core/alarm.ts";
import { parseSeriesKey } from "./core/reading.ts";
import type { Flagged } from "./replay-ingest.ts";

/** Derived series of event rules bear it where others have their quantity. */
const EVENT_KIND = "event";
const KINDS = ["flag", "alarm", "event"] as const;
/** Lines kept in memory before they go to a file: some 50 MB. */
const RUN_LINES_MAX = 150_000;

interface Line {
  readonly time: number;
  readonly kind: number;
  /** Names what the line is about: of lines with equal time, kind and key the last one counts. */
  readonly key: string;
  readonly order: number;
  /** Null takes back what was said before. */
  readonly text: string | null;
}

export class ReplayLines {
  #lines: Line[] = [];
  #order = 0;
  #folder: string | null = null;
  readonly #runs: string[] = [];
  readonly counts = { flag: 0, alarm: 0, event: 0 };

  /** A flag of 1 takes an earlier one back. */
  flag({ series, time, value, flag, tests }: Flagged): void {
    const body = { type: "flag", series, time: iso(time), value: Number.isNaN(value) ? null : value, flag, tests };
    this.#add(time, 0, series, flag === 1 ? null : JSON.stringify(body));
  }

  alarm(event: AlarmEvent): void {
    const line = alarmLine(event);
    this.#add(event.at, 1, String(this.#order), JSON.stringify(line));
  }

  /** Of an alarm of a rule over the channels of a station; nothing for others. @param end of the tape: what is open closes there. */
  event(alarm: Alarm, end: number): void {
    if (parseSeriesKey(alarm.series).quantity !== EVENT_KIND || alarm.supersededBy !== null) return;
    const { station, start, value } = alarm;
    const members = [...(alarm.evidence.computation?.members ?? [])].filter(({ contributes }) => contributes >= 0);
    const series = members.sort((a, b) => a.contributes - b.contributes).map((member) => member.series);
    const body = { type: "event", station, start: iso(start), end: iso(alarm.end ?? end), score: value, series };
    this.#add(start, 2, alarm.id, JSON.stringify(body));
  }

  /** Writes a sorted run once there are enough lines; call it now and then. */
  async spill(): Promise<void> {
    if (this.#lines.length < RUN_LINES_MAX) return;
    this.#folder ??= mkdtempSync(join(tmpdir(), "jingtu-replay-"));
    const file = join(this.#folder, `run-${this.#runs.length}`);
    this.#runs.push(file);
    const lines = this.#lines.sort(compare);
    this.#lines = [];
    await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  }

  /** All lines in order. Ends the temporary files. */
  async *take(): AsyncGenerator<string> {
    try {
      const runs: AsyncIterator<Line>[] = [...this.#runs.map(readRun), inMemory(this.#lines.sort(compare))];
      let held: Line | null = null;
      for await (const line of merge(runs)) {
        if (held && !isSame(held, line)) yield* this.#count(held);
        held = line;
      }
      if (held) yield* this.#count(held);
    } finally {
      this.#lines = [];
      if (this.#folder) rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  *#count(line: Line): Generator<string> {
    if (line.text === null) return;
    this.counts[KINDS[line.kind] ?? "flag"]++;
    yield line.text;
  }

  #add(time: number, kind: number, key: string, text: string | null): void {
    this.#lines.push({ time, kind, key, order: this.#order++, text });
  }
}

/** One transition of an alarm. `state` is `retracted` for what late data showed never to have been. */
export function alarmLine({ kind, at, alarm }: AlarmEvent) {
  const { rule, series, level, start, end, lateMs } = alarm;
  const state = kind === "retracted" ? "retracted" : alarm.state;
  const times = { start: iso(start), end: end === null ? null : iso(end), at: iso(at) };
  return { type: "alarm", rule, series, level, state, ...times, lateMs };
}

export function iso(time: number): string {
  return new Date(time).toISOString();
}

function compare(a: Line, b: Line): number {
  return a.time - b.time || a.kind - b.kind || (a.key < b.key ? -1 : a.key > b.key ? 1 : a.order - b.order);
}

function isSame(a: Line, b: Line): boolean {
  return a.time === b.time && a.kind === b.kind && a.key === b.key;
}

async function* inMemory(lines: readonly Line[]): AsyncGenerator<Line> {
  yield* lines;
}

async function* readRun(file: string): AsyncGenerator<Line> {
  const handle = await open(file);
  for await (const text of handle.readLines()) yield JSON.parse(text) as Line;
}

/** Few runs: the smallest head is looked for one by one. */
async function* merge(runs: readonly AsyncIterator<Line>[]): AsyncGenerator<Line> {
  const heads = await Promise.all(runs.map((run) => run.next()));
  for (;;) {
    let best = -1;
    for (let index = 0; index < heads.length; index++) {
      const head = heads[index];
      if (!head || head.done) continue;
      const known = best < 0 ? undefined : heads[best];
      if (!known || known.done || compare(head.value, known.value) < 0) best = index;
    }
    const head = heads[best];
    const run = runs[best];
    if (!head || head.done || !run) return;
    yield head.value;
    heads[best] = await run.next();
  }
}
