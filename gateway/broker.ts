/**
 * The MQTT broker: Aedes with our judgement in its hooks. The only file that knows Aedes.
 *
 * What a device sends leaves through the journal, never through the broker's own matching: `authorizePublish` gives it to
 * the gate, whose append alone releases the PUBACK, and `publish` lets only retained `state` and `info` go on. Those, and
 * QoS 2, Aedes acknowledges as soon as that hook calls back, so there the callback waits for the append. Server messages
 * fan out as usual, without waiting for slow subscribers.
 */

import type { Duplex } from "node:stream";
import {
  Aedes,
  type AuthenticateError,
  type Client,
  type ConnectPacket,
  type PublishPacket,
  type Subscription,
} from "aedes";
import { writeToStream } from "mqtt-packet";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/observe.ts";
import type { Consumer, Directory, Publisher } from "../core/ports.ts";
import { mayPublish, mayReceive, maySubscribe } from "./access.ts";
import type { Gate } from "./admit.ts";
import { type Certificate, isOfNobody, isOver, type Revocations } from "./certificates.ts";
import { brokerClientId, certifiedDevice, renewGrant } from "./credentials.ts";
import { FILTERS_MAX, Link } from "./link.ts";
import type { Arrival } from "./listeners.ts";
import { ConnectionPresence, type Presence } from "./presence.ts";
import type { Refusals } from "./refusals.ts";
import { boundSessions, filterMatches, RETAINED_BYTES_MAX, type SessionStore } from "./sessions.ts";
import { SignIns } from "./sign-in.ts";
import type { Tally } from "./tally.ts";
import { Counted, closeReason } from "./tally.ts";

// Aedes' packet writer would keep all 65,536 two-byte numbers as buffers of their own: 10 MB to save 50 ns a packet.
writeToStream.cacheNumbers = false;

const CONNECT_MS_MAX = 5_000;
/** A subscriber that takes nothing for so long is closed; until then its backlog is kept in memory. */
const DRAIN_MS_MAX = 2_000;
/** A longer keep-alive, or none (0), is held to this; the server may close whom it finds idle (MQTT 3.1.1, 3.1.2.10). */
const KEEPALIVE_SECONDS_MAX = 1_200;
/** QoS 2 messages of one connection awaiting PUBREL. */
const QOS2_MAX = 100;
/** MQTT 3.1 allows 23 characters; our device ids have up to 64, a consumer's room adds its name. */
const CLIENT_ID_CHARACTERS_MAX = 256;

type Done = (error?: Error | null) => void;
type Published = (error?: Error) => void;

/** What this program uses of Aedes 1.2.0 beyond its typings. */
interface AedesInside {
  readonly clients: Readonly<Record<string, Client | undefined>>;
  readonly persistence: SessionStore;
}

type ClientInside = Client & {
  readonly _will?: { readonly topic: string; readonly payload: Buffer };
  /** The will as it will be published. */
  readonly will?: object | null;
  /** A DISCONNECT has come. */
  readonly _disconnected?: boolean;
};

export interface BrokerParts {
  readonly gate: Gate;
  readonly tally: Tally;
  readonly refusals: Refusals;
  readonly revocations: Revocations;
  /** Over TLS with a CA: then a certificate of a removed device holds no connection. */
  readonly isCertificateRequired: boolean;
  readonly directory: () => Directory;
  readonly consumers: () => readonly Consumer[];
  readonly pepper: Buffer;
  readonly presence?: Presence | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}
/** A message of the server in bytes. */
export interface OutgoingMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}
export interface Broker {
  readonly publisher: Publisher;
  /** Whether an account is connected and has subscribed to this topic, by a filter perhaps. */
  listens(device: string, topic: string): boolean;
  /** Resolves when every subscriber has taken it, the slowest too. */
  send(message: OutgoingMessage): Promise<void>;
  /** Takes over a connection's byte stream. */
  accept(stream: Duplex, from: Arrival): void;
  kick(clientId: string): void;
  /** Closes whose account is gone or changed, renews the rights of the others. Call when the registry has changed. */
  renewGrants(): void;
  /** Closes whose certificate has come to its end. */
  closeExpired(): void;
  close(): Promise<void>;
}

class JournaledAedes extends Aedes {
  /** Aedes calls this with a client for device messages and wills, without one for its own and the server's. */
  override publish(packet: PublishPacket, client: Client | Published | null, done?: Published): void {
    if (typeof client === "function") super.publish(packet, client);
    else if (client !== null && !packet.retain) done?.();
    else publishAs.call(this, packet, client, done);
  }
}
/** The whole signature of Aedes' own method; its typings leave the client out. */
const publishAs = Aedes.prototype.publish as unknown as (
  this: Aedes,
  packet: PublishPacket,
  client: Client | null,
  done?: Published,
) => void;

export async function createBroker(parts: BrokerParts): Promise<Broker> {
  const links = new WeakMap<object, Link>();
  const open = new Map<Link, Client>();
  const connections = new ConnectionPresence<Link>(parts.presence, () => parts.gate.isClosing);
  const aedes = new JournaledAedes({
    concurrency: 0,
    connectTimeout: CONNECT_MS_MAX,
    drainTimeout: DRAIN_MS_MAX,
    maxInflightInbound: QOS2_MAX,
    maxClientsIdLength: CLIENT_ID_CHARACTERS_MAX,
    ...signInHooks(parts, links),
    ...topicHooks(parts, links, connections),
  });
  await aedes.listen();
  const inside = aedes as unknown as AedesInside;
  boundSessions(
    inside.persistence,
    (client, filter) => maySubscribe(links.get(client)?.grant ?? null, filter) === "granted",
    () => parts.tally.refuse("subscriber-queue-full"),
  );
  count(aedes, parts, links);
  followConnections(aedes, links, connections);

  return {
    publisher: {
      publish: async ({ topic, payload, retain }) => {
        // Handed over, not delivered: the callback waits for the slowest subscriber.
        aedes.publish({ cmd: "publish", qos: 1, dup: false, topic, payload: Buffer.from(payload), retain }, ignore);
      },
    },
    listens: (account, topic) => {
      const filters = connections.of(account)?.filters;
      if (!filters || filters.has(topic)) return filters !== undefined;
      return [...filters].some((filter) => filterMatches(filter.split("/"), topic));
    },
    send: ({ payload, ...message }) =>
      new Promise((resolve) => {
        aedes.publish({ cmd: "publish", dup: false, ...message, payload: Buffer.from(payload) }, () => resolve());
      }),
    accept: (stream, { address, certificate = null, request, onSignIn = ignore }) => {
      const refuse = (reason: string): void => parts.tally.refuse(reason);
      const link = new Link({ stream, address, certificate, gate: parts.gate, refuse, onSignIn });
      const client = aedes.handle(stream, request);
      links.set(client, link);
      open.set(link, client);
      stream.once("close", () => {
        open.delete(link);
        parts.gate.forget(link);
      });
    },
    kick: (clientId) => inside.clients[clientId]?.close(),
    renewGrants: () => {
      const accounts = { directory: parts.directory(), consumers: parts.consumers(), now: parts.clock.now() };
      for (const [link, client] of open) {
        const reason = whyNot(link.certificate, parts);
        if (reason) {
          closeFor(reason, link, client, parts);
          continue;
        }
        if (!link.signedIn) continue;
        const grant = renewGrant(link.signedIn.grant, link.signedIn.proof, accounts);
        link.signedIn = grant && { ...link.signedIn, grant };
        if (!grant) client.close();
      }
    },
    closeExpired: () => {
      const now = parts.clock.now();
      for (const [link, client] of open)
        if (link.certificate && isOver(link.certificate, now)) closeFor("certificate-expired", link, client, parts);
    },
    close: async () => {
      await new Promise<void>((resolve) => aedes.close(resolve));
      for (const link of open.keys()) link.stream.destroy();
    },
  };
}

/** Why a certificate that opened a connection would not open it now. */
function whyNot(certificate: Certificate | null, parts: BrokerParts): string | null {
  if (!certificate) return null;
  if (parts.revocations.has(certificate.serial)) return "certificate-revoked";
  const isRegistered = (device: string): boolean => parts.directory().device(device) !== undefined;
  return parts.isCertificateRequired && isOfNobody(certificate, isRegistered) ? "certificate-of-nobody" : null;
}

function closeFor(reason: string, link: Link, client: Client, { refusals }: BrokerParts): void {
  refusals.refuse(reason, { address: link.address, account: link.grant?.name });
  link.signedIn = null;
  client.close();
}

function signInHooks(parts: BrokerParts, links: WeakMap<object, Link>) {
  const signIns = new SignIns(parts);

  const preConnect = (
    client: Client,
    packet: ConnectPacket,
    done: (error: Error | null, ok: boolean) => void,
  ): void => {
    const link = links.get(client);
    if (link) {
      const { password, clientId } = packet;
      const certified = certifiedDevice(link.certificate, parts.directory());
      const username = packet.username || certified || undefined;
      link.identity = { username, secret: password, clientId, clean: packet.clean ?? true, certified };
      packet.clientId = brokerClientId(link.identity, parts.directory());
      packet.keepalive = Math.min(packet.keepalive || KEEPALIVE_SECONDS_MAX, KEEPALIVE_SECONDS_MAX);
    }
    done(null, link !== undefined);
  };

  return {
    preConnect,
    authenticate: (
      client: Client,
      _username: string | undefined,
      _password: Buffer | undefined,
      done: (error: AuthenticateError | null, ok: boolean | null) => void,
    ): void => {
      const link = links.get(client);
      if (!link) {
        done(Object.assign(new Counted("user-missing"), { returnCode: 5 }), null);
        return;
      }
      const { _will: will } = client as Client & { _will?: { topic: string; payload: Buffer } };
      const answer = signIns.judge(link, { clientId: client.id, will });
      const tell = (): void => {
        if (answer.granted) done(null, link.signedIn !== null);
        else done(Object.assign(new Counted(answer.reason), { returnCode: answer.code }), null);
      };
      if (answer.delayMs === 0) tell();
      else void parts.clock.sleep(answer.delayMs).then(tell);
    },
  };
}

function topicHooks(parts: BrokerParts, links: WeakMap<object, Link>, connections: ConnectionPresence<Link>) {
  return {
    authorizePublish: (client: Client | null, packet: PublishPacket, done: Done): void => {
      const link = client ? links.get(client) : undefined;
      const grant = link?.grant ?? null;
      const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
      const verdict = mayPublish(grant, packet.topic, payload.length);
      if (!link || grant?.kind !== "device" || verdict !== "granted") {
        const { address = "unknown" } = link ?? {};
        parts.refusals.refuse(verdict, { address, account: grant?.name, topic: packet.topic });
        done(new Counted(verdict));
        return;
      }
      if (parts.gate.isClosing) {
        // A stopping server closes connections itself: that says nothing about the device, so no will either.
        done(new Counted("closing"));
        return;
      }
      const channel = grant.publish.get(packet.topic);
      const isKept = (channel === "state" || channel === "info") && payload.length <= RETAINED_BYTES_MAX;
      packet.retain = packet.retain && isKept;
      const message = { receivedAt: parts.clock.now(), device: grant.name, topic: packet.topic, payload };
      const isWill = (client as ClientInside).will === packet;
      const durable = (): void => {
        const other = connections.of(grant.name);
        if (channel !== "state" || (isWill && other && other !== link)) return; // the device has come back already
        parts.presence?.state({ device: grant.name, payload, isWill, address: link.address });
      };
      if (packet.qos === 2 || packet.retain) {
        parts.gate.admit(link, message, null, (error) => {
          if (!error) durable();
          done(error && new Counted(error.message, { cause: error }));
        });
        return;
      }
      // Here the gate itself acknowledges, a whole group commit in one write. The broker is through with the message,
      // so it may read on: were it to wait, one packet behind each chunk would wait for the commit of the one before.
      const ackId = packet.qos === 1 ? (packet.messageId ?? null) : null;
      packet.qos = 0;
      parts.gate.admit(link, message, ackId, (error) => (error ? link.stream.destroy() : durable()));
      process.nextTick(done);
    },
    authorizeSubscribe: (
      client: Client,
      subscription: Subscription,
      done: (error: Error | null, subscription?: Subscription | null) => void,
    ): void => {
      const link = links.get(client);
      const verdict = maySubscribe(link?.grant ?? null, subscription.topic);
      const reason =
        verdict === "granted" && link && !hasRoomFor(link, subscription.topic) ? "too-many-filters" : verdict;
      if (reason !== "granted") {
        const { address = "unknown", grant } = link ?? {};
        parts.refusals.refuse(`subscribe-${reason}`, { address, account: grant?.name, topic: subscription.topic });
      }
      // MQTT 3.1.1, 3.9.3: null is answered with 0x80; the connection and the other filters live on.
      done(null, reason === "granted" ? subscription : null);
    },
    authorizeForward: <Packet extends PublishPacket>(client: Client, packet: Packet): Packet | null =>
      mayReceive(links.get(client)?.grant ?? null, packet.topic) ? packet : null,
  };
}

function hasRoomFor(link: Link, filter: string): boolean {
  if (link.filters.has(filter)) return true;
  if (link.filters.size >= FILTERS_MAX) return false;
  link.filters.add(filter);
  return true;
}

function count(aedes: JournaledAedes, parts: BrokerParts, links: WeakMap<object, Link>): void {
  const { tally, log } = parts;
  aedes.on("client", () => tally.connect());
  aedes.on("clientReady", (client) => {
    const link = links.get(client);
    if (link?.grant) link.open(link.grant.kind);
  });
  aedes.on("clientDisconnect", () => tally.disconnect());
  aedes.on("unsubscribe", (filters, client) => {
    for (const filter of filters) links.get(client)?.filters.delete(filter);
  });
  for (const event of ["clientError", "connectionError"] as const)
    aedes.on(event, (client, error) => {
      const reason = closeReason(error);
      if (reason) tally.refuse(reason);
      const link = links.get(client);
      if (link && reason === "keepalive-timeout") link.isSilent = true;
    });
  aedes.on("error" as "closed", ((error: Error) => log.error({ err: error }, "broker fault")) as () => void);
}

/** Tells presence of devices that come and go; a DISCONNECT is a goodbye, anything else a loss. */
function followConnections(
  aedes: JournaledAedes,
  links: WeakMap<object, Link>,
  connections: ConnectionPresence<Link>,
): void {
  aedes.on("clientReady", (client) => {
    const link = links.get(client);
    if (link?.grant?.kind === "device") connections.enter(link.grant.name, link);
  });
  aedes.on("clientDisconnect", (client) => {
    const link = links.get(client);
    const saidGoodbye = (client as ClientInside)._disconnected === true;
    if (link)
      connections.leave(link, saidGoodbye ? "disconnected" : link.isSilent ? "keepalive-timeout" : "connection-lost");
  });
}

function ignore(): void {}
