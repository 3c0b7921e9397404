/**
 * `jingtu replay`: what would have fired. A CSV, or the history of this installation, through the very same engine; JSON
 * lines of flags, alarms and events come out. Nothing is written to any store and nobody is told anything.
 */

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { engineOf } from "../alerts/detectors.ts";
import { loadRules, SHIPPED_RULES } from "../alerts/rules.ts";
import type { Alarm, AlarmEvent } from "../core/alarm.ts";
import { systemClock } from "../core/clock.ts";
import { EXIT } from "../core/errors.ts";
import { packsOf } from "../packs.ts";
import { Replay } from "../replay.ts";
import { ReplayIngest } from "../replay-ingest.ts";
import { ReplayLines } from "../replay-lines.ts";
import { replayDirectory, versioned } from "../replay-registry.ts";
import { parseMapFile } from "../simulators/map-file.ts";
import { surveyTape, type Tape } from "../simulators/tape.ts";
import { readRegistry, registryFormat } from "../storage/registry-file.ts";
import { replayOwnHistory } from "./replay-own.ts";
import { ReplaySent } from "./replay-sent.ts";
import { replayTapes } from "./replay-tape.ts";
import { type Call, readBytes, readText, UsageError, type Verb } from "./verb.ts";

export const replayVerb: Verb = {
  name: "replay",
  summary: "what would have fired: run history or a CSV through the alarm engine, telling nobody",
  more: "Give --csv, --map and --sites for a tape, or --from and --to for the history in EWS_DATA_DIR. See docs/replay.md.",
  operands: "",
  options: {
    sites: { type: "string", value: "FILE", help: "registry file of the tape's stations" },
    rules: {
      type: "string",
      value: "DIR",
      help: "folder of rules; default those in force, with --csv the shipped ones",
    },
    csv: { type: "string", value: "FILE…", many: true, help: "the measurements; several files are merged by time" },
    map: {
      type: "string",
      value: "FILE…",
      many: true,
      help: "how their columns become readings: one for all, or one a file",
    },
    from: { type: "string", value: "TIME", help: "history from here on, ISO 8601" },
    to: { type: "string", value: "TIME", help: "up to before here" },
    lead: {
      type: "string",
      value: "7d",
      help: "with --from: read so much before it, so that what was running is known",
    },
    out: { type: "string", value: "FILE", help: "JSON lines; default stdout" },
    sent: { type: "string", value: "FILE", help: "what would have been sent to whom, as JSON lines" },
  },
  run: async (call) => {
    const [csv, from] = [call.list("csv"), call.text("from")];
    if ((csv.length === 0) === (from === undefined)) throw new UsageError("give either --csv FILE… or --from T --to T");
    const startedAt = systemClock.monotonic();
    const lines = new ReplayLines();
    const sent = new ReplaySent(call.config(), call.text("sent") !== undefined);
    const report = csv.length > 0 ? await replayCsv(call, csv, lines, sent) : await replayOwnHistory(call, lines, sent);
    await write(lines, call.text("out"));
    if (call.text("sent") !== undefined) await writeLines(call.text("sent"), sent.lines());
    const seconds = Math.round((systemClock.monotonic() - startedAt) / 10) / 100;
    const summary = { ...report, lines: lines.counts, sent: sent.summary(), seconds };
    // Without --out the lines have stdout to themselves.
    if (call.text("out") === undefined) call.out.say(JSON.stringify(summary));
    else call.out.result(summary);
    return EXIT.ok;
  },
};

async function replayCsv(call: Call, files: readonly string[], lines: ReplayLines, sent: ReplaySent): Promise<object> {
  const [maps, sites] = [call.list("map"), call.text("sites")];
  if (!sites || maps.length === 0) throw new UsageError("--csv needs --map FILE and --sites FILE");
  if (maps.length !== 1 && maps.length !== files.length)
    throw new UsageError("give one --map for all files, or one for each");
  const packs = packsOf(call.config().dataDir);
  const rules = versioned(loadRules(call.text("rules") ?? SHIPPED_RULES, packs));
  const { file: contents } = await readRegistry(readBytes(sites), registryFormat(sites));
  const tapes: Tape[] = [];
  for (const [index, file] of files.entries()) {
    const mapFile = maps[maps.length === 1 ? 0 : index] as string;
    tapes.push(await surveyTape(file, parseMapFile(readText(mapFile), mapFile)));
  }
  const directory = replayDirectory(
    contents,
    rules,
    tapes.flatMap(({ targets }) => targets),
  );
  const first = Math.min(...tapes.map((tape) => tape.first).filter((time) => !Number.isNaN(time)));
  const last = Math.max(...tapes.map((tape) => tape.last));
  if (!Number.isFinite(first)) return { rows: 0, readings: 0 };
  sent.consumersOf(null);
  const alarms = new Map<string, Alarm>();
  const onEvent = (event: AlarmEvent): void => {
    lines.alarm(event);
    sent.add(event);
    alarms.set(event.alarm.id, event.alarm);
  };
  const replay = new Replay({ directory, engine: engineOf(packs), begin: first, onEvent });
  const ingest = new ReplayIngest({ directory, replay, onFlag: (flagged) => lines.flag(flagged) });
  await replayTapes(tapes, ingest, () => lines.spill());
  ingest.end(last);
  for (const alarm of alarms.values()) lines.event(alarm, last);
  const sum = (name: "rows" | "missing" | "skipped" | "censored"): number =>
    tapes.reduce((total, { counts }) => total + counts[name], 0);
  return {
    ...{ rows: sum("rows"), missing: sum("missing"), skipped: sum("skipped"), censored: sum("censored") },
    ...ingest.counts,
    series: replay.judge.series.size,
  };
}

async function write(lines: ReplayLines, file: string | undefined): Promise<void> {
  await writeLines(file, lines.take());
}

async function writeLines(file: string | undefined, lines: AsyncIterable<string> | Iterable<string>): Promise<void> {
  const stream = file === undefined ? process.stdout : createWriteStream(file);
  let text = "";
  for await (const line of lines) {
    text += `${line}\n`;
    if (text.length < 65_536) continue;
    if (!stream.write(text)) await once(stream, "drain");
    text = "";
  }
  if (file === undefined) {
    await new Promise<void>((resolve) => stream.write(text, () => resolve()));
    return;
  }
  stream.end(text);
  await finished(stream);
}
