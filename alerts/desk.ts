/**
 * The port AlarmDesk: writes down what a person asks, waits for the engine's decision, and answers with the alarm as it
 * then is. Runs in any process that reaches the journal; only the engine changes alarms.
 */
import type { Alarm, AlarmEvent, Command } from "../core/alarm.ts";
import type { Clock } from "../core/clock.ts";
import { Refused, Unavailable } from "../core/errors.ts";
import type { AlarmDesk, AlarmStore, Journal } from "../core/ports.ts";

export interface DeskParts {
  readonly journal: Journal;
  readonly alarms: Pick<AlarmStore, "get">;
  readonly clock: Clock;
  /** Unique id of a command, at most 64 characters. */
  readonly newId: () => string;
}

const ANSWER_MS_MAX = 2_000;
const READ_BYTES_MAX = 1024 * 1024;
/** An alarm may have been joined to another, and that one to a third; further than this is a fault. */
const JOINS_MAX = 8;

export function createAlarmDesk(parts: DeskParts): AlarmDesk {
  return { acknowledge: (request) => acknowledge(parts, request) };
}

async function acknowledge(parts: DeskParts, request: Omit<Command, "kind" | "id" | "at">): Promise<Alarm> {
  const { journal, clock, newId } = parts;
  const alarm = await find(parts, request.alarm);
  if (alarm.acknowledgedBy !== null) return alarm;
  const from = await journal.end("alarms");
  const command: Command = { ...request, alarm: alarm.id, kind: "acknowledge", id: newId(), at: clock.now() };
  await journal.append("commands", Buffer.from(JSON.stringify(command)));
  const decided = (await decision(parts, command, from)) ?? (await parts.alarms.get(alarm.id));
  if (decided && decided.acknowledgedBy !== null) return decided;
  throw new Unavailable("ALARM_UNDECIDED", {
    what: `the acknowledgement of alarm ${alarm.id} is written down, the alarm engine has not answered yet`,
    mend: "it takes effect once the engine runs; look again in a moment",
  });
}

/** The alarm that stands for `id` today: late data may have joined it to an earlier one. */
async function find({ alarms }: DeskParts, id: string): Promise<Alarm> {
  let alarm = await alarms.get(id);
  for (let joins = 0; alarm && alarm.supersededBy !== null && joins < JOINS_MAX; joins++) {
    if (alarm.supersededBy === "retracted") break;
    alarm = await alarms.get(alarm.supersededBy);
  }
  if (!alarm || alarm.supersededBy !== null) {
    throw new Refused("ALARM_UNKNOWN", { what: `there is no alarm ${id.slice(0, 64)}, or it was retracted` }, 404);
  }
  return alarm;
}

/** Follows stream `alarms` until it says that the alarm is acknowledged, by this command or by somebody quicker. */
async function decision({ journal, clock }: DeskParts, command: Command, from: number): Promise<Alarm | null> {
  const stop = new AbortController();
  const timeout = clock.sleep(ANSWER_MS_MAX, stop.signal).then(() => stop.abort());
  try {
    for (let position = from; !stop.signal.aborted; ) {
      for (const { offset, bytes } of await journal.read("alarms", position, READ_BYTES_MAX)) {
        position = offset + 1;
        const { command: cause, alarm } = JSON.parse(Buffer.from(bytes).toString()) as AlarmEvent;
        if (cause === command.id || (alarm.id === command.alarm && alarm.acknowledgedBy !== null)) return alarm;
      }
      await journal.wait("alarms", position, stop.signal);
    }
    return null;
  } finally {
    stop.abort();
    await timeout;
  }
}
