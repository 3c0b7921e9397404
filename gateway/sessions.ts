/**
 * Bounds and short-cuts over the broker's memory store: queues of absent subscribers, retained messages, QoS 2 state.
 *
 * As it comes the store keeps every queued message for ever, keeps filters that were refused (and queues for them), and
 * walks through all retained messages at every SUBSCRIBE: 10,000 devices coming back would walk 10,000 times 20,000.
 */
import { Readable } from "node:stream";

/** For each stored session; what comes on top is not kept, the retained alarm topic still tells how things stand. */
export const QUEUE_MESSAGES_MAX = 100;
export const QUEUE_BYTES_MAX = 1024 * 1024;
/** A larger retained message of a device is journaled, but not kept. */
export const RETAINED_BYTES_MAX = 4 * 1024;

export interface StoredPacket {
  readonly topic: string;
  readonly payload: Buffer | string;
  readonly messageId?: number | undefined;
  readonly clientId?: string;
  readonly qos: 0 | 1 | 2;
}
export interface StoredSubscription {
  readonly topic: string;
  readonly clientId?: string;
}
/** The methods of aedes-persistence 11 that are bounded here. */
export interface SessionStore {
  storeRetained(packet: StoredPacket): Promise<void>;
  createRetainedStreamCombi(filters: readonly string[]): Readable;
  addSubscriptions(client: { readonly id: string }, subscriptions: readonly StoredSubscription[]): Promise<void>;
  outgoingEnqueueCombi(subscriptions: readonly StoredSubscription[], packet: StoredPacket): Promise<void>;
  outgoingUpdate(client: { readonly id: string }, packet: StoredPacket): Promise<void>;
  outgoingClearMessageId(client: { readonly id: string }, packet: StoredPacket): Promise<StoredPacket | undefined>;
  incomingStorePacket(client: { readonly id: string }, packet: StoredPacket): Promise<void>;
}

const NOTHING = Buffer.alloc(0);

/**
 * Replaces methods of `store` by bounded ones.
 *
 * @param mayKeep whether a connected client holds the right to a filter; a refused one must not be stored.
 * @param dropped told of every message that a full queue did not take.
 */
export function boundSessions(
  store: SessionStore,
  mayKeep: (client: { readonly id: string }, filter: string) => boolean,
  dropped: () => void,
): void {
  Object.assign(store, {
    ...retainedByTopic(),
    ...boundedQueues(store, dropped),
    addSubscriptions: keepGranted(store, mayKeep),
    incomingStorePacket: storeIdOnly(store),
  } satisfies SessionStore);
}

/** Aedes stores all filters of a SUBSCRIBE when one of them is granted. */
function keepGranted(
  store: SessionStore,
  mayKeep: (client: { readonly id: string }, filter: string) => boolean,
): SessionStore["addSubscriptions"] {
  const addAll = store.addSubscriptions.bind(store);
  return (client, subscriptions) =>
    addAll(
      client,
      subscriptions.filter(({ topic }) => mayKeep(client, topic)),
    );
}

/** The journal has the message; between PUBLISH and PUBREL only its id matters. */
function storeIdOnly(store: SessionStore): SessionStore["incomingStorePacket"] {
  const storeWhole = store.incomingStorePacket.bind(store);
  return (client, packet) => storeWhole(client, { ...packet, payload: NOTHING });
}

function boundedQueues(
  store: SessionStore,
  dropped: () => void,
): Pick<SessionStore, "outgoingEnqueueCombi" | "outgoingUpdate" | "outgoingClearMessageId"> {
  const enqueue = store.outgoingEnqueueCombi.bind(store);
  const update = store.outgoingUpdate.bind(store);
  const clear = store.outgoingClearMessageId.bind(store);
  const queues = new Map<string, { messages: number; bytes: number }>();
  return {
    outgoingEnqueueCombi: (subscriptions, packet) => {
      const kept = subscriptions.filter(({ clientId = "" }) => {
        const queue = queues.get(clientId) ?? { messages: 0, bytes: 0 };
        const bytes = queue.bytes + packet.payload.length;
        if (queue.messages >= QUEUE_MESSAGES_MAX || bytes > QUEUE_BYTES_MAX) {
          dropped();
          return false;
        }
        queues.set(clientId, { messages: queue.messages + 1, bytes });
        return true;
      });
      return enqueue(kept, packet);
    },
    // A connected subscriber gets also what its queue did not keep; the store then knows nothing to update.
    outgoingUpdate: (client, packet) => update(client, packet).catch(() => undefined),
    outgoingClearMessageId: async (client, packet) => {
      const cleared = await clear(client, packet);
      const queue = cleared && queues.get(client.id);
      if (queue) {
        queue.messages -= 1;
        queue.bytes -= cleared.payload.length;
        if (queue.messages === 0) queues.delete(client.id);
      }
      return cleared;
    },
  };
}

/** Retained messages by topic: a filter without wildcards costs one look-up. */
function retainedByTopic(): Pick<SessionStore, "storeRetained" | "createRetainedStreamCombi"> {
  const retained = new Map<string, StoredPacket>();
  return {
    storeRetained: async (packet) => {
      if (packet.payload.length === 0) retained.delete(packet.topic);
      else retained.set(packet.topic, { ...packet });
    },
    createRetainedStreamCombi: (filters) => Readable.from(filters.flatMap((filter) => [...matching(retained, filter)])),
  };
}

function* matching(retained: ReadonlyMap<string, StoredPacket>, filter: string): Generator<StoredPacket> {
  if (!/[+#]/.test(filter)) {
    const packet = retained.get(filter);
    if (packet) yield packet;
    return;
  }
  const levels = filter.split("/");
  const literal = filter.slice(0, filter.search(/[+#]/)).replace(/\/$/, "");
  for (const [topic, packet] of retained) {
    if (topic.startsWith(literal) && filterMatches(levels, topic)) yield packet;
  }
}

/** MQTT 3.1.1, 4.7.1: `+` is one level, a last `#` is the parent and everything below. */
export function filterMatches(filterLevels: readonly string[], topic: string): boolean {
  const topicLevels = topic.split("/");
  for (const [at, level] of filterLevels.entries()) {
    if (level === "#") return true;
    if (at >= topicLevels.length || (level !== "+" && level !== topicLevels[at])) return false;
  }
  return filterLevels.length === topicLevels.length;
}
