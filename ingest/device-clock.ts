/**
 * How far a device's clock is off, and how it drifts: the smallest arrival minus data time of each hour, a day of them.
 *
 * The smallest, because delays of transport and of store-and-forward only ever add; what remains is the clock and the
 * fastest transport. One message cannot tell a slow clock from a late message, an hour of live ones can. Pure.
 */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const HOURS_MAX = 24;
/** With fewer hours a slope is noise. */
const HOURS_FOR_DRIFT = 3;

/** Hour number of arrival, smallest offset in ms. Oldest first. */
export type ClockSnapshot = readonly (readonly [hour: number, offsetMs: number])[];

export class DeviceClock {
  #hours: [hour: number, offsetMs: number][];

  constructor(hours: ClockSnapshot = []) {
    this.#hours = hours.map(([hour, offsetMs]) => [hour, offsetMs]);
  }

  /** @param offsetMs arrival minus data time of a live message; negative when the device's clock is ahead. */
  note(offsetMs: number, receivedAt: number): void {
    const hour = Math.floor(receivedAt / HOUR_MS);
    const last = this.#hours.at(-1);
    if (last && last[0] === hour) last[1] = Math.min(last[1], offsetMs);
    else this.#hours.push([hour, offsetMs]);
    if (this.#hours.length > HOURS_MAX) this.#hours.shift();
  }

  /** Of the newest hour with live data. */
  get offsetMs(): number | null {
    return this.#hours.at(-1)?.[1] ?? null;
  }

  /** Least-squares slope in ms a day; positive when the device's clock falls behind. */
  get driftMsPerDay(): number | null {
    const hours = this.#hours;
    if (hours.length < HOURS_FOR_DRIFT) return null;
    const mean = (at: 0 | 1): number => hours.reduce((sum, point) => sum + point[at], 0) / hours.length;
    const [hourMean, offsetMean] = [mean(0), mean(1)];
    let over = 0;
    let under = 0;
    for (const [hour, offset] of hours) {
      over += (hour - hourMean) * (offset - offsetMean);
      under += (hour - hourMean) ** 2;
    }
    return under === 0 ? null : (over / under) * (DAY_MS / HOUR_MS);
  }

  snapshot(): ClockSnapshot {
    return this.#hours;
  }
}
