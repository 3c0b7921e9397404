/**
 * F12 clock games (methods 5): device time against arrival time, boot and sequence number.
 *
 * Pure, over the messages of one device in order of arrival. It needs what a reading of a series no longer has (message
 * order, arrival), so ingest's notes on a device are where it is fed. Signs: a sequence number used again for another
 * time, device time going back more than 60 s while the sequence goes on, the offset jumping more than 2 min without a
 * declared clock set, more than 20 messages back-dated over 24 h though the device was on line. A declared back-fill and
 * a retransmission (same boot, seq and time) are none.
 */
import { type Evidence, evidence } from "./evidence.ts";

export interface ClockNote {
  readonly boot: string;
  readonly seq: number;
  /** Device time of the message's newest reading, ms. */
  readonly measuredAt: number;
  readonly receivedAt: number;
  readonly backfill: boolean;
  /** The platform or the device says that the clock was set since the message before. */
  readonly clockSet: boolean;
}
export interface ClockMemory {
  boot: string | null;
  seq: number;
  measuredAt: number;
  receivedAt: number;
  /** Newest sequence numbers and their times, at most 64. */
  recent: [seq: number, measuredAt: number][];
  backwards: number;
  reused: number;
  jumps: number;
  backdated: number;
  messages: number;
}

const BACK_MS = 60_000;
const JUMP_MS = 120_000;
const BACKDATED_MS = 86_400_000;

export function newClock(): ClockMemory {
  return {
    boot: null, seq: -1, measuredAt: 0, receivedAt: 0, recent: [],
    backwards: 0, reused: 0, jumps: 0, backdated: 0, messages: 0,
  }; // biome-ignore format: one line a group
}

export function addClockNote(clock: ClockMemory, note: ClockNote): void {
  clock.messages++;
  if (note.boot !== clock.boot) clock.recent = [];
  const seen = clock.recent.find(([seq]) => seq === note.seq);
  if (seen && seen[1] === note.measuredAt) return;
  if (seen && note.seq >= 0) clock.reused++;
  const goesOn = clock.boot !== null && (note.boot !== clock.boot || note.seq > clock.seq) && !note.backfill;
  if (goesOn && !note.clockSet) {
    const offset = note.measuredAt - note.receivedAt - (clock.measuredAt - clock.receivedAt);
    if (note.measuredAt < clock.measuredAt - BACK_MS) clock.backwards++;
    // Store-and-forward delays arrival, which moves the offset down and back up to what it was, never above zero.
    else if (offset > JUMP_MS && note.measuredAt - note.receivedAt > JUMP_MS) clock.jumps++;
    const online = note.receivedAt - clock.receivedAt < BACKDATED_MS / 4;
    if (online && note.receivedAt - note.measuredAt > BACKDATED_MS) clock.backdated++;
  }
  if (note.backfill) return;
  clock.recent.push([note.seq, note.measuredAt]);
  if (clock.recent.length > 64) clock.recent.shift();
  const { boot, seq, measuredAt, receivedAt } = note;
  Object.assign(clock, { boot, seq, measuredAt, receivedAt });
}

/** At a day's end; begins to count anew. One step back may be a clock that was set; three are not. */
export function judgeClock(clock: ClockMemory): Evidence | null {
  const { backwards, reused, jumps, backdated, messages } = clock;
  Object.assign(clock, { backwards: 0, reused: 0, jumps: 0, backdated: 0, messages: 0 });
  const signs = backwards + reused + jumps;
  const weight = 2 * signs + (backdated > 20 ? 4 : 0);
  if (weight === 0) return null;
  return evidence("clock", { statistic: signs + backdated, threshold: 2, window: messages, weight });
}
