/**
 * Which numbered packets of a split message never came. Every packet is stored by itself at once, so this only reports:
 * nothing is ever held back for a missing part (HJ 212-2017, C.49 and C.50: each packet holds whole items).
 */
import type { PacketGap } from "../core/field-session.ts";
import { keepNewest } from "../core/keep-newest.ts";

export interface Part {
  readonly command: string;
  readonly systemCode: string;
  /** Empty when the packet carries none: then it belongs to the message that its command is in the middle of. */
  readonly dataTime: string;
  readonly total: number;
  /** 1 … total. */
  readonly number: number;
}

/** Messages of one kind: what parts have in common beside DataTime. */
function familyOf({ systemCode, command, total }: Part): string {
  return `${systemCode}/${command}/${total}`;
}
function isSound({ total, number }: Part): boolean {
  return total > 1 && total <= PARTS_MAX && number >= 1 && number <= total;
}

interface OpenMessage {
  readonly command: string;
  readonly dataTime: string;
  readonly total: number;
  readonly came: Set<number>;
  lastAt: number;
}

/** A message none of whose parts came for so long is over. */
export const PARTS_MS_MAX = 5 * 60_000;
const OPEN_MAX = 16;
const GAPS_MAX = 20;
/** PNUM has one digit by the standard; devices with more are followed up to here. */
export const PARTS_MAX = 999;

export class PartTracker {
  readonly #open = new Map<string, OpenMessage>();
  readonly #gaps: PacketGap[] = [];

  /** The newest, at most 20. */
  get gaps(): readonly PacketGap[] {
    return this.#gaps;
  }

  /** @param now wall clock, ms. Numbers that make no sense are ignored. */
  note(part: Part, now: number): void {
    if (!isSound(part)) return;
    const { command, total, number } = part;
    const family = familyOf(part);
    const key = part.dataTime === "" ? this.#newestOf(family) : `${family}/${part.dataTime}`;
    let message = this.#open.get(key);
    // A number that came before begins the next message of the same name, e.g. one without DataTime.
    if (message?.came.has(number) && part.dataTime === "") {
      this.#close(key, now);
      message = undefined;
    }
    if (!message) {
      if (this.#open.size >= OPEN_MAX) this.#closeOldest(now);
      message = { command, dataTime: part.dataTime, total, came: new Set(), lastAt: now };
      this.#open.set(key, message);
    }
    message.came.add(number);
    message.lastAt = now;
    if (message.came.size === total) this.#open.delete(key);
  }

  /** Reports what is over. Called now and then. */
  sweep(now: number): void {
    for (const [key, { lastAt }] of this.#open) if (now - lastAt >= PARTS_MS_MAX) this.#close(key, now);
  }

  #newestOf(family: string): string {
    let newest = `${family}/`;
    for (const key of this.#open.keys()) if (key.startsWith(`${family}/`)) newest = key;
    return newest;
  }

  #closeOldest(now: number): void {
    const [oldest] = this.#open.keys();
    if (oldest !== undefined) this.#close(oldest, now);
  }

  #close(key: string, now: number): void {
    const message = this.#open.get(key);
    if (!message) return;
    this.#open.delete(key);
    const { command, dataTime, total, came } = message;
    const missing = Array.from({ length: total }, (_, index) => index + 1).filter((number) => !came.has(number));
    this.#gaps.push({ command, dataTime, total, missing, at: now });
    if (this.#gaps.length > GAPS_MAX) this.#gaps.shift();
  }
}

interface Head {
  readonly dataTime: string;
  /** Part number → id of the packet. */
  readonly came: Map<number, string>;
  lastAt: number;
}

/** DataTime of parts that leave it to an earlier part of their message. Not kept over a restart. */
export class PartTimes {
  /** By family; the newest message of each. */
  readonly #heads = new Map<string, Head>();

  /**
   * The DataTime that holds for the part, "" when it is not known: no part with one came in the last 5 minutes, or this
   * one cannot be of that message, which had another packet of its number.
   *
   * @param id the same for a packet that is sent again. @param now wall clock, ms.
   */
  timeOf(part: Part, id: string, now: number): string {
    if (!isSound(part)) return part.dataTime;
    const family = familyOf(part);
    const known = this.#heads.get(family);
    if (/^\d{1,20}$/.test(part.dataTime)) {
      const head =
        known?.dataTime === part.dataTime ? known : { dataTime: part.dataTime, came: new Map(), lastAt: now };
      this.#keep(family, head, { number: part.number, id, now });
      return part.dataTime;
    }
    if (!known || part.dataTime !== "") return part.dataTime;
    if (now - known.lastAt >= PARTS_MS_MAX || (known.came.get(part.number) ?? id) !== id) {
      this.#heads.delete(family); // what else comes of that other message has no known time either
      return "";
    }
    this.#keep(family, known, { number: part.number, id, now });
    return known.dataTime;
  }

  #keep(
    family: string,
    head: Head,
    { number, id, now }: { readonly number: number; readonly id: string; readonly now: number },
  ): void {
    head.came.set(number, id);
    head.lastAt = now;
    this.#heads.delete(family);
    this.#heads.set(family, head);
    keepNewest(this.#heads, OPEN_MAX);
  }
}
