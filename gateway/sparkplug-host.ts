/**
 * What a Sparkplug host application does, as far as it speaks: rebirth requests, its own STATE, and births and deaths told to
 * presence. Ingest says what it has understood (core/sparkplug-edges.ts); this side has the broker.
 *
 * STATE is published online at start and offline at a clean stop. A host on somebody else's broker would leave a will for
 * the other ends; here host and broker are one process, so when it dies every edge node loses its connection, which says
 * the same, and the retained message is gone with the broker's memory.
 */
import type { Clock } from "../core/clock.ts";
import { externalName } from "../core/directory.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type { Directory } from "../core/ports.ts";
import { noteCarried, type PresenceChange, type PresenceSink } from "../core/presence.ts";
import type { DeviceContext } from "../core/site.ts";
import { type EdgeListener, type EdgeNotice, hostStateTopic, nodeCommandTopic } from "../core/sparkplug-edges.ts";
import { rebirthCommand } from "../core/sparkplug-write.ts";
import type { OutgoingMessage } from "./broker.ts";
import { Rebirths } from "./rebirth.ts";

/** Edge nodes that wait for a primary host name this one. */
export const HOST_ID = "jingtu";
const TICK_MS = 500;
/** For subscribers to take the last STATE. */
const FAREWELL_MS_MAX = 1_000;

export interface SparkplugHost extends EdgeListener {
  /** Says offline and asks nobody any more. */
  close(): Promise<void>;
}

export function createSparkplugHost(parts: {
  readonly send: (message: OutgoingMessage) => Promise<void>;
  readonly directory: () => Directory;
  readonly presence: PresenceSink | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}): SparkplugHost {
  const { send, directory, presence, clock, log, metrics } = parts;
  const rebirths = new Rebirths();
  const stopTicks = clock.every(TICK_MS, () => {
    for (const { group, edge, reason } of rebirths.due(clock.monotonic())) {
      metrics.count("sparkplug_rebirths_asked", 1, { reason });
      log.info({ group, edge, reason }, "a Sparkplug edge node is asked for a rebirth");
      // Sparkplug B 3.0, 6.4.21: QoS 0, not retained.
      void send({ topic: nodeCommandTopic(group, edge), payload: rebirthCommand(clock.now()), qos: 0, retain: false });
    }
  });
  const sayState = (online: boolean): Promise<void> =>
    send({
      topic: hostStateTopic(HOST_ID),
      payload: Buffer.from(JSON.stringify({ online, timestamp: clock.now() })),
      qos: 1,
      retain: true,
    });
  void sayState(true);
  return {
    noticeEdges: async (notices) => {
      for (const notice of notices) {
        rebirths.note(notice, clock.monotonic());
        if (presence) tellPresence(presence, notice, directory());
      }
    },
    close: async () => {
      stopTicks();
      const stop = new AbortController();
      await Promise.race([sayState(false), clock.sleep(FAREWELL_MS_MAX, stop.signal)]);
      stop.abort();
    },
  };
}

/** A node's death takes everything behind it along; its birth says nothing of them, they are born themselves. */
function tellPresence(sink: PresenceSink, { kind, group, edge, device, at }: EdgeNotice, directory: Directory): void {
  if (kind !== "birth" && kind !== "death") return;
  const found = directory.external(externalName.sparkplug(group, edge, device ?? undefined));
  const change: Omit<PresenceChange, "device"> = {
    state: kind === "birth" ? "online" : device === null ? "lost" : "offline",
    reason: kind,
    protocol: "sparkplug",
    at,
  };
  if (found) sink.note({ ...change, device: found.device.id });
  if (kind === "death" && device === null) noteCarried(sink, behind(directory, group, edge), change);
}

function behind(directory: Directory, group: string, edge: string): readonly DeviceContext[] {
  return directory.snapshot.devices.flatMap(({ id, profile }) => {
    const { sparkplug } = profile ?? {};
    const isBehind = sparkplug?.group === group && sparkplug.edge === edge && sparkplug.device !== undefined;
    const context = isBehind ? directory.device(id) : undefined;
    return context ? [context] : [];
  });
}
