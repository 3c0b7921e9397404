/**
 * The loop `alarms` → MQTT: the current state of each alarm condition, retained, and every transition, not retained.
 *
 * A condition is one rule on one quantity of a station; several series or episodes may share it. The retained message
 * shows the most severe open alarm, and when none is open the one that began last, until another replaces it. The
 * broker keeps retained messages in memory, so those of open alarms are published again at each start: what the store
 * holds, then every event that the recorder had not reached.
 *
 * Alarms of suspected data stay off MQTT altogether: the topics are a tenant's own, and the suspicion may be of it.
 */
import { type Alarm, type AlarmEvent, levelRank } from "../core/alarm.ts";
import { shownMeasure } from "../core/alarm-words.ts";
import type { AlarmStore, Journal, Publisher } from "../core/ports.ts";
import { alarmLogTopic, alarmTopic } from "../core/wire.ts";
import { RECORDER } from "./record.ts";
import { READ_BYTES_MAX, readEvent } from "./recover.ts";

export interface PublishParts {
  readonly journal: Journal;
  readonly publisher: Publisher;
  readonly alarms: Pick<AlarmStore, "list" | "position">;
}

const READER = "alarm-publisher";
const PAGE = 500;

/** Runs until the signal aborts. Published before it is done with: after a crash a message may come twice. */
export async function runAlarmPublisher(parts: PublishParts, signal: AbortSignal): Promise<void> {
  const { journal, publisher } = parts;
  const recorded = await parts.alarms.position(RECORDER);
  const board = await openBoard(parts);
  // What was published but not yet recorded when the process died is in neither the store nor the broker.
  const published = await journal.position(READER, "alarms");
  let position = Math.min(published, recorded);
  while (!signal.aborted) {
    const entries = await journal.read("alarms", position, READ_BYTES_MAX);
    const last = entries.at(-1);
    if (!last) {
      await journal.wait("alarms", position, signal);
      continue;
    }
    for (const { bytes } of entries) await publishEvent(publisher, board, readEvent(bytes));
    position = last.offset + 1;
    const offset = Math.max(published, position);
    await journal.commit({ advance: [{ reader: READER, stream: "alarms", offset }] });
  }
}

/** What consumers read on the alarm topic (CONTRACTS 3); times in ms since 1970 UTC. */
export function alarmPayload(alarm: Alarm) {
  const { id, rule, level, state, verified, series, start, end, lateMs, evidence, updatedAt } = alarm;
  // A group's value is a score: who reads this by machine must not take it for a concentration.
  const { value, cmp, unit, limit } = shownMeasure(alarm);
  const { clause } = evidence;
  return {
    id,
    rule,
    level,
    state,
    verified,
    series,
    value,
    cmp,
    unit,
    limit,
    clause,
    start,
    end,
    lateMs,
    updated: updatedAt,
  };
}

async function openBoard({ alarms, publisher }: PublishParts): Promise<Board> {
  const board = new Board();
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await alarms.list({
      state: ["active", "acknowledged"],
      withoutIntegrity: true,
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const alarm of page.alarms) if (isPublished(alarm)) board.put(alarm);
    cursor = page.cursor;
  }
  for (const { topic, alarm } of board.shown()) {
    await publisher.publish({ topic, payload: JSON.stringify(alarmPayload(alarm)), retain: true });
  }
  return board;
}

function isPublished({ category }: Alarm): boolean {
  return category !== "integrity";
}

async function publishEvent(publisher: Publisher, board: Board, event: AlarmEvent): Promise<void> {
  const { alarm, kind } = event;
  if (!isPublished(alarm)) return;
  const topic = alarmTopic(alarm);
  const shown = board.put(alarm);
  if (shown !== "unchanged") {
    const payload = shown === "nothing" ? "" : JSON.stringify(alarmPayload(shown));
    await publisher.publish({ topic, payload, retain: true });
  }
  const transition = { event: event.id, kind, ...alarmPayload(alarm), supersededBy: alarm.supersededBy };
  await publisher.publish({ topic: alarmLogTopic(alarm), payload: JSON.stringify(transition), retain: false });
}

/** What each topic shows. */
export class Board {
  readonly #topics = new Map<string, { readonly open: Map<string, Alarm>; shown: Alarm | null }>();

  /** Takes an alarm as it now is. @returns what its topic is to show from now on. */
  put(alarm: Alarm): Alarm | "nothing" | "unchanged" {
    const topic = alarmTopic(alarm);
    const condition = this.#topics.get(topic) ?? { open: new Map<string, Alarm>(), shown: null };
    this.#topics.set(topic, condition);
    if (alarm.end === null && alarm.supersededBy === null) condition.open.set(alarm.id, alarm);
    else condition.open.delete(alarm.id);
    const worst = [...condition.open.values()].sort(bySeverity)[0];
    const { shown } = condition;
    if (worst) condition.shown = worst;
    else if (alarm.supersededBy !== null) {
      if (shown !== null && shown.id !== alarm.id) return "unchanged";
      condition.shown = null;
      return "nothing";
    } else if (!shown || shown.id === alarm.id || shown.start <= alarm.start || shown.end === null) {
      condition.shown = alarm;
    }
    return condition.shown === shown || condition.shown === null ? "unchanged" : condition.shown;
  }

  *shown(): Generator<{ readonly topic: string; readonly alarm: Alarm }> {
    for (const [topic, { shown }] of this.#topics) if (shown) yield { topic, alarm: shown };
  }
}

function bySeverity(a: Alarm, b: Alarm): number {
  return levelRank(a.level) - levelRank(b.level) || a.start - b.start || (a.id < b.id ? -1 : 1);
}
