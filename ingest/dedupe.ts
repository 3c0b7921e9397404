/**
 * Idempotency on the way in, by message key (device, boot, seq) and by (series, time); memory only, bounded.
 *
 * A message of which a reading went to quarantine is not "seen": the same copy replayed from quarantine (same arrival
 * time) is judged again, while another copy from the device (other arrival time) is a repeat.
 * Durable truth is the journal: see warm-up.ts for how this memory comes back after a restart. What falls outside it
 * passes as new and stays harmless: stores overwrite by (series, time) and the alarm engine judges by it too.
 */
import { type Comparison, QUALIFIERS, type Qualifier } from "../core/reading.ts";
import { comparisonCode, comparisonOf } from "../core/reading-block.ts";
import { SeqWindow, type SeqWindowSnapshot } from "./seq-window.ts";
import { type Budget, type ReadingVerdict, SEQ_NONE, type Sender, SeriesWindow } from "./series-window.ts";

/** Entries of all series windows together: 32 bytes each, 64 MiB. */
export const ENTRIES_MAX = 2_097_152;
/** Boots remembered for each device, the least recently used forgotten first. */
export const BOOTS_MAX = 4;
/** Messages with quarantined readings that are remembered. */
export const FAULTY_MAX = 16_384;
/** Boot ids are 25 bits wide in a window's entry; 0 is none. */
const BOOT_ID_LIMIT = 2 ** 25;

interface Boot {
  readonly boot: string;
  readonly id: number;
  readonly seen: SeqWindow;
}
interface DeviceMemory {
  /** Most recently used first. */
  readonly boots: Boot[];
  /** How many of its messages are in the faulty list. */
  faulty: number;
}

/** Message memory as plain JSON; series memory comes back from stream `readings`. */
export interface DedupeSnapshot {
  readonly devices: readonly (readonly [
    device: string,
    boots: readonly (readonly [boot: string, ...SeqWindowSnapshot])[],
  ])[];
  readonly faulty: readonly (readonly [device: string, boot: string, seq: number, receivedAt: number])[];
}

/** What identifies a message; `boot` empty or `seq` -1 when the device sent none. */
export interface MessageKey {
  readonly device: string;
  readonly boot: string;
  readonly seq: number;
  readonly receivedAt: number;
}

interface Faulty {
  readonly key: MessageKey;
  readonly memory: DeviceMemory;
}

export class Dedupe {
  readonly #budget: Budget;
  readonly #devices = new Map<string, DeviceMemory>();
  readonly #series = new Map<string, SeriesWindow>();
  readonly #faulty = new Map<string, Faulty>();
  /** The message at hand. */
  readonly #sender: Sender = { bootId: 0, seq: SEQ_NONE, receivedSeconds: 0 };
  #lastBootId = 0;
  readonly #bootNames = new Map<number, { readonly device: string; readonly boot: string }>();

  constructor({ entriesMax = ENTRIES_MAX }: { entriesMax?: number } = {}) {
    this.#budget = { total: entriesMax, left: entriesMax };
  }

  /** Series remembered, and how much of the budget is in use. */
  get size(): { readonly series: number; readonly entries: number; readonly faulty: number } {
    return {
      series: this.#series.size,
      entries: this.#budget.total - this.#budget.left,
      faulty: this.#faulty.size,
    };
  }

  /** Begins a message. True when it has been used before and must be dropped. */
  isRepeat(message: MessageKey): boolean {
    const { device, boot, seq, receivedAt } = message;
    this.#begin(message, 0);
    if (boot === "" || seq < 0) return false;
    const memory = this.#memory(device);
    const { id, seen } = this.#boot(device, memory, boot);
    this.#sender.bootId = id;
    if (memory.faulty > 0) {
      const faulty = this.#faulty.get(faultyKey(message));
      if (faulty) return faulty.key.receivedAt !== receivedAt;
    }
    return seen.judge(seq) === "seen";
  }

  /** Begins a message of long ago, whose repeats are known already, without making its boot the newest. */
  recall(message: MessageKey): void {
    const boot = this.#devices.get(message.device)?.boots.find((known) => known.boot === message.boot);
    this.#begin(message, boot?.id ?? 0);
  }

  /** A reading of the message begun last; `window` is its series'. */
  judge(window: SeriesWindow, time: number, value: number, mark: number): ReadingVerdict {
    return window.judge(time, value, mark, this.#sender);
  }

  /** Takes in a reading of the message begun last that the journal holds already. */
  remember(window: SeriesWindow, time: number, value: number, mark: number): void {
    window.remember(time, value, mark, this.#sender);
  }

  window(series: string): SeriesWindow {
    let window = this.#series.get(series);
    if (!window) {
      window = new SeriesWindow(this.#budget);
      this.#series.set(series, window);
    }
    return window;
  }

  /** Every series that is remembered. */
  windows(): Iterable<readonly [series: string, window: SeriesWindow]> {
    return this.#series;
  }

  /** Device and boot of an entry's sender; undefined when the message named no boot or it is forgotten. */
  bootOf(id: number): { readonly device: string; readonly boot: string } | undefined {
    return this.#bootNames.get(id);
  }

  /** Ends a message. @param isFaulty a reading of it went to quarantine. */
  settle(message: MessageKey, isFaulty: boolean): void {
    const { device, boot, seq } = message;
    if (boot === "" || seq < 0) return;
    const memory = this.#memory(device);
    const { seen } = this.#boot(device, memory, boot);
    if (isFaulty) {
      if (seen.judge(seq) === "seen") seen.forget(seq);
      this.#putFaulty(message, memory);
      return;
    }
    seen.mark(seq);
    if (memory.faulty > 0 && this.#faulty.delete(faultyKey(message))) memory.faulty -= 1;
  }

  snapshot(): DedupeSnapshot {
    const devices = [...this.#devices].map(
      ([device, { boots }]) => [device, boots.map(({ boot, seen }) => [boot, ...seen.snapshot()] as const)] as const,
    );
    const faulty = [...this.#faulty.values()].map(
      ({ key }) => [key.device, key.boot, key.seq, key.receivedAt] as const,
    );
    return { devices, faulty };
  }

  /** Into an empty memory. */
  restore(snapshot: DedupeSnapshot): void {
    for (const [device, boots] of snapshot.devices) {
      const memory = this.#memory(device);
      for (const [boot, ...seen] of boots) {
        memory.boots.push({ boot, id: this.#nextBootId(device, boot), seen: SeqWindow.restore(seen) });
      }
    }
    for (const [device, boot, seq, receivedAt] of snapshot.faulty) {
      this.#putFaulty({ device, boot, seq, receivedAt }, this.#memory(device));
    }
  }

  #begin({ boot, seq, receivedAt }: MessageKey, bootId: number): void {
    const sender = this.#sender;
    sender.receivedSeconds = Math.min(Math.max(Math.floor(receivedAt / 1_000), 0), 0xffffffff);
    sender.seq = boot === "" || seq < 0 || seq > SEQ_NONE ? SEQ_NONE : seq;
    sender.bootId = bootId;
  }

  #memory(device: string): DeviceMemory {
    let memory = this.#devices.get(device);
    if (!memory) {
      memory = { boots: [], faulty: 0 };
      this.#devices.set(device, memory);
    }
    return memory;
  }

  #boot(device: string, { boots }: DeviceMemory, boot: string): Boot {
    if (boots[0]?.boot === boot) return boots[0];
    const at = boots.findIndex((known) => known.boot === boot);
    const found = at < 0 ? { boot, id: this.#nextBootId(device, boot), seen: new SeqWindow() } : (boots[at] as Boot);
    if (at >= 0) boots.splice(at, 1);
    boots.unshift(found);
    if (boots.length > BOOTS_MAX) this.#bootNames.delete(boots.pop()?.id ?? 0);
    return found;
  }

  #nextBootId(device: string, boot: string): number {
    this.#lastBootId = (this.#lastBootId % (BOOT_ID_LIMIT - 1)) + 1;
    this.#bootNames.set(this.#lastBootId, { device, boot });
    return this.#lastBootId;
  }

  #putFaulty(key: MessageKey, memory: DeviceMemory): void {
    const name = faultyKey(key);
    if (!this.#faulty.has(name)) memory.faulty += 1;
    this.#faulty.set(name, { key, memory });
    if (this.#faulty.size <= FAULTY_MAX) return;
    const [oldest, { memory: its }] = this.#faulty.entries().next().value as [string, Faulty];
    this.#faulty.delete(oldest);
    its.faulty -= 1;
  }
}

function faultyKey({ device, boot, seq }: MessageKey): string {
  return `${device}\n${boot}\n${seq}`;
}

/** Comparison and qualifier in five bits. */
export function markOf(cmp: Comparison, qualifier: string): number {
  if (cmp === "" && qualifier === "N") return 0; // nearly always
  return comparisonCode(cmp) * 8 + Math.max(QUALIFIERS.indexOf(qualifier as Qualifier), 0);
}
export function comparisonOfMark(mark: number): Comparison {
  return comparisonOf(mark >>> 3);
}
