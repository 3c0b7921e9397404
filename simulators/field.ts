/**
 * Drives equipment of other worlds as the fleet drives our own devices: sends its history, then live values. One sender a
 * connection: an HJ 212 logger, a Sparkplug edge node, a LoRaWAN network server.
 */
import type { Clock } from "../core/clock.ts";
import type { Channel, Equipment, FieldDevice, FieldEdge, FieldLogger, FieldNetwork } from "./equipment.ts";
import { createHj212Logger } from "./hj212.ts";
import type { EndDevice } from "./lorawan.ts";
import type { ServerFormat } from "./lorawan-events.ts";
import { createLorawanServer } from "./lorawan-server.ts";
import { createSparkplugEdge } from "./sparkplug-edge.ts";

export interface FieldParts {
  readonly equipment: Equipment;
  readonly mqttUrl: string;
  readonly hj212: { readonly host: string; readonly port: number };
  /** Of an MQTT account, or the PW of a logger. */
  readonly secretOf: (device: string) => string;
  /** In the registered unit; null where nothing is measured. */
  readonly measure: (station: string, quantity: string, time: number) => number | null;
  readonly formatOf: (account: string) => ServerFormat;
  readonly clock: Clock;
  readonly seed: number;
  /** Shares of LoRaWAN frames, 0 to 1. */
  readonly air: Pick<EndDevice, "lost" | "repeated">;
  /** Every so many live packets a logger's line is cut, so that it has something to send again; never when left out. */
  readonly cutEvery?: number;
  readonly onTrouble?: (what: string) => void;
}

export interface Field {
  /** As `Fleet.backfill`, each connection in steps of its devices' registered interval. */
  backfill(
    span: { readonly from: number; readonly to: number },
    onProgress: (readings: number) => void,
  ): Promise<number>;
  /** As `Fleet.live`. */
  live(intervalMs: number, signal: AbortSignal): Promise<void>;
  /** Readings that have been, history and live. */
  acknowledged(): number;
  close(): Promise<void>;
}

/** Of one connection. */
interface FieldSender {
  /** The shortest registered interval of its devices. */
  readonly intervalMs: number;
  /** The values of these times, oldest first; resolves with the number of readings once they are acknowledged. */
  send(times: readonly number[], isHistory: boolean): Promise<number>;
  close(): Promise<void>;
}

/** Times that are sent at once in a back-fill, and how many such sets wait for their acknowledgement. */
const BACKFILL_TIMES = 24;
const BACKFILL_WINDOW = 4;

export function createField(parts: FieldParts): Field {
  const { equipment, clock } = parts;
  const senders = [
    ...equipment.loggers.map((logger) => loggerSender(logger, parts)),
    ...equipment.edges.map((edge) => edgeSender(edge, parts)),
    ...equipment.networks.map((network) => networkSender(network, parts)),
  ];
  let acknowledged = 0;
  return {
    acknowledged: () => acknowledged,
    backfill: async ({ from, to }, onProgress) => {
      let total = 0;
      const backfillOne = async (sender: FieldSender): Promise<void> => {
        const { intervalMs: stepMs } = sender;
        const pending = new Set<Promise<void>>();
        for (let at = Math.ceil(from / stepMs) * stepMs; at < to; at += BACKFILL_TIMES * stepMs) {
          const times = Array.from({ length: BACKFILL_TIMES }, (_, n) => at + n * stepMs).filter((time) => time < to);
          const sent = sender.send(times, true).then((readings) => {
            pending.delete(sent);
            total += readings;
            acknowledged += readings;
            onProgress(total);
          });
          pending.add(sent);
          if (pending.size >= BACKFILL_WINDOW) await Promise.race(pending);
        }
        await Promise.all(pending);
      };
      await Promise.all(senders.map(backfillOne));
      return total;
    },
    live: async (intervalMs, signal) => {
      const offsetMs = intervalMs / Math.max(1, senders.length);
      await Promise.all(
        senders.map(async (sender, index) => {
          await clock.sleep(offsetMs * index, signal);
          while (!signal.aborted) {
            // Not awaited, as with any device.
            void sender.send([clock.now()], false).then((readings) => {
              acknowledged += readings;
            });
            await clock.sleep(intervalMs, signal);
          }
        }),
      );
    },
    close: async () => {
      await Promise.all(senders.map((sender) => sender.close()));
    },
  };
}

/** What every channel of a device says at a time, by its name on the wire. */
function sayings({ device, channels }: FieldDevice, time: number, { measure }: FieldParts): Map<string, number> {
  const said = channels.map(({ name, quantity, toWire }: Channel) => {
    const value = measure(device.station, quantity, time);
    return [name, value === null ? null : toWire(value)] as const;
  });
  return new Map(said.filter((one): one is readonly [string, number] => one[1] !== null));
}

function shortestOf(devices: readonly FieldDevice[]): number {
  return Math.min(...devices.map(({ device }) => device.interval));
}

const HOUR_MS = 3_600_000;

function loggerSender(logger: FieldLogger, parts: FieldParts): FieldSender {
  const { hj212, clock, secretOf, seed, cutEvery = Number.POSITIVE_INFINITY } = parts;
  const password = secretOf(logger.device.id);
  // A window wider than the standard's one packet, so that 30 days go in seconds.
  const line = createHj212Logger({ ...hj212, mn: logger.mn, password, clock, windowMax: 64, tear: { seed } });
  let live = 0;
  return {
    intervalMs: logger.device.interval,
    send: async (times, isHistory) => {
      const packets = times.flatMap((time) => {
        const values = Object.fromEntries(sayings(logger, time, parts));
        const count = Object.keys(values).length;
        // What the server asks for by itself: hours of what lies back, and since then everything.
        if (count > 0 && isHistory && time % HOUR_MS === 0) line.keep("2061", time, values);
        if (count > 0 && !isHistory) line.keep("2051", time, values);
        return count > 0 ? [{ time, values, count }] : [];
      });
      const sent = packets.map(({ time, values }) => line.send(values, { time }));
      if (!isHistory && ++live % cutEvery === 0) line.cut();
      await Promise.all(sent);
      return packets.reduce((sum, { count }) => sum + count, 0);
    },
    close: () => line.close(),
  };
}

function edgeSender({ account, group, edge, devices }: FieldEdge, parts: FieldParts): FieldSender {
  const { mqttUrl, clock, secretOf, onTrouble } = parts;
  let handed = 0;
  let stored = 0;
  let waiting: { readonly until: number; readonly done: () => void }[] = [];
  const node = createSparkplugEdge({
    ...{ url: mqttUrl, account: { id: account, secret: secretOf(account) }, group, edge, clock },
    qos: 1,
    devices: devices.map((device) => ({
      id: device.name,
      metrics: [...sayings(device, clock.now(), parts)].map(([name, value]) => ({ name, type: "Double", value })),
    })),
    onStored: (_device, values) => {
      stored += values.length;
      for (const { until, done } of waiting) if (stored >= until) done();
      waiting = waiting.filter(({ until }) => stored < until);
    },
  });
  let connecting: Promise<void> | null = null;
  let isClosing = false;
  const connected = async (): Promise<void> => {
    if (isClosing || node.isConnected()) return;
    // While it fails the edge node keeps its values, and the next call tries again.
    connecting ??= node.connect().catch((error: Error) => onTrouble?.(`${account}: ${error.message}`));
    await connecting;
    connecting = null;
  };
  return {
    intervalMs: shortestOf(devices),
    send: async (times, isHistory) => {
      await connected();
      const before = handed;
      for (const device of devices) {
        const values = times.flatMap((time) =>
          [...sayings(device, time, parts)].map(([name, value]) => ({ name, value, time })),
        );
        handed += values.length;
        if (isHistory) node.history(device.name, values);
        else node.data(device.name, values);
      }
      const until = handed;
      if (stored < until) await new Promise<void>((done) => waiting.push({ until, done }));
      return until - before;
    },
    close: async () => {
      isClosing = true;
      await connecting;
      await node.close();
    },
  };
}

function networkSender({ account, devices }: FieldNetwork, parts: FieldParts): FieldSender {
  const { mqttUrl, clock, secretOf, seed, air, formatOf } = parts;
  const server = createLorawanServer({
    ...{ url: mqttUrl, account: { id: account, secret: secretOf(account) }, format: formatOf(account), clock },
    devices: devices.map(({ device, devEui, payload }) => ({
      ...{ devEui, payload, name: device.id, fPort: 2, seed, ...air },
    })),
    joinsBefore: clock.now(),
    onTrouble: (error) => parts.onTrouble?.(`${account}: ${error.message}`),
  });
  return {
    intervalMs: shortestOf(devices),
    send: async (times) => {
      const sent = times.flatMap((time) =>
        devices.map(async (device) => {
          const measured = Object.fromEntries(sayings(device, time, parts));
          if (Object.keys(measured).length === 0) return 0;
          const messages = await server.uplink(device.devEui, measured, time);
          return messages === 0 ? 0 : Object.keys(measured).length;
        }),
      );
      return (await Promise.all(sent)).reduce((sum, readings) => sum + readings, 0);
    },
    close: () => server.close(),
  };
}
