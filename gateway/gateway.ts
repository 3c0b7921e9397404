/** Puts the gateway together: doors → links → broker → gate → journal stream `raw`. */
import type { Clock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import { type Consumer, type Directory, INGEST_READER, type Journal, type Publisher } from "../core/ports.ts";
import type { PresenceSink } from "../core/presence.ts";
import type { EdgeListener } from "../core/sparkplug-edges.ts";
import { Gate } from "./admit.ts";
import { type Broker, createBroker } from "./broker.ts";
import { ConnectionLimit } from "./limits.ts";
import { type Addresses, type ListenerConfig, type Listeners, openListeners } from "./listeners.ts";
import { nextPace, PACE_MS, START } from "./pace.ts";
import type { Presence } from "./presence.ts";
import { createSparkplugHost } from "./sparkplug-host.ts";
import { TALLY_MS, Tally } from "./tally.ts";

export interface GatewayParts {
  readonly config: ListenerConfig & Pick<Config, "mqttConnectionsPerAddress" | "mqttConnections">;
  readonly journal: Journal;
  /** The newest copy of the registry. */
  readonly directory: () => Directory;
  readonly consumers: () => readonly Consumer[];
  /** Key of the HMACs of all machine secrets. */
  readonly pepper: Buffer;
  /** Told of devices that come and go. */
  readonly presence?: Presence;
  /** Told of the births and deaths of Sparkplug edge nodes and of what is behind them. */
  readonly edgePresence?: PresenceSink | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}
export interface Gateway {
  /** Ports that were bound; null where a listener is off. */
  readonly addresses: Addresses;
  /** Alarms and current values to consumers, commands to devices. Resolves when handed over, not when delivered. */
  readonly publisher: Publisher;
  /** Whether a device is connected and has subscribed to this topic of its own. */
  listens(device: string, topic: string): boolean;
  /** Takes what ingest finds out about Sparkplug edge nodes. */
  readonly edges: EdgeListener;
  /** Closes the connection of a device, if it has one. */
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
  let listeners: Listeners;
  try {
    listeners = await openListeners(config, {
      limit,
      log,
      refuse: (reason) => tally.refuse(reason),
      accept: broker.accept,
    });
  } catch (error) {
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
  log.info({ ...listeners.addresses }, "gateway listens");
  return {
    addresses: listeners.addresses,
    publisher: broker.publisher,
    listens: (device, topic) => broker.listens(device, topic),
    edges: host,
    kick: (device) => broker.kick(device),
    close: async () => {
      listeners.stop();
      await gate.close(DRAIN_MS_MAX);
      stopWatch();
      stopPace();
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
