/**
 * Which topics an authenticated account may use: exact and default-deny, decided without a broker, a disk or a clock.
 *
 * A device publishes below its own prefix and reads its own commands; a consumer reads alarms and current values. Rights
 * are never made by pasting an id into a filter: a device id `+` could not widen them even if the registry let it in.
 * Topics of other worlds (core/foreign-topics.ts) are granted to whom they concern: LoRaWAN uplinks to an account that
 * carries LoRaWAN devices, Sparkplug to that of the edge node.
 */
import { externalName } from "../core/directory.ts";
import { downlinkTopic, isDownlinkFilter, parseForeignTopic, SPARKPLUG_ROOT } from "../core/foreign-topics.ts";
import type { Consumer } from "../core/ports.ts";
import type { DeviceContext } from "../core/site.ts";
import {
  DEVICE_CHANNELS,
  DEVICE_SUBSCRIPTIONS,
  type DeviceChannel,
  devicePrefix,
  PAYLOAD_BYTES_MAX,
  TOPIC_ROOT,
} from "../core/wire.ts";

export interface DeviceGrant {
  readonly kind: "device";
  /** Device id, which is user name and client id too. */
  readonly name: string;
  /** Ends with "/": without it, device well-1 could publish as well-10. */
  readonly prefix: string;
  /** Whose messages it sends: its own and those of the devices that it carries. */
  readonly devices: number;
  readonly publish: ReadonlyMap<string, DeviceChannel>;
  readonly subscribe: ReadonlySet<string>;
  /** `externalName` of its Sparkplug edge nodes. */
  readonly edges: ReadonlySet<string>;
  /** It is a LoRaWAN network server, or a LoRaWAN device itself. */
  readonly carriesLorawan: boolean;
  /** Where it takes downlinks for the LoRaWAN devices that it carries. */
  readonly downlinks: ReadonlySet<string>;
}
export interface ConsumerGrant {
  readonly kind: "consumer";
  readonly name: string;
  /** Null reads every tenant. */
  readonly tenant: string | null;
}
export type Grant = DeviceGrant | ConsumerGrant;

export type PublishVerdict =
  | "granted"
  | "reserved-topic"
  | "no-account"
  | "consumers-only-read"
  | "payload-too-large"
  | "control-character-in-topic"
  | "unknown-channel"
  | "foreign-topic";
export type SubscribeVerdict = "granted" | "reserved-topic" | "no-account" | "foreign-topic";

const DOLLAR = 36;
/** Levels below a tenant that consumers read; reserved as site ids, so no device topic can look like one. */
const CONSUMER_BRANCHES = ["alerts", "alerts-log", "current"];
const ROOT_LEVELS = TOPIC_ROOT.split("/");

/** @param carried devices whose messages come through this account's connection. */
export function deviceGrant(context: DeviceContext, carried: readonly DeviceContext[] = []): DeviceGrant {
  const prefix = devicePrefix(context.site, context.station, context.device);
  const all = [context, ...carried].map(({ device }) => device);
  // What is behind an edge node of another account speaks through that one: it moves neither the edge nor its neighbours.
  const nodes = [...(context.device.via === undefined ? [context] : []), ...carried].map(({ device }) => device);
  const edges = nodes.flatMap(({ profile }) => (profile?.sparkplug ? [profile.sparkplug] : []));
  return {
    kind: "device",
    name: context.device.id,
    prefix,
    devices: all.length,
    publish: new Map(DEVICE_CHANNELS.map((channel) => [prefix + channel, channel])),
    subscribe: new Set([
      ...DEVICE_SUBSCRIPTIONS.map((channel) => prefix + channel),
      ...edges.flatMap(({ group, edge }) => commandFilters(group, edge)),
      ...(edges.length > 0 ? STATE_FILTERS : []),
    ]),
    edges: new Set(edges.map(({ group, edge }) => externalName.sparkplug(group, edge))),
    carriesLorawan: all.some(({ profile }) => profile?.lorawan !== undefined),
    downlinks: new Set(
      all.flatMap(({ profile: { lorawan } = {} }) =>
        lorawan?.downlink ? [downlinkTopic(lorawan.downlink, lorawan.devEui)] : [],
      ),
    ),
  };
}

export function consumerGrant(consumer: Consumer): ConsumerGrant {
  return { kind: "consumer", name: consumer.name, tenant: consumer.tenant };
}

/** Asked for every PUBLISH and every will. `$` comes first: `$SYS/x/new/clients` would let anybody throw others out. */
export function mayPublish(grant: Grant | null, topic: string, payloadBytes: number): PublishVerdict {
  if (topic.charCodeAt(0) === DOLLAR) return "reserved-topic";
  if (grant === null) return "no-account";
  if (grant.kind === "consumer") return "consumers-only-read";
  if (!grant.publish.has(topic) && !publishesForeign(grant, topic)) return whyNotGranted(grant, topic);
  return payloadBytes > PAYLOAD_BYTES_MAX ? "payload-too-large" : "granted";
}

/** Asked for every filter of a SUBSCRIBE, and again for every filter a stored session brings back. */
export function maySubscribe(grant: Grant | null, filter: string): SubscribeVerdict {
  if (filter.charCodeAt(0) === DOLLAR) return "reserved-topic";
  if (grant === null) return "no-account";
  if (grant.kind === "device") {
    // A network server subscribes once for all its applications; what is delivered is asked again for each message.
    const isNetworkServer = grant.carriesLorawan && isDownlinkFilter(filter);
    return grant.subscribe.has(filter) || isNetworkServer || receivesForeign(grant, filter)
      ? "granted"
      : "foreign-topic";
  }
  return consumerReads(grant, filter, true) ? "granted" : "foreign-topic";
}

/** Asked for every delivery, so that nothing queued under an older right leaves under a newer one. */
export function mayReceive(grant: Grant | null, topic: string): boolean {
  if (grant === null || topic.charCodeAt(0) === DOLLAR) return false;
  if (grant.kind === "consumer") return consumerReads(grant, topic, false);
  return grant.subscribe.has(topic) || grant.downlinks.has(topic) || receivesForeign(grant, topic);
}

/**
 * Of a network server or an edge node everything is taken, whichever device it speaks of: closing the connection over one
 * that is not registered would silence the others, for ever where the server sends it again with QoS 1. Ingest says whose
 * readings are used.
 */
function publishesForeign({ edges, carriesLorawan }: DeviceGrant, topic: string): boolean {
  const parsed = parseForeignTopic(topic);
  switch (parsed?.format) {
    case "thingsboard":
      return true;
    case "chirpstack":
    case "tts":
      return carriesLorawan;
    case "sparkplug":
      // Births, deaths and numbers of the edge node hold for the devices behind it, so they come in with them.
      return edges.has(externalName.sparkplug(parsed.group, parsed.edge));
    default:
      return false;
  }
}

/** Sparkplug B 3.0, 5.4 and 5.7: the state of hosts, and commands to the edge node and to the devices behind it. */
const STATE_FILTERS = [`${SPARKPLUG_ROOT}/STATE/+`, `${SPARKPLUG_ROOT}/STATE/#`];

function commandFilters(group: string, edge: string): string[] {
  const [node, device] = ["NCMD", "DCMD"].map((type) => `${SPARKPLUG_ROOT}/${group}/${type}/${edge}`);
  return [`${node}`, `${node}/#`, `${device}/+`, `${device}/#`];
}

/** One topic without wildcards: commands to a device behind an edge node of its own, or the state of one host. */
function receivesForeign({ edges, subscribe }: DeviceGrant, topic: string): boolean {
  const levels = topic.split("/");
  const [root, group = "", type = "", edge = "", device] = levels;
  if (root !== SPARKPLUG_ROOT || !levels.every((level) => level !== "" && !/[+#\p{Cc}]/u.test(level))) return false;
  if (levels.length === 3) return group === "STATE" && subscribe.has(`${SPARKPLUG_ROOT}/STATE/+`);
  return (
    type === "DCMD" && device !== undefined && levels.length === 5 && edges.has(externalName.sparkplug(group, edge))
  );
}

/** The first four levels are literal (the tenant may be `+` for a consumer of all), so what follows cannot leave them. */
function consumerReads(grant: ConsumerGrant, topic: string, wildcards: boolean): boolean {
  const [root, version, tenant = "", branch = "", ...rest] = topic.split("/");
  if (root !== ROOT_LEVELS[0] || version !== ROOT_LEVELS[1]) return false;
  if (!CONSUMER_BRANCHES.includes(branch) || rest.length === 0) return false;
  if (topic.includes("\0")) return false;
  if (grant.tenant !== null) return tenant === grant.tenant;
  return wildcards ? tenant === "+" || !/[+#]/.test(tenant) : true;
}

function whyNotGranted(grant: DeviceGrant, topic: string): PublishVerdict {
  // MQTT 3.1.1 [MQTT-1.5.3-2]: U+0000 in a string closes the connection; the other controls [MQTT-1.5.3-1 note] may.
  for (let at = 0; at < topic.length; at++) if (topic.charCodeAt(at) < 32) return "control-character-in-topic";
  return topic.startsWith(grant.prefix) ? "unknown-channel" : "foreign-topic";
}
