/** Puts the gateway together: doors → links → broker → gate → journal stream `raw`; HJ 212 packets through the same gate. */
import type { Clock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type { Consumer, Directory, Journal, Publisher } from "../core/ports.ts";
import type { PresenceSink } from "../core/presence.ts";
import type { EdgeListener } from "../core/sparkplug-edges.ts";
import { Gate } from "./admit.ts";
import { type Broker, createBroker, type OutgoingMessage } from "./broker.ts";
import { Revocations } from "./certificates.ts";
import { nextEnd } from "./credentials.ts";
import type { Hj212Config } from "./hj212-door.ts";
import type { ExchangeTimings } from "./hj212-exchange.ts";
import { type DeviceSecrets, type Hj212Server, openHj212 } from "./hj212-server.ts";
import { ConnectRate } from "./limits.ts";
import { type ListenerConfig, type Listeners, type Addresses as MqttAddresses, openListeners } from "./listeners.ts";
import { keepPace } from "./pace-keeper.ts";
import type { Presence } from "./presence.ts";
import { Refusals } from "./refusals.ts";
import { Room } from "./room.ts";
import { createSparkplugHost } from "./sparkplug-host.ts";
import { TALLY_MS, Tally } from "./tally.ts";

export interface GatewayParts {
  readonly config: ListenerConfig &
    Hj212Config &
    Pick<Config, "mqttConnectionsPerAddress" | "mqttConnections" | "mqttConnectsPerMinute">;
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
  /** Told of devices that come and go. */
  readonly presence?: Presence;
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
  /** Whether an account is connected and has subscribed to this topic, by a filter perhaps. */
  listens(account: string, topic: string): boolean;
  /** A message to a device in bytes. Resolves when it has been delivered to whom is connected. */
  send(message: OutgoingMessage): Promise<void>;
  /** Commands to HJ 212 devices, and how their connections fare. */
  readonly hj212: Pick<Hj212Server, "command" | "isConnected" | "sessions" | "unclaimed">;
  /** Takes what ingest finds out about Sparkplug edge nodes. */
  readonly edges: EdgeListener;
  /** Closes the connections of a device, if it has any. */
  kick(device: string): void;
  /** Answers what is in flight (5 s at most), then closes every connection. Resolves when nothing is open. */
  close(): Promise<void>;
}

const DRAIN_MS_MAX = 5_000;
/** How soon a live connection feels a changed registry, besides the registry's own poll. */
const RENEW_MS = 250;
/** How long a connection outlives its certificate at most. */
const EXPIRY_MS = 5_000;

/** @throws Misconfigured as `openListeners` does, e.g. `PORT_IN_USE`. Nothing stays open then. */
export async function createGateway(parts: GatewayParts): Promise<Gateway> {
  const { config, clock, metrics } = parts;
  const log = parts.log.child({ part: "gateway" });
  const tally = new Tally(metrics);
  const refusals = new Refusals({ count: (reason) => tally.refuse(reason), clock, log });
  const gate = new Gate({ journal: parts.journal, clock, log, tally });
  const places = { all: config.mqttConnections, perAddress: config.mqttConnectionsPerAddress };
  const room = new Room(places, () => tally.refuse("strangers-made-room"));
  const revocations = new Revocations(config, log);
  const broker = await createBroker({
    ...parts,
    isCertificateRequired: config.mqttTlsClients === "required",
    revocations,
    gate,
    tally,
    refusals,
    log,
  });
  let hj212: Hj212Server | undefined;
  let listeners: Listeners;
  try {
    const { exchangeTimings: timings, fieldSecrets: secrets } = parts;
    hj212 = await openHj212({ ...parts, gate, log, tally, refusals, secrets, ...(timings ? { timings } : {}) });
    listeners = await openListeners(config, {
      room,
      log,
      revocations,
      isRegistered: (device) => parts.directory().device(device) !== undefined,
      refuse: (reason, who) => (who ? refusals.refuse(reason, who) : tally.refuse(reason)),
      rate: new ConnectRate(config.mqttConnectsPerMinute),
      clock,
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
      connections: room.open,
      inFlight: gate.inFlight,
      inFlightBytes: gate.inFlightBytes,
      waiting: gate.held,
    });
  const stopCount = clock.every(TALLY_MS, count);
  const stopWatch = clock.every(RENEW_MS, watch({ ...parts, log }, { broker, listeners, revocations, field: hj212 }));
  const stopExpiry = clock.every(EXPIRY_MS, () => broker.closeExpired());
  const stopPace = keepPace({ ...parts, log }, (isHeld) => {
    gate.pace(isHeld);
    if (isHeld) tally.paced();
  });
  const field = hj212;
  const addresses = { ...listeners.addresses, hj212: field.port };
  log.info(addresses, "gateway listens");
  return {
    addresses,
    publisher: broker.publisher,
    listens: (account, topic) => broker.listens(account, topic),
    send: (message) => broker.send(message),
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
      stopExpiry();
      stopCount();
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

/** Renews rights when accounts or the revocation list have changed, or a credential has ended. */
function watch(
  parts: GatewayParts,
  gateway: { broker: Broker; listeners: Listeners; revocations: Revocations; field: Hj212Server },
): () => void {
  const { broker, listeners, revocations, field } = gateway;
  let version = parts.directory().version;
  let consumers = parts.consumers();
  let end = nextEnd(parts.directory(), parts.clock.now());
  const renewTls = untilDone(() => listeners.renewTls(), parts.log);
  return () => {
    const now = parts.clock.now();
    const isNewList = revocations.refresh();
    renewTls(isNewList); // what is open is judged by the list itself, whatever becomes of the files of TLS
    const isSame = parts.directory().version === version && parts.consumers() === consumers;
    if (isSame && !isNewList && now < end) return;
    version = parts.directory().version;
    consumers = parts.consumers();
    end = nextEnd(parts.directory(), now);
    broker.renewGrants();
    field.renew();
  };
}

/** Files of TLS that cannot be read for a moment (both are being replaced) leave the old ones in use, and are tried again. */
function untilDone(renewTls: () => void, log: Logger): (isDue: boolean) => void {
  let isOwed = false;
  let said = "";
  return (isDue) => {
    isOwed ||= isDue;
    if (!isOwed) return;
    try {
      renewTls();
      isOwed = false;
      said = "";
    } catch (error) {
      if (String(error) !== said)
        log.error(
          { err: error },
          "certificate, key or CA of MQTT over TLS cannot be used; the old ones stay, retrying",
        );
      said = String(error);
    }
  };
}
