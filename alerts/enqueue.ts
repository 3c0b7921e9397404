/**
 * The loops `alarms` → outbox: what is to be told to whom, queued in one transaction with the reader position.
 *
 * Live alarms are queued as they come. Alarms of a bulk back-fill have a reader of their own that waits until the
 * back-fill is quiet and then queues one notice a station; its position does not move before that, so a crash loses no
 * group and doubles none.
 */
import type { AlarmEvent } from "../core/alarm.ts";
import type { Clock } from "../core/clock.ts";
import type { Journal, Outbox } from "../core/ports.ts";
import { eventItem, groupItem } from "./notify/notice.ts";
import { READ_BYTES_MAX, readEvent } from "./recover.ts";

export interface EnqueueParts {
  readonly journal: Journal;
  readonly outbox: Outbox;
  /** Names of the outlets that get every notice. */
  readonly outlets: readonly string[];
  readonly publicUrl: string | null;
  readonly clock: Clock;
  /** Called when something was queued. */
  readonly onQueued: () => void;
}

export const LIVE_READER = "dispatch";
export const BACKFILL_READER = "dispatch-backfill";
/** A back-fill is over when nothing came for this long; a long one is told in parts. */
const QUIET_MS = 15_000;
const GROUP_MS_MAX = 300_000;

export async function runLiveNotices(parts: EnqueueParts, signal: AbortSignal): Promise<void> {
  let position = await parts.outbox.position(LIVE_READER);
  while (!signal.aborted) {
    const batch = await readBatch(parts, position, signal);
    if (batch.next === position) continue;
    position = batch.next;
    const live = batch.events.filter(({ alarm }) => !alarm.backfill);
    const items = live.flatMap((event) => parts.outlets.map((outlet) => eventItem(outlet, event, parts.publicUrl)));
    await queue(parts, LIVE_READER, items, position);
  }
}

export async function runBackfillNotices(parts: EnqueueParts, signal: AbortSignal): Promise<void> {
  const { clock, outlets, publicUrl } = parts;
  let position = await parts.outbox.position(BACKFILL_READER);
  while (!signal.aborted) {
    const batch = await readBatch(parts, position, signal);
    if (batch.next === position) continue;
    const late = batch.events.filter(({ alarm }) => alarm.backfill);
    const waitMs = batch.full ? 0 : quietIn(late, clock.now());
    if (waitMs > 0) {
      await clock.sleep(waitMs, signal);
      continue; // reads again: more may have come meanwhile
    }
    position = batch.next;
    const now = clock.now();
    const items = [...byStation(late).values()].flatMap((events) =>
      outlets.map((outlet) => groupItem(outlet, events, publicUrl, now)),
    );
    await queue(parts, BACKFILL_READER, items, position);
  }
}

/** Ms until the group may be told; 0 when it is quiet or has waited long enough. */
function quietIn(late: readonly AlarmEvent[], now: number): number {
  const first = late[0];
  const last = late.at(-1);
  if (!first || !last) return 0;
  return Math.max(0, Math.min(last.at + QUIET_MS, first.at + GROUP_MS_MAX) - now);
}

interface Batch {
  readonly events: readonly AlarmEvent[];
  readonly next: number;
  /** More entries are waiting than one read gives. */
  readonly full: boolean;
}

/** Waits for entries; `next` equals `position` when the signal aborted instead. */
async function readBatch({ journal }: EnqueueParts, position: number, signal: AbortSignal): Promise<Batch> {
  await journal.wait("alarms", position, signal);
  const entries = await journal.read("alarms", position, READ_BYTES_MAX);
  const next = (entries.at(-1)?.offset ?? position - 1) + 1;
  return { events: entries.map(({ bytes }) => readEvent(bytes)), next, full: next < (await journal.end("alarms")) };
}

async function queue(
  { journal, outbox, onQueued }: EnqueueParts,
  reader: string,
  items: Parameters<Outbox["enqueue"]>[0],
  offset: number,
): Promise<void> {
  await outbox.enqueue(items, { reader, offset });
  // The outbox's own position decides; the journal only needs to know what may be dropped.
  await journal.commit({ advance: [{ reader, stream: "alarms", offset }] });
  if (items.length > 0) onQueued();
}

function byStation(events: readonly AlarmEvent[]): Map<string, AlarmEvent[]> {
  const groups = new Map<string, AlarmEvent[]>();
  for (const event of events) {
    const group = groups.get(event.alarm.station);
    if (group) group.push(event);
    else groups.set(event.alarm.station, [event]);
  }
  return groups;
}
