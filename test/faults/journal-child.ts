/**
 * Child process of the journal's fault programs; ends only when it is killed, or after its steps.
 *
 * `crowd FOLDER ROUND`: 100 appenders on stream raw, and a reader that copies raw to readings with its position. What is
 * acknowledged is told on stdout as lines "appender number"; writes to a pipe are synchronous in Node on Linux.
 * `steps FOLDER COUNT`: one append after the other, each told on stdout as a line "ack number" once it is acknowledged.
 */
import { systemClock } from "../../core/clock.ts";
import { createLogger, Metrics } from "../../core/observe.ts";
import type { Journal } from "../../core/ports.ts";
import { openSqliteJournal } from "../../storage/journal-sqlite.ts";

const APPENDERS = 100;
const ENTRY_BYTES = 250;

const [mode, folder = "", count = "0"] = process.argv.slice(2);
const journal = await openSqliteJournal({
  folder,
  clock: systemClock,
  log: createLogger("warn"),
  metrics: new Metrics(),
  diskReserveBytes: 0,
});
if (mode === "steps") {
  for (let step = 0; step < Number(count); step++) {
    await journal.append("raw", anEntry(0, 0, step));
    process.stdout.write(`ack ${step}\n`);
  }
  await journal.close();
} else {
  void copy(journal);
  await Promise.all(
    Array.from({ length: APPENDERS }, (_, appender) => appendForEver(journal, Number(count), appender)),
  );
}

async function appendForEver(to: Journal, round: number, appender: number): Promise<void> {
  for (let step = 0; ; step++) {
    await to.append("raw", anEntry(round, appender, step));
    process.stdout.write(`${appender} ${step}\n`);
  }
}

/** Every entry of raw goes to readings once; output and position are one commit. */
async function copy(of: Journal): Promise<void> {
  const never = new AbortController().signal;
  for (let offset = await of.position("copy", "raw"); ; ) {
    await of.wait("raw", offset, never);
    const entries = await of.read("raw", offset, 64 * 1_024);
    offset = entries.at(-1)!.offset + 1;
    await of.commit({
      append: [{ stream: "readings", entries: entries.map(({ bytes }) => bytes) }],
      advance: [{ reader: "copy", stream: "raw", offset }],
    });
  }
}

function anEntry(round: number, appender: number, step: number): Buffer {
  const entry = Buffer.alloc(ENTRY_BYTES, step);
  entry.writeUInt32LE(round, 0);
  entry.writeUInt32LE(appender, 4);
  entry.writeUInt32LE(step, 8);
  return entry;
}
