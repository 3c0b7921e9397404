/** Many simulated devices at once: back-fills history, then sends live values, and proves that sent equals acknowledged. */
import type { Clock } from "../core/clock.ts";
import type { WireReading } from "../core/wire.ts";
import { READINGS_MAX } from "../core/wire.ts";
import { createDevice, type DeviceIdentity, type SimulatedDevice } from "./device.ts";

export interface FleetMember {
  readonly identity: DeviceIdentity;
  /** What the device would measure at a time, in its own units. */
  readonly measure: (time: number) => readonly WireReading[];
}

export interface Fleet {
  /** Sends every step from `from` to before `to`, many steps a message, oldest first; reports acknowledged readings. */
  backfill(
    span: { readonly from: number; readonly to: number; readonly stepMs: number },
    onProgress: (readings: number) => void,
  ): Promise<number>;
  /** Sends a live message from every device each `intervalMs`, spread over the interval, until the signal aborts. */
  live(intervalMs: number, signal: AbortSignal): Promise<void>;
  counts(): { readonly made: number; readonly acknowledged: number; readonly waiting: number };
  close(): Promise<void>;
}

/** Back-fill messages a device may have made and not yet got acknowledged. */
const BACKFILL_WINDOW = 8;

export function createFleet(parts: {
  readonly url: string;
  readonly members: readonly FleetMember[];
  readonly boot: string;
  readonly clock: Clock;
}): Fleet {
  const { url, members, boot, clock } = parts;
  const devices: { member: FleetMember; device: SimulatedDevice }[] = members.map((member) => ({
    member,
    device: createDevice({ url, identity: member.identity, boot, clock }),
  }));

  const backfillOne = async (
    { member, device }: (typeof devices)[number],
    span: { from: number; to: number; stepMs: number },
    onSent: (readings: number) => void,
  ): Promise<void> => {
    const pending = new Set<Promise<void>>();
    let batch: WireReading[] = [];
    const flush = async (): Promise<void> => {
      if (batch.length === 0) return;
      const readings = batch.length;
      const sent = device.send(batch, { backfill: true }).then(() => {
        pending.delete(sent);
        onSent(readings);
      });
      pending.add(sent);
      batch = [];
      if (pending.size >= BACKFILL_WINDOW) await Promise.race(pending);
    };
    for (let time = span.from; time < span.to; time += span.stepMs) {
      const readings = member.measure(time);
      if (batch.length + readings.length > READINGS_MAX) await flush();
      for (const reading of readings) batch.push({ ...reading, t: time });
    }
    await flush();
    await Promise.all(pending);
  };

  return {
    backfill: async (span, onProgress) => {
      let total = 0;
      await Promise.all(
        devices.map((entry) =>
          backfillOne(entry, span, (readings) => {
            total += readings;
            onProgress(total);
          }),
        ),
      );
      return total;
    },
    live: async (intervalMs, signal) => {
      const offsetMs = intervalMs / Math.max(1, devices.length);
      await Promise.all(
        devices.map(async ({ member, device }, index) => {
          await clock.sleep(offsetMs * index, signal);
          while (!signal.aborted) {
            const now = clock.now();
            // Not awaited: a device goes on measuring while the link is down; the queue keeps what it could not send.
            void device.send(member.measure(now), { ts: now });
            await clock.sleep(intervalMs, signal);
          }
        }),
      );
    },
    counts: () => {
      const sum = { made: 0, acknowledged: 0, waiting: 0 };
      for (const { device } of devices) {
        const counts = device.counts();
        sum.made += counts.made;
        sum.acknowledged += counts.acknowledged;
        sum.waiting += counts.waiting;
      }
      return sum;
    },
    close: async () => {
      await Promise.all(devices.map(({ device }) => device.close()));
    },
  };
}
