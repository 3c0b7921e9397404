/**
 * A real Sparkplug B edge node on MQTT with devices behind it: will, births, data by alias, history after an outage, rebirth
 * on command. Payloads are written by core/sparkplug-write.ts.
 */
import { connect, type MqttClient } from "mqtt";
import type { Clock } from "../core/clock.ts";
import { deviceCommandTopic, nodeCommandTopic } from "../core/sparkplug-edges.ts";
import { type NumericType, readSparkplug } from "../core/sparkplug-wire.ts";
import { type OutgoingMetric, REBIRTH, writeSparkplug } from "../core/sparkplug-write.ts";

export interface EdgeMetric {
  readonly name: string;
  readonly type: NumericType;
  /** At the first birth; null is sent as is_null. */
  readonly value: number | null;
  /** A DCMD sets it, and the new value is sent. */
  readonly isWritable?: boolean;
}
export interface EdgeDevice {
  readonly id: string;
  readonly metrics: readonly EdgeMetric[];
}
export interface EdgeValue {
  readonly name: string;
  readonly value: number | null;
  /** When it was measured, ms; now when left out. */
  readonly time?: number;
}

export interface SparkplugEdge {
  /** Resolves once the present connection's births are on their way. Rejects when the broker refuses the account. */
  connect(): Promise<void>;
  /** False before `connect` and after the connection has ended. */
  isConnected(): boolean;
  /**
   * By alias and without datatype. While there is no connection values are kept, and sent as history after the next
   * births; with QoS 1 those too that were sent and not acknowledged.
   */
  data(device: string, values: readonly EdgeValue[]): void;
  /** Values of long ago, each with its time, marked as historical: they do not become the newest of the next birth. */
  history(device: string, values: readonly (EdgeValue & { readonly time: number })[]): void;
  /** Any message, numbered like the others; `device` null for the node. For what a well-made edge node would not say. */
  say(type: "NDATA" | "DDATA" | "DDEATH", device: string | null, metrics: readonly OutgoingMetric[]): void;
  /** How often births were published, and how often on command. */
  counts(): { readonly births: number; readonly rebirths: number; readonly kept: number };
  /** Breaks the connection without DISCONNECT: the broker publishes the will. */
  lose(): Promise<void>;
  /** NDEATH, then DISCONNECT. */
  close(): Promise<void>;
}

/** Values kept through an outage, oldest dropped first. */
const KEPT_MAX = 100_000;
const HISTORY_CHUNK = 100;

interface Point {
  readonly alias: number;
  readonly name: string;
  readonly type: NumericType;
  readonly isWritable?: boolean;
  value: number | null;
  time: number;
}
interface Kept extends EdgeValue {
  readonly device: string;
  readonly time: number;
}

/** @param firstBdSeq an edge node that has run before goes on from its last. */
export function createSparkplugEdge(parts: {
  readonly url: string;
  /** MQTT account: user, client id and secret. */
  readonly account: { readonly id: string; readonly secret: string };
  readonly group: string;
  readonly edge: string;
  readonly devices: readonly EdgeDevice[];
  readonly clock: Clock;
  readonly firstBdSeq?: number;
  /** Sparkplug B 3.0 sends births and data with QoS 0, which promises nothing; 1 is for who wants them acknowledged. */
  readonly qos?: 0 | 1;
  /** With QoS 1: these values have been acknowledged. */
  readonly onStored?: (device: string, values: readonly EdgeValue[]) => void;
}): SparkplugEdge {
  const { url, account, group, edge, clock } = parts;
  const topicOf = (type: string, device: string | null): string =>
    `spBv1.0/${group}/${type}/${edge}${device === null ? "" : `/${device}`}`;
  const points = pointsOf(parts.devices, clock.now());
  let client: MqttClient | null = null;
  let bdSeq = ((parts.firstBdSeq ?? 0) + 255) % 256;
  let seq = 0;
  let births = 0;
  let rebirths = 0;
  let kept: Kept[] = [];
  /** Of the present connection: before its births, data would mean nothing to the host. */
  let isBorn = false;
  const unacknowledged = new Set<readonly Kept[]>();

  const say = (
    type: string,
    device: string | null,
    metrics: readonly OutgoingMetric[],
    onAcknowledged?: () => void,
  ): void => {
    const bytes = Buffer.from(writeSparkplug({ time: clock.now(), seq, metrics }));
    client?.publish(topicOf(type, device), bytes, { qos: parts.qos ?? 0 }, (error) => {
      if (!error) onAcknowledged?.();
    });
    seq = (seq + 1) % 256;
  };
  const sayData = (device: string, values: readonly Kept[], isHistorical: boolean): void => {
    if (parts.qos === 1) unacknowledged.add(values);
    say("DDATA", device, metricsOf(values, points.get(device), isHistorical), () => {
      // Not of a connection that has ended meanwhile: its values wait to be sent again.
      if (unacknowledged.delete(values)) parts.onStored?.(device, values);
    });
  };
  const keepUnacknowledged = (): void => {
    isBorn = false;
    kept = [...[...unacknowledged].flat(), ...kept].slice(-KEPT_MAX);
    unacknowledged.clear();
  };
  const beBorn = (): void => {
    births += 1;
    seq = 0;
    say("NBIRTH", null, [
      { name: "bdSeq", time: clock.now(), type: "UInt64", value: bdSeq },
      { name: REBIRTH, time: clock.now(), type: "Boolean", value: false },
    ]);
    for (const [device, own] of points) {
      const metrics = [...own.values()].map(({ name, alias, type, value, time }) => ({
        name,
        alias,
        type,
        value,
        time,
      }));
      say("DBIRTH", device, metrics);
    }
  };
  const sendKept = (): void => {
    const waiting = kept;
    kept = [];
    for (const device of points.keys()) {
      const own = waiting.filter((value) => value.device === device);
      for (let at = 0; at < own.length; at += HISTORY_CHUNK) {
        sayData(device, own.slice(at, at + HISTORY_CHUNK), true);
      }
    }
  };
  const onWrite = (device: string, payload: Uint8Array): void => {
    const command = readSparkplug(payload);
    if ("code" in command) return;
    for (const { name, value } of command.metrics) {
      const point = points.get(device)?.get(name ?? "");
      if (!point?.isWritable) continue;
      Object.assign(point, { value, time: clock.now() });
      sayData(device, [{ device, name: point.name, value, time: point.time }], false);
    }
  };
  const onCommand = (topic: string, payload: Uint8Array): void => {
    const [, , type, , device] = topic.split("/");
    if (type === "DCMD" && device !== undefined) onWrite(device, payload);
    if (topic !== nodeCommandTopic(group, edge)) return;
    const command = readSparkplug(payload);
    if ("code" in command || !command.metrics.some(({ name, value }) => name === REBIRTH && value === 1)) return;
    rebirths += 1;
    beBorn();
  };

  return {
    connect: async () => {
      bdSeq = (bdSeq + 1) % 256;
      const next = connect(url, {
        clientId: account.id,
        username: account.id,
        password: account.secret,
        protocolVersion: 4,
        reconnectPeriod: 0,
        will: { topic: topicOf("NDEATH", null), payload: deathBytes(bdSeq, clock.now()), qos: 1, retain: false },
      });
      client = next;
      next.on("error", () => undefined); // told by "close", and before that by this promise
      next.on("message", onCommand);
      next.on("close", () => {
        if (client !== next) return;
        client = null;
        keepUnacknowledged();
      });
      await new Promise<void>((resolve, reject) => {
        next.once("error", reject);
        next.once("connect", () => {
          next.off("error", reject);
          resolve();
        });
      });
      await next.subscribeAsync([nodeCommandTopic(group, edge), deviceCommandTopic(group, edge, "+")], { qos: 1 });
      beBorn();
      isBorn = true;
      sendKept();
    },
    isConnected: () => client !== null,
    data: (device, values) => {
      const stamped = values.map((value) => ({ ...value, device, time: value.time ?? clock.now() }));
      const own = points.get(device);
      for (const { name, value, time } of stamped) {
        const point = own?.get(name);
        if (point) Object.assign(point, { value, time });
      }
      if (isBorn && client?.connected) sayData(device, stamped, false);
      else kept = [...kept, ...stamped].slice(-KEPT_MAX);
    },
    history: (device, values) => {
      const old = values.map((value) => ({ ...value, device }));
      if (isBorn && client?.connected) sayData(device, old, true);
      else kept = [...kept, ...old].slice(-KEPT_MAX);
    },
    say: (type, device, metrics) => say(type, device, metrics),
    counts: () => ({ births, rebirths, kept: kept.length }),
    lose: async () => {
      const last = client;
      client = null;
      keepUnacknowledged();
      if (!last) return;
      const closed = new Promise<void>((resolve) => last.once("close", () => resolve()));
      last.stream.destroy();
      await closed;
    },
    close: async () => {
      const last = client;
      client = null;
      isBorn = false;
      if (!last) return;
      // Sparkplug B 3.0, 5.6: an edge node that leaves in order publishes its death itself, since no will will come.
      await last.publishAsync(topicOf("NDEATH", null), deathBytes(bdSeq, clock.now()), { qos: 1 });
      await last.endAsync();
    },
  };
}

/** Aliases are unique over the node and all its devices. */
function pointsOf(devices: readonly EdgeDevice[], time: number): Map<string, Map<string, Point>> {
  let alias = 0;
  return new Map(
    devices.map(({ id, metrics }) => {
      const own = metrics.map((metric) => [metric.name, { ...metric, alias: alias++, time }] as const);
      return [id, new Map<string, Point>(own)] as const;
    }),
  );
}

function metricsOf(
  values: readonly EdgeValue[],
  points: ReadonlyMap<string, Point> | undefined,
  isHistorical: boolean,
): readonly OutgoingMetric[] {
  return values.flatMap(({ name, value, time }) => {
    const point = points?.get(name);
    if (!point) return [];
    const { alias, type } = point;
    return [{ alias, type, isTyped: false, value, isHistorical, ...(time === undefined ? {} : { time }) }];
  });
}

function deathBytes(bdSeq: number, time: number): Buffer {
  return Buffer.from(writeSparkplug({ time, metrics: [{ name: "bdSeq", time, type: "UInt64", value: bdSeq }] }));
}
