/**
 * Recognises a bulk back-fill that the device did not declare: over 100 readings older than 1 h from one device within
 * ten minutes (CONTRACTS 1.2). Counts on arrival times as recorded, so a replay counts the same.
 */
export const OLD_MS = 3_600_000;
const READINGS_MIN = 100;
const SPAN_MS = 600_000;

export interface BackfillCount {
  from: number;
  readings: number;
}

export class BackfillWatch {
  readonly counts = new Map<string, BackfillCount>();

  /** Counts readings of one message that were older than `OLD_MS` on arrival. */
  add(device: string, receivedAt: number, readings: number): void {
    const count = this.counts.get(device);
    if (!count || receivedAt - count.from > SPAN_MS) this.counts.set(device, { from: receivedAt, readings });
    else count.readings += readings;
  }

  isBulk(device: string, receivedAt: number): boolean {
    const count = this.counts.get(device);
    return count !== undefined && count.readings > READINGS_MIN && receivedAt - count.from <= SPAN_MS;
  }
}
