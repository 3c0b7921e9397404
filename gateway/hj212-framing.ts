/** Errors of framing on one HJ 212 connection: told once in all, and put down to the device whose packet was the newest. */
import type { Hj212FramerCounters } from "../core/hj212-frame.ts";
import type { FieldDevice } from "./hj212-devices.ts";

export type FramingErrors = Pick<Hj212FramerCounters, "badCrc" | "badLength" | "noiseBytes">;

export class FramingTally {
  #counted: FramingErrors = { badCrc: 0, badLength: 0, noiseBytes: 0 };
  /** Not yet put down to anybody: those before the first packet wait for it. */
  #owed: FramingErrors = { badCrc: 0, badLength: 0, noiseBytes: 0 };

  /** @returns what came since the last call, null when nothing did. */
  news({ badCrc, badLength, noiseBytes }: FramingErrors): FramingErrors | null {
    const before = this.#counted;
    const changes = {
      badCrc: badCrc - before.badCrc,
      badLength: badLength - before.badLength,
      noiseBytes: noiseBytes - before.noiseBytes,
    };
    if (changes.badCrc + changes.badLength + changes.noiseBytes === 0) return null;
    this.#counted = { badCrc, badLength, noiseBytes };
    this.#owed = {
      badCrc: this.#owed.badCrc + changes.badCrc,
      badLength: this.#owed.badLength + changes.badLength,
      noiseBytes: this.#owed.noiseBytes + changes.noiseBytes,
    };
    return changes;
  }

  putDownTo(device: FieldDevice): void {
    device.crcErrors += this.#owed.badCrc;
    device.badLengths += this.#owed.badLength;
    device.noiseBytes += this.#owed.noiseBytes;
    this.#owed = { badCrc: 0, badLength: 0, noiseBytes: 0 };
  }
}
