/** The loop `alarms` → AlarmStore: events and position in one transaction, then the journal learns that it may trim. */
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/observe.ts";
import type { AlarmStore, Journal } from "../core/ports.ts";
import { READ_BYTES_MAX, readEvent } from "./recover.ts";

export const RECORDER = "recorder";

/** Runs until the signal aborts. @throws Unavailable when journal or store cannot serve; call it again. */
export async function runRecorder(
  parts: { readonly journal: Journal; readonly alarms: AlarmStore; readonly clock: Clock; readonly log: Logger },
  signal: AbortSignal,
): Promise<void> {
  const { journal, alarms, log } = parts;
  let position = await alarms.position(RECORDER);
  await claim(journal, position);
  log.info({ position }, "alarm recorder started");
  while (!signal.aborted) {
    const entries = await journal.read("alarms", position, READ_BYTES_MAX);
    const last = entries.at(-1);
    if (!last) {
      await journal.wait("alarms", position, signal);
      continue;
    }
    position = last.offset + 1;
    await alarms.record(
      entries.map(({ bytes }) => readEvent(bytes)),
      { reader: RECORDER, offset: position },
    );
    await claim(journal, position);
  }
}

/** The store's own position decides; the journal only needs to know what may be dropped. */
function claim(journal: Journal, offset: number): Promise<void> {
  return journal.commit({ advance: [{ reader: RECORDER, stream: "alarms", offset }] });
}
