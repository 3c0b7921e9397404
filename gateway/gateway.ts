/** Puts the gateway together: doors → links → broker → gate → journal stream `raw`; HJ 212 packets through the same gate. */
import type { Clock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import { type Consumer, type Directory, INGEST_READER, type Journal, type Publisher } from "../core/ports.ts";
import type { PresenceSink } from "../core/presence.ts";
import type { EdgeListener } from "../core/sparkplug-edges.ts";
import { Gate } from "./admit.ts";
import { type Broker, createBroker } from "./broker.ts";
import type { Hj212Config } from "./hj212-door.ts";
import type { ExchangeTimings } from "./hj212-exchange.ts";
import { type DeviceSecrets, type Hj212Server, openHj212 } from "./hj212-server.ts";
import { ConnectionLimit } from "./limits.ts";
import { type ListenerConfig, type Listeners, type Addresses as MqttAddresses, openListeners } from "./listeners.ts";
import { nextPace, PACE_MS, START } from "./pace.ts";
import { createSparkplugHost } from "./sparkplug-host.ts";
import { TALLY_MS, Tally } from "./tally.ts";

export interface GatewayParts {
  readonly config: ListenerConfig & Hj212Config & Pick<Config, "mqttConnectionsPerAddress" | "mqttConnections">;
  readonly journal: Journal;
  /** The newest copy of the registry. */
  readonly directory: () => Directory;
  readonly consumers: () => readonly Consumer[];
  /** HJ 212 passwords and keys, by device. */
  readonly fieldSecrets: () => ReadonlyMap<string, DeviceSecrets>;
  /** HJ 212 time-outs; those of the standard when left out. */
  readonly exchangeTimings?: ExchangeTimings;
  /** Key of the HMACs of all machine secrets. */
  readonly pepper: Buffer;
  /** Told of the births and deaths of Sparkplug edge nodes and of what is behind them. */
  readonly edgePresence?: PresenceSink | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}
export interface Addresses extends MqttAddresses {
  readonly hj212: number;
}
export interface Gateway {
  /** Ports that were bound; null where a listener is off. */
  readonly addresses: Addresses;
  /** Alarms and current values to consumers, commands to devices. Resolves when handed over, not when delivered. */
  readonly publisher: Publisher;
  /** Commands to HJ 212 devices, and how their connections fare. */
  readonly hj212: Pick<Hj212Server, "command" | "sessions" | "unclaimed">;
  /** Takes what ingest finds out about Sparkplug edge nodes. */
  readonly edges: EdgeListener;
  /** Closes the connections of a device, if it has any. */
  kick(device: string): void;
  /** Answers what is in flight (5 s at most), then closes every connection. Resolves when nothing is open. */
  close(): Promise<void>;
}

const DRAIN_MS_MAX = 5_000;

/** @throws Misconfigured as `openListeners` does, e.g. `PORT_IN_USE`. Nothing stays open then. */
export async function createGateway(parts: GatewayParts): Promise<Gateway> {
  const { config, clock, metrics } = parts;
  const log = parts.log.child({ part: "gateway" });
  const tally = new Tally(metrics);
  const gate = new Gate({ journal: parts.journal, clock, log, tally });
  const limit = new ConnectionLimit({ all: config.mqttConnections, perAddress: config.mqttConnectionsPerAddress });
  const broker = await createBroker({ ...parts, gate, tally, log });
  let hj212: Hj212Server | undefined;
  let listeners: Listeners;
  try {
    const { exchangeTimings: timings, fieldSecrets: secrets } = parts;
    hj212 = await openHj212({ ...parts, gate, log, tally, secrets, ...(timings ? { timings } : {}) });
    listeners = await openListeners(config, {
      limit,
      log,
      refuse: (reason) => tally.refuse(reason),
      accept: broker.accept,
    });
  } catch (error) {
    hj212?.close();
    await broker.close();
    throw error;
  }
  const host = createSparkplugHost({
    ...parts,
    log,
    presence: parts.edgePresence,
    send: (message) => broker.send(message),
  });
  const count = (): void =>
    tally.flush({
      connections: limit.open,
      inFlight: gate.inFlight,
      inFlightBytes: gate.inFlightBytes,
      waiting: gate.held,
    });
  const stopWatch = clock.every(TALLY_MS, watch(parts, broker, count));
  const stopPace = keepPace(parts, gate, tally, log);
  const field = hj212;
  const addresses = { ...listeners.addresses, hj212: field.port };
  log.info(addresses, "gateway listens");
  return {
    addresses,
    publisher: broker.publisher,
    hj212: field,
    kick: (device) => {
      broker.kick(device);
      field.kick(device);
    },
    edges: host,
    close: async () => {
      listeners.stop();
      field.stop();
      await gate.close(DRAIN_MS_MAX);
      stopWatch();
      stopPace();
      field.close();
      await host.close();
      await broker.close();
      await listeners.close();
      count();
      log.info({}, "gateway closed");
    },
  };
}

/** Holds senders while ingest is too far behind, see pace.ts. */
function keepPace({ journal, clock }: GatewayParts, gate: Gate, tally: Tally, log: Logger): () => void {
  let pace = START;
  let isAsking = false;
  return clock.every(PACE_MS, () => {
    if (isAsking) return;
    isAsking = true;
    Promise.all([journal.end("raw"), journal.position(INGEST_READER, "raw")])
      .then(([end, position]) => {
        pace = nextPace(pace, { end, position });
        gate.pace(pace.isHeld);
        if (pace.isHeld) tally.paced();
      })
      .catch((error: unknown) => {
        gate.pace(false);
        log.warn({ err: error }, "the journal did not say how far ingest is; devices are not paced");
      })
      .finally(() => {
        isAsking = false;
      });
  });
}

/** Once a second: counters to the metrics, and rights renewed when the registry or the consumers have changed. */
function watch(parts: GatewayParts, broker: Broker, count: () => void): () => void {
  let version = parts.directory().version;
  let consumers = parts.consumers();
  return () => {
    count();
    if (parts.directory().version === version && parts.consumers() === consumers) return;
    version = parts.directory().version;
    consumers = parts.consumers();
    broker.renewGrants();
  };
}
